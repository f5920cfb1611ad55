//! From Burn's tensors to those of LibTorch and back.

use burn_tch::{LibTorch, TchTensor};
use burn_tensor::{Tensor, TensorPrimitive};

/// LibTorch's own handle of a tensor, to be read.
pub(super) fn handle<const D: usize>(tensor: Tensor<LibTorch, D>) -> tch::Tensor {
    tensor.into_primitive().tensor().tensor
}

/// A tensor of Burn, whose memory no other tensor may share.
pub(super) fn owned<const D: usize>(tensor: tch::Tensor) -> Tensor<LibTorch, D> {
    Tensor::from_primitive(TensorPrimitive::Float(TchTensor::new(tensor)))
}
