//! The timed problems.

use burn_tensor::{Tensor, backend::Backend as AnyBackend};
use regime_models::{Activation, Alpha, DenseSpec, FeedForward, Network, Precision, Tape, Trace};
use regime_train::{Loss, Objective, Targets};

/// The backend of this crate's own benchmarks.
pub type Backend = burn_flex::Flex;

/// Its device.
pub const DEVICE: burn_flex::FlexDevice = burn_flex::FlexDevice;

/// Inputs of the dense networks: the paper's ten principal components.
pub const INPUTS: usize = 10;

/// The paper's fully connected network with softplus and biases.
///
/// # Panics
/// When a size is 0.
pub fn network(inputs: usize, width: usize, hidden_layers: usize) -> FeedForward {
    DenseSpec {
        inputs,
        width,
        hidden_layers,
        activation: Activation::Softplus { beta: 5.0 },
        bias: true,
    }
    .build()
    .expect("the sizes are positive")
}

/// A matrix in float64 on this crate's own backend, see [`matrix_on`].
///
/// # Shapes
/// `[rows, columns]`
pub fn matrix(rows: usize, columns: usize) -> Tensor<Backend, 2> {
    matrix_on(rows, columns, Precision::F64, &DEVICE)
}

/// A matrix of numbers between −√3 and √3 (unit variance), the same at every call.
///
/// # Shapes
/// `[rows, columns]`
pub fn matrix_on<B: AnyBackend>(
    rows: usize,
    columns: usize,
    precision: Precision,
    device: &B::Device,
) -> Tensor<B, 2> {
    precision.matrix(&numbers(rows * columns), [rows, columns], device)
}

pub(crate) fn numbers(count: usize) -> Vec<f64> {
    let golden = 0.618_033_988_749_894_9;
    (0..count).map(|i| 12f64.sqrt() * ((i as f64 * golden).fract() - 0.5)).collect()
}

/// Weights of a network, and points with their labels.
pub(crate) struct Problem<B: AnyBackend> {
    pub(crate) w: Tensor<B, 1>,
    pub(crate) x: Tensor<B, 2>,
    pub(crate) objective: Objective,
}

impl<B: AnyBackend> Problem<B> {
    /// The initial weights of `seed`, and `n` points whose labels alternate; α = 1.
    pub(crate) fn of(
        net: &FeedForward,
        n: usize,
        (loss, seed): (Loss, u64),
        precision: Precision,
        device: &B::Device,
    ) -> Self {
        let w = precision.vector::<B>(&net.initial_weights(seed), device);
        let x = matrix_on::<B>(n, net.n_inputs(), precision, device);
        let labels: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let f0 = Precision::to_host(net.forward(&w, &x));
        let alpha = Alpha::paper(1.0).expect("1 is positive");
        let objective =
            Objective::new(alpha, loss, Targets::signs(labels).expect("labels are ±1"), f0)
                .expect("labels are ±1");
        Self { w, x, objective }
    }

    /// The mean loss and its gradient with respect to all parameters, `[P]`.
    pub(crate) fn loss_and_gradient(&self, net: &FeedForward) -> (f64, Tensor<B, 1>) {
        let trace = net.trace(&self.w, &self.x);
        let margins = self.objective.margins(&Precision::to_host(trace.output()));
        let derivatives = self.objective.derivatives(&margins);
        let precision = Precision::of(self.x.dtype());
        let slopes = precision.vector(&derivatives.gradient, &self.x.device());
        (derivatives.mean_loss, trace.linearise().vjp(slopes))
    }
}
