//! The products of one layer. The weights are read in place from the parameter vector.

use burn_flex::Flex;
use burn_tensor::Tensor;

use super::{
    numbers::{Numbers, tensor, with_scalar},
    products::{self, Sizes},
    window::{add, gather},
};
use crate::{layer::Layer, memory::Memory};

/// `c·a·W`, plus `b` if `biases` is set.
pub(super) fn affine(
    layer: &Layer,
    w: &Tensor<Flex, 1>,
    a: &Tensor<Flex, 2>,
    biases: bool,
) -> Tensor<Flex, 2> {
    let [rows, columns] = a.dims();
    let biases = layer.biases.clone().filter(|_| biases);
    let (w, a) = (Numbers::of(w), Numbers::of(a));
    let (k, m) = (layer.inputs, layer.outputs);
    with_scalar!(a.dtype(), T => {
        let (w, a) = (w.slice::<T>(), a.slice::<T>());
        let (weights, biases) = (&w[layer.weights.clone()], biases.map(|range| &w[range]));
        let rows_out = match &layer.window {
            None => rows,
            Some(window) => rows / window.n_pixels() * window.n_positions(),
        };
        let mut z = Vec::with_capacity(rows_out * m);
        let affine = |a: &[T], z: &mut Vec<T>| {
            let sizes = Sizes { rows: a.len() / k, k, m };
            products::affine(sizes, layer.scale(), (a, weights, biases), z);
        };
        match &layer.window {
            None => affine(a, &mut z),
            Some(window) => {
                let per_map = window.n_pixels() * columns;
                let mut patches = Vec::new();
                for points in window.chunks(rows / window.n_pixels(), columns, Memory::Host) {
                    let maps = &a[points.start * per_map..points.end * per_map];
                    gather(window, maps, columns, &mut patches);
                    affine(&patches, &mut z);
                }
            }
        }
        tensor(z, [rows_out, m])
    })
}

/// `c·δ·Wᵀ`, added back to the maps for a layer with a window.
pub(super) fn back(layer: &Layer, w: &Tensor<Flex, 1>, delta: &Tensor<Flex, 2>) -> Tensor<Flex, 2> {
    let rows = delta.dims()[0];
    let (w, delta) = (Numbers::of(w), Numbers::of(delta));
    let (k, m) = (layer.inputs, layer.outputs);
    with_scalar!(delta.dtype(), T => {
        let (weights, delta) = (&w.slice::<T>()[layer.weights.clone()], delta.slice::<T>());
        let back = |delta: &[T], out: &mut [T]| {
            let sizes = Sizes { rows: delta.len() / m, k, m };
            products::back(sizes, layer.scale(), (delta, weights), out);
        };
        let Some(window) = &layer.window else {
            let mut out = vec![T::default(); rows * k];
            back(delta, &mut out);
            return tensor(out, [rows, k]);
        };
        let (n, channels) = (rows / window.n_positions(), k / window.n_taps());
        let (per_map, per_point) = (window.n_pixels() * channels, window.n_positions() * m);
        let mut maps = vec![T::default(); n * per_map];
        let mut patches = Vec::new();
        for points in window.chunks(n, channels, Memory::Host) {
            patches.resize(points.len() * window.n_positions() * k, T::default());
            back(&delta[points.start * per_point..points.end * per_point], &mut patches);
            add(window, &patches, channels, &mut maps[points.start * per_map..points.end * per_map]);
        }
        tensor(maps, [n * window.n_pixels(), channels])
    })
}
