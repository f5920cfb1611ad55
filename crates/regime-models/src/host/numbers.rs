//! The values of Flex's tensors as slices, and tensors from values.

use std::ops::{Add, AddAssign, Mul, MulAssign};

use burn_flex::{Flex, FlexDevice, FlexTensor};
use burn_tensor::{DType, Element, Tensor, TensorData};
use faer::traits::ComplexField;

use crate::pointwise::Real;

/// The element types of tensors.
pub(super) trait Scalar:
    Real + Element + ComplexField + AddAssign + MulAssign + Add<Output = Self> + Mul<Output = Self>
{
    /// The values of a tensor of this type, if they are stored in row-major order.
    fn of(tensor: &FlexTensor) -> Option<&[Self]>;

    /// Reuses memory for float64 as memory for this type; empty for any type but float64.
    fn scratch(memory: Vec<f64>) -> Vec<Self>;
}

impl Scalar for f64 {
    fn of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn scratch(memory: Vec<f64>) -> Vec<Self> {
        memory
    }
}

impl Scalar for f32 {
    fn of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn scratch(_: Vec<f64>) -> Vec<Self> {
        Vec::new()
    }
}

/// The values of a tensor in row-major order. They are copied only if the tensor stores
/// them in another order.
pub(super) struct Numbers(FlexTensor);

impl Numbers {
    pub(super) fn of<const D: usize>(tensor: &Tensor<Flex, D>) -> Self {
        let tensor = tensor.clone().into_primitive().tensor();
        Self(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
    }

    pub(super) fn dtype(&self) -> DType {
        self.0.dtype()
    }

    pub(super) fn slice<T: Scalar>(&self) -> &[T] {
        T::of(&self.0).expect("the element type was matched and the values are contiguous")
    }
}

/// A tensor of Flex from values in row-major order.
pub(super) fn tensor<T: Scalar, const D: usize>(
    numbers: Vec<T>,
    shape: [usize; D],
) -> Tensor<Flex, D> {
    Tensor::from_data(TensorData::new(numbers, shape), (&FlexDevice, T::dtype()))
}

/// Runs `$body` with `$T` as the element type of `$dtype`.
macro_rules! with_scalar {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            burn_tensor::DType::F32 => {
                type $T = f32;
                $body
            }
            _ => {
                type $T = f64;
                $body
            }
        }
    };
}
pub(super) use with_scalar;
