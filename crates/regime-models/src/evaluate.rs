//! The values of layers and activations, computed with the operations of the backend.

use burn_tensor::{Tensor, backend::Backend};

use crate::{activation::Activation, dispatch::operations, layer::Layer};

impl Activation {
    /// `gain · φ(z)`, element by element.
    pub fn value<B: Backend>(self, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().value(self, gain, z)
    }

    /// `gain · φ(z)` and `gain · φ'(z)`, element by element.
    pub fn value_and_slope<B: Backend>(
        self,
        gain: f64,
        z: Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>) {
        operations::<B>().value_and_slope(self, gain, z)
    }
}

impl Layer {
    /// `c·a·W + b`, `[n·p, m]`; `a`: `[n, k]` or the maps under a window.
    pub(crate) fn forward<B: Backend>(&self, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().affine(self, w, a, true)
    }

    /// `c·a·W`, `[n·p, m]`.
    pub(crate) fn linear<B: Backend>(&self, w: &Tensor<B, 1>, a: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().affine(self, w, a, false)
    }

    /// The sensitivities of the layer's inputs, from those of its outputs, `delta`, `[n·p, m]`.
    pub(crate) fn back<B: Backend>(&self, w: &Tensor<B, 1>, delta: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().back(self, w, delta)
    }
}

/// `1/(1 + e⁻ᶻ)`, element by element, with a small relative error for z ≥ −80. Below −80, some
/// backends return `e⁻⁸⁰`.
pub fn logistic<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    operations::<B>().logistic(z)
}
