//! The problems that are timed.

use burn_tensor::{Tensor, backend::Backend as AnyBackend};
use regime_models::{Activation, DenseSpec, FeedForward, Precision};

/// The backend of this crate's own benchmarks.
pub type Backend = burn_flex::Flex;

/// Its device.
pub const DEVICE: burn_flex::FlexDevice = burn_flex::FlexDevice;

/// Inputs of the dense networks: the paper's ten principal components.
pub const INPUTS: usize = 10;

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
