//! Checkpoints that are not what was written.

use std::{fs, sync::OnceLock, time::Duration};

use crate::{
    damage::Damage,
    facility::{Facility, bound_by_permissions},
    fault::Fault,
    place::{Files, Place, files_of},
    program::{STOPPED, run, start},
    random::Random,
    record_file::{checkpoints, records, resealed},
    tally::Tally,
    undisturbed::undisturbed,
};

pub(crate) const FAULTS: [Fault; 9] = [
    Fault {
        name: "a checkpoint is cut off",
        needs: &[],
        tries: |s, t| damaged(Damage::Truncated, s.times(2, 40), t),
    },
    Fault {
        name: "a checkpoint is emptied",
        needs: &[],
        tries: |s, t| damaged(Damage::Emptied, s.times(1, 4), t),
    },
    Fault {
        name: "one bit of a checkpoint is flipped",
        needs: &[],
        tries: |s, t| damaged(Damage::Flipped, s.times(10, 100), t),
    },
    Fault {
        name: "a checkpoint cannot be read",
        needs: &[Facility::Permissions],
        tries: |s, t| damaged(Damage::Unreadable, s.times(1, 4), t),
    },
    Fault {
        name: "a folder in the place of a checkpoint",
        needs: &[],
        tries: |s, t| damaged(Damage::Folder, s.times(1, 4), t),
    },
    Fault {
        name: "a pipe in the place of a checkpoint",
        needs: &[],
        tries: |s, t| damaged(Damage::Pipe, s.times(1, 4), t),
    },
    Fault {
        name: "a checkpoint under the key of another run",
        needs: &[],
        tries: |s, t| damaged(Damage::Copied, s.times(1, 20), t),
    },
    Fault {
        name: "the same checkpoint, with its key and its checksum rewritten",
        needs: &[],
        tries: |s, t| damaged(Damage::CopiedAndResealed, s.times(1, 20), t),
    },
    Fault { name: "a checkpoint of a later version", needs: &[], tries: |_, t| later_version(t) },
];

/// The ending of the names of checkpoints.
const ENDING: &str = ".checkpoint.json";

/// The store of a sweep that was stopped while most of its runs were in flight.
fn stopped() -> &'static Files {
    static ONCE: OnceLock<Files> = OnceLock::new();
    ONCE.get_or_init(|| {
        let undisturbed = undisturbed();
        let n_runs = undisturbed.keys().len();
        for _ in 0..10 {
            let place = Place::new();
            // All runs at once: when the first ends, the others are in flight.
            let mut running = start(&mut place.sweep_with(n_runs));
            while records(&place.store()).is_empty() && running.runs_after(Duration::from_millis(1))
            {
            }
            running.signal("TERM");
            let ended = running.end();
            let n = checkpoints(&place.store()).len();
            if ended.code() == Some(STOPPED) && n >= 5 {
                println!("a sweep with {n} checkpoints");
                let mut files = files_of(&place.store());
                files.retain(|name, _| name.ends_with(".json"));
                // It ends as the undisturbed sweep when the checkpoints are whole.
                let mut tally = Tally::default();
                let place = Place::with_store(&files);
                undisturbed.compare_all(&place, &run(&mut place.sweep()), "continued", &mut tally);
                assert!(tally.wrong.is_empty() && tally.lost.is_empty(), "{tally:?}");
                return files;
            }
        }
        panic!("no sweep was stopped while most of its runs were in flight");
    })
}

fn damaged(damage: Damage, times: usize, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let files = stopped();
    let names: Vec<&String> = files.keys().filter(|name| name.ends_with(ENDING)).collect();
    let n = names.len();
    let mut random = Random::of(&format!("checkpoint {damage:?}"));
    let mut next = 0;
    while tally.times < times {
        let place = Place::with_store(files).below(bound_by_permissions());
        let store = place.store();
        let chosen = (n - 1).min(times - tally.times);
        let chosen: Vec<&String> = (0..chosen).map(|k| names[(next + k) % n]).collect();
        let other = names[(next + n - 1) % n];
        next += 1;
        for name in &chosen {
            let keys = [&name[..64], &other[..64]];
            damage.apply(&store.join(name), &files[other], keys, &mut random);
            tally.tried();
        }
        let label = format!("checkpoint {damage:?}");
        let ended = run(&mut place.sweep());
        undisturbed.compare(&place, &ended, &label, tally);
        ended.lines_with("damaged").for_each(|line| tally.said(line));
        let (lines, all) = (ended.lines_with("damaged").count(), ended.stderr.lines().count());
        tally.check(lines == chosen.len() && all == lines, || {
            let n = chosen.len();
            format!("{label}: {lines} lines of {all} report {n} damaged files: {}", ended.stderr)
        });
        for name in chosen {
            let aside = store.join(format!("{name}.damaged"));
            tally.check(fs::symlink_metadata(aside).is_ok(), || {
                format!("{label}: {name} is not kept aside")
            });
        }
    }
}

/// A checkpoint that a later version wrote is not used, and its bytes stay somewhere.
fn later_version(tally: &mut Tally) {
    let files = stopped();
    let name = files.keys().find(|name| name.ends_with(ENDING)).expect("a checkpoint");
    let place = Place::with_store(files);
    let later = resealed(&files[name], "\"format\": 1", "\"format\": 2");
    fs::write(place.store().join(name), &later).expect("a writable folder");
    let ended = run(&mut place.sweep());
    tally.tried();
    if let Some(crash) = ended.crash() {
        tally.wrong(crash);
    }
    let key = &name[..64];
    let lines: Vec<&str> = ended.lines_with(key).collect();
    tally.check(lines.len() == 1, || format!("it is not named in one line: {}", ended.stderr));
    lines.iter().for_each(|line| tally.said(line));
    let kept = files_of(&place.store()).into_values().any(|bytes| bytes == later);
    if !kept {
        tally.lost("the checkpoint of a later version");
    }
    if ended.code() == Some(0) {
        undisturbed().compare(&place, &ended, "checkpoint of a later version", tally);
    }
}
