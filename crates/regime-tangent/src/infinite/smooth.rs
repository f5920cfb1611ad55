//! Smooth activations: a closed form, a series in the correlation, or a mixture of closed
//! forms if the series converges slowly.

use std::f64::consts::PI;

use regime_models::Activation;

use super::{
    expansion::{Series, TOLERANCE, expand},
    law::{Errors, Law, Layer},
    mixture::{Means, Mixture},
    plane::plane_mean,
};

/// The law of a smooth activation. A pair's state is its correlation ρ.
pub(super) struct Smooth {
    activation: Activation,
    gain: f64,
    /// `None` for an activation of the program.
    mixture: Option<Mixture>,
}

impl Smooth {
    pub(super) fn new(activation: Activation, gain: f64) -> Self {
        Self { activation, gain, mixture: Mixture::of(activation, gain) }
    }

    /// The means over a pair of standard deviations and a correlation: a mixture of closed forms, or
    /// a quadrature over the plane.
    fn means(&self, deviations: [f64; 2], rho: f64) -> Means {
        match &self.mixture {
            Some(mixture) => mixture.means(deviations, rho),
            None => {
                let phi = |z| self.phi(z);
                let (value, slope) = plane_mean(phi, self.transition(), deviations, rho);
                Means { value, slope }
            }
        }
    }

    /// `∂ ln E φ'(u) φ'(v)/∂ρ` at ρ = 1.
    fn bend(&self, r: f64) -> f64 {
        let slope = self.means([r, r], 1.0).slope;
        match &self.mixture {
            Some(mixture) => mixture.bend([r, r], 1.0) / slope,
            // A difference: an estimate is enough for a bound on errors.
            None => (1.0 - self.means([r, r], 1.0 - 1e-3).slope / slope) / 1e-3,
        }
    }

    /// φ and φ', with the gain.
    fn phi(&self, z: f64) -> (f64, f64) {
        let (value, slope) = self.activation.bare(z);
        (self.gain * value, self.gain * slope)
    }

    /// The distance from 0 of φ's nearest singularity in the complex plane. For GELU, which
    /// has no singularity, the length scale of its bend. For ReLU, which has a kink at 0, a
    /// fine resolution.
    fn transition(&self) -> f64 {
        match self.activation {
            Activation::Relu => 1e-5,
            Activation::Softplus { beta } | Activation::Silu { beta } => PI / beta,
            Activation::Tanh => PI / 2.0,
            Activation::Gelu => 1.0,
            Activation::Own(own) => own.transition(),
        }
    }

    /// `√(E φ²)` and `E φ'²`, as a single closed form.
    fn own(&self, r: f64) -> (f64, f64) {
        let means = self.means([r, r], 1.0);
        (means.value.sqrt(), means.slope)
    }
}

impl Law for Smooth {
    type Layer<'a> = SmoothLayer<'a>;

    fn state(&self, _: (&[f64], f64), _: (&[f64], f64), cosine: f64) -> f64 {
        cosine.clamp(-1.0, 1.0)
    }

    fn state_of(&self, versine: f64) -> f64 {
        (1.0 - versine).clamp(-1.0, 1.0)
    }

    fn layer(&self, deviations: Vec<f64>) -> SmoothLayer<'_> {
        if self.activation == Activation::Gelu {
            let (norms, slopes) = deviations.iter().map(|&r| self.own(r)).unzip();
            return SmoothLayer { law: self, deviations, norms, slopes, series: None };
        }
        let [values, slopes] = expand(&|z| self.phi(z), self.transition(), &deviations);
        let own = slopes.norms.iter().map(|norm| norm * norm).collect();
        let norms = values.norms.clone();
        SmoothLayer { law: self, deviations, norms, slopes: own, series: Some([values, slopes]) }
    }
}

/// One application of a smooth activation to given preactivations.
pub(super) struct SmoothLayer<'a> {
    law: &'a Smooth,
    deviations: Vec<f64>,
    norms: Vec<f64>,
    /// `E φ'²`
    slopes: Vec<f64>,
    series: Option<[Series; 2]>,
}

impl Layer for SmoothLayer<'_> {
    fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    fn norms(&self) -> &[f64] {
        &self.norms
    }

    fn own_slope(&self, i: usize) -> f64 {
        self.slopes[i]
    }

    fn pair(&self, i: usize, j: usize, rho: f64) -> (f64, f64) {
        let (value, slope) = self.by_series(i, j, rho).unwrap_or_else(|| self.by_means(i, j, rho));
        (1.0 - value.clamp(-1.0, 1.0), slope)
    }

    fn work(&self, i: usize, j: usize, rho: f64) -> f64 {
        let terms = self.series.as_ref().and_then(|[values, slopes]| {
            Some(values.terms_of(i, j, rho)? + slopes.terms_of(i, j, rho)?)
        });
        match terms {
            Some(terms) => 10.0 + 0.5 * terms as f64,
            None => match &self.law.mixture {
                Some(mixture) => 25.0 * mixture.evaluations() as f64,
                // Evaluations of φ in a quadrature over the plane.
                None => 1e6,
            },
        }
    }

    fn work_of_one(&self) -> f64 {
        // About 700 nodes on each half of the line, and fast products of matrices.
        let of = |[values, _]: &[Series; 2]| 700.0 * (0.25 * values.terms() as f64 + 30.0);
        self.series.as_ref().map_or(30.0, of)
    }

    fn errors(&self) -> Errors {
        let error = match self.series {
            Some(_) => TOLERANCE,
            None => 16.0 * f64::EPSILON,
        };
        Errors { value: error, slope: error }
    }

    /// From some deviations between the smallest and the largest one: the sensitivity varies
    /// slowly.
    fn sensitivity(&self) -> f64 {
        let positive = || self.deviations.iter().copied().filter(|r| *r > 0.0);
        let (least, most) =
            (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        if most == 0.0 {
            return 0.0;
        }
        let at = |k: u32| least * (most / least).powf(f64::from(k) / 15.0);
        let of = |r: f64| self.law.bend(r);
        (0..16).map(|k| of(at(k))).filter(|ratio| ratio.is_finite()).fold(0.0, f64::max)
    }
}

