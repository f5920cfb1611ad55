//! Rows of matrices: their numbers on a device, concatenated tensors, and a vector repeated as every
//! row.

use burn_tensor::{DType, Int, Tensor, TensorData, backend::Backend};

/// A list of indices on a device.
pub(crate) fn indices<B: Backend>(indices: Vec<i64>, device: &B::Device) -> Tensor<B, 1, Int> {
    let len = indices.len();
    Tensor::from_data(TensorData::new(indices, [len]), (device, DType::I64))
}

/// Concatenates tensors along the rows. A single tensor is not copied.
pub(crate) fn joined<B: Backend, const D: usize>(mut parts: Vec<Tensor<B, D>>) -> Tensor<B, D> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

/// Repeats the vector `b`, `[m]`, in each of `n` rows, by a product. In float64 on Flex,
/// the product and an addition are several times faster than a broadcast addition.
pub(crate) fn rows_of<B: Backend>(b: Tensor<B, 1>, n: usize) -> Tensor<B, 2> {
    let ones = Tensor::ones([n, 1], (&b.device(), b.dtype()));
    ones.matmul(b.unsqueeze::<2>())
}
