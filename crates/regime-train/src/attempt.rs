//! How a trial step ended: the types that every scheme returns.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use crate::system::Point;

/// The clock of a flow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clock {
    /// Time, in the flow's unit.
    pub(crate) t: f64,
    /// The step to try next.
    pub(crate) dt: f64,
}

/// A step that was accepted.
pub(crate) struct Accepted<B: Backend, N: Network<B>> {
    pub(crate) point: Point<B, N>,
    /// The velocity after the step; `None` without momentum.
    pub(crate) velocity: Option<Tensor<B, 1>>,
    /// Time and next step size.
    pub(crate) clock: Clock,
}

/// How a trial step went.
pub(crate) enum Attempt<B: Backend, N: Network<B>> {
    Accepted(Box<Accepted<B, N>>),
    /// Undone; the smaller step to try next.
    Rejected {
        dt: f64,
    },
}
