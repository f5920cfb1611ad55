//! The products of one layer.

use burn_tensor::{Tensor, backend::Backend};

use super::window::{overlay, patches};
use crate::{
    layer::Layer,
    memory::Memory,
    rows::{joined, rows_of},
};

/// `c·a·W`, plus `b` if `biases` is set.
pub(super) fn affine<B: Backend>(
    layer: &Layer,
    w: &Tensor<B, 1>,
    a: Tensor<B, 2>,
    biases: bool,
) -> Tensor<B, 2> {
    let z = linear(layer, w, a);
    match &layer.biases {
        Some(range) if biases => {
            let rows = z.dims()[0];
            z + rows_of(w.clone().slice([range.clone()]), rows)
        }
        _ => z,
    }
}

fn linear<B: Backend>(layer: &Layer, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
    let weights = scaled_weights(layer, w);
    let Some(window) = &layer.window else { return a.matmul(weights) };
    let [rows, channels] = a.dims();
    let pixels = window.n_pixels();
    let memory = Memory::of::<B>(&a.device());
    let chunks = window.chunks(rows / pixels, channels, memory).map(|points| {
        let maps = a.clone().narrow(0, points.start * pixels, points.len() * pixels);
        patches(window, maps).matmul(weights.clone())
    });
    joined(chunks.collect())
}

/// `c·δ·Wᵀ`, added back to the maps for a layer with a window.
pub(super) fn back<B: Backend>(
    layer: &Layer,
    w: &Tensor<B, 1>,
    delta: Tensor<B, 2>,
) -> Tensor<B, 2> {
    let weights = scaled_weights(layer, w).transpose();
    let Some(window) = &layer.window else { return delta.matmul(weights) };
    let p = window.n_positions();
    let channels = layer.inputs / window.n_taps();
    let memory = Memory::of::<B>(&delta.device());
    let chunks = window.chunks(delta.dims()[0] / p, channels, memory).map(|points| {
        let delta = delta.clone().narrow(0, points.start * p, points.len() * p);
        overlay(window, delta.matmul(weights.clone()))
    });
    joined(chunks.collect())
}

/// `c·W`, `[k, m]`.
fn scaled_weights<B: Backend>(layer: &Layer, w: &Tensor<B, 1>) -> Tensor<B, 2> {
    let weights = w.clone().slice([layer.weights.clone()]);
    weights.reshape([layer.inputs, layer.outputs]).mul_scalar(layer.scale())
}
