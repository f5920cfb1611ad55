//! The operations of networks by LibTorch's own operations: one call instead of several
//! ordinary tensor operations, and linear algebra.
//!
//! On a GPU every call is a launch, and launches dominate the time of small networks.
//! A returned tensor never shares its memory with an argument, because burn-tch overwrites
//! tensors that it considers the only users of their memory.

mod activation;
mod linear_algebra;
mod products;
mod raw;
mod tape;

use burn_tch::LibTorch;
use burn_tensor::{Tensor, activation::sigmoid};

use crate::{
    activation::Activation,
    block::{Block, Part},
    layer::Layer,
    operations::{Factorised, GramFactors, Operations},
    tensors::{
        Ordinary,
        tape::{backward, forward},
    },
    window::Window,
};

/// The operations on the tensors of LibTorch.
pub(crate) struct Torch;

impl Operations<LibTorch> for Torch {
    fn affine(
        &self,
        layer: &Layer,
        w: &Tensor<LibTorch, 1>,
        a: Tensor<LibTorch, 2>,
        biases: bool,
    ) -> Tensor<LibTorch, 2> {
        if layer.window.is_some() {
            return Ordinary.affine(layer, w, a, biases);
        }
        products::affine(layer, w, a, biases)
    }

    fn back(
        &self,
        layer: &Layer,
        w: &Tensor<LibTorch, 1>,
        delta: Tensor<LibTorch, 2>,
    ) -> Tensor<LibTorch, 2> {
        Ordinary.back(layer, w, delta)
    }

    fn value(&self, phi: Activation, gain: f64, z: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
        match phi {
            Activation::Softplus { beta } => activation::softplus(beta, gain, z),
            _ => Ordinary.value(phi, gain, z),
        }
    }

    fn value_and_slope(
        &self,
        phi: Activation,
        gain: f64,
        z: Tensor<LibTorch, 2>,
    ) -> (Tensor<LibTorch, 2>, Tensor<LibTorch, 2>) {
        match phi {
            Activation::Softplus { beta } => activation::softplus_and_slope(beta, gain, z),
            _ => Ordinary.value_and_slope(phi, gain, z),
        }
    }

    fn elementwise(&self, a: Tensor<LibTorch, 2>, b: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
        a * b
    }

    fn dot(&self, a: Tensor<LibTorch, 1>, b: Tensor<LibTorch, 1>) -> f64 {
        Ordinary.dot(a, b)
    }

    fn patches(&self, window: &Window, maps: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
        Ordinary.patches(window, maps)
    }

    fn overlay(&self, window: &Window, patches: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
        Ordinary.overlay(window, patches)
    }

    fn jvp(&self, parts: &[Part<LibTorch>], v: &Tensor<LibTorch, 1>) -> Tensor<LibTorch, 1> {
        if has_windows(parts) {
            return Ordinary.jvp(parts, v);
        }
        forward(parts, |part| tape::moved(part, v))
    }

    fn vjp(&self, parts: &[Part<LibTorch>], g: &Tensor<LibTorch, 1>) -> Tensor<LibTorch, 1> {
        if has_windows(parts) {
            return Ordinary.vjp(parts, g);
        }
        backward(parts, g, tape::pulled)
    }

    /// Returns `None`: the caller's products are as good.
    fn kernel(&self, _: &[&Block<LibTorch>], _: Vec<f64>) -> Option<Tensor<LibTorch, 2>> {
        None
    }

    fn add_products(
        &self,
        c: Tensor<LibTorch, 3>,
        a: Tensor<LibTorch, 3>,
        b: Tensor<LibTorch, 3>,
    ) -> Tensor<LibTorch, 3> {
        products::add_products(c, a, b)
    }

    fn add_elementwise(
        &self,
        sum: Tensor<LibTorch, 3>,
        a: Tensor<LibTorch, 3>,
        b: Tensor<LibTorch, 3>,
    ) -> Tensor<LibTorch, 3> {
        products::add_elementwise(sum, a, b)
    }

    fn logistic(&self, z: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 2> {
        sigmoid(z)
    }

    fn gram_products(&self, layers: &[GramFactors<LibTorch>]) -> Tensor<LibTorch, 3> {
        products::gram_products(layers)
    }

    fn lower_gram_products(&self, layers: &[GramFactors<LibTorch>]) -> Tensor<LibTorch, 3> {
        raw::owned(products::lower_gram_products(layers))
    }

    /// More than a cache holds: each LibTorch operation is a separate pass over memory, and
    /// products are faster with more rows.
    fn part_numbers(&self) -> u32 {
        1 << 21
    }

    fn factorises(&self) -> bool {
        true
    }

    fn cholesky_of_shifted(
        &self,
        m: Tensor<LibTorch, 3>,
        root: Tensor<LibTorch, 2>,
    ) -> Option<Factorised<LibTorch>> {
        Some(linear_algebra::cholesky_of_shifted(m, root))
    }

    fn cholesky_solve(
        &self,
        factors: &Tensor<LibTorch, 3>,
        right: Tensor<LibTorch, 2>,
    ) -> Tensor<LibTorch, 2> {
        linear_algebra::cholesky_solve(factors, right)
    }
}

fn has_windows(parts: &[Part<LibTorch>]) -> bool {
    parts.iter().flatten().any(|block| block.window.is_some())
}
