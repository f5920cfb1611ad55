//! How parameters start, and the rates at which they are trained.

use super::error::InfiniteError;

/// The standard deviations of the parameters at initialisation, the same in every layer.
///
/// The factors `1/√n` of the layers are part of the forward pass: a layer with `n` inputs
/// computes `W a/√n + b` with `W ~ N(0, weights²)` and `b ~ N(0, biases²)`. The default is
/// the initialisation of the networks of `regime-models`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InitialDeviations {
    /// σ_w from 10⁻⁶ to 10⁶, by default 1.
    pub weights: f64,
    /// σ_b from 0 to 10⁶, by default 0.
    pub biases: f64,
}

impl Default for InitialDeviations {
    fn default() -> Self {
        Self { weights: 1.0, biases: 0.0 }
    }
}

/// The learning rates of the parameters, the same in every layer: the factors of their
/// contributions to the tangent kernel.
///
/// A rate of `c²` is also the effect of a factor `c` in front of a parameter in the forward
/// pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterRates {
    /// λ_w from 0 to 10¹², by default 1.
    pub weights: f64,
    /// λ_b from 0 to 10¹², by default 1. It has no effect on a network without biases.
    pub biases: f64,
}

impl Default for ParameterRates {
    fn default() -> Self {
        Self { weights: 1.0, biases: 1.0 }
    }
}

/// The factors of the recursion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Factors {
    /// σ_w²
    pub(super) weights: f64,
    /// σ_b²
    pub(super) biases: f64,
    /// λ_w
    pub(super) weights_rate: f64,
    /// λ_b, and 0 for a network without biases.
    pub(super) biases_rate: f64,
}

/// The largest deviation and rate.
const MOST: f64 = 1e6;

impl InitialDeviations {
    /// # Errors
    /// [`InfiniteError::Parameter`]
    pub(super) fn checked(self, bias: bool) -> Result<Self, InfiniteError> {
        let Self { weights, biases } = self;
        if !(1e-6..=MOST).contains(&weights) {
            let wanted = "a number from 1e-6 to 1e6";
            return Err(InfiniteError::Parameter {
                field: "deviations.weights",
                value: weights,
                wanted,
            });
        }
        let wanted = if bias { "0, or a number up to 1e6" } else { "0: the network has no biases" };
        let most = if bias { MOST } else { 0.0 };
        if !(0.0..=most).contains(&biases) {
            return Err(InfiniteError::Parameter {
                field: "deviations.biases",
                value: biases,
                wanted,
            });
        }
        Ok(self)
    }
}

impl ParameterRates {
    /// # Errors
    /// [`InfiniteError::Parameter`]
    pub(super) fn checked(self) -> Result<Self, InfiniteError> {
        for (field, value) in [("rates.weights", self.weights), ("rates.biases", self.biases)] {
            if !(0.0..=MOST * MOST).contains(&value) {
                let wanted = "a number from 0 to 1e12";
                return Err(InfiniteError::Parameter { field, value, wanted });
            }
        }
        Ok(self)
    }
}
