//! Records that are not what was written.

use std::{collections::BTreeMap, fs};

use crate::{
    damage::Damage,
    facility::{Facility, bound_by_permissions},
    fault::Fault,
    place::{Place, files_of},
    program::{Ended, run},
    random::Random,
    record_file::records,
    scale::Scale,
    tally::Tally,
    undisturbed::{still_there, undisturbed},
};

pub(crate) const FAULTS: [Fault; 9] = [
    Fault {
        name: "a record is cut off",
        needs: &[],
        tries: |s, t| damaged(Damage::Truncated, s.times(3, 40), t),
    },
    Fault {
        name: "a record is emptied",
        needs: &[],
        tries: |s, t| damaged(Damage::Emptied, s.times(1, 4), t),
    },
    Fault {
        name: "one bit of a record is flipped",
        needs: &[],
        tries: |s, t| damaged(Damage::Flipped, s.times(10, 100), t),
    },
    Fault {
        name: "a record cannot be read",
        needs: &[Facility::Permissions],
        tries: |s, t| damaged(Damage::Unreadable, s.times(1, 4), t),
    },
    Fault {
        name: "a folder in the place of a record",
        needs: &[],
        tries: |s, t| damaged(Damage::Folder, s.times(1, 4), t),
    },
    Fault {
        name: "a pipe in the place of a record",
        needs: &[],
        tries: |s, t| damaged(Damage::Pipe, s.times(1, 4), t),
    },
    Fault {
        name: "a record under the key of another run",
        needs: &[],
        tries: |s, t| damaged(Damage::Copied, s.times(1, 20), t),
    },
    Fault {
        name: "the same, with its key and its checksum rewritten",
        needs: &[],
        tries: |s, t| damaged(Damage::CopiedAndResealed, s.times(1, 20), t),
    },
    Fault {
        name: "damaged records below report, plan and reproduce",
        needs: &[Facility::Permissions],
        tries: report,
    },
];

/// Damages records of a complete sweep, at most half of them at a time; then they are computed again.
fn damaged(damage: Damage, times: usize, tally: &mut Tally) {
    let undisturbed = undisturbed();
    let mut random = Random::of(&format!("{damage:?}"));
    let keys = undisturbed.keys();
    let n = keys.len();
    let mut next = 0;
    while tally.times < times {
        let place = Place::with_store(&undisturbed.files).below(bound_by_permissions());
        let store = place.store();
        let path = |key: &str| store.join(format!("{key}.json"));
        let chosen: Vec<usize> =
            (0..(n / 2).min(times - tally.times)).map(|k| (next + 2 * k) % n).collect();
        next += 1;
        for &index in &chosen {
            // Its neighbour stays whole.
            let other = keys[(index + 1) % n];
            let bytes = &undisturbed.files[&format!("{other}.json")];
            damage.apply(&path(keys[index]), bytes, [keys[index], other], &mut random);
            tally.tried();
        }
        let label = format!("{damage:?}");
        let mut intact = records(&store);
        intact.retain(|key, _| !chosen.iter().any(|&index| keys[index] == key));

        // A plan counts them as not stored, and changes nothing.
        let plan = run(&mut place.command(&["run", "sweep.json", "--plan", "--json"]));
        expect_stored(&plan, n - chosen.len(), &label, tally);
        let untouched = chosen.iter().all(|&index| fs::symlink_metadata(path(keys[index])).is_ok());
        tally.check(untouched, || format!("{label}: a plan has moved a file"));

        let ended = run(&mut place.sweep());
        undisturbed.compare(&place, &ended, &label, tally);
        still_there(&intact, &store, &label, tally);
        expect_reports(&ended, chosen.len(), &label, tally);
        for &index in &chosen {
            let aside = store.join(format!("{}.json.damaged", keys[index]));
            tally.check(fs::symlink_metadata(&aside).is_ok(), || {
                format!("{label}: {} is not kept aside", keys[index])
            });
        }
    }
}

