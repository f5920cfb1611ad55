//! One affine layer, and where its parameters lie.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Tensor, backend::Backend};

use crate::{operations::operations, window::Window};

/// `z = c·a·W + b` with `c = 1/√k`, at every position of a window or once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    /// Number of inputs `k`; for a convolution taps times channels.
    pub(crate) inputs: usize,
    /// Number of outputs `m`.
    pub(crate) outputs: usize,
    pub(crate) window: Option<Arc<Window>>,
    pub(crate) weights: Range<usize>,
    pub(crate) biases: Option<Range<usize>>,
}

impl Layer {
    /// The factor `c` in front of the weights.
    pub(crate) fn scale(&self) -> f64 {
        (self.inputs as f64).sqrt().recip()
    }

    /// Where its parameters lie.
    pub(crate) fn range(&self) -> Range<usize> {
        self.weights.start..self.biases.as_ref().unwrap_or(&self.weights).end
    }

    /// `c·a·W + b`, `[n·p, m]`; `a`: `[n, k]` or the maps under a window.
    pub(crate) fn forward<B: Backend>(&self, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().affine(self, w, a, true)
    }

    /// `c·a·W`, `[n·p, m]`.
    pub(crate) fn linear<B: Backend>(&self, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().affine(self, w, a, false)
    }

    /// The sensitivities of its inputs, from those of its outputs `[n·p, m]`.
    pub(crate) fn back<B: Backend>(&self, w: &Tensor<B, 1>, delta: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().back(self, w, delta)
    }
}
