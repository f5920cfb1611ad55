//! The operations of networks on host memory, fused: without the passes and copies that a
//! chain of tensor operations makes.
//!
//! Flex's tensors are plain host memory, from which slices can be borrowed and into
//! which vectors can be moved.

mod activation;
mod gram;
mod layer;
mod products;
mod tape;
mod window;

use std::ops::{Add, AddAssign, Mul, MulAssign};

use burn::tensor::{DType, Element, Tensor, TensorData};
use burn_flex::{Flex, FlexDevice, FlexTensor};
use faer::traits::ComplexField;

use crate::{
    activation::Activation, block::Block, layer::Layer, operations::Operations, pointwise::Real,
    precision::Precision, tape::Part, window::Window,
};

/// The operations on Flex's tensors.
pub(crate) struct Host;

impl Operations<Flex> for Host {
    fn affine(
        &self,
        layer: &Layer,
        w: &Tensor<Flex, 1>,
        a: Tensor<Flex, 2>,
        biases: bool,
    ) -> Tensor<Flex, 2> {
        layer::affine(layer, w, &a, biases)
    }

    fn back(&self, layer: &Layer, w: &Tensor<Flex, 1>, delta: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        layer::back(layer, w, &delta)
    }

    fn value(&self, phi: Activation, gain: f64, z: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        activation::value(phi, gain, z)
    }

    fn value_and_slope(
        &self,
        phi: Activation,
        gain: f64,
        z: Tensor<Flex, 2>,
    ) -> (Tensor<Flex, 2>, Tensor<Flex, 2>) {
        activation::value_and_slope(phi, gain, z)
    }

    fn elementwise(&self, a: Tensor<Flex, 2>, b: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        activation::elementwise(a, &b)
    }

    /// In the order of the numbers: Flex's own sum depends on its threads.
    fn dot(&self, a: Tensor<Flex, 1>, b: Tensor<Flex, 1>) -> f64 {
        Precision::to_host(a.cast(DType::F64) * b.cast(DType::F64)).iter().sum()
    }

    fn patches(&self, window: &Window, maps: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        window::patches(window, &maps)
    }

    fn overlay(&self, window: &Window, patches: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
        window::overlay(window, &patches)
    }

    fn jvp(&self, parts: &[Part<Flex>], v: &Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        tape::jvp(parts, v)
    }

    fn vjp(&self, parts: &[Part<Flex>], g: &Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        tape::vjp(parts, g)
    }

    fn kernel(&self, blocks: &[&Block<Flex>], room: Vec<f64>) -> Option<Tensor<Flex, 2>> {
        gram::kernel(blocks, room)
    }
}

/// The element types of tensors.
trait Scalar:
    Real + Element + ComplexField + AddAssign + MulAssign + Add<Output = Self> + Mul<Output = Self>
{
    /// The numbers of a tensor of this type in row-major order, if they lie so.
    fn of(tensor: &FlexTensor) -> Option<&[Self]>;

    /// Memory for float64 as memory for this type, if it is the same.
    fn room(room: Vec<f64>) -> Vec<Self>;
}

impl Scalar for f64 {
    fn of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn room(room: Vec<f64>) -> Vec<Self> {
        room
    }
}

impl Scalar for f32 {
    fn of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn room(_: Vec<f64>) -> Vec<Self> {
        Vec::new()
    }
}

/// The numbers of a tensor, borrowed where they lie in row-major order and copied
/// where not.
struct Numbers(FlexTensor);

impl Numbers {
    fn of<const D: usize>(tensor: &Tensor<Flex, D>) -> Self {
        let tensor = tensor.clone().into_primitive().tensor();
        Self(if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() })
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn slice<T: Scalar>(&self) -> &[T] {
        T::of(&self.0).expect("the element type was matched and the order made")
    }
}

/// A tensor of Flex out of numbers in row-major order.
fn tensor<T: Scalar, const D: usize>(numbers: Vec<T>, shape: [usize; D]) -> Tensor<Flex, D> {
    Tensor::from_data(TensorData::new(numbers, shape), (&FlexDevice, T::dtype()))
}

/// Runs `$body` with `$T` as the element type of `$dtype`.
macro_rules! with_scalar {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            burn::tensor::DType::F32 => {
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
use with_scalar;
