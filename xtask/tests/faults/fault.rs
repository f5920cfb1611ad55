//! A fault, and its tries.

use std::time::Instant;

use crate::{facility::Facility, scale::Scale, tally::Tally};

/// A fault, with the function that tries it.
pub(crate) struct Fault {
    /// What happens, in the words of the table.
    pub(crate) name: &'static str,
    /// What it needs of the machine.
    pub(crate) needs: &'static [Facility],
    /// Tries it.
    pub(crate) tries: fn(Scale, &mut Tally),
}

impl Fault {
    /// Tries the fault; `None` where the user skips it.
    pub(crate) fn tally(&self, scale: Scale) -> Option<Tally> {
        if let Some(skipped) = self.needs.iter().find(|facility| facility.is_skipped()) {
            println!("SKIPPED by REGIME_FAULTS_SKIP: {} (needs {skipped:?})", self.name);
            return None;
        }
        let start = Instant::now();
        let mut tally = Tally::default();
        (self.tries)(scale, &mut tally);
        println!("{}: {} times, {:.1} s", self.name, tally.times, start.elapsed().as_secs_f64());
        for (kind, list) in [("lost", &tally.lost), ("wrong", &tally.wrong)] {
            list.iter().for_each(|what| println!("  {kind}: {what}"));
        }
        tally.messages(3).iter().for_each(|line| println!("  said: {line}"));
        Some(tally)
    }
}

/// Tries faults in the reduced form. The whole form has its own test.
///
/// # Panics
/// Where something was lost or wrong.
pub(crate) fn reduced(faults: &[Fault]) {
    if Scale::chosen() == Scale::Whole {
        return;
    }
    let mut found = Vec::new();
    for fault in faults {
        let Some(tally) = fault.tally(Scale::Reduced) else { continue };
        assert!(tally.times > 0, "{}: never tried", fault.name);
        let problems = tally.lost.iter().chain(&tally.wrong);
        found.extend(problems.map(|what| format!("{}: {what}", fault.name)));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
