//! The sweep without a fault, and the comparison with it.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::{
    place::{Files, JOBS, Place, files_of},
    program::{Ended, run},
    record_file::{Identity, other_files, record_part, records},
    tally::Tally,
};

/// The sweep without a fault.
pub(crate) struct Undisturbed {
    /// The files of its store.
    pub(crate) files: Files,
    table: Vec<u8>,
    /// The records without their origin, by the key of their run.
    records: BTreeMap<String, Vec<u8>>,
    /// How long it took.
    pub(crate) wall: Duration,
}

/// The sweep without a fault, computed once.
pub(crate) fn undisturbed() -> &'static Undisturbed {
    static ONCE: OnceLock<Undisturbed> = OnceLock::new();
    ONCE.get_or_init(|| {
        let place = Place::new();
        let start = Instant::now();
        let ended = run(&mut place.sweep());
        let wall = start.elapsed();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
        let table = place.table().expect("a table");
        let records = contents(&place.store());
        // Two runs side by side need at least a few after them.
        assert!(records.len() > 4 * JOBS, "only {} records", records.len());
        assert_eq!(table.iter().filter(|&&byte| byte == b'\n').count(), records.len() + 1);
        println!("{} runs, undisturbed: {:.1} s", records.len(), wall.as_secs_f64());
        let mut files = files_of(&place.store());
        files.retain(|name, _| name.ends_with(".json"));
        Undisturbed { files, table, records, wall }
    })
}

impl Undisturbed {
    /// The keys of its runs.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.records.keys().map(String::as_str).collect()
    }

    /// Checks that a sweep ended with the same table and the same records as this one.
    pub(crate) fn compare(&self, place: &Place, ended: &Ended, label: &str, tally: &mut Tally) {
        if let Some(crash) = ended.crash() {
            return tally.wrong(format!("{label}: {crash}"));
        }
        tally.check(ended.code() == Some(0), || {
            format!("{label}: status {:?} instead of 0: {}", ended.code(), ended.stderr)
        });
        self.compare_results(place, label, tally);
    }

    /// Checks that the table and the records are the same as those of this sweep.
    pub(crate) fn compare_results(&self, place: &Place, label: &str, tally: &mut Tally) {
        tally.check(place.table().as_ref() == Some(&self.table), || {
            format!("{label}: data.csv is not that of the undisturbed sweep")
        });
        let found = contents(&place.store());
        let missing = self.records.keys().filter(|key| !found.contains_key(*key)).count();
        tally.check(missing == 0, || format!("{label}: {missing} records are missing"));
        for (key, record) in &found {
            tally.check(self.records.get(key) == Some(record), || {
                format!("{label}: another record {key}")
            });
        }
    }

    /// The same; in addition, the store holds nothing but the records: no checkpoint, no file that was set aside.
    pub(crate) fn compare_all(&self, place: &Place, ended: &Ended, label: &str, tally: &mut Tally) {
        self.compare(place, ended, label, tally);
        let left = other_files(&place.store());
        tally.check(left.is_empty(), || format!("{label}: {} is left", left.join(", ")));
    }
}

/// The bytes of all records of a store, without their origin.
fn contents(store: &Path) -> BTreeMap<String, Vec<u8>> {
    let part = |key: &String| {
        let file = fs::read(store.join(format!("{key}.json"))).ok()?;
        Some((key.clone(), record_part(&file)?.to_vec()))
    };
    records(store).keys().filter_map(part).collect()
}

/// Checks that records which were stored before are the same files now: neither lost nor computed again.
pub(crate) fn still_there(
    before: &BTreeMap<String, Identity>,
    store: &Path,
    label: &str,
    tally: &mut Tally,
) {
    let now = records(store);
    for (key, identity) in before {
        match now.get(key) {
            None => tally.lost(format!("{label}: the record {key} is gone")),
            Some(other) => {
                tally.check(identity == other, || format!("{label}: {key} was written again"))
            }
        }
    }
}