/// The number of stored runs in a plan.
fn expect_stored(plan: &Ended, n: usize, label: &str, tally: &mut Tally) {
    if let Some(crash) = plan.crash() {
        return tally.wrong(format!("{label}: plan: {crash}"));
    }
    let found =
        serde_json::from_str(&plan.stdout).map(|plan: serde_json::Value| plan["stored"].as_u64());
    tally.check(found.as_ref().is_ok_and(|found| *found == Some(n as u64)), || {
        format!("{label}: a plan finds {found:?} stored runs instead of {n}: {}", plan.stderr)
    });
}

/// One line for every damaged file, and no other.
fn expect_reports(ended: &Ended, n: usize, label: &str, tally: &mut Tally) {
    ended.lines_with("damaged").for_each(|line| tally.said(line));
    let (lines, all) = (ended.lines_with("damaged").count(), ended.stderr.lines().count());
    tally.check(lines == n && all == n, || {
        format!("{label}: {lines} lines of {all} report {n} damaged files: {}", ended.stderr)
    });
}

/// The smallest finding: its reports without some of its records.
fn report(_: Scale, tally: &mut Tally) {
    const GRID: [&str; 5] = ["finding-4", "--profile", "smoke", "--seeds", "1"];
    let place = Place::new().below(bound_by_permissions());
    let command = |name: &str, more: &[&str]| place.command(&[&[name][..], &GRID, more].concat());
    let made = run(&mut command("reproduce", &["--quiet"]));
    assert!(made.status.success(), "{made:?}");
    let table = || fs::read(place.results().join("finding-4/data.csv")).unwrap_or_default();
    let (whole, store) = (table(), place.store());
    let files = files_of(&store);
    let keys: Vec<String> = records(&store).into_keys().collect();
    let path = |key: &str| store.join(format!("{key}.json"));
    let all = [
        Damage::Truncated,
        Damage::Flipped,
        Damage::Unreadable,
        Damage::Folder,
        Damage::Pipe,
        Damage::CopiedAndResealed,
    ];
    let n = all.len();
    assert!(keys.len() > n + 1, "{} runs", keys.len());
    let mut random = Random::of("report");
    let last = keys.last().expect("a run");
    for (damage, key) in all.into_iter().zip(&keys) {
        damage.apply(&path(key), &files[&format!("{last}.json")], [key, last], &mut random);
        tally.tried();
    }
    let kinds = || -> BTreeMap<&str, std::fs::FileType> {
        let kind =
            |key: &String| fs::symlink_metadata(path(key)).ok().map(|about| about.file_type());
        keys.iter().filter_map(|key| Some((key.as_str(), kind(key)?))).collect()
    };
    let before = kinds();

    let plan = run(&mut command("plan", &["--json"]));
    if let Some(crash) = plan.crash() {
        tally.wrong(format!("plan: {crash}"));
    }
    let stored = format!("\"stored\": {}", keys.len() - n);
    tally.check(plan.stdout.contains(&stored), || format!("plan: no {stored}: {}", plan.stdout));

    let ended = run(&mut command("report", &["--quiet"]));
    match ended.crash() {
        Some(crash) => tally.wrong(format!("report: {crash}")),
        // 1: runs are missing.
        None => tally.check(ended.code() == Some(1), || format!("report: {:?}", ended.status)),
    }
    let missing = format!("({n} runs missing)");
    tally.check(ended.stdout.contains(&missing), || {
        format!("report: no {missing}: {}", ended.stdout)
    });
    expect_reports(&ended, n, "report", tally);
    tally.check(before == kinds(), || "report has moved a file".to_owned());
    // The rows of the other runs are those of the whole table.
    let rows = String::from_utf8_lossy(&table()).into_owned();
    let same = rows
        .lines()
        .filter(|row| String::from_utf8_lossy(&whole).lines().any(|other| other == *row));
    let same = same.count();
    tally.check(same == 1 + keys.len() - n, || format!("report: {same} rows are as before"));

    let ended = run(&mut command("reproduce", &["--quiet"]));
    if let Some(crash) = ended.crash() {
        tally.wrong(format!("reproduce: {crash}"));
    }
    tally.check(ended.status.success(), || {
        format!("reproduce: {:?}: {}", ended.status, ended.stderr)
    });
    expect_reports(&ended, n, "reproduce", tally);
    tally.check(table() == whole, || "reproduce: another table".to_owned());
}
