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
