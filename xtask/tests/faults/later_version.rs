//! A record that a later version of the program wrote.

use std::fs;

use crate::{
    fault::Fault,
    place::Place,
    program::run,
    record_file::{records, resealed},
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 1] = [Fault {
    name: "a record of a later version",
    needs: &[],
    tries: |_, tally| later_version(tally),
}];

fn later_version(tally: &mut Tally) {
    let undisturbed = undisturbed();
    let key = undisturbed.keys()[0];
    let place = Place::with_store(&undisturbed.files);
    let path = place.store().join(format!("{key}.json"));
    let later = resealed(&fs::read(&path).expect("a record"), "\"format\": 1", "\"format\": 2");
    fs::write(&path, &later).expect("a writable folder");
    let before = records(&place.store());

    let ended = run(&mut place.sweep());
    tally.tried();
    if let Some(crash) = ended.crash() {
        tally.wrong(crash);
    }
    tally.check(ended.code() == Some(2), || format!("status {:?} instead of 2", ended.code()));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let refused =
        matches!(lines[..], [line] if line.contains(key) && line.contains("later version"));
    tally.check(refused, || {
        format!("no line that names the file and a later version: {}", ended.stderr)
    });
    lines.iter().for_each(|line| tally.said(line));
    still_there(&before, &place.store(), "later version", tally);
    // A plan changes nothing either, and does not end by a panic.
    let plan = run(&mut place.command(&["run", "sweep.json", "--plan"]));
    if let Some(crash) = plan.crash() {
        tally.wrong(format!("plan: {crash}"));
    }
    still_there(&before, &place.store(), "plan, later version", tally);
    if fs::read(&path).ok() != Some(later) {
        tally.lost("the record of a later version");
    }
}
