//! The log-spaced times at which a run is observed.

/// The first time `10^{k/per_decade}` after `t`, with integer k.
pub(crate) fn next_scheduled(t: f64, per_decade: u32) -> f64 {
    let per_decade = f64::from(per_decade);
    let mut k = (t.log10() * per_decade).floor() + 1.0;
    // Rounding in the logarithm must not give the same time again.
    while 10f64.powf(k / per_decade) <= t {
        k += 1.0;
    }
    10f64.powf(k / per_decade)
}
