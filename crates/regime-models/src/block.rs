use std::{ops::Range, sync::Arc};

use burn::tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

use crate::{memory::Memory, operations::operations, tensors::joined, window::Window};

/// The part of the Jacobian that belongs to one layer `z = c·a·W + b`, applied at one
/// or several positions of each point.
///
/// For point `i`, `∂fᵢ/∂W = c · Σ_q a_iq ⊗ δ_iq` and `∂fᵢ/∂b = Σ_q δ_iq` over its
/// positions `q`. With a single position the gradient is an outer product, and the
/// kernel a product of Gram matrices; a convolution shares its weights among many.
///
/// # Shapes
/// `k` inputs and `m` outputs of the layer, `n` points, `p` positions.
#[derive(Debug, Clone)]
pub struct Block<B: Backend> {
    /// What the layer acts on: its inputs `a`, `[n, k]`, or the maps `[n·pixels, c]`
    /// over which `window` slides.
    pub sources: Tensor<B, 2>,
    /// The window of a convolution; `None` for a layer that acts on each point once.
    pub window: Option<Arc<Window>>,
    /// The sensitivities `δ = ∂f/∂z`, `[n·p, m]`.
    pub sensitivities: Tensor<B, 2>,
    /// The factor `c` in front of the weights.
    pub weight_scale: f64,
    /// Where `W`, `[k, m]` in row-major order, lies in the parameter vector.
    pub weights: Range<usize>,
    /// Where `b`, `[m]`, lies; `None` for a layer without biases.
    pub biases: Option<Range<usize>>,
}

impl<B: Backend> Block<B> {
    /// Number of positions `p` at which the weights are used.
    pub fn n_positions(&self) -> usize {
        self.window.as_ref().map_or(1, |window| window.n_positions())
    }

    /// Number of outputs `m`.
    pub fn n_outputs(&self) -> usize {
        self.sensitivities.dims()[1]
    }

    /// Number of points `n`.
    pub fn n_points(&self) -> usize {
        self.sensitivities.dims()[0] / self.n_positions()
    }

    /// The inputs `a` of some points at all positions, `[points·p, k]`.
    pub fn inputs(&self, points: Range<usize>) -> Tensor<B, 2> {
        let rows = |per_point: usize| {
            let all = points.len() * per_point == self.sources.dims()[0];
            let sources = self.sources.clone();
            if all {
                sources
            } else {
                sources.narrow(0, points.start * per_point, points.len() * per_point)
            }
        };
        match &self.window {
            None => rows(1),
            Some(window) => window.patches(rows(window.n_pixels())),
        }
    }

    /// Stretches of points whose inputs are best made and used together.
    pub fn chunks(&self) -> Vec<Range<usize>> {
        match &self.window {
            None => std::iter::once(0..self.n_points()).collect(),
            Some(window) => {
                let memory = Memory::of::<B>(&self.sources.device());
                window.chunks(self.n_points(), self.sources.dims()[1], memory).collect()
            }
        }
    }

    /// The sensitivities of some points, `[points·p, m]`.
    pub fn sensitivities_of(&self, points: Range<usize>) -> Tensor<B, 2> {
        let p = self.n_positions();
        self.sensitivities.clone().narrow(0, points.start * p, points.len() * p)
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
    /// `Σ (c² a aᵀ + 1) ∘ (δ δᵀ)`, without the 1 for those that have no biases: added up tile by
    /// tile in one matrix, in host memory; in `room`, whatever is in it, if its capacity is enough
    /// and the kernel one of float64, else `room` is let go.
    ///
    /// # Shapes
    /// `[n, n]`, symmetric to the bit. `None` for another backend than Flex, for which the same
    /// is a matter of ordinary products, and when a layer is used at several positions.
    ///
    /// # Panics
    /// Without a layer.
    pub fn fused_kernel(blocks: &[&Self], room: Vec<f64>) -> Option<Tensor<B, 2>> {
        operations::<B>().kernel(blocks, room)
    }

    /// The same block of several stretches of points, below each other.
    pub(crate) fn joined(blocks: &[&Self]) -> Self {
        let rows = |part: fn(&Self) -> &Tensor<B, 2>| {
            joined(blocks.iter().map(|block| part(block).clone()).collect())
        };
        Self {
            sources: rows(|block| &block.sources),
            sensitivities: rows(|block| &block.sensitivities),
            ..blocks[0].clone()
        }
    }

    /// The rows that belong to `points`, which `indices` names as a tensor.
    pub(crate) fn select(&self, points: Tensor<B, 1, burn::tensor::Int>) -> Self {
        let n = self.n_points();
        let rows = |values: &Tensor<B, 2>| {
            let [rows, columns] = values.dims();
            let selected =
                values.clone().reshape([n, rows / n * columns]).select(0, points.clone());
            let selected_rows = selected.dims()[0] * (rows / n);
            selected.reshape([selected_rows, columns])
        };
        Self {
            sources: rows(&self.sources),
            sensitivities: rows(&self.sensitivities),
            ..self.clone()
        }
    }
}
