//! Median times of tasks.

use std::time::{Duration, Instant};

/// Median times of two tasks. The tasks are timed alternately, so that other load on the machine
/// affects both. Each task runs once before the timing, unless it is timed only once.
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

/// The median time of a task that is repeated for `budget_s` seconds, but at least `min` and at
/// most `max` times. The task runs once before the timing.
pub fn median(budget_s: f64, [min, max]: [usize; 2], work: impl Fn()) -> Duration {
    let time = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    time();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < min || (times.len() < max && start.elapsed().as_secs_f64() < budget_s) {
        times.push(time());
    }
    times.sort();
    times[times.len() / 2]
}
