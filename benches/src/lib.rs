//! What the benchmarks share: the one place of this crate where a backend is
//! chosen, and the problem they are timed on.

use burn::tensor::Tensor;
use regime_models::{Activation, DenseSpec, FeedForward, Precision};

/// The backend that is timed.
pub type Backend = burn_flex::Flex;

/// Its device.
pub const DEVICE: burn_flex::FlexDevice = burn_flex::FlexDevice;

/// The paper's fully connected network with softplus and biases, at width `h`.
///
/// # Panics
/// Never, for positive sizes.
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

/// A matrix of numbers between −√3 and √3 (unit variance), the same at every call.
///
/// # Shapes
/// `[rows, columns]`
pub fn matrix(rows: usize, columns: usize) -> Tensor<Backend, 2> {
    let golden = 0.618_033_988_749_894_9;
    let values: Vec<f64> =
        (0..rows * columns).map(|i| 12f64.sqrt() * ((i as f64 * golden).fract() - 0.5)).collect();
    Precision::F64.matrix(&values, [rows, columns], &DEVICE)
}
