//! One affine layer: where its parameters lie, and its products.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Tensor, backend::Backend};

use crate::window::Window;

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

    /// `c·W`, `[k, m]`.
    fn scaled_weights<B: Backend>(&self, w: &Tensor<B, 1>) -> Tensor<B, 2> {
        let weights = w.clone().slice([self.weights.clone()]);
        weights.reshape([self.inputs, self.outputs]).mul_scalar(self.scale())
    }

    /// `c·a·W + b`, `[n·p, m]`; `a`: `[n, k]` or the maps under a window.
    pub(crate) fn forward<B: Backend>(&self, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
        let z = self.linear(w, a);
        match &self.biases {
            Some(range) => {
                let rows = z.dims()[0];
                z + rows_of(w.clone().slice([range.clone()]), rows)
            }
            None => z,
        }
    }

    /// `c·a·W`, `[n·p, m]`.
    pub(crate) fn linear<B: Backend>(&self, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
        let weights = self.scaled_weights(w);
        let Some(window) = &self.window else { return a.matmul(weights) };
        let [rows, channels] = a.dims();
        let pixels = window.n_pixels();
        let chunks = window.chunks(rows / pixels, channels).map(|points| {
            let maps = a.clone().narrow(0, points.start * pixels, points.len() * pixels);
            window.patches(maps).matmul(weights.clone())
        });
        joined(chunks.collect())
    }

    /// The sensitivities of its inputs, from those of its outputs `[n·p, m]`.
    pub(crate) fn back<B: Backend>(&self, w: &Tensor<B, 1>, delta: Tensor<B, 2>) -> Tensor<B, 2> {
        let weights = self.scaled_weights(w).transpose();
        let Some(window) = &self.window else { return delta.matmul(weights) };
        let p = window.n_positions();
        let channels = self.inputs / window.n_taps();
        let chunks = window.chunks(delta.dims()[0] / p, channels).map(|points| {
            let delta = delta.clone().narrow(0, points.start * p, points.len() * p);
            window.overlay(delta.matmul(weights.clone()))
        });
        joined(chunks.collect())
    }
}

/// Tensors below each other, without a copy for a single one.
pub(crate) fn joined<B: Backend, const D: usize>(mut parts: Vec<Tensor<B, D>>) -> Tensor<B, D> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

/// The vector `b`, `[m]`, as each of `n` rows, by a product: adding it by broadcast
/// takes several times longer in float64 on Flex than product and addition together.
pub(crate) fn rows_of<B: Backend>(b: Tensor<B, 1>, n: usize) -> Tensor<B, 2> {
    let ones = Tensor::ones([n, 1], (&b.device(), b.dtype()));
    ones.matmul(b.unsqueeze::<2>())
}
