//! Rules that give the class of a Gaussian point.

use crate::chi_square;

/// The borders of the stripe, which has probability one half:
/// `Φ(1.18549) − Φ(−0.3) = 0.5000`.
const STRIPE: (f64, f64) = (-0.3, 1.18549);

/// A rule that gives the class of a point, 0 or 1. For standard normal points each
/// class has probability one half, except with [`AllPositive`](Self::AllPositive).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Class 1 where `−0.3 < x₀ < 1.18549`.
    Stripe,
    /// Class 1 where the squared norm of the first `round` coordinates is above
    /// `squared_radius`.
    OutsideSphere { round: usize, squared_radius: f64 },
    /// Class 1 where some `|xᵢ|` is above `half_side`.
    OutsideCube { half_side: f64 },
    /// Class 1 where the first `inputs` coordinates are above 0, with probability
    /// `2^(−inputs)`.
    AllPositive { inputs: usize },
    /// Class 1 where the product of the first `factors` coordinates is above 0.
    PositiveProduct { factors: usize },
}

impl Rule {
    /// The sphere that contains half of the points with `round` coordinates.
    pub(crate) fn outside_median_sphere(round: usize) -> Self {
        Self::OutsideSphere { round, squared_radius: chi_square::median(round) }
    }

    /// The cube that contains half of the points with `dim` coordinates: each
    /// coordinate is within it with probability `2^(−1/dim)`, and the square of a
    /// coordinate has the χ² distribution with one degree of freedom.
    pub(crate) fn outside_median_cube(dim: usize) -> Self {
        let within = 0.5_f64.powf(1.0 / dim as f64);
        Self::OutsideCube { half_side: chi_square::quantile(1, within).sqrt() }
    }

    /// The class of a point. The point has at least as many coordinates as the rule
    /// uses.
    pub(crate) fn class(self, x: &[f64]) -> u8 {
        u8::from(match self {
            Self::Stripe => x.first().is_some_and(|&x0| STRIPE.0 < x0 && x0 < STRIPE.1),
            Self::OutsideSphere { round, squared_radius } => {
                x.iter().take(round).map(|x| x * x).sum::<f64>() > squared_radius
            }
            Self::OutsideCube { half_side } => x.iter().any(|x| x.abs() > half_side),
            Self::AllPositive { inputs } => x.iter().take(inputs).all(|&x| x > 0.0),
            Self::PositiveProduct { factors } => {
                // The product of many factors can underflow, so signs are multiplied.
                let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                x.iter().take(factors).map(|&x| sign(x)).product::<f64>() > 0.0
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `√2 erf⁻¹(2^(−1/dim))`, computed with 40 digits.
    #[test]
    fn known_cubes() {
        for (dim, expected) in [
            (1, 0.674_489_750_196_081_7),
            (2, 1.051_795_860_165_225),
            (10, 1.831_895_383_690_205),
            (100_000, 4.495_782_758_878_27),
        ] {
            let Rule::OutsideCube { half_side } = Rule::outside_median_cube(dim) else {
                panic!("not a cube");
            };
            assert!((half_side - expected).abs() < 1e-10, "{dim}: {half_side}");
        }
    }

    /// Cases that Gaussian points do not reach: zeros, and a product that underflows.
    #[test]
    fn borders() {
        let product = Rule::PositiveProduct { factors: 2 };
        for (x, class) in [([0.0, 1.0], 0), ([-0.0, -1.0], 0), ([-1e-300, -1e-300], 1)] {
            assert_eq!(product.class(&x), class, "{x:?}");
        }
        assert_eq!(Rule::AllPositive { inputs: 1 }.class(&[0.0]), 0);
        assert_eq!(Rule::OutsideCube { half_side: 1.0 }.class(&[1.0, -1.0]), 0);
    }
}
