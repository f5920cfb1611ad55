use burn_tensor::{Tensor, backend::Backend};

use super::numbers;
use crate::{FeedForward, Network, NetworkSpec, Precision, Tape, Trace};

/// A network, its weights (with biases that are not zero) and points.
///
/// # Shapes
/// `P` parameters, `n` points of `d` inputs.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The specification of the network.
    pub spec: NetworkSpec,
    /// The network.
    pub net: FeedForward,
    /// Its weights, `[P]`.
    pub w: Vec<f64>,
    /// The points, `[n, d]` row by row.
    pub x: Vec<f64>,
    /// Number of points.
    pub n: usize,
    /// The seed of the weights and the points.
    pub seed: u64,
}

impl Problem {
    /// The initial weights of `seed`, moved a little so that no bias is zero, and `n`
    /// points.
    ///
    /// # Panics
    /// For a specification that describes no network.
    pub fn of(spec: NetworkSpec, n: usize, seed: u64) -> Self {
        let net = spec.build().expect("the specification describes a network");
        let noise = numbers(net.n_params(), seed ^ 0xabcd);
        let w = net.initial_weights(seed).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
        Self { x: numbers(n * net.n_inputs(), seed), spec, net, w, n, seed }
    }

    /// The same problem at the initial weights of its seed, where all biases are zero.
    pub fn at_initial_weights(self) -> Self {
        Self { w: self.net.initial_weights(self.seed), ..self }
    }

    /// Weights `[P]` and points `[n, d]` on a backend.
    pub fn tensors<B: Backend>(
        &self,
        precision: Precision,
        device: &B::Device,
    ) -> (Tensor<B, 1>, Tensor<B, 2>) {
        let shape = [self.n, self.net.n_inputs()];
        (precision.vector(&self.w, device), precision.matrix(&self.x, shape, device))
    }

    /// The linearisation at its weights and points, in float64.
    pub fn tape<B: Backend>(&self, device: &B::Device) -> impl Tape<B> + use<B> {
        let (w, x) = self.tensors::<B>(Precision::F64, device);
        self.net.trace(&w, &x).linearise()
    }

    /// A direction in parameter space, `[P]`, that depends on the seed only.
    pub fn direction<B: Backend>(&self, device: &B::Device) -> Tensor<B, 1> {
        Precision::F64.vector(&numbers(self.net.n_params(), self.seed ^ 3), device)
    }

    /// One value per point, `[n]`, that depends on the seed only.
    pub fn cotangent(&self) -> Vec<f64> {
        numbers(self.n, self.seed ^ 7)
    }
}
