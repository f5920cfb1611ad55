//! Quantiles of the χ² distribution.

use std::f64::consts::PI;

/// The median of the χ² distribution with `dim ≥ 1` degrees of freedom, to
/// about ten digits.
pub(crate) fn median(dim: usize) -> f64 {
    quantile(dim, 0.5)
}

/// The quantile of the χ² distribution with `dim ≥ 1` degrees of freedom at the
/// probability `0 < p < 1`.
///
/// It is the `x` at which the regularised incomplete gamma function `P(dim/2, x/2)`
/// equals `p`, to about ten digits, unless `p` is so close to 1 that the rounding of `p`
/// matters.
pub(crate) fn quantile(dim: usize, p: f64) -> f64 {
    let a = dim as f64 / 2.0;
    let ln_gamma = ln_gamma_of_half(dim);
    let probability = |x: f64| lower_gamma(a, x / 2.0, ln_gamma);
    // The median lies below the mean, so the mean bounds all quantiles up to the median.
    let (mut low, mut high) = (0.0, dim as f64);
    while probability(high) < p {
        high *= 2.0;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if probability(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// `P(a, x) = xᵃ e⁻ˣ / Γ(a) · Σₙ xⁿ / (a (a+1) … (a+n))`, given `ln Γ(a)`.
///
/// # Reference
///
/// NIST Digital Library of Mathematical Functions, 8.7.1. All terms are positive. They
/// fall fast for `x` up to a small multiple of `a + 1`, the range used here.
fn lower_gamma(a: f64, x: f64, ln_gamma: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    let mut denominator = a;
    while term > sum * f64::EPSILON {
        denominator += 1.0;
        term *= x / denominator;
        sum += term;
    }
    sum * (a * x.ln() - x - ln_gamma).exp()
}

/// `ln Γ(twice_a / 2)`, from `Γ(1/2) = √π`, `Γ(1) = 1` and `Γ(a+1) = a Γ(a)`.
fn ln_gamma_of_half(twice_a: usize) -> f64 {
    let (start, ln_gamma) = if twice_a % 2 == 1 { (1, 0.5 * PI.ln()) } else { (2, 0.0) };
    let steps = (start..twice_a).step_by(2);
    steps.fold(ln_gamma, |sum, twice| sum + (twice as f64 / 2.0).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables; for two degrees of freedom, `2 ln 2`.
    #[test]
    fn known_medians() {
        let two = 2.0 * 2f64.ln();
        for (dim, expected) in
            [(1, 0.454_936_423), (2, two), (3, 2.365_973_884), (10, 9.341_817_766)]
        {
            assert!((median(dim) - expected).abs() < 1e-8, "{dim}: {}", median(dim));
        }
    }

    /// With two degrees of freedom `P(x) = 1 − exp(−x/2)`.
    #[test]
    fn quantiles_in_closed_form() {
        for p in [1e-6, 0.1, 0.5, 0.9, 0.999_99] {
            let expected = -2.0 * f64::ln_1p(-p);
            assert!((quantile(2, p) - expected).abs() < 1e-9 * expected.max(0.1), "{p}");
        }
    }

    /// `dim − 2/3 + O(1/dim)`.
    #[test]
    fn large_dimensions() {
        for dim in [1_000, 100_000] {
            assert!((median(dim) - (dim as f64 - 2.0 / 3.0)).abs() < 1.0 / dim as f64 + 1e-5);
        }
    }
}
