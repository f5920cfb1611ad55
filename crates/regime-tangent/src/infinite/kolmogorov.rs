//! A Gauss rule for the distribution of Kolmogorov.

use std::{f64::consts::PI, sync::LazyLock};

use faer::{Mat, Side};

/// Nodes of the Gauss rule for the scales of a mixture. The error falls by a factor of about
/// 10 per node, and is below the rounding errors with 13.
pub(super) const NODES: usize = 14;

/// The Gauss rule for the Kolmogorov distribution in the variable `ln K`: values of `K` with
/// their weights.
pub(super) static KOLMOGOROV: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    // The density of ln K falls off faster than exponentially at both ends, so that the
    // trapezoidal rule with this step is exact up to rounding.
    let step = 0.05;
    let fine: Vec<(f64, f64)> = (-38..=32)
        .map(|k| {
            let x = step * f64::from(k);
            (x, step * x.exp() * kolmogorov_density(x.exp()))
        })
        .collect();
    gauss(&fine, NODES).into_iter().map(|(x, weight)| (x.exp(), weight)).collect()
});

/// # Reference
/// `P(K ≤ x) = √(2π)/x Σ e^{−(2k−1)²π²/(8x²)} = 1 − 2 Σ (−1)^{k−1} e^{−2k²x²}`
fn kolmogorov_density(x: f64) -> f64 {
    let terms = (1..8).map(f64::from);
    if x > 1.0 {
        let sign = |k: f64| if k % 2.0 == 1.0 { 1.0 } else { -1.0 };
        return terms.map(|k| sign(k) * 8.0 * x * k * k * (-2.0 * k * k * x * x).exp()).sum();
    }
    let sum: f64 = terms
        .map(|k| {
            let a = (2.0 * k - 1.0).powi(2) * PI * PI / 8.0;
            (-a / (x * x)).exp() * (2.0 * a / (x * x) - 1.0)
        })
        .sum();
    (2.0 * PI).sqrt() * sum / (x * x)
}

/// The Gauss rule with `n` nodes for a discrete measure of mass 1.
///
/// # Reference
/// Stieltjes' procedure for the recurrence of the orthogonal polynomials, and Golub, Welsch
/// (1969) for nodes and weights.
fn gauss(measure: &[(f64, f64)], n: usize) -> Vec<(f64, f64)> {
    let mut jacobi = Mat::<f64>::zeros(n, n);
    let mut before = vec![0.0; measure.len()];
    let mut current = vec![1.0; measure.len()];
    let norm = |p: &[f64]| measure.iter().zip(p).map(|((_, w), p)| w * p * p).sum::<f64>();
    let mass = norm(&current);
    let mut beta = 0.0f64;
    current.iter_mut().for_each(|p| *p /= mass.sqrt());
    for k in 0..n {
        let alpha: f64 = measure.iter().zip(&current).map(|((x, w), p)| x * w * p * p).sum();
        jacobi[(k, k)] = alpha;
        let mut next: Vec<f64> = (measure.iter().zip(&current))
            .zip(&before)
            .map(|(((x, _), p), b)| (x - alpha) * p - beta * b)
            .collect();
        beta = norm(&next).sqrt();
        next.iter_mut().for_each(|p| *p /= beta);
        if k + 1 < n {
            jacobi[(k, k + 1)] = beta;
            jacobi[(k + 1, k)] = beta;
        }
        (before, current) = (current, next);
    }
    let eigen = jacobi.self_adjoint_eigen(Side::Lower).expect("a small symmetric matrix");
    (0..n).map(|k| (eigen.S()[k], eigen.U()[(0, k)].powi(2))).collect()
}

#[cfg(test)]
mod tests {
    use regime_models::Activation;

    use super::*;

    /// `4 E K² = π²/3` and `3·16 E K⁴ = 7π⁴/15` are the moments of the logistic distribution,
    /// and `E Φ(z/2K)` is its distribution function.
    #[test]
    fn twice_kolmogorov_times_normal_is_logistic() {
        let mean = |f: &dyn Fn(f64) -> f64| KOLMOGOROV.iter().map(|(k, w)| w * f(*k)).sum::<f64>();
        assert!((mean(&|_| 1.0) - 1.0).abs() < 1e-14);
        assert!((mean(&|k| 4.0 * k * k) / (PI * PI / 3.0) - 1.0).abs() < 1e-13);
        assert!((mean(&|k| 48.0 * k.powi(4)) / (7.0 * PI.powi(4) / 15.0) - 1.0).abs() < 1e-12);
        for z in [0.0, 0.1, 0.7, 2.0] {
            let found = mean(&|k| 0.5 * libm_erfc(-z / (2.0 * k * 2f64.sqrt())));
            assert!((found - 1.0 / (1.0 + f64::exp(-z))).abs() < 1e-10, "{z}");
        }
    }

    /// The complementary error function through GELU: `z Φ(z)`.
    fn libm_erfc(x: f64) -> f64 {
        let z = -x * 2f64.sqrt();
        if z == 0.0 { 1.0 } else { 2.0 * Activation::Gelu.bare(z).0 / z }
    }
}
