use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{role::Role, table::Parametrisation};
use crate::{Alpha, ModelError, NetworkSpec, init::standard_normals};

/// A parametrisation and the α of `F = α(f − f₀)` in that parametrisation.
///
/// The flow follows the loss `L = 1/(α²n) Σ ℓ` with the rates of the parametrisation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convention {
    /// The powers of the width in `f`.
    pub parametrisation: Parametrisation,
    /// The scale of the output, positive.
    pub alpha: f64,
}

impl From<Parametrisation> for Convention {
    /// With `α = 1`.
    fn from(parametrisation: Parametrisation) -> Self {
        Self { parametrisation, alpha: 1.0 }
    }
}

impl Convention {
    /// The convention of the paper's first version and of this crate's networks.
    pub fn paper(alpha: Alpha) -> Self {
        Self { parametrisation: Parametrisation::NTK, alpha: alpha.value() }
    }

    /// The convention of the authors' code: the same `F` as [`Convention::paper`], for `width`.
    pub fn code(alpha: Alpha, width: usize) -> Self {
        let alpha = alpha.times_root_width(width);
        Self { parametrisation: Parametrisation::CODE, alpha }
    }
}

/// The learning rates, or any other factors, of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LayerRates {
    /// The rate of its weights.
    pub weights: f64,
    /// The rate of its biases; `None` for a layer without biases.
    pub biases: Option<f64>,
}

/// The ratio of the times that two conventions take for the same trajectory of `F`.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeRatio {
    /// `t_to = factor · t_from`, for every parameter.
    Common(f64),
    /// The factor that each layer would need, when there is no common factor. Only
    /// layer-wise rates, [`Layout::learning_rates`], make the trajectories the same.
    ByLayer(Vec<LayerRates>),
}

/// What a parametrisation needs from a concrete network: its width, and the role and
/// the range of the parameters of each layer.
///
/// # Example
/// Converts the NTK network of width 64 to the standard parametrisation of common
/// libraries. With the layer-wise rates, gradient descent there goes through the same
/// functions as with a common rate here.
/// ```
/// use regime_models::{Activation, DenseSpec, Layout, NetworkSpec, Parametrisation};
///
/// let spec = DenseSpec {
///     inputs: 4,
///     width: 64,
///     hidden_layers: 2,
///     activation: Activation::Relu,
///     bias: false,
/// };
/// let layout = Layout::of(&NetworkSpec::Dense(spec))?;
/// let (ntk, standard) = (Parametrisation::NTK.into(), Parametrisation::STANDARD.into());
/// let w = spec.build()?.initial_weights(0);
/// let converted = layout.convert(&w, &ntk, &standard);
/// assert_eq!(converted[0], w[0] / 2.0);
///
/// let rates = layout.learning_rates(&ntk, &standard, 1.0);
/// let weights: Vec<f64> = rates.iter().map(|rate| rate.weights).collect();
/// assert_eq!(weights, [0.25, 1.0 / 64.0, 1.0 / 64.0]);
/// # Ok::<(), regime_models::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    width: f64,
    layers: Vec<Slot>,
}

#[derive(Debug, Clone, PartialEq)]
struct Slot {
    role: Role,
    /// The part of the fan-in that does not grow with the width.
    fixed: f64,
    weights: Range<usize>,
    biases: Option<Range<usize>>,
}

impl Slot {
    /// `width^−of_width · fixed^−of_fixed`.
    fn power(&self, width: f64, of_width: f64, of_fixed: f64) -> f64 {
        // The square root is exact more often than the power.
        let power = |base: f64, exponent: f64| match exponent {
            0.0 => 1.0,
            0.5 => base.sqrt().recip(),
            -0.5 => base.sqrt(),
            _ => base.powf(-exponent),
        };
        power(width, of_width) * power(self.fixed, of_fixed)
    }
}

