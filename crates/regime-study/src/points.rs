//! Points of a data set as tensors.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::Part;
use regime_models::Precision;

/// The points of a part, `[n, d]`.
pub(crate) fn tensor<B: Backend>(
    part: &Part,
    precision: Precision,
    device: &B::Device,
) -> Tensor<B, 2> {
    let values: Vec<f64> = part.x.iter().copied().collect();
    precision.matrix(&values, [part.len(), part.dim()], device)
}
