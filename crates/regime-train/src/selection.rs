//! The numbers of points on a device.

use burn_tensor::{DType, Int, Tensor, TensorData, backend::Backend};

/// These numbers as a tensor, with which rows are selected.
pub(crate) fn numbered<B: Backend>(points: &[usize], device: &B::Device) -> Tensor<B, 1, Int> {
    let indices: Vec<i64> = points.iter().map(|&i| i as i64).collect();
    Tensor::from_data(TensorData::new(indices, [points.len()]), (device, DType::I64))
}
