//! How a trial step ended: the types that every scheme returns.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use crate::evaluate::Point;

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
    /// What happened on the way; nothing is known of that in a small step.
    pub(crate) inside: Inside<B>,
}

/// What happened inside a large step.
pub(crate) struct Inside<B: Backend> {
    /// The network at the times that were asked for.
    pub(crate) scheduled: Vec<Snapshot<B>>,
    /// When the loss fell below its half, and the network just after.
    pub(crate) half_loss: Option<(f64, Snapshot<B>)>,
    /// A time shortly before the end, and the smallest margin there.
    pub(crate) approach: Option<(f64, f64)>,
}

impl<B: Backend> Inside<B> {
    pub(crate) fn unknown() -> Self {
        Self { scheduled: Vec::new(), half_loss: None, approach: None }
    }
}

/// The network at one time.
pub(crate) struct Snapshot<B: Backend> {
    pub(crate) t: f64,
    pub(crate) w: Tensor<B, 1>,
    /// Of all points.
    pub(crate) margins: Vec<f64>,
}

/// How a trial step went.
pub(crate) enum Attempt<B: Backend, N: Network<B>> {
    Accepted(Box<Accepted<B, N>>),
    /// Undone; the smaller step to try next.
    Rejected {
        dt: f64,
    },
    /// Undone, because it went too far beyond the margin asked for.
    Past {
        /// How far beyond it the smallest margin lies.
        past: f64,
    },
    /// Undone, because points that were left out are no longer settled: to be tried again with
    /// them.
    Returned {
        /// At the end of the step, of all points.
        margins: Vec<f64>,
    },
}