impl SmoothLayer<'_> {
    /// The correlation of `φ(u)` and `φ(v)` and `E φ'(u) φ'(v)`, if the terms suffice.
    fn by_series(&self, i: usize, j: usize, rho: f64) -> Option<(f64, f64)> {
        let [values, slopes] = self.series.as_ref()?;
        let value = values.correlation(i, j, rho)?;
        let slope = slopes.correlation(i, j, rho)?;
        Some((value, slopes.norms[i] * slopes.norms[j] * slope))
    }

    fn by_means(&self, i: usize, j: usize, rho: f64) -> (f64, f64) {
        let means = self.law.means([self.deviations[i], self.deviations[j]], rho);
        let norms = self.norms[i] * self.norms[j];
        (if norms > 0.0 { means.value / norms } else { 0.0 }, means.slope)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{arc_cosine::ArcCosine, expansion::MAX_TERMS},
        *,
    };

    fn terms(layer: &SmoothLayer<'_>) -> usize {
        layer.series.as_ref().map_or(0, |[_, slopes]| slopes.terms())
    }

    /// ReLU is the hardest function for the series (its coefficients decay as a power) and has
    /// closed forms. It takes the series below |ρ| of about 0.97, and the mixture above.
    #[test]
    fn series_and_mixture_agree_with_the_closed_form_of_relu() {
        let deviations = vec![1.0, 3.0, 0.0];
        let law = Smooth::new(Activation::Relu, 2f64.sqrt());
        let closed = ArcCosine { factor: 1.0 };
        let (general, closed) = (law.layer(deviations.clone()), closed.layer(deviations));
        assert_eq!(terms(&general), MAX_TERMS);
        let mut by_series = 0;
        for rho in [-1.0, -1.0 + 1e-6, -0.99, -0.5, 0.0, 0.2, 0.9, 0.96, 0.99, 1.0 - 1e-6, 1.0] {
            let (value, slope) = general.pair(0, 1, rho);
            let (expected, expected_slope) = closed.pair(0, 1, f64::acos(rho));
            assert!((value - expected).abs() < 1e-12, "{rho}: {value} and {expected}");
            assert!((slope - expected_slope).abs() < 1e-12, "{rho}: {slope}");
            by_series += usize::from(general.by_series(0, 1, rho).is_some());
        }
        assert_eq!(by_series, 5);
        for i in 0..2 {
            assert!((general.own_slope(i) - closed.own_slope(i)).abs() < 1e-14);
            assert!((general.norms()[i] / closed.norms()[i] - 1.0).abs() < 1e-14);
        }
        assert_eq!(general.pair(0, 2, 0.0), (1.0, 0.0));
        assert_eq!(closed.pair(0, 2, 0.0), (1.0, 0.0));
    }

    #[test]
    fn series_and_mixture_agree() {
        for (activation, at_most) in [
            (Activation::Softplus { beta: 5.0 }, 700),
            (Activation::Softplus { beta: 20.0 }, MAX_TERMS),
            (Activation::Tanh, 300),
            (Activation::Silu { beta: 1.0 }, 200),
        ] {
            let law = Smooth::new(activation, activation.gain());
            let layer = law.layer(vec![1.0, 0.2, 0.0]);
            let terms = terms(&layer);
            assert!(terms <= at_most, "{activation:?} takes {terms} terms");
            for (i, j, rho) in [(0, 1, 0.9), (0, 1, -0.97), (1, 1, 1.0), (1, 2, 0.0), (2, 2, 0.0)] {
                let scale = (layer.own_slope(i) * layer.own_slope(j)).sqrt();
                let (value, slope) = layer.by_series(i, j, rho).expect("the series converges");
                let expected = layer.by_means(i, j, rho);
                assert!((value - expected.0).abs() < 3e-13, "{activation:?} {rho}");
                assert!((slope - expected.1).abs() < 3e-13 * scale, "{activation:?} {rho}");
            }
        }
    }

    /// A bend of scale 1/β far below the deviations, as for inputs up to 10π.
    #[test]
    fn a_sharp_bend_is_cheap_and_agrees_with_the_series() {
        let activation = Activation::Softplus { beta: 5.0 };
        let law = Smooth::new(activation, activation.gain());
        let layer = law.layer(vec![31.0, 12.0]);
        for rho in [-0.96, -0.5, 0.1, 0.96] {
            let (value, slope) = layer.by_series(0, 1, rho).expect("the series converges");
            let expected = layer.by_means(0, 1, rho);
            let scale = (layer.own_slope(0) * layer.own_slope(1)).sqrt();
            assert!((value - expected.0).abs() < 2e-13, "{rho}");
            assert!((slope - expected.1).abs() < 2e-13 * scale, "{rho}");
        }
    }
}