impl Layout {
    /// The layout of a network's parameters.
    ///
    /// # Errors
    /// The errors of [`NetworkSpec::build`], and [`ModelError::NoParametrisation`] for a wide
    /// residual network: neither the fan-in nor the fan-out of its first convolution grows
    /// with the width, so no row of the table applies.
    pub fn of(spec: &NetworkSpec) -> Result<Self, ModelError> {
        if let NetworkSpec::WideResNet(_) = spec {
            return Err(ModelError::NoParametrisation { architecture: spec.architecture() });
        }
        let net = spec.build()?;
        let width = spec.width() as f64;
        let last = net.layers().len() - 1;
        let slots = net.layers().iter().enumerate().map(|(at, layer)| {
            let role = match at {
                0 => Role::Input,
                at if at == last => Role::Output,
                _ => Role::Hidden,
            };
            let fan_in = layer.inputs as f64;
            Slot {
                role,
                fixed: if role == Role::Input { fan_in } else { fan_in / width },
                weights: layer.weights.clone(),
                biases: layer.biases.clone(),
            }
        });
        let layers = slots.collect();
        Ok(Self { width, layers })
    }

    /// Number of parameters `P`.
    pub fn n_params(&self) -> usize {
        let last = self.layers.last().expect("a network has layers");
        last.biases.as_ref().unwrap_or(&last.weights).end
    }

