//! Times taken in turn.

use std::time::{Duration, Instant};

/// Medians of the times of two works, taken in turn, so that what else the machine does meets
/// both; each is done once before, unless it is to be timed once.
pub fn medians(times: usize, form: impl Fn(), reference: impl Fn()) -> [Duration; 2] {
    let time = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    if times > 1 {
        time(&form);
        time(&reference);
    }
    let (mut forms, mut references): (Vec<_>, Vec<_>) =
        (0..times.max(1)).map(|_| (time(&form), time(&reference))).unzip();
    forms.sort();
    references.sort();
    [forms[forms.len() / 2], references[references.len() / 2]]
}

/// The median time of a work that is repeated for `budget_s` seconds, but at least and at most so
/// many times; it is done once before.
pub fn median(budget_s: f64, [least, most]: [usize; 2], work: impl Fn()) -> Duration {
    let time = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    time();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < least || (times.len() < most && start.elapsed().as_secs_f64() < budget_s) {
        times.push(time());
    }
    times.sort();
    times[times.len() / 2]
}
