use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Precision};
use serde::{Deserialize, Serialize};

use super::Probe;

/// Norms of the parameters of one layer, weights and biases as one vector.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LayerWeights {
    /// `‖w‖`.
    pub norm: f64,
    /// `‖w − w₀‖`.
    pub change: f64,
}

/// Norms of the weights of every layer, from the first to the last.
#[derive(Debug, Clone)]
pub struct WeightsByLayer {
    ranges: Vec<Range<usize>>,
    initial: Vec<f64>,
}

impl WeightsByLayer {
    /// The norms, with changes relative to the weights `w0`, `[P]`.
    pub fn from<B: Backend>(net: &impl Network<B>, w0: &Tensor<B, 1>) -> Self {
        Self { ranges: net.layer_ranges(), initial: Precision::to_host(w0.clone()) }
    }

    /// `‖w₀‖` over all layers.
    pub fn initial_norm(&self) -> f64 {
        norm(self.initial.iter().copied())
    }

    /// The norms for weights in host memory, `[P]`.
    ///
    /// # Panics
    /// When there are fewer weights than the network has.
    pub fn of(&self, w: &[f64]) -> Vec<LayerWeights> {
        let of = |range: &Range<usize>| {
            let (w, initial) = (&w[range.clone()], &self.initial[range.clone()]);
            LayerWeights {
                norm: norm(w.iter().copied()),
                change: norm(w.iter().zip(initial).map(|(a, b)| a - b)),
            }
        };
        self.ranges.iter().map(of).collect()
    }
}

impl<B: Backend> Probe<B> for WeightsByLayer {
    type Reading = Vec<LayerWeights>;

    fn read(&self, w: &Tensor<B, 1>) -> Vec<LayerWeights> {
        self.of(&Precision::to_host(w.clone()))
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}
