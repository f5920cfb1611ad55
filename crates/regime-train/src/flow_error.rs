//! Why a flow cannot start.

use crate::{spec::SpecError, system_error::SystemError};

/// Why a flow cannot start or be resumed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FlowError {
    /// A parameter is out of its range.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The weights do not fit the network.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Rounding of `f` changes `F = α(f − f₀)` by more than the error allowed in a step: every step
    /// would be rejected, or would follow rounding.
    #[error(
        "α is {alpha:e}, but rounding of f changes F by {rounding:.1e}, more than the error \
         {allowed:.1e} allowed in a step: use α below {largest:.1e}, a larger tolerance or a higher \
         precision, or call `accept_rounding` on the system"
    )]
    Rounding {
        /// α, in the convention of the paper.
        alpha: f64,
        /// `α ε max|f₀|`, with the relative rounding ε of the precision.
        rounding: f64,
        /// The change of `F` that the scheme allows as an error of a step.
        allowed: f64,
        /// The α at which both are equal.
        largest: f64,
    },
    /// A sampling of violators with a loss that has none.
    #[error(
        "dynamics.sampling draws violators, which only the hinges have (hinge, soft-hinge, \
         quadratic-hinge): with the loss {loss}, use the sampling `points`"
    )]
    NoViolators {
        /// The loss.
        loss: &'static str,
    },
    /// The checkpoint belongs to another problem.
    #[error(
        "the checkpoint belongs to another problem: its {part} differ from those of the system"
    )]
    OtherProblem {
        /// What differs.
        part: &'static str,
    },
}
