//! An event of the user that a flow watches.

use burn_tensor::backend::Backend;
use regime_models::Network;

use crate::user_event::{Event, Occurred};

/// An event of the user, and its value at the last state.
pub(super) struct Watch<B: Backend, N: Network<B>> {
    pub(super) event: Event<B, N>,
    /// `None` before the first evaluation.
    pub(super) value: Option<f64>,
    /// Its first zero.
    pub(super) first: Option<Occurred<B>>,
    /// Whether [`Flow::until`](crate::Flow::until) waits for it.
    pub(super) is_awaited: bool,
}

impl<B: Backend, N: Network<B>> Watch<B, N> {
    pub(super) fn of(event: Event<B, N>) -> Self {
        Self { event, value: None, first: None, is_awaited: false }
    }

    /// Whether the run ends because of this event.
    pub(super) fn ends_run(&self) -> bool {
        self.first.is_some() && self.event.is_terminal()
    }
}
