//! A burn model that is not part of the workspace: a gated residual network with two outputs,
//! whose blocks all share one matrix.

use burn::{
    backend::Autodiff,
    module::{Module, Param},
    nn::{Initializer, Linear, LinearConfig},
    tensor::{Tensor, activation::sigmoid, backend::Backend},
};
use burn_flex::{Flex, FlexDevice};
use regime_tangent::{ModuleError, ModuleFunction, Precision, in_precision};

/// The backend on which kernels are computed.
pub type Plain = Flex;

/// The backend that differentiates.
pub type Grad = Autodiff<Flex>;

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
