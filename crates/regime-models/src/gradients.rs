//! The inputs of a block's layer, the gradients of its points, and their kernel.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

use crate::{block::Block, dispatch::operations, rows::joined};

impl<B: Backend> Block<B> {
    /// The inputs `a` of some points at all positions, `[points·p, k]`.
    pub fn inputs(&self, points: Range<usize>) -> Tensor<B, 2> {
        let sources = self.sources_of(points);
        match &self.window {
            None => sources,
            Some(window) => operations::<B>().patches(window, sources),
        }
    }

    /// The gradient of every point's `f` with respect to the weights to some of the
    /// layer's outputs, output by output (so that they come as `Wᵀ`), and then to the
    /// biases there.
    ///
    /// # Shapes
    /// `[n, outputs·(k + 1)]`, without the 1 for a layer without biases; memory and
    /// time as large as that, times `p` for the time.
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
            // The scale goes to the smaller factor.
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

    /// The tangent kernel of the parameters of some layers, each used once per point,
    /// `Σ (c² a aᵀ + 1) ∘ (δ δᵀ)`, without the 1 for those that have no biases, added up tile by
    /// tile in one matrix in host memory.
    ///
    /// The matrix is made in the memory of `scratch`, whose numbers have no meaning, if its
    /// capacity is enough and the kernel is one of float64; otherwise `scratch` is dropped.
    ///
    /// # Shapes
    /// `[n, n]`, symmetric to the bit. `None` for another backend than Flex, for which the same
    /// is a matter of ordinary products, and when a layer is used at several positions.
    ///
    /// # Panics
    /// Without a layer.
    pub fn fused_kernel(blocks: &[&Self], scratch: Vec<f64>) -> Option<Tensor<B, 2>> {
        operations::<B>().kernel(blocks, scratch)
    }
}
