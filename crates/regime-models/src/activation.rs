use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::{
    error::{ModelError, positive},
    own_activation::{self, ActivationFunction, OwnActivation},
    pointwise,
    quadrature::gaussian_mean,
};

/// A non-linearity φ, normalised so that `E φ(g)² = 1` for `g ~ N(0, 1)`.
///
/// With weights of unit variance and layers scaled by `1/√h` the preactivations
/// then keep unit variance through the depth of the network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[serde(deny_unknown_fields)]
pub enum Activation {
    /// `max(0, z)`; the derivative at 0 is taken to be 0.
    Relu,
    /// `ln(1 + e^{βz})/β`; tends to ReLU as β grows. The paper uses β = 5.
    Softplus {
        /// Sharpness β > 0.
        beta: f64,
    },
    /// `tanh z`.
    Tanh,
    /// `z/(1 + e^{−βz})`, also called swish.
    Silu {
        /// Sharpness β > 0.
        beta: f64,
    },
    /// `z Φ(z)` with the normal distribution function Φ (exact, not the tanh form).
    Gelu,
    /// A function that the program has registered; see [`Activation::register`].
    Own(
        #[cfg_attr(feature = "schema", schemars(with = "own_activation::OwnFields"))] OwnActivation,
    ),
}

/// The names of this crate's activations.
const NAMES: [&str; 5] = ["ReLU", "softplus", "tanh", "SiLU", "GELU"];

impl Activation {
    /// Registers a function under its name, for this process. Registering an equal function again
    /// changes nothing.
    ///
    /// # Errors
    /// [`ModelError::ActivationTaken`] if another function has the name, or an activation of this
    /// crate; [`ModelError::ActivationName`] for a name with other characters than letters, digits,
    /// `-` and `_`; [`ModelError::ActivationParameters`] for too many parameters, or two of one name.
    pub fn register<F: ActivationFunction + PartialEq>(function: F) -> Result<(), ModelError> {
        own_activation::register(function, &NAMES)
    }

    /// The registered function with this name, with the values of its parameters in the order of
    /// [`ActivationFunction::parameters`].
    ///
    /// # Errors
    /// [`ModelError::UnknownActivation`] for a name that is not registered, and
    /// [`ModelError::ActivationParameters`] for values that do not fit.
    pub fn own(name: &str, parameters: &[f64]) -> Result<Self, ModelError> {
        OwnActivation::new(name, parameters).map(Self::Own)
    }

    /// The usual name, without parameters.
    pub fn name(self) -> &'static str {
        let [relu, softplus, tanh, silu, gelu] = NAMES;
        match self {
            Self::Relu => relu,
            Self::Softplus { .. } => softplus,
            Self::Tanh => tanh,
            Self::Silu { .. } => silu,
            Self::Gelu => gelu,
            Self::Own(own) => own.name(),
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] for a sharpness that is not positive, and
    /// [`ModelError::NotNormalisable`] for an own function without a gain.
    pub fn check(self) -> Result<Self, ModelError> {
        match self {
            Self::Softplus { beta } | Self::Silu { beta } => {
                positive("activation.beta", beta)?;
            }
            Self::Own(own) => {
                let gain = self.gain();
                if !(gain.is_finite() && gain > 0.0) {
                    let mean_square = self.mean_square();
                    return Err(ModelError::NotNormalisable { name: own.name(), mean_square });
                }
            }
            Self::Relu | Self::Tanh | Self::Gelu => {}
        }
        Ok(self)
    }

    /// The normalisation factor `1/√(E φ(g)²)` of the bare function, computed by
    /// quadrature. For a function with a kink elsewhere than at 0 it is less accurate.
    pub fn gain(self) -> f64 {
        // The specs of a grid, of which there may be 100,000, mostly have the same activation.
        thread_local!(static LAST: Cell<Option<(Activation, f64)>> = const { Cell::new(None) });
        if let Some((activation, gain)) = LAST.get()
            && activation == self
        {
            return gain;
        }
        let gain = self.mean_square().sqrt().recip();
        LAST.set(Some((self, gain)));
        gain
    }

    /// `E φ(g)²` of the bare function.
    fn mean_square(self) -> f64 {
        gaussian_mean(|g| self.bare(g).0.powi(2))
    }

    /// The bare function and its derivative at `z`, without the gain.
    #[inline(always)]
    pub fn bare(self, z: f64) -> (f64, f64) {
        match self {
            Self::Relu => relu(z),
            Self::Softplus { beta } => softplus(z, beta),
            Self::Tanh => tanh(z),
            Self::Silu { beta } => silu(z, beta),
            Self::Gelu => gelu(z),
            Self::Own(own) => own.value_and_slope(z),
        }
    }
}

#[inline(always)]
pub(crate) fn relu(z: f64) -> (f64, f64) {
    if z > 0.0 { (z, 1.0) } else { (0.0 * z, 0.0) }
}

#[inline(always)]
fn softplus(z: f64, beta: f64) -> (f64, f64) {
    let (value, slope) = pointwise::softplus(beta * z);
    (value * beta.recip(), slope)
}

#[inline(always)]
pub(crate) fn tanh(z: f64) -> (f64, f64) {
    let t = z.tanh();
    (t, 1.0 - t * t)
}

#[inline(always)]
pub(crate) fn silu(z: f64, beta: f64) -> (f64, f64) {
    let s = pointwise::logistic(beta * z);
    (z * s, s * (1.0 + beta * z * (1.0 - s)))
}

#[inline(always)]
pub(crate) fn gelu(z: f64) -> (f64, f64) {
    let cdf = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (z * cdf, cdf + z * density)
}
