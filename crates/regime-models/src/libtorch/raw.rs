//! Conversion between Burn's tensors and LibTorch's tensors.

use burn_tch::{LibTorch, TchTensor};
use burn_tensor::{Tensor, TensorPrimitive};

/// LibTorch's handle of a tensor, for reading only.
pub(super) fn handle<const D: usize>(tensor: Tensor<LibTorch, D>) -> tch::Tensor {
    tensor.into_primitive().tensor().tensor
}

/// A tensor of Burn. No other tensor may share the memory of `tensor`.
pub(super) fn owned<const D: usize>(tensor: tch::Tensor) -> Tensor<LibTorch, D> {
    Tensor::from_primitive(TensorPrimitive::Float(TchTensor::new(tensor)))
}
