//! The linearisation of a network in its weights.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Tape, Trace};

use crate::initial::Origin;

/// The first-order expansion of a network in its weights about `w₀`:
/// `f_lin(w, x) = f(w₀, x) + J(w₀; x)(w − w₀)`.
///
/// At all weights its tangent kernel equals that of the network at `w₀`. Its gradient flow
/// from `w₀` gives the same functions as the flow of the
/// [`KernelModel`](crate::KernelModel) with this kernel. An evaluation costs a forward
/// pass, a backward pass and a product with the Jacobian, where the kernel model costs `n²`
/// multiply-adds; but it needs no kernel, and is defined at every point.
///
/// # Shapes
/// Those of the network.
#[derive(Debug, Clone)]
pub struct Linearised<B: Backend, N> {
    net: N,
    w0: Tensor<B, 1>,
}

impl<B: Backend, N: Network<B>> Linearised<B, N> {
    /// The linearisation of `net` (by value, by reference, or in an `Arc`) at `w0`, `[P]`.
    pub fn at(net: N, w0: Tensor<B, 1>) -> Self {
        Self { net, w0 }
    }

    /// The weights `w₀` of the expansion, `[P]`.
    pub fn origin(&self) -> Tensor<B, 1> {
        self.w0.clone()
    }

    /// The weights `w₀ + Jᵀc` of the function `f(w₀, ·) + Σⱼ cⱼ Θ(·, xⱼ)`. With the
    /// coefficients `c` of a trained [`KernelModel`](crate::KernelModel) with the kernel of
    /// this network on `inputs`, it evaluates that model at any point, without a kernel
    /// there.
    ///
    /// # Shapes
    /// `inputs`: `[n, d]`, `c`: `[n]` → `[P]`
    pub fn weights(&self, inputs: &Tensor<B, 2>, c: Tensor<B, 1>) -> Tensor<B, 1> {
        self.w0.clone() + self.net.trace(&self.w0, inputs).linearise().vjp(c)
    }
}

impl<B: Backend, N: Network<B>> Origin<B> for Linearised<B, N> {
    fn origin(&self) -> Tensor<B, 1> {
        self.origin()
    }
}

impl<B: Backend, N: Network<B>> Network<B> for Linearised<B, N> {
    type Trace = LinearisedTrace<B, N>;

    fn n_inputs(&self) -> usize {
        self.net.n_inputs()
    }

    fn n_params(&self) -> usize {
        self.net.n_params()
    }

    fn n_outputs(&self) -> usize {
        self.net.n_outputs()
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn check_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        self.net.check_inputs(x)
    }

    fn check_kernel_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        self.net.check_kernel_inputs(x)
    }

    fn layer_ranges(&self) -> Vec<Range<usize>> {
        self.net.layer_ranges()
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        self.trace(w, x).output
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> LinearisedTrace<B, N> {
        let trace = self.net.trace(&self.w0, x);
        let constant = trace.output();
        let tape = trace.linearise();
        let output = constant + tape.jvp(w.clone() - self.w0.clone());
        LinearisedTrace { output, tape }
    }
}

/// A [`Linearised`] network, evaluated.
pub struct LinearisedTrace<B: Backend, N: Network<B>> {
    output: Tensor<B, 1>,
    tape: <N::Trace as Trace<B>>::Tape,
}

impl<B: Backend, N: Network<B>> Trace<B> for LinearisedTrace<B, N> {
    type Tape = <N::Trace as Trace<B>>::Tape;

    fn output(&self) -> Tensor<B, 1> {
        self.output.clone()
    }

    fn linearise(self) -> Self::Tape {
        self.tape
    }
}
