//! How a network is trained.

use regime_train::{FlowSpec, Scheme, StochasticSpec, Stop};
use serde::{Deserialize, Serialize};

/// How a network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Dynamics {
    /// The gradient flow on all training points.
    Flow(FlowSpec),
    /// Stochastic training on batches of points, as in the paper's setup (B).
    Stochastic(StochasticSpec),
}

impl Default for Dynamics {
    fn default() -> Self {
        Self::Flow(FlowSpec::default())
    }
}

impl Dynamics {
    /// The name of the method in tables, such as `adaptive`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow(FlowSpec { scheme: Scheme::Adaptive { .. }, .. }) => "adaptive",
            Self::Flow(FlowSpec { scheme: Scheme::Reference { .. }, .. }) => "reference",
            Self::Flow(FlowSpec { scheme: Scheme::Explicit { .. }, .. }) => "explicit",
            Self::Stochastic(_) => "stochastic",
        }
    }

    /// The tolerance: of the error of `F` for the adaptive scheme, of the error of a step for the
    /// reference scheme. `None` for the other methods.
    pub fn tolerance(self) -> Option<f64> {
        match self {
            Self::Flow(FlowSpec {
                scheme: Scheme::Adaptive { tolerance } | Scheme::Reference { tolerance, .. },
                ..
            }) => Some(tolerance),
            _ => None,
        }
    }

    /// The rule that ends training.
    pub fn stop_mut(&mut self) -> &mut Stop {
        match self {
            Self::Flow(spec) => &mut spec.stop,
            Self::Stochastic(spec) => &mut spec.stop,
        }
    }
}
