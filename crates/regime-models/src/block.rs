use std::{ops::Range, sync::Arc};

use burn_tensor::{Int, Tensor, backend::Backend};

use crate::{layer::Layer, memory::Memory, rows::joined, window::Window};

/// The part of the Jacobian that belongs to one layer `z = c·a·W + b`, applied at one
/// or several positions of each point.
///
/// For point `i`, `∂fᵢ/∂W = c · Σ_q a_iq ⊗ δ_iq` and `∂fᵢ/∂b = Σ_q δ_iq` over its
/// positions `q`. With a single position the gradient is an outer product, and the
/// kernel is an elementwise product of Gram matrices. A convolution uses the same
/// weights at many positions.
///
/// # Shapes
/// `k` inputs and `m` outputs of the layer, `n` points, `p` positions.
#[derive(Debug, Clone)]
pub struct Block<B: Backend> {
    /// The inputs `a` of the layer, `[n, k]`, or the maps `[n·pixels, c]` over which
    /// `window` slides.
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

    /// The rows of [`sources`](Self::sources) that belong to `points`.
    pub(crate) fn sources_of(&self, points: Range<usize>) -> Tensor<B, 2> {
        let per_point = self.window.as_ref().map_or(1, |window| window.n_pixels());
        let sources = self.sources.clone();
        if points.len() * per_point == sources.dims()[0] {
            sources
        } else {
            sources.narrow(0, points.start * per_point, points.len() * per_point)
        }
    }

    /// Ranges of points whose inputs are best computed and used in one batch.
    pub fn chunks(&self) -> Vec<Range<usize>> {
        match &self.window {
            None => std::iter::once(0..self.n_points()).collect(),
            Some(window) => {
                let memory = Memory::of::<B>(&self.sources.device());
                window.chunks(self.n_points(), self.sources.dims()[1], memory).collect()
            }
        }
    }

    /// The sensitivities of `points`, `[points·p, m]`.
    pub fn sensitivities_of(&self, points: Range<usize>) -> Tensor<B, 2> {
        let p = self.n_positions();
        self.sensitivities.clone().narrow(0, points.start * p, points.len() * p)
    }

    /// Concatenates the blocks of one layer for several ranges of points.
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

    /// The block of the points with the indices `points`, in that order.
    pub(crate) fn select(&self, points: &Tensor<B, 1, Int>) -> Self {
        Self {
            sources: selected(&self.sources, self.n_points(), points),
            sensitivities: self.select_sensitivities(points),
            ..self.clone()
        }
    }

    /// The sensitivities of the points with the indices `points`, in that order.
    pub(crate) fn select_sensitivities(&self, points: &Tensor<B, 1, Int>) -> Tensor<B, 2> {
        selected(&self.sensitivities, self.n_points(), points)
    }

    /// The layer of a block that belongs to a network.
    pub(crate) fn layer(&self) -> Layer {
        let outputs = self.n_outputs();
        Layer {
            inputs: self.weights.len() / outputs,
            outputs,
            window: self.window.clone(),
            weights: self.weights.clone(),
            biases: self.biases.clone(),
        }
    }
}

/// The rows of the points with these indices; each of `n` points has equally many rows.
fn selected<B: Backend>(
    values: &Tensor<B, 2>,
    n: usize,
    points: &Tensor<B, 1, Int>,
) -> Tensor<B, 2> {
    let [rows, columns] = values.dims();
    let selected = values.clone().reshape([n, rows / n * columns]).select(0, points.clone());
    let selected_rows = selected.dims()[0] * (rows / n);
    selected.reshape([selected_rows, columns])
}

/// The blocks of points that were evaluated in one pass, one per layer.
pub(crate) type Part<B> = Vec<Block<B>>;

/// Maximum number of parts whose gradients are held in memory at once.
pub(crate) const MAX_PARTS_IN_MEMORY: usize = 16;
