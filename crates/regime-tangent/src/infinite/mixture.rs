//! Smooth activations as mixtures of functions with closed forms.

use std::f64::consts::{FRAC_PI_2, PI};

use regime_models::Activation;

use super::kolmogorov::{KOLMOGOROV, NODES};

/// An activation as a mean over smoothed copies of a homogeneous function.
///
/// A logistic variable is `2K·N` with a normal `N` and an independent `K` with the
/// Kolmogorov distribution. So each activation is a mean over `t`, with `N ~ N(0, 1)`:
///
/// | activation | mean over t of | t |
/// |---|---|---|
/// | softplus | `E max(0, z + √t N)` | `(2K/β)²` |
/// | SiLU | `z P(z + √t N > 0)` | `(2K/β)²` |
/// | GELU | `z P(z + √t N > 0)` | 1 |
/// | tanh | `E sign(z + √t N)` | `K²` |
/// | ReLU | `max(0, z)` | 0 |
///
/// The noise of one argument is independent of the noise of the other. It only adds `t` and
/// `t'` to the variances, so that the mean over both arguments has a closed form, and
/// `E φ(u)φ(v)` is its mean over `t` and `t'`. This function of `ln t` and `ln t'` is analytic
/// for all variances and correlations, ρ = ±1 included: a Gauss rule with 14 nodes reaches
/// about 1e-14.
///
/// # Reference
/// Andrews, Mallows, J. R. Stat. Soc. B 36, 99 (1974): the logistic distribution as a mixture
/// of normal distributions. Cho, Saul, NIPS 2009, and Williams, NIPS 1996: the closed forms
/// for `max(0, z)` and for the error function.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    shape: Shape,
    /// The square of the gain.
    factor: f64,
    /// Values of `t`, with their weights.
    scales: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// `E max(0, z + √t N)`
    Kink,
    /// `z P(z + √t N > 0)`
    Gate,
    /// `E sign(z + √t N)`
    Step,
}

/// Means over a pair of normal variables `u`, `v`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Means {
    /// `E φ(u) φ(v)`
    pub(super) value: f64,
    /// `E φ'(u) φ'(v)`
    pub(super) slope: f64,
}

/// A preactivation with noise of the variance `t`.
#[derive(Clone, Copy, Default)]
struct Noisy {
    weight: f64,
    /// `√(q + t)`
    deviation: f64,
    /// `q/(q + t)`
    signal: f64,
    /// `t/(q + t)`
    noise: f64,
    /// `√(q/(q + t))`
    root: f64,
}

impl Mixture {
    /// `gain` multiplies the bare activation. `None` for an activation of the program: no mixture is
    /// known.
    pub(super) fn of(activation: Activation, gain: f64) -> Option<Self> {
        let squared = |factor: f64| KOLMOGOROV.iter().map(|(k, w)| (factor * k * k, *w)).collect();
        let (shape, scales) = match activation {
            Activation::Relu => (Shape::Kink, vec![(0.0, 1.0)]),
            Activation::Softplus { beta } => (Shape::Kink, squared((2.0 / beta).powi(2))),
            Activation::Silu { beta } => (Shape::Gate, squared((2.0 / beta).powi(2))),
            Activation::Gelu => (Shape::Gate, vec![(1.0, 1.0)]),
            Activation::Tanh => (Shape::Step, squared(1.0)),
            Activation::Own(_) => return None,
        };
        Some(Self { shape, factor: gain * gain, scales })
    }

    /// Closed forms per pair.
    pub(super) fn evaluations(&self) -> usize {
        self.scales.len().pow(2)
    }

    /// The means for these standard deviations and this correlation.
    pub(super) fn means(&self, deviations: [f64; 2], rho: f64) -> Means {
        let [mut value, mut slope] = [0.0; 2];
        self.for_each(deviations, rho, |weight, joint| {
            let means = self.shape.means(&joint);
            value += weight * means.value;
            slope += weight * means.slope;
        });
        Means { value: self.factor * value, slope: self.factor * slope }
    }

