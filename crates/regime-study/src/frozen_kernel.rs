//! The frozen kernels that a run can train with.

use regime_train::{Moment, Observation};
use serde::{Deserialize, Serialize};

/// A kernel that does not change during training. In a file: `"initial"`, `"half-loss"`,
/// `"end"`, `{"at": t}` or `"infinite-width"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FrozenKernel {
    /// The tangent kernel of the network at its initial weights: the limit of large α.
    Initial,
    /// Its tangent kernel just after `t₁`.
    HalfLoss,
    /// Its tangent kernel when training ended.
    End,
    /// Its tangent kernel at the first observation at or after this time (finite, above 0, in the
    /// convention of the paper). Observations are log-spaced.
    At(f64),
    /// The tangent kernel of the fully connected network of infinite width: the lazy limit
    /// without fluctuations.
    InfiniteWidth,
}

impl FrozenKernel {
    /// The name in tables, such as `half-loss` or `t=0.5`.
    pub fn name(self) -> String {
        match self {
            Self::Initial => "initial".into(),
            Self::HalfLoss => "half-loss".into(),
            Self::End => "end".into(),
            Self::At(t) => format!("t={t}"),
            Self::InfiniteWidth => "infinite-width".into(),
        }
    }

    /// Whether the weights at this observation have to be saved for the kernel. The weights at
    /// the start and at the end are available anyway.
    pub(crate) fn belongs_to(self, observation: &Observation) -> bool {
        match self {
            Self::Initial | Self::End | Self::InfiniteWidth => false,
            Self::HalfLoss => observation.moment == Moment::HalfLoss,
            Self::At(t) => observation.t >= t,
        }
    }
}
