//! The program is killed (SIGKILL) and started again.

use crate::{
    facility::Facility,
    fault::Fault,
    place::{JOBS, Place},
    program::{run, start, too_late},
    random::Random,
    record_file::{checkpoints, records},
    scale::Scale,
    shim::{with_fault, with_frequent_checkpoints},
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 3] = [
    Fault { name: "kill −9 at a random moment", needs: &[], tries: at_random_moments },
    Fault {
        name: "kill −9 at a random moment, with checkpoints many times a second",
        needs: &[Facility::Compiler],
        tries: among_checkpoints,
    },
    Fault {
        name: "kill −9 in the middle of a write, or before a flush",
        needs: &[Facility::Compiler],
        tries: within_calls,
    },
];

fn at_random_moments(scale: Scale, tally: &mut Tally) {
    kill(scale.times(5, 25), "kill", |place| place, tally);
}

fn among_checkpoints(scale: Scale, tally: &mut Tally) {
    let found =
        kill(scale.times(2, 15), "kill among checkpoints", with_frequent_checkpoints, tally);
    // In the few tries of the reduced form there may be none.
    tally.check(found > 0 || scale == Scale::Reduced, || "no kill left a checkpoint".to_owned());
}

/// Kills sweeps; returns how many checkpoints they left.
fn kill(times: usize, label: &str, with: fn(Place) -> Place, tally: &mut Tally) -> usize {
    let undisturbed = undisturbed();
    let mut random = Random::of(label);
    let mut n_checkpoints = 0;
    let mut late = 0;
    while tally.times < times && late <= too_late(times) {
        let place = with(Place::new());
        let moment = random.moment(undisturbed.wall);
        let label = format!("{label} after {} ms", moment.as_millis());
        let mut running = start(&mut place.sweep());
        let runs = running.runs_after(moment);
        if !running.kill() || !runs {
            late += 1;
            continue;
        }
        tally.tried();
        n_checkpoints += checkpoints(&place.store()).len();
        resume(place, &label, tally);
    }
    tally.check(tally.times == times, || "most sweeps ended before they were killed".to_owned());
    n_checkpoints
}

fn within_calls(scale: Scale, tally: &mut Tally) {
    let mut random = Random::of("kill within a call");
    for number in 0..scale.times(3, 10) {
        // A record is one write and two flushes, of the file before it gets its name, and of the folder after it.
        let (kind, calls) = if number % 2 == 0 { ("write", 12) } else { ("flush", 24) };
        let call = 1 + random.below(calls);
        let place = with_fault(Place::new(), "FAULT_KILL", format!("{kind}:{call}"));
        let label = format!("kill at {kind} {call}");
        let ended = run(&mut place.sweep());
        tally.tried();
        tally.check(ended.code().is_none(), || format!("{label}: it was not killed: {ended:?}"));
        resume(place, &label, tally);
    }
}

/// Runs the same command again after a kill.
fn resume(place: Place, label: &str, tally: &mut Tally) {
    let place = place.plain();
    let before = records(&place.store());
    let ended = run(&mut place.sweep());
    undisturbed().compare_all(&place, &ended, label, tally);
    // All that is computed twice is what was in flight.
    still_there(&before, &place.store(), label, tally);
    tally.check(ended.stderr.is_empty(), || format!("{label}: after the kill: {}", ended.stderr));
    let n_temporary = std::fs::read_dir(place.store()).map_or(0, |entries| {
        let is_temporary =
            |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".tmp");
        entries.filter(|entry| entry.as_ref().is_ok_and(is_temporary)).count()
    });
    tally.check(n_temporary <= JOBS, || format!("{label}: {n_temporary} temporary files"));
}