    /// `√(E u² E v²) · E φ''(u) φ''(v)`, the derivative of the slope with respect to ρ.
    pub(super) fn bend(&self, deviations: [f64; 2], rho: f64) -> f64 {
        let mut bend = 0.0;
        self.for_each(deviations, rho, |weight, joint| bend += weight * self.shape.bend(&joint));
        self.factor * bend
    }

    #[inline]
    fn for_each(&self, [q, r]: [f64; 2], rho: f64, mut visit: impl FnMut(f64, Joint)) {
        let mut right = [Noisy::default(); NODES];
        let right = &mut right[..self.scales.len()];
        for (noisy, &(t, weight)) in right.iter_mut().zip(&self.scales) {
            *noisy = Noisy::new(r, t, weight);
        }
        let rest = (1.0 - rho) * (1.0 + rho);
        for &(t, weight) in &self.scales {
            let left = Noisy::new(q, t, weight);
            for right in &*right {
                visit(left.weight * right.weight, Joint::new(&left, right, rho, rest));
            }
        }
    }
}

impl Noisy {
    fn new(r: f64, t: f64, weight: f64) -> Self {
        let variance = r * r + t;
        if variance == 0.0 {
            // ReLU at a point without variance has neither signal nor noise.
            return Self { weight, ..Self::default() };
        }
        let (deviation, inverse) = (variance.sqrt(), variance.recip());
        let (signal, noise) = (r * r * inverse, t * inverse);
        Self { weight, deviation, signal, noise, root: r / deviation }
    }
}

/// Two noisy arguments. With their variances `A`, `A'` and their covariance `c`,
/// `h = c/√(A A')` is their correlation, and `w² = 1 − h²` is computed without cancellation.
struct Joint {
    /// `√(A A')`
    scale: f64,
    /// `√(q q'/(A A'))`
    roots: f64,
    /// Both signals, `q q'/(A A')`.
    signals: f64,
    /// One signal and one noise, `(q t' + q' t)/(A A')`.
    mixed: f64,
    /// Both noises, `t t'/(A A')`.
    noises: f64,
    h: f64,
    /// `w²`
    square: f64,
    w: f64,
}

impl Joint {
    #[inline]
    fn new(a: &Noisy, b: &Noisy, rho: f64, rest: f64) -> Self {
        let (signals, noises) = (a.signal * b.signal, a.noise * b.noise);
        let mixed = a.signal * b.noise + a.noise * b.signal;
        let (scale, roots) = (a.deviation * b.deviation, a.root * b.root);
        let square = rest * signals + mixed + noises;
        Self { scale, roots, signals, mixed, noises, h: rho * roots, square, w: square.sqrt() }
    }
}

impl Shape {
    /// The closed forms. With `δ = arcsin h`
    ///
    /// ```text
    /// kink:  2π E φφ = √(A A') (w + h(π/2 + δ))      2π E φ'φ' = π/2 + δ
    /// step:  π/2 E φφ = δ                            π/2 E φ'φ' = 1/(√(A A') w)
    /// ```
    ///
    /// and those of the gate follow from those of the kink, because
    /// `z P(z + √t N > 0) = (1 − 2t ∂/∂t) E max(0, z + √t N)`. Each slope is the derivative of
    /// the value with respect to `c`. All terms of a value are positive for `ρ > 0`.
    #[inline]
    fn means(self, joint: &Joint) -> Means {
        let &Joint { scale, signals, mixed, noises, h, square, w, .. } = joint;
        let delta = h.atan2(w);
        let angle = FRAC_PI_2 + delta;
        match self {
            Self::Kink => Means { value: TURN * scale * (w + h * angle), slope: TURN * angle },
            Self::Gate => {
                let ratio = h * h * noises / square;
                let value = h * angle + w * (signals + ratio);
                let slope = angle + h / w * (mixed + 3.0 * noises + ratio);
                Means { value: TURN * scale * value, slope: TURN * slope }
            }
            Self::Step => Means { value: 4.0 * TURN * delta, slope: 4.0 * TURN / (scale * w) },
        }
    }

