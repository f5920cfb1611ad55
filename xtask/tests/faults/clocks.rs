//! Clocks that are wrong or jump.

use std::fs;

use crate::{
    facility::Facility, fault::Fault, place::Place, program::run, record_file::records,
    scale::Scale, shim::with_fault, tally::Tally, undisturbed::undisturbed,
};

pub(crate) const FAULTS: [Fault; 3] = [
    Fault { name: "a clock before 1970", needs: &[Facility::Compiler], tries: before_1970 },
    Fault {
        name: "a clock that jumps by ten years while runs are computed",
        needs: &[Facility::Compiler],
        tries: jumps,
    },
    Fault {
        name: "a clock that jumps by ten years between two commands",
        needs: &[Facility::Compiler],
        tries: between,
    },
];

/// Ten years, in seconds.
const TEN_YEARS: i64 = 315_576_000;
/// To a time before 1970, until the year 2096.
const BACK: i64 = -4_000_000_000;

fn before_1970(scale: Scale, tally: &mut Tally) {
    for _ in 0..scale.times(1, 5) {
        let place = with_fault(Place::new(), "FAULT_CLOCK", BACK.to_string());
        let ended = run(&mut place.sweep());
        tally.tried();
        undisturbed().compare_all(&place, &ended, "a clock before 1970", tally);
    }
    // Reports show the time too.
    let place = with_fault(Place::new(), "FAULT_CLOCK", BACK.to_string());
    for name in ["reproduce", "report"] {
        let ended = run(&mut place.command(&[
            name,
            "finding-4",
            "--profile",
            "smoke",
            "--seeds",
            "1",
            "--quiet",
        ]));
        tally.tried();
        match ended.crash() {
            Some(crash) => tally.wrong(format!("{name}: {crash}")),
            None => tally.check(ended.status.success(), || format!("{name}: {ended:?}")),
        }
    }
}

fn jumps(scale: Scale, tally: &mut Tally) {
    for _ in 0..scale.times(1, 10) {
        // A clock for some hundredths of a second, then another one.
        let clocks = format!("0,{TEN_YEARS},{},{TEN_YEARS},{BACK}", -TEN_YEARS);
        let place = with_fault(Place::new(), "FAULT_CLOCK", clocks);
        let ended = run(&mut place.sweep());
        tally.tried();
        undisturbed().compare_all(&place, &ended, "a clock that jumps", tally);
    }
}

fn between(_: Scale, tally: &mut Tally) {
    let undisturbed = undisturbed();
    for offset in [TEN_YEARS, -TEN_YEARS] {
        let label = format!("a clock that jumps by {offset} s");
        // A store with temporary files of today and with half of the records of another time.
        let place =
            with_fault(Place::with_store(&undisturbed.files), "FAULT_CLOCK", offset.to_string());
        let keys: Vec<String> = records(&place.store()).into_keys().collect();
        for key in &keys[..keys.len() / 2] {
            fs::remove_file(place.store().join(format!("{key}.json"))).expect("a record");
        }
        let others_before = records(&place.store());
        let temporary = place.store().join(".run-other.tmp");
        fs::write(&temporary, "of another process").expect("a writable folder");
        let ended = run(&mut place.sweep());
        tally.tried();
        undisturbed.compare_all(&place, &ended, &label, tally);
        crate::undisturbed::still_there(&others_before, &place.store(), &label, tally);
        if !temporary.exists() {
            tally.lost(format!("{label}: the temporary file of another process"));
        }
        // The clock was indeed another one.
        let years = |key: &String| -> Option<String> {
            let file = fs::read_to_string(place.store().join(format!("{key}.json"))).ok()?;
            let (_, time) = file.split_once("\"time\": \"")?;
            Some(time[..4].to_owned())
        };
        let [first, last] = [keys.first(), keys.last()].map(|key| key.and_then(years));
        tally.check(first.is_some() && first != last, || {
            format!("{label}: the program saw the years {first:?} and {last:?}")
        });
    }
}
