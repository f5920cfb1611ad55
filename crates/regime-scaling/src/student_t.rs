//! Quantiles of Student's t distribution.

use spec_math::cephes64::incbi;

/// The `t` with `P(T ≤ t) = p` for `degrees` (real, positive) degrees of
/// freedom and `½ ≤ p < 1`.
///
/// # Reference
/// `P(T > t) = ½ I_x(ν/2, ½)` at `x = ν/(ν+t²)`, with the regularised incomplete beta
/// function `I`, which Cephes inverts.
pub(crate) fn quantile(p: f64, degrees: f64) -> f64 {
    let tail = 1.0 - p;
    if tail >= 0.5 {
        return 0.0;
    }
    // Solve for the smaller of x and 1 − x: the larger one would lose digits.
    if tail < 0.25 {
        let x = incbi(0.5 * degrees, 0.5, 2.0 * tail);
        (degrees * (1.0 - x) / x).sqrt()
    } else {
        let y = incbi(0.5, 0.5 * degrees, 1.0 - 2.0 * tail);
        (degrees * y / (1.0 - y)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn tabulated_values() {
        for (p, degrees, t) in [
            (0.975, 1.0, 12.706_204_74),
            (0.975, 2.0, 4.302_652_73),
            (0.975, 4.0, 2.776_445_11),
            (0.975, 9.0, 2.262_157_16),
            (0.975, 30.0, 2.042_272_46),
            (0.95, 5.0, 2.015_048_37),
            (0.995, 3.0, 5.840_909_31),
            (0.975, 1e7, 1.959_963_98),
        ] {
            let found = quantile(p, degrees);
            assert!((found / t - 1.0).abs() < 2e-7, "t({p}, {degrees}) = {found}, not {t}");
        }
    }

    /// One degree of freedom is the Cauchy distribution; two have an algebraic quantile.
    #[test]
    fn closed_forms() {
        for p in [0.500_001, 0.6, 0.9, 0.999, 1.0 - 1e-9] {
            let cauchy = (PI * (p - 0.5)).tan();
            assert!((quantile(p, 1.0) / cauchy - 1.0).abs() < 1e-6);
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            assert!((quantile(p, 2.0) / two - 1.0).abs() < 1e-6);
        }
    }
}
