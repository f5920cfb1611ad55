//! Burn models that are not part of the workspace.
//!
//! [`Gated`] is a residual network with two outputs, whose blocks all share one matrix: its kernel.
//! [`Attention`] and [`Recurrent`] read sequences, and are trained by [`training`].

mod sequences;
pub mod training;

pub use sequences::{Attention, Recurrent, task};

use burn::{
    backend::Autodiff,
    module::{Module, Param},
    nn::{Initializer, Linear, LinearConfig},
    tensor::{DType, Tensor, activation::sigmoid, backend::Backend, set_default_dtypes},
};
use burn_flex::{Flex, FlexDevice};
use regime_tangent::{ModuleError, ModuleFunction, Precision, in_precision};

/// The backend on which kernels are computed.
pub type Plain = Flex;

/// The backend that differentiates.
pub type Grad = Autodiff<Flex>;

/// Makes float64 the type of all tensors for which a module names no type. A program calls this
/// before it creates its first tensor.
///
/// # Panics
/// When a tensor was created before.
pub fn float64() {
    let device = FlexDevice;
    // A second call has no effect, and returns an error.
    let _ = set_default_dtypes::<Grad>(&device, DType::F64, DType::I32);
    let zero = Tensor::<Grad, 1>::zeros([1], &device);
    assert_eq!(zero.dtype(), DType::F64, "a tensor was created before this call");
}

/// `z ← tanh(E x)`, then for every gate `z ← z + σ(G z) ∘ tanh(z M)`, and `f = H z`.
///
/// The matrix `M` is the same in every block.
#[derive(Module, Debug)]
pub struct Gated<B: Backend> {
    encoder: Linear<B>,
    mix: Param<Tensor<B, 2>>,
    gates: Vec<Linear<B>>,
    head: Linear<B>,
}

impl<B: Backend> Gated<B> {
    /// A network of some width for points of `inputs` numbers, with two outputs.
    pub fn new(inputs: usize, width: usize, blocks: usize, seed: u64, device: &B::Device) -> Self {
        B::seed(device, seed);
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        let spread = Initializer::Normal { mean: 0.0, std: (width as f64).sqrt().recip() };
        let net = Self {
            encoder: linear(inputs, width),
            mix: spread.init([width, width], device),
            gates: (0..blocks).map(|_| linear(width, width)).collect(),
            head: linear(width, 2),
        };
        // Burn creates weights in float32 by default.
        in_precision(net, Precision::F64)
    }

    /// `[n, inputs]` → `[n, 2]`
    pub fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let mut z = self.encoder.forward(x).tanh();
        for gate in &self.gates {
            let change = z.clone().matmul(self.mix.val()).tanh();
            z = z.clone() + sigmoid(gate.forward(z)) * change;
        }
        self.head.forward(z)
    }
}

/// How a module is evaluated.
pub type Forward = fn(&Gated<Grad>, Tensor<Grad, 2>) -> Tensor<Grad, 2>;

/// The network as a function of its parameters, on `n` points on a circle.
pub fn on_circle(
    net: &Gated<Grad>,
    n: usize,
) -> Result<ModuleFunction<Grad, Gated<Grad>, Forward, 2>, ModuleError> {
    let angle = |i: usize| std::f64::consts::TAU * i as f64 / n as f64;
    let points: Vec<f64> = (0..n).flat_map(|i| [angle(i).cos(), angle(i).sin()]).collect();
    let points = Precision::F64.matrix::<Plain>(&points, [n, 2], &FlexDevice);
    ModuleFunction::new(net, Gated::forward, points)
}
