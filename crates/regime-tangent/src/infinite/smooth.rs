//! Smooth activations: a series in the correlation, or a quadrature if the series converges
//! slowly.

use std::f64::consts::PI;

use regime_models::Activation;

use super::{
    expansion::{Series, expand},
    plane::plane_mean,
    recursion::{Law, Layer},
};

/// The law of a smooth activation. A pair's state is its correlation ρ.
pub(super) struct Smooth {
    activation: Activation,
    gain: f64,
}

impl Smooth {
    pub(super) fn new(activation: Activation) -> Self {
        Self { activation, gain: activation.gain() }
    }

    /// φ and φ', with the gain.
    fn phi(&self, z: f64) -> (f64, f64) {
        let (value, slope) = self.activation.bare(z);
        (self.gain * value, self.gain * slope)
    }

    /// The distance from 0 of φ's nearest singularity in the complex plane. For GELU, which
    /// has no singularity, the length scale of its bend. For ReLU, a resolution that is fine
    /// enough for the quadrature over the plane.
    fn transition(&self) -> f64 {
        match self.activation {
            Activation::Relu => 1e-5,
            Activation::Softplus { beta } | Activation::Silu { beta } => PI / beta,
            Activation::Tanh => PI / 2.0,
            Activation::Gelu => 1.0,
            Activation::Own(own) => own.transition(),
        }
    }
}

impl Law for Smooth {
    type Layer<'a> = SmoothLayer<'a>;

    fn state(&self, _: &[f64], _: &[f64], cosine: f64) -> f64 {
        cosine.clamp(-1.0, 1.0)
    }

    fn cosine(&self, state: f64) -> f64 {
        state
    }

    fn layer(&self, deviations: Vec<f64>) -> SmoothLayer<'_> {
        let [values, slopes] = expand(&|z| self.phi(z), self.transition(), &deviations);
        SmoothLayer { law: self, deviations, values, slopes }
    }
}

/// One application of a smooth activation to given points.
pub(super) struct SmoothLayer<'a> {
    law: &'a Smooth,
    deviations: Vec<f64>,
    values: Series,
    slopes: Series,
}

impl Layer for SmoothLayer<'_> {
    fn deviations_after(&self) -> Vec<f64> {
        self.values.norms.clone()
    }

    fn own_slope(&self, i: usize) -> f64 {
        self.slopes.norms[i].powi(2)
    }

    fn pair(&self, i: usize, j: usize, rho: f64) -> (f64, f64) {
        let value = self.values.correlation(i, j, rho);
        let slope = self.slopes.correlation(i, j, rho);
        let (value, slope) = match (value, slope) {
            (Some(value), Some(slope)) => {
                (value, self.slopes.norms[i] * self.slopes.norms[j] * slope)
            }
            _ => self.by_quadrature(i, j, rho),
        };
        (value.clamp(-1.0, 1.0), slope)
    }
}

impl SmoothLayer<'_> {
    fn by_quadrature(&self, i: usize, j: usize, rho: f64) -> (f64, f64) {
        let deviations = [self.deviations[i], self.deviations[j]];
        let (value, slope) =
            plane_mean(|z| self.law.phi(z), self.law.transition(), deviations, rho);
        // The norms are not zero: the series of a function that vanishes converges at once.
        (value / (self.values.norms[i] * self.values.norms[j]), slope)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{arc_cosine::ArcCosine, expansion::MAX_TERMS},
        *,
    };

    /// ReLU is the hardest function for the series (its coefficients decay as a power) and has
    /// closed forms. It takes the series below |ρ| of about 0.97, and the quadrature above.
    #[test]
    fn series_and_quadrature_agree_with_the_closed_form_of_relu() {
        let deviations = vec![1.0, 3.0, 0.0];
        let law = Smooth { activation: Activation::Relu, gain: 2f64.sqrt() };
        let (general, closed) = (law.layer(deviations.clone()), ArcCosine.layer(deviations));
        assert_eq!(general.slopes.terms(), MAX_TERMS);
        let mut by_series = 0;
        for rho in [-1.0, -1.0 + 1e-6, -0.99, -0.5, 0.0, 0.2, 0.9, 0.96, 0.99, 1.0 - 1e-6, 1.0] {
            let (value, slope) = general.pair(0, 1, rho);
            let (angle, expected) = closed.pair(0, 1, f64::acos(rho));
            assert!((value - angle.cos()).abs() < 1e-12, "{rho}: {value} and {}", angle.cos());
            assert!((slope - expected).abs() < 1e-12, "{rho}: {slope} and {expected}");
            by_series += usize::from(general.slopes.correlation(0, 1, rho).is_some());
        }
        assert_eq!(by_series, 5);
        for i in 0..2 {
            assert!((general.own_slope(i) - closed.own_slope(i)).abs() < 1e-14);
            assert!(
                (general.deviations_after()[i] / closed.deviations_after()[i] - 1.0).abs() < 1e-14
            );
        }
        assert_eq!(general.pair(0, 2, 0.0), (0.0, 0.0));
    }

    #[test]
    fn series_and_quadrature_agree() {
        for (activation, at_most) in [
            (Activation::Softplus { beta: 5.0 }, 700),
            (Activation::Softplus { beta: 20.0 }, MAX_TERMS),
            (Activation::Tanh, 300),
            (Activation::Silu { beta: 1.0 }, 200),
            (Activation::Gelu, 200),
        ] {
            let law = Smooth::new(activation);
            let layer = law.layer(vec![1.0, 0.2, 0.0]);
            let terms = layer.slopes.terms();
            assert!(terms <= at_most, "{activation:?} takes {terms} terms");
            for (i, j, rho) in [(0, 1, 0.9), (0, 1, -0.97), (1, 1, 1.0), (1, 2, 0.0), (2, 2, 0.0)] {
                let scale = layer.slopes.norms[i] * layer.slopes.norms[j];
                let value = layer.values.correlation(i, j, rho).expect("the series converges");
                let slope = layer.slopes.correlation(i, j, rho).expect("the series converges");
                let expected = layer.by_quadrature(i, j, rho);
                if layer.values.norms[i] * layer.values.norms[j] > 0.0 {
                    assert!((value - expected.0).abs() < 3e-13, "{activation:?} {rho}");
                }
                assert!((slope - expected.1 / scale).abs() < 3e-13, "{activation:?} {rho}");
            }
        }
    }
}
