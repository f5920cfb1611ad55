//! Networks at the places of a grid.

use regime_scaling::mean;
use regime_study::curves::values;

/// The mean of `ln y` over the networks at each place, as `(√h·α, h, mean)`, in the order of
/// `√h·α`, then `h`. Places without networks are left out.
pub(crate) fn mean_logarithms<S>(
    samples: &[S],
    place: impl Fn(&S) -> (f64, usize),
    y: impl Fn(&S) -> Option<f64>,
) -> Vec<(f64, usize, f64)> {
    let mut means = Vec::new();
    for product in values(samples, |s| place(s).0) {
        for width in values(samples, |s| place(s).1) {
            let here = samples.iter().filter(|s| place(s) == (product, width));
            let logs: Vec<f64> = here.filter_map(|s| Some(y(s)?.ln())).collect();
            means.extend(mean(&logs).map(|m| (product, width, m.mean)));
        }
    }
    means
}
