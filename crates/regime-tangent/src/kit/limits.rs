//! Group 10: limits, by exponents with their intervals.

use ndarray::{Array1, Array2, ArrayView2};
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, ExponentError, Pairing, bootstrap_groups,
    exponent_interval, fit_power_law,
};

use super::{
    Claim, Invariant, Violation,
    compare::{largest, norm},
};

/// Checks that kernels of random networks fluctuate about their mean as `h^{−1/2}`. It fits
/// the exponent of `‖Θ − mean‖_F/‖mean‖_F` over initialisations, against the width.
///
/// `replicas` has the number of seeds for each width `h` (at least 2, which suffices for
/// wide networks). `kernel` computes the kernel of a width and a seed, always on the same
/// points. Networks of this workspace follow the power law for widths from 64 on.
///
/// # Errors
/// [`Violation::Exponent`] unless the 95 % interval lies within `margin` of −1/2, and
/// [`Violation::NoExponent`] for fewer than two widths or kernels that do not fluctuate.
///
/// # Panics
/// When a width has fewer than 2 seeds.
pub fn fluctuations_fall_with_width(
    replicas: &[(usize, u64)],
    margin: f64,
    kernel: impl Fn(usize, u64) -> Array2<f64>,
) -> Result<BootstrapInterval, Violation> {
    let invariant = Invariant::WidthFluctuation;
    let mut points = Vec::new();
    for &(width, seeds) in replicas {
        assert!(seeds >= 2, "width {width} has {seeds} seed");
        let kernels: Vec<Array2<f64>> = (0..seeds).map(|seed| kernel(width, seed)).collect();
        let mean = mean(&kernels);
        // Bessel's correction: each kernel is part of the mean.
        let correction = (seeds as f64 / (seeds - 1) as f64).sqrt();
        let scale = correction / norm(mean.view());
        let fluctuation = |theta: &Array2<f64>| scale * norm((theta - &mean).view());
        points.extend(kernels.iter().map(|theta| [(width as f64, fluctuation(theta))]));
    }
    let interval = exponent_interval(&points, Pairing::Independent, &BootstrapConfig::default());
    judged(invariant, interval, -0.5, margin)
}

/// Checks that the mean kernel of random networks approaches the kernel of infinite width as
/// `1/h`. It fits the exponent of the bias `mean − Θ_∞` against the width, projected on the
/// bias at the smallest width.
///
/// `replicas` is as in [`fluctuations_fall_with_width`]. The fluctuations hide the bias
/// unless there are many more seeds than `h`. At large widths, let `kernel` subtract a
/// control variate: a function of the same weights that is correlated with the fluctuations
/// and whose mean is exactly zero, so that the mean of the kernel does not change.
///
/// # Errors
/// [`Violation::Exponent`] unless the 95 % interval lies within `margin` of −1,
/// [`Violation::NoExponent`] for fewer than two widths, and [`Violation::Shape`] for
/// kernels on other points than those of `infinite`.
///
/// # Panics
/// When a width has fewer than 2 seeds, or there is no width.
pub fn bias_falls_with_width(
    replicas: &[(usize, u64)],
    infinite: ArrayView2<'_, f64>,
    margin: f64,
    kernel: impl Fn(usize, u64) -> Array2<f64>,
) -> Result<BootstrapInterval, Violation> {
    let invariant = Invariant::WidthBias;
    let mut deviations: Vec<(f64, Vec<Array2<f64>>)> = Vec::new();
    for &(width, seeds) in replicas {
        assert!(seeds >= 2, "width {width} has {seeds} seed");
        let mut of_width = Vec::new();
        for seed in 0..seeds {
            let theta = kernel(width, seed);
            if theta.dim() != infinite.dim() {
                let (found, expected) = (theta.shape().to_vec(), infinite.shape().to_vec());
                return Err(Violation::Shape { invariant, what: "a kernel", found, expected });
            }
            of_width.push(theta - infinite);
        }
        deviations.push((width as f64, of_width));
    }
    let smallest = deviations.iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are widths");
    let direction = mean(&smallest.1);
    let along = |deviation: &Array2<f64>| (deviation * &direction).sum();
    let projected: Vec<(f64, Vec<f64>)> = deviations
        .iter()
        .map(|(width, of_width)| (*width, of_width.iter().map(along).collect()))
        .collect();
    let sizes: Vec<usize> = projected.iter().map(|(_, values)| values.len()).collect();
    let interval = bootstrap_groups(&sizes, &BootstrapConfig::default(), |drawn| {
        let point = |((width, values), drawn): (&(f64, Vec<f64>), &Vec<usize>)| {
            let sum: f64 = drawn.iter().map(|&i| values[i]).sum();
            (*width, (sum / drawn.len() as f64).abs())
        };
        let points: Vec<(f64, f64)> = projected.iter().zip(drawn).map(point).collect();
        fit_power_law(&points).ok().map(|law| law.exponent)
    });
    judged(invariant, interval.map_err(ExponentError::from), -1.0, margin)
}

/// Checks that the kernel changes as `1/α` in the lazy limit. It fits the exponent of
/// `‖Θ(w + Δw) − Θ(w)‖_F/‖Θ(w)‖_F` against α, for a step `Δw ∝ Jᵀ1` that, to first order,
/// changes the outputs `F = α(f − f₀)` by at most one.
///
/// Each of `starts` (at least 2) is one replica with its own prefactor.
///
/// # Errors
/// [`Violation::Exponent`] unless the 95 % interval lies within `margin` of −1, and
/// [`Violation::NoExponent`] for fewer than two α or starts, or a kernel that does not
/// change at all.
pub fn kernel_change_falls_with_alpha<C: Claim + ?Sized>(
    claim: &C,
    starts: &[Array1<f64>],
    x: ArrayView2<'_, f64>,
    alphas: &[f64],
    margin: f64,
) -> Result<BootstrapInterval, Violation> {
    let ones = Array1::ones(x.nrows());
    let of_start = |w: &Array1<f64>| -> Vec<(f64, f64)> {
        let theta = claim.kernel(w.view(), x);
        let step = claim.vjp(w.view(), x, ones.view()) / largest(&theta.dot(&ones));
        let change = |&alpha: &f64| {
            let moved = claim.kernel((w + &(&step / alpha)).view(), x);
            (alpha, norm((moved - &theta).view()) / norm(theta.view()))
        };
        alphas.iter().map(change).collect()
    };
    let points: Vec<Vec<(f64, f64)>> = starts.iter().map(of_start).collect();
    let interval = exponent_interval(&points, Pairing::Paired, &BootstrapConfig::default());
    judged(Invariant::LazyLimit, interval, -1.0, margin)
}

fn mean(kernels: &[Array2<f64>]) -> Array2<f64> {
    let mut sum = Array2::zeros(kernels[0].raw_dim());
    kernels.iter().for_each(|theta| sum += theta);
    sum / kernels.len() as f64
}

fn judged(
    invariant: Invariant,
    interval: Result<BootstrapInterval, ExponentError>,
    target: f64,
    margin: f64,
) -> Result<BootstrapInterval, Violation> {
    let interval = interval.map_err(|source| Violation::NoExponent { invariant, source })?;
    let BootstrapInterval { low, high, .. } = interval;
    if low >= target - margin && high <= target + margin {
        return Ok(interval);
    }
    Err(Violation::Exponent { invariant, low, high, target, margin })
}
