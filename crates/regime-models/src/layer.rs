//! One affine layer: where its parameters lie, and its products.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Tensor, backend::Backend};

#[cfg(feature = "flex")]
use crate::host::{self, Numbers, Sizes, with_scalar};
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
        #[cfg(feature = "flex")]
        if host::is_host::<B>() {
            return self.host_forward(w, &a, self.biases.clone());
        }
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
        #[cfg(feature = "flex")]
        if host::is_host::<B>() {
            return self.host_forward(w, &a, None);
        }
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
        #[cfg(feature = "flex")]
        if host::is_host::<B>() {
            return self.host_back(w, &delta);
        }
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

#[cfg(feature = "flex")]
impl Layer {
    fn host_forward<B: Backend>(
        &self,
        w: &Tensor<B, 1>,
        a: &Tensor<B, 2>,
        biases: Option<Range<usize>>,
    ) -> Tensor<B, 2> {
        let ([rows, columns], device) = (a.dims(), a.device());
        let (w, a) = (Numbers::of(w), Numbers::of(a));
        let (k, m) = (self.inputs, self.outputs);
        with_scalar!(a.dtype(), T => {
            let (w, a) = (w.slice::<T>(), a.slice::<T>());
            let (weights, biases) = (&w[self.weights.clone()], biases.map(|range| &w[range]));
            let rows_out = match &self.window {
                None => rows,
                Some(window) => rows / window.n_pixels() * window.n_positions(),
            };
            let mut z = Vec::with_capacity(rows_out * m);
            let affine = |a: &[T], z: &mut Vec<T>| {
                let sizes = Sizes { rows: a.len() / k, k, m };
                host::affine(sizes, self.scale(), (a, weights, biases), z);
            };
            match &self.window {
                None => affine(a, &mut z),
                Some(window) => {
                    let per_map = window.n_pixels() * columns;
                    let mut patches = Vec::new();
                    for points in window.chunks(rows / window.n_pixels(), columns) {
                        let maps = &a[points.start * per_map..points.end * per_map];
                        window.gather(maps, columns, &mut patches);
                        affine(&patches, &mut z);
                    }
                }
            }
            host::tensor(z, [rows_out, m], &device)
        })
    }

    fn host_back<B: Backend>(&self, w: &Tensor<B, 1>, delta: &Tensor<B, 2>) -> Tensor<B, 2> {
        let (rows, device) = (delta.dims()[0], delta.device());
        let (w, delta) = (Numbers::of(w), Numbers::of(delta));
        let (k, m) = (self.inputs, self.outputs);
        with_scalar!(delta.dtype(), T => {
            let (weights, delta) = (&w.slice::<T>()[self.weights.clone()], delta.slice::<T>());
            let back = |delta: &[T], out: &mut [T]| {
                let sizes = Sizes { rows: delta.len() / m, k, m };
                host::back(sizes, self.scale(), (delta, weights), out);
            };
            let Some(window) = &self.window else {
                let mut out = vec![T::default(); rows * k];
                back(delta, &mut out);
                return host::tensor(out, [rows, k], &device);
            };
            let (n, channels) = (rows / window.n_positions(), k / window.n_taps());
            let (per_map, per_point) = (window.n_pixels() * channels, window.n_positions() * m);
            let mut maps = vec![T::default(); n * per_map];
            let mut patches = Vec::new();
            for points in window.chunks(n, channels) {
                patches.resize(points.len() * window.n_positions() * k, T::default());
                back(&delta[points.start * per_point..points.end * per_point], &mut patches);
                window.add(&patches, channels, &mut maps[points.start * per_map..points.end * per_map]);
            }
            host::tensor(maps, [n * window.n_pixels(), channels], &device)
        })
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