    /// The role of each layer, from the first to the last.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.layers.iter().map(|slot| slot.role)
    }

    /// The factors in front of weights and biases in the forward pass of `F`, by layer.
    /// The factors of the last layer include α.
    pub fn multipliers(&self, convention: &Convention) -> Vec<LayerRates> {
        let Convention { parametrisation: table, alpha } = convention;
        self.each(|slot| {
            let scale = if slot.role == Role::Output { *alpha } else { 1.0 };
            let (weights, biases) = table.of(slot.role);
            (
                scale * slot.power(self.width, weights.a, table.fan_in.a),
                scale * slot.power(self.width, biases.a, 0.0),
            )
        })
    }

    /// The initial standard deviation of the weights, by layer. Biases start at 0.
    pub fn initial_deviations(&self, parametrisation: &Parametrisation) -> Vec<f64> {
        let deviation = |slot: &Slot| {
            let (weights, _) = parametrisation.of(slot.role);
            slot.power(self.width, weights.b, parametrisation.fan_in.b)
        };
        self.layers.iter().map(deviation).collect()
    }

    /// The initial parameters of the parametrisation, `[P]`, from the same normal numbers as
    /// [`FeedForward::initial_weights`](crate::FeedForward::initial_weights) with this
    /// seed. For [`Parametrisation::NTK`] the two results are equal.
    pub fn initial_weights(&self, parametrisation: &Parametrisation, seed: u64) -> Vec<f64> {
        let mut normals = standard_normals(seed);
        let mut w = vec![0.0; self.n_params()];
        for (slot, deviation) in self.layers.iter().zip(self.initial_deviations(parametrisation)) {
            for (value, normal) in w[slot.weights.clone()].iter_mut().zip(&mut normals) {
                *value = deviation * normal;
            }
        }
        w
    }

    /// Converts the parameters `w`, so that `to` gives the same `F` as `from` gives with
    /// `w`: multiplies each parameter by the ratio of the multipliers.
    ///
    /// # Shapes
    /// `w` and the result: `[P]`
    ///
    /// # Panics
    /// When the length of `w` is not `P`.
    pub fn convert(&self, w: &[f64], from: &Convention, to: &Convention) -> Vec<f64> {
        assert_eq!(w.len(), self.n_params(), "the parameter vector has the wrong length");
        let (from, to) = (self.multipliers(from), self.multipliers(to));
        let factors: Vec<_> = combined(&from, &to, |from, to| from / to);
        self.per_parameter(&factors).iter().zip(w).map(|(factor, w)| factor * w).collect()
    }

    /// The rates of a parametrisation with the base rate `η`, by layer: `η n⁻ᶜ`. They
    /// multiply the gradient of `L = 1/(α²n) Σ ℓ`.
    pub fn own_rates(&self, parametrisation: &Parametrisation, eta: f64) -> Vec<LayerRates> {
        self.each(|slot| {
            let (weights, biases) = parametrisation.of(slot.role);
            (
                eta * slot.power(self.width, weights.c, parametrisation.fan_in.c),
                eta * slot.power(self.width, biases.c, 0.0),
            )
        })
    }

    /// The rates with which `to` goes through the same functions, step by step, as
    /// `from` with its own rates at the base rate `η`. The start of `to` has to be the
    /// converted start of `from`.
    ///
    /// # Reference
    /// With the multipliers `m` and `W = m w`, a step is `ΔW = −m² r ∂L/∂W`. Therefore
    /// `r_to = r_from (m_from/m_to)² (α_to/α_from)²`. The last factor appears because `L`
    /// is divided by `α²`.
    pub fn learning_rates(&self, from: &Convention, to: &Convention, eta: f64) -> Vec<LayerRates> {
        let rates = self.own_rates(&from.parametrisation, eta);
        let multipliers = (self.multipliers(from), self.multipliers(to));
        let loss = (to.alpha / from.alpha).powi(2);
        let squares = combined(&multipliers.0, &multipliers.1, |from, to| (from / to).powi(2));
        combined(&rates, &squares, |rate, square| rate * square * loss)
    }

    /// The ratio of the time of `to` to the time of `from` for the same trajectory of `F`,
    /// each with its own rates and the same base rate. It holds for the flow. Gradient
    /// descent takes the same steps if the base rate of `to` is that of `from` times the
    /// factor.
    pub fn time(&self, from: &Convention, to: &Convention) -> TimeRatio {
        let needed = self.learning_rates(from, to, 1.0);
        let own = self.own_rates(&to.parametrisation, 1.0);
        let factors = combined(&needed, &own, |needed, own| needed / own);
        let mut all =
            factors.iter().flat_map(|layer| [Some(layer.weights), layer.biases]).flatten();
        let first = all.next().expect("a network has layers");
        // Each factor is a product of a few rounded powers.
        if all.all(|factor| (factor / first - 1.0).abs() <= 64.0 * f64::EPSILON) {
            TimeRatio::Common(first)
        } else {
            TimeRatio::ByLayer(factors)
        }
    }

    /// Expands values by layer to one value per parameter.
    ///
    /// # Shapes
    /// `[P]`
    ///
    /// # Panics
    /// When the number of values differs from the number of layers, or a layer with biases
    /// has no value for them.
    pub fn per_parameter(&self, layers: &[LayerRates]) -> Vec<f64> {
        assert_eq!(layers.len(), self.layers.len(), "one value per layer is needed");
        let mut all = vec![0.0; self.n_params()];
        for (slot, of) in self.layers.iter().zip(layers) {
            all[slot.weights.clone()].fill(of.weights);
            if let Some(range) = &slot.biases {
                all[range.clone()].fill(of.biases.expect("the biases have a value"));
            }
        }
        all
    }

    /// Two values for every layer; the second is for its biases, if it has any.
    fn each(&self, of: impl Fn(&Slot) -> (f64, f64)) -> Vec<LayerRates> {
        let of = |slot| {
            let (weights, biases) = of(slot);
            LayerRates { weights, biases: slot.biases.as_ref().map(|_| biases) }
        };
        self.layers.iter().map(of).collect()
    }
}

