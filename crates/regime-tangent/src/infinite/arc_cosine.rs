//! ReLU: closed forms in the angle between two points.

use std::f64::consts::PI;

use super::law::{Errors, Law, Layer};

/// For cosines of larger magnitude the angle is computed from the points. For smaller ones,
/// arccos loses no more than about a factor of two in accuracy.
const STEEP: f64 = 0.9;

/// The law of `√2·max(0, z)`, with another factor in place of √2 if asked for. A pair's
/// state is its angle `θ ∈ [0, π]`, because the cosine cannot resolve a small angle.
///
/// # Reference
/// Cho, Saul, NIPS 2009: with the gain √2, `E φφ = √(q q')·(sin θ + (π − θ) cos θ)/π`,
/// `E φ'φ' = (π − θ)/π`, and `E φ² = q`.
pub(super) struct ArcCosine {
    /// The square of the gain over 2: 1 for the gain √2.
    pub(super) factor: f64,
}

impl Law for ArcCosine {
    type Layer<'a> = ArcCosineLayer;

    fn state(&self, (a, more_a): (&[f64], f64), (b, more_b): (&[f64], f64), cosine: f64) -> f64 {
        if cosine.abs() <= STEEP {
            return cosine.acos();
        }
        let mut difference = (more_a - more_b).powi(2);
        let mut sum = (more_a + more_b).powi(2);
        for (a, b) in a.iter().zip(b) {
            difference += (a - b) * (a - b);
            sum += (a + b) * (a + b);
        }
        2.0 * difference.sqrt().atan2(sum.sqrt())
    }

    fn state_of(&self, versine: f64) -> f64 {
        // The angle is at most π/2, up to rounding, so the argument of arcsin is not near 1.
        2.0 * (0.5 * versine).sqrt().asin()
    }

    fn layer(&self, deviations: Vec<f64>) -> ArcCosineLayer {
        let root = self.factor.sqrt();
        let norms = deviations.iter().map(|r| root * r).collect();
        ArcCosineLayer { deviations, norms, factor: self.factor }
    }
}

/// One application of ReLU to given preactivations.
pub(super) struct ArcCosineLayer {
    deviations: Vec<f64>,
    norms: Vec<f64>,
    factor: f64,
}

impl Layer for ArcCosineLayer {
    fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    fn norms(&self) -> &[f64] {
        &self.norms
    }

    fn own_slope(&self, i: usize) -> f64 {
        if self.deviations[i] > 0.0 { self.factor } else { 0.0 }
    }

    fn pair(&self, i: usize, j: usize, angle: f64) -> (f64, f64) {
        if self.deviations[i] == 0.0 || self.deviations[j] == 0.0 {
            return (1.0, 0.0);
        }
        (versine_after(angle), self.factor * (PI - angle) / PI)
    }

    fn work(&self, _: usize, _: usize, _: f64) -> f64 {
        30.0
    }

    fn work_of_one(&self) -> f64 {
        0.0
    }

    fn errors(&self) -> Errors {
        Errors { value: 4.0 * f64::EPSILON, slope: 2.0 * f64::EPSILON }
    }

    /// The slope is linear in the angle.
    fn sensitivity(&self) -> f64 {
        1.0
    }
}

/// The versine after a layer, `cos θ' = (sin θ + (π − θ) cos θ)/π`, with a small relative
/// error for small angles: `1 − cos θ' = 2 sin²(θ/2) − (sin θ − θ cos θ)/π`.
fn versine_after(angle: f64) -> f64 {
    2.0 * (0.5 * angle).sin().powi(2) - sine_excess(angle) / PI
}

/// `sin θ − θ cos θ = Σ_{k≥1} (−1)^{k+1} 2k θ^{2k+1}/(2k+1)!`
fn sine_excess(angle: f64) -> f64 {
    if angle > 0.5 {
        return angle.sin() - angle * angle.cos();
    }
    let square = angle * angle;
    // power = θ^{2k+1}/(2k+1)!
    let (mut sum, mut power) = (0.0, angle);
    for k in 1..9 {
        let k = f64::from(k);
        power *= -square / (2.0 * k * (2.0 * k + 1.0));
        sum -= 2.0 * k * power;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use super::*;

    const LAW: ArcCosine = ArcCosine { factor: 1.0 };

    fn angle_after(angle: f64) -> f64 {
        LAW.state_of(versine_after(angle))
    }

    #[test]
    fn the_series_agrees_with_the_formula() {
        for angle in [0.3, 0.4, 0.5f64] {
            let direct = angle.sin() - angle * angle.cos();
            assert!((sine_excess(angle) - direct).abs() < 1e-15 * angle);
        }
        let (angle, leading) = (1e-4f64, 1e-12 / 3.0);
        assert!((sine_excess(angle) / leading - (1.0 - angle * angle / 10.0)).abs() < 1e-14);
    }

    /// `1 − cos θ' = θ²/2 − θ³/(3π) + O(θ⁴)`, so `θ' = θ − θ²/(3π) + O(θ³)`.
    #[test]
    fn small_angles_are_accurate() {
        for angle in [1e-3, 1e-6, 1e-9, 1e-12] {
            let after = angle_after(angle);
            let expected = angle - angle * angle / (3.0 * PI);
            assert!((after - expected).abs() <= angle.powi(3) + 1e-15 * angle, "{angle}: {after}");
        }
        assert_eq!(angle_after(0.0), 0.0);
    }

    #[test]
    fn known_angles() {
        assert!((angle_after(PI) - FRAC_PI_2).abs() < 1e-15);
        assert!((angle_after(FRAC_PI_2).cos() - 1.0 / PI).abs() < 1e-15);
        let third = PI / 3.0;
        let cosine = (3f64.sqrt() / 2.0 + PI / 3.0) / PI;
        assert!((angle_after(third).cos() - cosine).abs() < 1e-15);
    }

    #[test]
    fn angles_of_points_near_zero_and_pi() {
        let angle = |turn: f64| {
            let (sin, cos) = turn.sin_cos();
            LAW.state((&[1.0, 0.0], 0.0), (&[cos, sin], 0.0), cos)
        };
        for small in [1e-9, 1e-4, 0.1, 0.46, 1.0] {
            assert!((angle(small) / small - 1.0).abs() < 1e-15, "{small}");
            let near_half_turn = PI - small;
            assert!((angle(near_half_turn) - near_half_turn).abs() < 1e-15, "{small}");
        }
        let plus: (&[f64], f64) = (&[0.6], 0.8);
        assert_eq!(LAW.state(plus, (&[-0.6], -0.8), -1.0), PI);
        assert_eq!(LAW.state(plus, plus, 1.0), 0.0);
    }
}
