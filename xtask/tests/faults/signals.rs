//! Signals by which users, terminals and clusters end a program.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::{
    facility::Facility,
    fault::Fault,
    place::Place,
    program::{Running, STOPPED, run, start, too_late},
    random::Random,
    record_file::{checkpoints, records},
    scale::Scale,
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 4] = [
    Fault {
        name: "SIGINT",
        needs: &[Facility::Signals],
        tries: |scale, tally| stop("INT", scale, tally),
    },
    Fault {
        name: "SIGTERM",
        needs: &[Facility::Signals],
        tries: |scale, tally| stop("TERM", scale, tally),
    },
    Fault {
        name: "SIGHUP",
        needs: &[Facility::Signals],
        tries: |scale, tally| stop("HUP", scale, tally),
    },
    Fault { name: "SIGHUP below nohup", needs: &[], tries: ignored },
];

/// The time after the start of the program in which half of the signals come.
const EARLY: Duration = Duration::from_millis(200);

/// Stops a sweep, and continues it, until it is complete: as many sweeps as it takes.
fn stop(signal: &str, scale: Scale, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let mut random = Random::of(signal);
    let times = scale.times(4, 20);
    let mut n_checkpoints = 0;
    let mut late = 0;
    while tally.times < times && late <= too_late(times) {
        // Below `nohup`, and in the background of a shell, signals are ignored from the start.
        let place = Place::new().below(["env", &format!("--default-signal={signal}")]);
        loop {
            let early = tally.times.is_multiple_of(2);
            let moment = random.moment(if early { EARLY } else { undisturbed.wall });
            let label = format!("{signal} after {} ms", moment.as_millis());
            let before = records(&place.store());
            // Not quiet: the last line says how to continue.
            let mut command = place.command(&["run", "sweep.json", "--jobs", "2"]);
            let mut running = start(&mut command);
            let runs = wait_for_main(&mut running) && running.runs_after(moment);
            running.signal(signal);
            let ended = running.end();
            still_there(&before, &place.store(), &label, tally);
            if !runs || ended.code() == Some(0) {
                late += 1;
                undisturbed.compare_all(&place, &ended, &label, tally);
                break;
            }
            tally.tried();
            n_checkpoints += checkpoints(&place.store()).len();
            match ended.crash() {
                Some(crash) => tally.wrong(format!("{label}: {crash}")),
                None => tally.check(ended.code() == Some(STOPPED), || {
                    format!(
                        "{label}: status {:?} instead of {STOPPED}: {}",
                        ended.code(),
                        ended.stderr
                    )
                }),
            }
            ended.lines_with("stopped").for_each(|line| tally.said(line));
            if tally.times >= times {
                // No signal any more: the sweep is completed.
                let ended = run(&mut place.sweep());
                undisturbed.compare_all(&place, &ended, &format!("after {label}"), tally);
                break;
            }
        }
    }
    tally.check(tally.times == times, || "most sweeps ended before the signal".to_owned());
    // In the few tries of the reduced form there may be none.
    tally.check(n_checkpoints > 0 || scale == Scale::Reduced, || {
        "no checkpoint was left".to_owned()
    });
}

/// Waits until the program is past the first steps of `main`; returns whether it still runs. Before `main` the system
/// loads the program, and every signal ends it.
fn wait_for_main(running: &mut Running) -> bool {
    const SIGPIPE_IGNORED: u64 = 1 << 12;
    let id = running.child.id();
    let file = |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
    // Just before `main`, Rust ignores SIGPIPE.
    let in_main = || {
        let status = file("status");
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & SIGPIPE_IGNORED != 0)
    };
    let busy_ns = || -> u64 {
        let text = file("schedstat");
        text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
    };
    let start = Instant::now();
    while !in_main() {
        if running.child.try_wait().expect("a child").is_some() {
            return false;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "the program does not begin");
        thread::yield_now();
    }
    // A millisecond of its own time, however busy the machine is.
    let begun = busy_ns();
    let start = Instant::now();
    while busy_ns() < begun + 1_000_000 && start.elapsed() < Duration::from_secs(1) {
        thread::yield_now();
    }
    running.child.try_wait().expect("a child").is_none()
}

fn ignored(scale: Scale, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let mut random = Random::of("nohup");
    let times = scale.times(1, 20);
    let mut late = 0;
    while tally.times < times && late <= too_late(times) {
        let place = Place::new().below(["nohup"]);
        let moment = random.moment(undisturbed.wall);
        let label = format!("HUP below nohup after {} ms", moment.as_millis());
        let mut running = start(&mut place.sweep());
        let runs = wait_for_main(&mut running) && running.runs_after(moment);
        running.signal("HUP");
        let ended = running.end();
        if !runs {
            late += 1;
            continue;
        }
        tally.tried();
        undisturbed.compare_all(&place, &ended, &label, tally);
    }
}