fn combined(
    left: &[LayerRates],
    right: &[LayerRates],
    of: impl Fn(f64, f64) -> f64,
) -> Vec<LayerRates> {
    let pairs = left.iter().zip(right).map(|(a, b)| LayerRates {
        weights: of(a.weights, b.weights),
        biases: a.biases.zip(b.biases).map(|(a, b)| of(a, b)),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, ConvolutionalSpec, DenseSpec, ImageShape, WideResNetSpec};

    fn dense(inputs: usize, width: usize, bias: bool) -> NetworkSpec {
        let activation = Activation::Tanh;
        NetworkSpec::Dense(DenseSpec { inputs, width, hidden_layers: 2, activation, bias })
    }

    #[test]
    fn the_ntk_parametrisation_agrees_with_the_networks() {
        let convolutional = NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(5));
        for spec in [dense(3, 7, true), convolutional] {
            let layout = Layout::of(&spec).unwrap();
            let net = spec.build().unwrap();
            let multipliers = layout.multipliers(&Parametrisation::NTK.into());
            for (layer, multiplier) in net.layers().iter().zip(&multipliers) {
                assert!((multiplier.weights / layer.scale() - 1.0).abs() < 1e-15);
                assert_eq!(multiplier.biases, Some(1.0));
            }
            assert_eq!(layout.n_params(), net.n_params());
            let start = layout.initial_weights(&Parametrisation::NTK, 5);
            assert_eq!(start, net.initial_weights(5));
        }
    }

    /// Table 3 of arXiv 2203.03466, at fan-in 4 and width 16.
    #[test]
    fn mu_p_has_the_rates_and_deviations_of_its_table() {
        let layout = Layout::of(&dense(4, 16, true)).unwrap();
        let deviations = layout.initial_deviations(&Parametrisation::MU_P);
        assert_eq!(deviations, [0.5, 0.25, 1.0 / 16.0]);
        let rates = layout.own_rates(&Parametrisation::MU_P, 3.0);
        assert_eq!(rates.iter().map(|r| r.weights).collect::<Vec<_>>(), [12.0, 3.0, 3.0 / 16.0]);
        assert!(rates[..2].iter().all(|r| r.biases == Some(48.0)));
        assert_eq!(rates[2].biases, Some(3.0));
        let multipliers = layout.multipliers(&Parametrisation::MU_P.into());
        assert!(multipliers.iter().all(|m| m.weights == 1.0 && m.biases == Some(1.0)));
    }

    #[test]
    fn times_of_the_conventions() {
        let layout = Layout::of(&dense(3, 49, true)).unwrap();
        let alpha = Alpha::paper(0.3).unwrap();
        let (paper, code) = (Convention::paper(alpha), Convention::code(alpha, 49));
        let common = |from: &Convention, to: &Convention| match layout.time(from, to) {
            TimeRatio::Common(factor) => factor,
            TimeRatio::ByLayer(layers) => panic!("no common factor: {layers:?}"),
        };
        assert!((common(&paper, &code) / Alpha::code_time(1.0, 49) - 1.0).abs() < 1e-14);
        assert!((common(&code, &paper) * 49.0 - 1.0).abs() < 1e-14);
        let w: Vec<f64> = (0..layout.n_params()).map(|i| i as f64 - 70.0).collect();
        for (a, b) in layout.convert(&w, &paper, &code).iter().zip(&w) {
            assert!((a - b).abs() <= 1e-14 * b.abs());
        }

        // √n·α measures how far a network is from the mean-field limit.
        let table = Parametrisation::MEAN_FIELD;
        let mean_field = Convention { parametrisation: table, alpha: 7.0 * alpha.value() };
        assert!((common(&paper, &mean_field) - 1.0).abs() < 1e-14);
        let mu_p = Convention { parametrisation: Parametrisation::MU_P, ..mean_field };
        assert!((common(&mean_field, &mu_p) - 1.0).abs() < 1e-14);

        // No common factor relates the standard parametrisation to the NTK one.
        let standard = Parametrisation::STANDARD.into();
        let TimeRatio::ByLayer(factors) = layout.time(&Parametrisation::NTK.into(), &standard)
        else {
            panic!("the layers need different factors")
        };
        assert!((factors[0].weights * 3.0 - 1.0).abs() < 1e-14);
        assert!((factors[1].weights * 49.0 - 1.0).abs() < 1e-14);
        assert_eq!(factors[2].biases, Some(1.0));
    }

    #[test]
    fn a_network_without_a_row_in_the_table_is_rejected() {
        let image = ImageShape { height: 4, width: 4, channels: 1 };
        let spec = NetworkSpec::WideResNet(WideResNetSpec::paper(image, 2));
        let error = Layout::of(&spec).unwrap_err();
        assert_eq!(error, ModelError::NoParametrisation { architecture: "wide-resnet" });
        assert!(Layout::of(&dense(0, 4, true)).is_err());
    }
}
