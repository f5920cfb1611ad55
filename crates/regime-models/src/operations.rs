//! The operations that networks and their tangents are made of: the extension of a backend
//! that this crate works with.

use burn_tensor::{Tensor, backend::Backend};

use crate::{
    activation::Activation,
    block::{Block, Part},
    layer::Layer,
    window::Window,
};

/// The operations of a network on tensors of `B`.
///
/// # Shapes
/// `n` points; a layer of `k` inputs and `m` outputs at `p` positions, on maps of `c` channels.
pub(crate) trait Operations<B: Backend> {
    /// A layer, `c·a·W + b` or without its biases: `[n, k]`, or maps `[n·pixels, c]` under a
    /// window, to `[n·p, m]`.
    fn affine(
        &self,
        layer: &Layer,
        w: &Tensor<B, 1>,
        a: Tensor<B, 2>,
        biases: bool,
    ) -> Tensor<B, 2>;

    /// The sensitivities of a layer's inputs, from those of its outputs, `[n·p, m]`.
    fn back(&self, layer: &Layer, w: &Tensor<B, 1>, delta: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `gain · φ(z)`, element by element.
    fn value(&self, phi: Activation, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `gain · φ(z)` and `gain · φ'(z)`, element by element.
    fn value_and_slope(
        &self,
        phi: Activation,
        gain: f64,
        z: Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>);

    /// `a ∘ b`
    fn elementwise(&self, a: Tensor<B, 2>, b: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `a · b`, added up in float64.
    fn dot(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64;

    /// The patches of maps: `[n·pixels, c]` → `[n·p, taps·c]`.
    fn patches(&self, window: &Window, maps: Tensor<B, 2>) -> Tensor<B, 2>;

    /// The adjoint of [`patches`](Self::patches).
    fn overlay(&self, window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2>;

    /// `J v`, `[P]` → `[n]`.
    fn jvp(&self, parts: &[Part<B>], v: &Tensor<B, 1>) -> Tensor<B, 1>;

    /// `Jᵀ g`, `[n]` → `[P]`.
    fn vjp(&self, parts: &[Part<B>], g: &Tensor<B, 1>) -> Tensor<B, 1>;

    /// The kernel of layers in one matrix, tile by tile, `[n, n]`, in the memory of `scratch`,
    /// whose numbers have no meaning; `None` where the caller does as well with products of the
    /// layers' factors.
    fn kernel(&self, blocks: &[&Block<B>], scratch: Vec<f64>) -> Option<Tensor<B, 2>>;
}
