//! How a network is trained.

use regime_train::{FlowSpec, Scheme, StochasticSpec, Stop};
use serde::{Deserialize, Serialize};

/// How a network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Dynamics {
    /// The gradient flow on all points.
    Flow(FlowSpec),
    /// Batches of points, as in the paper's setup (B).
    Stochastic(StochasticSpec),
}

impl Default for Dynamics {
    fn default() -> Self {
        Self::Flow(FlowSpec::default())
    }
}

impl Dynamics {
    /// A few words for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow(FlowSpec { scheme: Scheme::Adaptive { .. }, .. }) => "adaptive",
            Self::Flow(FlowSpec { scheme: Scheme::Reference { .. }, .. }) => "reference",
            Self::Flow(FlowSpec { scheme: Scheme::Explicit { .. }, .. }) => "explicit",
            Self::Stochastic(_) => "stochastic",
        }
    }

    /// What the adaptive scheme keeps the error of `F` below, and the reference scheme that of a
    /// step; the others have no such number.
    pub fn tolerance(self) -> Option<f64> {
        match self {
            Self::Flow(FlowSpec {
                scheme: Scheme::Adaptive { tolerance } | Scheme::Reference { tolerance, .. },
                ..
            }) => Some(tolerance),
            _ => None,
        }
    }

    /// When it ends.
    pub fn stop_mut(&mut self) -> &mut Stop {
        match self {
            Self::Flow(spec) => &mut spec.stop,
            Self::Stochastic(spec) => &mut spec.stop,
        }
    }
}
