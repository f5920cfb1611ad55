//! File systems that refuse to flush a file to the disk, and disks that fail to.

use crate::{
    facility::Facility,
    fault::Fault,
    place::Place,
    program::run,
    record_file::records,
    shim::with_fault,
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 2] = [
    Fault {
        name: "a file system that refuses to flush (EINVAL, EOPNOTSUPP, ENOSYS)",
        needs: &[Facility::Compiler],
        tries: |_, tally| refused(tally),
    },
    Fault {
        name: "a disk that fails to flush (EIO)",
        needs: &[Facility::Compiler],
        tries: |_, tally| failed(tally),
    },
];

/// Error numbers of Linux.
const EIO: i32 = 5;
const EINVAL: i32 = 22;
const ENOSYS: i32 = 38;
const EOPNOTSUPP: i32 = 95;

fn refused(tally: &mut Tally) {
    for error in [EINVAL, EOPNOTSUPP, ENOSYS] {
        let label = format!("flush refused with error {error}");
        let place = with_fault(Place::new(), "FAULT_FLUSH", error.to_string());
        let ended = run(&mut place.sweep());
        tally.tried();
        undisturbed().compare_all(&place, &ended, &label, tally);
        // Once, not for every file.
        tally.check(ended.stderr.lines().count() == 1, || format!("{label}: {}", ended.stderr));
        ended.stderr.lines().for_each(|line| tally.said(line));
    }
}

/// A record that may not be on the disk is not reported as stored.
fn failed(tally: &mut Tally) {
    let place = with_fault(Place::new(), "FAULT_FLUSH", EIO.to_string());
    let ended = run(&mut place.sweep());
    tally.tried();
    if let Some(crash) = ended.crash() {
        tally.wrong(crash);
    }
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let named = matches!(lines[..], [line] if line.contains("/runs"));
    tally.check(ended.code() == Some(2) && named, || {
        format!("{:?}: {}", ended.status, ended.stderr)
    });
    lines.iter().for_each(|line| tally.said(line));
    let place = place.plain();
    let before = records(&place.store());
    let ended = run(&mut place.sweep());
    undisturbed().compare_all(&place, &ended, "after EIO", tally);
    still_there(&before, &place.store(), "after EIO", tally);
}
