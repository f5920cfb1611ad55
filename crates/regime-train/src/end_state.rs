//! What a run returns: its outcome and its last weights.

use std::{fmt, ops::Deref};

use burn_tensor::{Tensor, backend::Backend};
use ndarray::Array2;
use regime_models::Network;

use crate::{observe::Outcome, points::Points, system::System, system_error::SystemError};

/// The end of a run: the [`Outcome`], and the network with its last weights.
///
/// It dereferences to the outcome, and its `Display` is that of the outcome.
#[derive(Debug, Clone)]
pub struct EndState<B: Backend, N: Network<B>> {
    /// The outcome.
    pub outcome: Outcome,
    system: System<B, N>,
    w: Tensor<B, 1>,
}

impl<B: Backend, N: Network<B>> EndState<B, N> {
    pub(crate) fn new(outcome: Outcome, system: System<B, N>, w: Tensor<B, 1>) -> Self {
        Self { outcome, system, w }
    }

    /// The weights, `[P]`.
    pub fn weights(&self) -> Tensor<B, 1> {
        self.w.clone()
    }

    /// `F` at any points, as [`System::outputs`].
    ///
    /// # Errors
    /// As [`System::outputs`].
    pub fn outputs(&self, x: impl Into<Points<B>>) -> Result<Vec<f64>, SystemError> {
        self.system.outputs(&self.w, x)
    }

    /// The tangent kernel on any points, as [`System::kernel_at`].
    ///
    /// # Errors
    /// As [`System::kernel_at`].
    pub fn kernel(&self, x: impl Into<Points<B>>) -> Result<Array2<f64>, SystemError> {
        self.system.kernel_at(&self.w, x)
    }
}

impl<B: Backend, N: Network<B>> Deref for EndState<B, N> {
    type Target = Outcome;

    fn deref(&self) -> &Outcome {
        &self.outcome
    }
}

impl<B: Backend, N: Network<B>> fmt::Display for EndState<B, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.outcome.fmt(f)
    }
}
