//! The inputs of a block, the gradients of its points, and their kernel.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

use crate::{block::Block, dispatch::operations, rows::joined};

impl<B: Backend> Block<B> {
    /// The inputs `a` of `points` at all positions, `[points·p, k]`.
    pub fn inputs(&self, points: Range<usize>) -> Tensor<B, 2> {
        let sources = self.sources_of(points);
        match &self.window {
            None => sources,
            Some(window) => operations::<B>().patches(window, sources),
        }
    }

    /// `[c·a, 1]`, `[n·p, k + 1]`: the inputs of all points times the factor of the layer, and a
    /// column of ones for the biases; without biases `[n·p, k]`.
    pub fn scaled_inputs(&self) -> Tensor<B, 2> {
        let inputs = self.inputs(0..self.n_points()).mul_scalar(self.weight_scale);
        if self.biases.is_none() {
            return inputs;
        }
        let ones = Tensor::ones([inputs.dims()[0], 1], (&inputs.device(), inputs.dtype()));
        Tensor::cat(vec![inputs, ones], 1)
    }

    /// The gradient of `f` at every point with respect to the weights of the layer's
    /// outputs in the range `outputs`, one output after the other (the order of `Wᵀ`),
    /// and then with respect to the biases of these outputs.
    ///
    /// # Shapes
    /// `[n, outputs·(k + 1)]`, or `[n, outputs·k]` for a layer without biases. The memory
    /// is of this size, and the time is `p` times this size.
    pub fn point_gradients(&self, outputs: Range<usize>) -> Tensor<B, 2> {
        let p = self.n_positions();
        let chunks = self.chunks().into_par_iter().map(|points| {
            let n = points.len();
            let inputs = self.inputs(points.clone());
            let k = inputs.dims()[1];
            let sensitivities = self
                .sensitivities_of(points)
                .narrow(1, outputs.start, outputs.len())
                .reshape([n, p, outputs.len()]);
            // The scale multiplies the smaller factor.
            let left = sensitivities.clone().mul_scalar(self.weight_scale).swap_dims(1, 2);
            let weights = left.matmul(inputs.reshape([n, p, k])).reshape([n, outputs.len() * k]);
            if self.biases.is_none() {
                return weights;
            }
            let biases = sensitivities.sum_dim(1).reshape([n, outputs.len()]);
            Tensor::cat(vec![weights, biases], 1)
        });
        joined(chunks.collect())
    }

    /// The tangent kernel of the parameters of some layers, each used once per point:
    /// `Σ (c² a aᵀ + 1) ∘ (δ δᵀ)`, without the 1 for layers without biases. The sum is
    /// accumulated tile by tile in one matrix in host memory.
    ///
    /// The matrix is created in the memory of `scratch` if the capacity suffices and the kernel
    /// is in float64; the contents of `scratch` are ignored. Otherwise `scratch` is dropped.
    ///
    /// # Shapes
    /// `[n, n]`, symmetric to the bit. Returns `None` for every backend but Flex, because
    /// ordinary products are as good there, and when a layer is used at several positions.
    ///
    /// # Panics
    /// When `blocks` is empty.
    pub fn fused_kernel(blocks: &[&Self], scratch: Vec<f64>) -> Option<Tensor<B, 2>> {
        operations::<B>().kernel(blocks, scratch)
    }
}
