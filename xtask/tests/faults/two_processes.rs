//! Several processes on one store.

use std::fs;

use crate::{
    facility::Facility,
    fault::Fault,
    place::Place,
    program::{Ended, run, start, too_late},
    random::Random,
    record_file::records,
    scale::Scale,
    shim::with_fault,
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 3] = [
    Fault { name: "two whole sweeps at once", needs: &[Facility::Compiler], tries: sweeps },
    Fault {
        name: "two shares, and a share twice, at once",
        needs: &[Facility::Compiler],
        tries: shares,
    },
    Fault {
        name: "two whole sweeps at once, one of them killed (−9)",
        needs: &[],
        tries: one_is_killed,
    },
];

/// Runs commands at once, with a list of the files that they write to the store.
fn at_once(
    place: Place,
    label: &str,
    commands: &[&[&str]],
    tally: &mut Tally,
) -> (Place, Vec<Ended>) {
    let undisturbed = undisturbed();
    let log = place.folder().join("written");
    let place = with_fault(place, "FAULT_LOG", log.display().to_string());
    let start = |arguments: &&[&str]| start(&mut place.command(arguments));
    let running: Vec<_> = commands.iter().map(start).collect();
    let ended: Vec<Ended> = running.into_iter().map(|running| running.end()).collect();
    let stored = records(&place.store()).len();
    let lines = fs::read_to_string(&log).unwrap_or_default();
    let written = lines.lines().filter(|line| line.contains("/runs/")).count();
    tally.check(written == stored, || {
        format!("{label}: {written} records were written, and {stored} are there")
    });
    tally.check(stored <= undisturbed.keys().len(), || format!("{label}: {stored} records"));
    for ended in &ended {
        match ended.crash() {
            Some(crash) => tally.wrong(format!("{label}: {crash}")),
            None => tally.check(ended.status.success() && ended.stderr.is_empty(), || {
                format!("{label}: {:?}: {}", ended.status, ended.stderr)
            }),
        }
    }
    (place, ended)
}

const SWEEP: [&str; 5] = ["run", "sweep.json", "--quiet", "--jobs", "2"];

fn sweeps(scale: Scale, tally: &mut Tally) {
    for number in 0..scale.times(2, 20) {
        let label = format!("two sweeps, try {number}");
        let (place, ended) = at_once(Place::new(), &label, &[&SWEEP, &SWEEP], tally);
        tally.tried();
        undisturbed().compare_all(&place, &ended[0], &label, tally);
        tally.check(ended[0].stdout == ended[1].stdout, || {
            format!("{label}: they print other tables")
        });
    }
}

fn shares(scale: Scale, tally: &mut Tally) {
    let share = |share: &'static str| [&SWEEP[..], &["--share", share]].concat();
    let (first, second) = (share("1/2"), share("2/2"));
    for number in 0..scale.times(1, 10) {
        let label = format!("shares, try {number}");
        let commands: [&[&str]; 3] = [&first, &second, &first];
        let (place, _) = at_once(Place::new(), &label, &commands, tally);
        tally.tried();
        let before = records(&place.store());
        tally.check(before.len() == undisturbed().keys().len(), || {
            format!("{label}: {} records", before.len())
        });
        let place = place.plain();
        let ended = run(&mut place.sweep());
        undisturbed().compare_all(&place, &ended, &label, tally);
        still_there(&before, &place.store(), &label, tally);
    }
}

/// What a process that was killed had in flight is free for the other one.
fn one_is_killed(scale: Scale, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let mut random = Random::of("one of two");
    let times = scale.times(2, 20);
    let mut late = 0;
    while tally.times < times && late <= too_late(times) {
        let place = Place::new();
        let moment = random.moment(undisturbed.wall);
        let label = format!("one of two killed after {} ms", moment.as_millis());
        let mut killed = start(&mut place.sweep());
        let other = start(&mut place.sweep());
        let runs = killed.runs_after(moment);
        if !killed.kill() || !runs {
            late += 1;
            other.end();
            continue;
        }
        tally.tried();
        let before = records(&place.store());
        let ended = other.end();
        undisturbed.compare_all(&place, &ended, &label, tally);
        still_there(&before, &place.store(), &label, tally);
        tally.check(ended.stderr.is_empty(), || format!("{label}: {}", ended.stderr));
    }
    tally.check(tally.times == times, || "most sweeps ended before the kill".to_owned());
}