    /// `√(q q')` times the derivative of the slope with respect to `c`.
    fn bend(self, joint: &Joint) -> f64 {
        let &Joint { scale, roots, mixed, noises, h, square, w, .. } = joint;
        let ratio = h * h * noises / square;
        match self {
            Self::Kink => TURN * roots / w,
            Self::Gate => TURN * roots / w * (1.0 + (mixed + 3.0 * noises + 3.0 * ratio) / square),
            Self::Step => 4.0 * TURN * roots * h / (scale * w * square),
        }
    }
}

/// `1/(2π)`
const TURN: f64 = 0.5 / PI;

#[cfg(test)]
mod tests {
    use regime_models::gaussian_mean;

    use super::*;

    const ALL: [Activation; 6] = [
        Activation::Softplus { beta: 5.0 },
        Activation::Softplus { beta: 1.0 },
        Activation::Silu { beta: 2.0 },
        Activation::Gelu,
        Activation::Tanh,
        Activation::Relu,
    ];

    /// Equal arguments, by quadrature over the line.
    #[test]
    fn equal_arguments_agree_with_the_line() {
        for activation in ALL {
            let mixture = Mixture::of(activation, 1.5).expect("a mixture");
            for r in [1e-3, 0.3, 1.0, 20.0] {
                let found = mixture.means([r, r], 1.0);
                let value = 2.25 * gaussian_mean(|g| activation.bare(r * g).0.powi(2));
                let slope = 2.25 * gaussian_mean(|g| activation.bare(r * g).1.powi(2));
                assert!((found.value / value - 1.0).abs() < 3e-14, "{activation:?} {r}");
                assert!((found.slope / slope - 1.0).abs() < 3e-14, "{activation:?} {r}");
            }
        }
    }

    /// Independent arguments: a product of two means over the line.
    #[test]
    fn independent_arguments_agree_with_two_lines() {
        for activation in ALL {
            let mixture = Mixture::of(activation, 1.0).expect("a mixture");
            let [q, r] = [0.7, 4.0];
            let found = mixture.means([q, r], 0.0);
            let mean =
                |r: f64, of: fn((f64, f64)) -> f64| gaussian_mean(|g| of(activation.bare(r * g)));
            let value = mean(q, |p| p.0) * mean(r, |p| p.0);
            let slope = mean(q, |p| p.1) * mean(r, |p| p.1);
            assert!((found.value - value).abs() < 1e-14 * (1.0 + value), "{activation:?}");
            assert!((found.slope - slope).abs() < 1e-14, "{activation:?}");
        }
    }

    /// `∂/∂ρ E φφ = √(q q') E φ'φ'` and the same once more, by central differences.
    #[test]
    fn slopes_and_bends_are_derivatives() {
        for activation in ALL {
            let mixture = Mixture::of(activation, 1.0).expect("a mixture");
            for (deviations, rho) in [([0.7, 1.3], 0.4), ([2.0, 0.1], -0.8), ([1.0, 1.0], 0.95)] {
                let at = |rho| mixture.means(deviations, rho);
                let (step, found) = (1e-5, at(rho));
                let (up, down) = (at(rho + step), at(rho - step));
                let scale = deviations[0] * deviations[1];
                let slope = (up.value - down.value) / (2.0 * step * scale);
                let bend = (up.slope - down.slope) / (2.0 * step);
                let found_bend = mixture.bend(deviations, rho);
                assert!((found.slope - slope).abs() < 1e-8, "{activation:?} {rho}");
                assert!((found_bend - bend).abs() < 1e-8, "{activation:?} {rho}");
            }
        }
    }

    #[test]
    fn extreme_variances_are_finite() {
        for activation in ALL {
            let mixture = Mixture::of(activation, 1.0).expect("a mixture");
            for deviations in [[1e149, 1e149], [1e-200, 1e-200], [1e149, 1e-200], [0.0, 1.0]] {
                for rho in [-1.0, 0.0, 1.0] {
                    let Means { value, slope } = mixture.means(deviations, rho);
                    assert!(
                        value.is_finite() && slope.is_finite(),
                        "{activation:?} {deviations:?}"
                    );
                }
            }
        }
    }
}
