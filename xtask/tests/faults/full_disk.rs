//! Disks without space.

use std::fs;

use crate::{
    facility::Facility,
    fault::Fault,
    mount::Mount,
    place::Place,
    program::{STOPPED, run, start},
    record_file::{checkpoints, other_files, records},
    scale::Scale,
    shim::with_frequent_checkpoints,
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 3] = [
    Fault { name: "a full disk", needs: &[Facility::Mounts], tries: records_do_not_fit },
    Fault {
        name: "a disk on which a checkpoint does not fit",
        needs: &[Facility::Mounts, Facility::Compiler],
        tries: checkpoints_do_not_fit,
    },
    Fault {
        name: "the same at a signal",
        needs: &[Facility::Mounts],
        tries: |_, tally| checkpoint_at_a_signal(tally),
    },
];

/// The block of the file system in memory.
const BLOCK: usize = 4096;

/// Disks from one block to all blocks but one, and disks with too few files.
fn records_do_not_fit(scale: Scale, tally: &mut Tally) {
    let blocks: usize = undisturbed().files.values().map(|file| file.len().div_ceil(BLOCK)).sum();
    let parts = scale.times(2, 12);
    let mut disks: Vec<String> = (0..parts)
        .map(|k| format!("size={}k", (1 + k * blocks / parts) * BLOCK / 1024))
        // The records fit, the tables do not.
        .chain([format!("size={}k", blocks * BLOCK / 1024)])
        .collect();
    disks.push("nr_inodes=8,size=64m".to_owned());
    if scale == Scale::Whole {
        disks.push("nr_inodes=2,size=64m".to_owned());
    }
    for disk in disks {
        tally.tried();
        full(&disk, tally);
    }
}

fn full(disk: &str, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let mount = Mount::in_memory(disk);
    let place = mount.place();
    let store = place.store();
    let ended = run(&mut place.sweep());
    if let Some(crash) = ended.crash() {
        tally.wrong(format!("{disk}: {crash}"));
    }
    tally.check(ended.code() == Some(2), || format!("{disk}: {:?} instead of 2", ended.status));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    lines.iter().for_each(|line| tally.said(line));
    // The file that cannot be written, or the folder that cannot be made.
    let named = matches!(lines[..], [line] if line.contains(&*place.out_path().to_string_lossy()));
    tally.check(named, || format!("{disk}: not one line that names the file: {}", ended.stderr));
    let before = records(&store);
    let left = other_files(&store);
    tally.check(left.iter().all(|name| name.ends_with(".checkpoint.json")), || {
        format!("{disk}: {} is left", left.join(", "))
    });
    // With space again, the same command completes the sweep.
    mount.change("size=64m,nr_inodes=1000");
    let ended = run(&mut place.sweep());
    undisturbed.compare_all(&place, &ended, disk, tally);
    still_there(&before, &store, disk, tally);
}

/// A run whose checkpoint takes megabytes and whose record takes kilobytes.
const LARGE: &str = r#"{
    "data": {"source": {"kind": "stripe", "dim": 3}, "task": {"kind": "own"},
        "inputs": {"centre": false, "sphere": false, "pca": null},
        "n_train": 20, "n_test": 40, "n_kernel": 5},
    "network": {"architecture": "dense", "inputs": 3, "width": 300, "hidden_layers": 2,
        "activation": {"kind": "relu"}, "bias": true},
    "alpha": 0.3, "budget": {"max_wall_s": 1e8},
    "dynamics": {"kind": "flow", "stop": {"max_steps": STEPS}, "scheme": {"scheme": "explicit",
        "rule": {"rule": "output-change", "undo_above": 1e-9, "grow_below": 1e-10}}}
}"#;

/// The disk for it.
const DISK: &str = "size=400k";

fn large(place: &Place, steps: usize) -> std::process::Command {
    let spec = LARGE.replace("STEPS", &steps.to_string());
    fs::write(place.folder().join("large.json"), spec).expect("a writable folder");
    place.command(&["run", "large.json", "--quiet"])
}

fn checkpoints_do_not_fit(scale: Scale, tally: &mut Tally) {
    // Long enough for a few checkpoints.
    let steps = scale.times(300, 3000);
    let whole = Place::new();
    let ended = run(&mut large(&whole, steps));
    assert!(ended.status.success(), "{ended:?}");
    let table = |place: &Place| fs::read(place.results().join("large/data.csv")).ok();
    for _ in 0..scale.times(1, 5) {
        let mount = Mount::in_memory(DISK);
        let place = with_frequent_checkpoints(mount.place());
        let ended = run(&mut large(&place, steps));
        tally.tried();
        if let Some(crash) = ended.crash() {
            tally.wrong(crash);
        }
        tally.check(ended.code() == Some(0), || format!("{:?}: {}", ended.status, ended.stderr));
        let warnings = ended.lines_with("checkpoint").count();
        tally.check(warnings > 0, || format!("no warning: {}", ended.stderr));
        ended.stderr.lines().for_each(|line| tally.said(line));
        tally.check(table(&place) == table(&whole), || "another table".to_owned());
        let left = other_files(&place.store());
        tally.check(left.is_empty(), || format!("{} is left", left.join(", ")));
    }
}

fn checkpoint_at_a_signal(tally: &mut Tally) {
    let mount = Mount::in_memory(DISK);
    let place = mount.place();
    // It does not end by itself.
    let mut running = start(&mut large(&place, 100_000_000));
    running.runs_after(std::time::Duration::from_secs(2));
    running.signal("TERM");
    let ended = running.end();
    tally.tried();
    match ended.crash() {
        Some(crash) => tally.wrong(crash),
        None => tally.check(ended.code() == Some(STOPPED), || {
            format!("{:?}: {}", ended.status, ended.stderr)
        }),
    }
    let warned = ended.lines_with("checkpoint").count() > 0;
    tally.check(warned, || format!("no warning: {}", ended.stderr));
    ended.stderr.lines().for_each(|line| tally.said(line));
    tally.check(checkpoints(&place.store()).is_empty(), || "half a checkpoint".to_owned());
}
