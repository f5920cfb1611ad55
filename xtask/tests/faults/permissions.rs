//! Folders that cannot be written or read.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    facility::{Facility, bound_by_permissions},
    fault::Fault,
    mount::Mount,
    place::Place,
    program::{Ended, run},
    record_file::{other_files, records},
    scale::Scale,
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 3] = [
    Fault { name: "no permission to write", needs: &[Facility::Permissions], tries: not_writable },
    Fault { name: "no permission to read", needs: &[Facility::Permissions], tries: not_readable },
    Fault { name: "a disk that can be read only", needs: &[Facility::Mounts], tries: read_only },
];

fn mode(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("our folder");
}

/// Fewer records than the sweep has, so that something is to be computed.
fn incomplete() -> Place {
    let place = Place::with_store(&undisturbed().files);
    for key in &undisturbed().keys()[..2] {
        fs::remove_file(place.store().join(format!("{key}.json"))).expect("a record");
    }
    place
}

/// An error is one line that names the folder or a file in it, and the status is 2.
fn expect_refusal(ended: &Ended, folder: &Path, label: &str, tally: &mut Tally) {
    tally.tried();
    if let Some(crash) = ended.crash() {
        return tally.wrong(format!("{label}: {crash}"));
    }
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let folder = folder.display().to_string();
    let named = matches!(lines[..], [line] if line.contains(&folder));
    tally.check(ended.code() == Some(2) && named, || {
        format!("{label}: {:?}, or no line that names {folder}: {}", ended.status, ended.stderr)
    });
    lines.iter().for_each(|line| tally.said(line));
}

fn not_writable(_: Scale, tally: &mut Tally) {
    for folder in ["", "runs", "sweep"] {
        let place = incomplete().below(bound_by_permissions());
        fs::create_dir(place.results().join("sweep")).expect("a writable folder");
        let before = records(&place.store());
        let refused = place.results().join(folder);
        mode(&refused, 0o555);
        // The folder of results may be read only: those below it are there, and can be written.
        let ended = run(&mut place.sweep());
        let label = format!("results/{folder} cannot be written");
        if folder.is_empty() && ended.code() == Some(0) {
            tally.tried();
            undisturbed().compare_all(&place, &ended, &label, tally);
        } else {
            expect_refusal(&ended, &refused, &label, tally);
        }
        let plan = run(&mut place.command(&["run", "sweep.json", "--plan"]));
        tally.check(plan.status.success(), || format!("{label}: plan: {}", plan.stderr));
        mode(&refused, 0o755);
        still_there(&before, &place.store(), &label, tally);
        // The same command afterwards.
        let ended = run(&mut place.sweep());
        undisturbed().compare_all(&place, &ended, &label, tally);
    }
    // Nothing can be made at all.
    let place = Place::new();
    let closed = place.folder().join("closed");
    fs::create_dir(&closed).expect("a writable folder");
    mode(&closed, 0o555);
    let out = closed.join("results");
    let place = place.below(bound_by_permissions()).out(out.clone(), out);
    expect_refusal(&run(&mut place.sweep()), &closed, "results cannot be made", tally);
    mode(&closed, 0o755);
}

fn not_readable(_: Scale, tally: &mut Tally) {
    for forbidden in [0o000, 0o300, 0o444] {
        let place = incomplete().below(bound_by_permissions());
        let (store, label) = (place.store(), format!("results/runs with mode {forbidden:o}"));
        let before = records(&store);
        mode(&store, forbidden);
        expect_refusal(&run(&mut place.sweep()), &store, &label, tally);
        let plan = run(&mut place.command(&["run", "sweep.json", "--plan"]));
        if let Some(crash) = plan.crash() {
            tally.wrong(format!("{label}: plan: {crash}"));
        }
        mode(&store, 0o755);
        still_there(&before, &store, &label, tally);
        tally.check(other_files(&store).is_empty(), || format!("{label}: other files"));
    }
}

fn read_only(_: Scale, tally: &mut Tally) {
    let incomplete = incomplete();
    let fill = |folder: &Path| {
        let to = folder.join("runs");
        fs::create_dir(&to).expect("a writable folder");
        for key in records(&incomplete.store()).keys() {
            let name = format!("{key}.json");
            fs::copy(incomplete.store().join(&name), to.join(&name)).expect("a record");
        }
    };
    for fill in [Some(fill), None] {
        let mount = Mount::read_only(|folder| fill.iter().for_each(|fill| fill(folder)));
        let place = mount.place();
        let before = records(&place.store());
        let ended = run(&mut place.sweep());
        expect_refusal(&ended, place.out_path(), "a disk that can be read only", tally);
        still_there(&before, &place.store(), "a disk that can be read only", tally);
        let plan = run(&mut place.command(&["run", "sweep.json", "--plan", "--json"]));
        let stored = format!("\"stored\": {}", before.len());
        tally.check(plan.stdout.contains(&stored), || format!("plan: no {stored}: {plan:?}"));
    }
}
