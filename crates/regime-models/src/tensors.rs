//! The operations of networks as ordinary tensor operations, for any backend.

mod activation;
mod layer;
pub(crate) mod tape;
mod window;

use burn_tensor::{DType, Tensor, backend::Backend};

use crate::{
    activation::Activation,
    block::{Block, Part},
    layer::Layer,
    operations::Operations,
    precision::Precision,
    window::Window,
};

/// The operations on the tensors of any backend.
pub(crate) struct Ordinary;

impl<B: Backend> Operations<B> for Ordinary {
    fn affine(
        &self,
        layer: &Layer,
        w: &Tensor<B, 1>,
        a: Tensor<B, 2>,
        biases: bool,
    ) -> Tensor<B, 2> {
        layer::affine(layer, w, a, biases)
    }

    fn back(&self, layer: &Layer, w: &Tensor<B, 1>, delta: Tensor<B, 2>) -> Tensor<B, 2> {
        layer::back(layer, w, delta)
    }

    fn value(&self, phi: Activation, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2> {
        activation::value(phi, gain, z)
    }

    fn value_and_slope(
        &self,
        phi: Activation,
        gain: f64,
        z: Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>) {
        activation::value_and_slope(phi, gain, z)
    }

    fn elementwise(&self, a: Tensor<B, 2>, b: Tensor<B, 2>) -> Tensor<B, 2> {
        a * b
    }

    fn dot(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
        Precision::to_host((a.cast(DType::F64) * b.cast(DType::F64)).sum())[0]
    }

    fn patches(&self, window: &Window, maps: Tensor<B, 2>) -> Tensor<B, 2> {
        window::patches(window, maps)
    }

    fn overlay(&self, window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2> {
        window::overlay(window, patches)
    }

    fn jvp(&self, parts: &[Part<B>], v: &Tensor<B, 1>) -> Tensor<B, 1> {
        tape::jvp(parts, v)
    }

    fn vjp(&self, parts: &[Part<B>], g: &Tensor<B, 1>) -> Tensor<B, 1> {
        tape::vjp(parts, g)
    }

    /// Returns `None`: the caller's products are as good.
    fn kernel(&self, _: &[&Block<B>], _: Vec<f64>) -> Option<Tensor<B, 2>> {
        None
    }
}
