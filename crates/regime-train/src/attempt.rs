//! The result of a trial step: the types that every scheme returns.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use crate::evaluate::Point;

/// Time and step size of a flow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clock {
    /// Time of the flow.
    pub(crate) t: f64,
    /// The step size to try next.
    pub(crate) dt: f64,
}

/// A step that was accepted.
pub(crate) struct Accepted<B: Backend, N: Network<B>> {
    pub(crate) point: Point<B, N>,
    /// The velocity after the step; `None` without momentum.
    pub(crate) velocity: Option<Tensor<B, 1>>,
    /// Time and next step size.
    pub(crate) clock: Clock,
    /// Observations inside a large step; empty for a small step.
    pub(crate) inside: Inside<B>,
}

/// Observations inside a large step.
pub(crate) struct Inside<B: Backend> {
    /// The network at the requested times.
    pub(crate) scheduled: Vec<Snapshot<B>>,
    /// The time at which the loss fell below half its initial value, and the network just
    /// after it.
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
    /// The margins of all points.
    pub(crate) margins: Vec<f64>,
}

/// The result of a trial step.
pub(crate) enum Attempt<B: Backend, N: Network<B>> {
    Accepted(Box<Accepted<B, N>>),
    /// Rejected; `dt` is the smaller step size to try next.
    Rejected {
        dt: f64,
    },
    /// Rejected, because the step ended too far beyond the stopping margin.
    Overshoot {
        /// How far beyond the stopping margin the smallest margin lies.
        past: f64,
    },
    /// Rejected, because points that were left out are no longer settled. The retried step
    /// follows these points.
    Unsettled {
        /// The margins of all points at the end of the step.
        margins: Vec<f64>,
    },
}
