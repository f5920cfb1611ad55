//! Fused operations of networks on host memory. They avoid the passes and copies of a chain of
//! tensor operations.
//!
//! Flex's tensors are plain host memory: slices can be borrowed from them, and vectors can be
//! moved into them.

mod activation;
mod gram;
mod layer;
mod numbers;
mod outputs;
mod products;
mod tape;
mod window;

use burn_flex::Flex;
use burn_tensor::{DType, Tensor};

use crate::{
    activation::Activation,
    block::{Block, Part},
    layer::Layer,
    operations::Operations,
    precision::Precision,
    window::Window,
};

/// The operations on Flex's tensors.
pub(crate) struct Host;

impl Operations<Flex> for Host {
    fn affine(
        &self,
        layer: &Layer,
        w: &Tensor<Flex, 1>,
        a: Tensor<Flex, 2>,
        biases: bool,
    ) -> Tensor<Flex, 2> {
        layer::affine(layer, w, &a, biases)
    }

    fn back(&self, layer: &Layer, w: &Tensor<Flex, 1>, delta: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        layer::back(layer, w, &delta)
    }

    fn value(&self, phi: Activation, gain: f64, z: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        activation::value(phi, gain, z)
    }

    fn value_and_slope(
        &self,
        phi: Activation,
        gain: f64,
        z: Tensor<Flex, 2>,
    ) -> (Tensor<Flex, 2>, Tensor<Flex, 2>) {
        activation::value_and_slope(phi, gain, z)
    }

    fn elementwise(&self, a: Tensor<Flex, 2>, b: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        activation::elementwise(a, &b)
    }

    /// Sums in the order of the values: the result of Flex's own sum depends on its threads.
    fn dot(&self, a: Tensor<Flex, 1>, b: Tensor<Flex, 1>) -> f64 {
        Precision::to_host(a.cast(DType::F64) * b.cast(DType::F64)).iter().sum()
    }

    fn patches(&self, window: &Window, maps: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        window::patches(window, &maps)
    }

    fn overlay(&self, window: &Window, patches: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        window::overlay(window, &patches)
    }

    fn jvp(&self, parts: &[Part<Flex>], v: &Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        tape::jvp(parts, v)
    }

    fn vjp(&self, parts: &[Part<Flex>], g: &Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        tape::vjp(parts, g)
    }

    fn weighted_sum(&self, terms: &[(&Tensor<Flex, 2>, Tensor<Flex, 1>)]) -> Tensor<Flex, 2> {
        outputs::weighted_sum(terms)
    }

    fn dots_by_point(&self, a: &Tensor<Flex, 2>, b: &Tensor<Flex, 2>, n: usize) -> Tensor<Flex, 1> {
        outputs::dots_by_point(a, b, n)
    }

    fn kernel(&self, blocks: &[&Block<Flex>], scratch: Vec<f64>) -> Option<Tensor<Flex, 2>> {
        gram::kernel(blocks, scratch)
    }
}
