//! The sums of products of the layers on host memory, without the passes and copies
//! that a chain of tensor operations makes around them.
//!
//! Flex's tensors are plain host memory, from which slices can be borrowed and into
//! which vectors can be moved. This is the one file that asks whether a backend is
//! Flex; any other backend takes the path of ordinary tensor operations.

use std::{
    any::{Any, TypeId},
    ops::{Add, AddAssign, Mul, MulAssign},
};

use burn::tensor::{DType, Element, Tensor, TensorData, backend::Backend};
use burn_flex::{Flex, FlexTensor};
use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul, traits::ComplexField};

use crate::pointwise::Real;

/// Whether tensors of `B` are plain host memory. Of the backends Burn has, Flex is
/// one; an autodiff backend around it is not, because its operations have to be
/// recorded.
pub(crate) fn is_host<B: Backend>() -> bool {
    TypeId::of::<B>() == TypeId::of::<Flex>()
}

/// The element types of tensors.
pub(crate) trait Scalar:
    Real + Element + ComplexField + AddAssign + MulAssign + Add<Output = Self> + Mul<Output = Self>
{
    /// The numbers of a tensor of this type in row-major order, if they lie so.
    fn of(tensor: &FlexTensor) -> Option<&[Self]>;
}

impl Scalar for f64 {
    fn of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }
}

impl Scalar for f32 {
    fn of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }
}

/// The numbers of a tensor, borrowed where they lie in row-major order and copied
/// where not.
pub(crate) struct Numbers(FlexTensor);

impl Numbers {
    /// # Panics
    /// For another backend than Flex.
    pub(crate) fn of<B: Backend, const D: usize>(tensor: &Tensor<B, D>) -> Self {
        let primitive = tensor.clone().into_primitive().tensor();
        let tensor: &FlexTensor =
            (&primitive as &dyn Any).downcast_ref().expect("the backend was asked for");
        Self(if tensor.is_contiguous() { tensor.clone() } else { tensor.to_contiguous() })
    }

    pub(crate) fn dtype(&self) -> DType {
        self.0.dtype()
    }

    pub(crate) fn slice<T: Scalar>(&self) -> &[T] {
        T::of(&self.0).expect("the element type was matched and the order made")
    }
}

/// A tensor of Flex out of numbers in row-major order.
pub(crate) fn tensor<B: Backend, T: Scalar, const D: usize>(
    numbers: Vec<T>,
    shape: [usize; D],
    device: &B::Device,
) -> Tensor<B, D> {
    Tensor::from_data(TensorData::new(numbers, shape), (device, T::dtype()))
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
pub(crate) use with_scalar;

/// The sizes of a layer's products: `rows` of `k` inputs and `m` outputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) rows: usize,
    pub(crate) k: usize,
    pub(crate) m: usize,
}

/// `c·a·W + b`, `[rows, m]`, below what is in `out`, from `a`, `[rows, k]`.
pub(crate) fn affine<T: Scalar>(
    Sizes { rows, k, m }: Sizes,
    c: f64,
    (a, w, b): (&[T], &[T], Option<&[T]>),
    out: &mut Vec<T>,
) {
    let start = out.len();
    // The product is added to its biases: a pass over memory less than the other way round.
    let accum = match b {
        Some(b) => {
            out.reserve(rows * m);
            (0..rows).for_each(|_| out.extend_from_slice(b));
            Accum::Add
        }
        None => {
            out.resize(start + rows * m, T::default());
            Accum::Replace
        }
    };
    let (a, w) = (MatRef::from_row_major_slice(a, rows, k), MatRef::from_row_major_slice(w, k, m));
    let product = MatMut::from_row_major_slice_mut(&mut out[start..], rows, m);
    matmul(product, accum, a, w, T::narrow(c), Par::Seq);
}

/// `c·δ·Wᵀ` into `out`, `[rows, k]`, from `δ`, `[rows, m]`.
pub(crate) fn back<T: Scalar>(
    Sizes { rows, k, m }: Sizes,
    c: f64,
    (delta, w): (&[T], &[T]),
    out: &mut [T],
) {
    let delta = MatRef::from_row_major_slice(delta, rows, m);
    let w = MatRef::from_row_major_slice(w, k, m);
    let out = MatMut::from_row_major_slice_mut(out, rows, k);
    matmul(out, Accum::Replace, delta, w.transpose(), T::narrow(c), Par::Seq);
}

/// Adds `c·aᵀ·diag(g)·δ` to `weights`, `[k, m]`, and `gᵀ·δ` to `biases`, `[m]`.
///
/// `g` has one number for every point, which is as many rows as there are positions;
/// `weighted` is room for `diag(g)·δ`.
pub(crate) fn pull<T: Scalar>(
    Sizes { rows, k, m }: Sizes,
    c: f64,
    (a, delta, g): (&[T], &[T], &[T]),
    weighted: &mut Vec<T>,
    weights: &mut [T],
    biases: Option<&mut [T]>,
) {
    let per_point = delta.len() / g.len();
    // Whatever stood there is overwritten.
    weighted.resize(delta.len(), T::default());
    vectorised(
        #[inline(always)]
        || {
            let points = weighted.chunks_exact_mut(per_point).zip(delta.chunks_exact(per_point));
            for ((weighted, delta), &g) in points.zip(g) {
                weighted.iter_mut().zip(delta).for_each(|(w, &d)| *w = d * g);
            }
            if let Some(biases) = biases {
                for row in weighted.chunks_exact(m) {
                    biases.iter_mut().zip(row).for_each(|(sum, &d)| *sum += d);
                }
            }
        },
    );
    let a = MatRef::from_row_major_slice(a, rows, k);
    let weighted = MatRef::from_row_major_slice(weighted, rows, m);
    let weights = MatMut::from_row_major_slice_mut(weights, k, m);
    matmul(weights, Accum::Add, a.transpose(), weighted, T::narrow(c), Par::Seq);
}

/// Adds to every point's number in `moved` the sum of `(c·a·V + b) ∘ δ` over its rows
/// and columns; `room` is room for the product.
pub(crate) fn push<T: Scalar>(
    sizes: Sizes,
    c: f64,
    (a, v, b): (&[T], &[T], Option<&[T]>),
    delta: &[T],
    room: &mut Vec<T>,
    moved: &mut [T],
) {
    room.clear();
    affine(sizes, c, (a, v, b), room);
    let per_point = delta.len() / moved.len();
    vectorised(
        #[inline(always)]
        || {
            let points = room.chunks_exact(per_point).zip(delta.chunks_exact(per_point));
            for (sum, (change, delta)) in moved.iter_mut().zip(points) {
                *sum += dot(change, delta);
            }
        },
    );
}

/// `a·b` in partial sums, which the compiler keeps in vector registers.
#[inline(always)]
fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::default(); 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| a * b);
    rest.chain(sums).fold(T::default(), |sum, term| sum + term)
}

/// `a ∘ b`, written over `a` where nobody else holds it.
pub(crate) fn hadamard<B: Backend>(a: Tensor<B, 2>, b: &Tensor<B, 2>) -> Tensor<B, 2> {
    let device = a.device();
    let b = Numbers::of(b);
    let mut data = a.into_data();
    with_scalar!(b.dtype(), T => {
        let a = data.as_mut_slice::<T>().expect("both have one element type");
        let b = b.slice::<T>();
        vectorised(
            #[inline(always)]
            || a.iter_mut().zip(b).for_each(|(a, &b)| *a *= b),
        );
    });
    Tensor::from_data(data, (&device, b.dtype()))
}

/// Runs a loop that is compiled for several sets of vector instructions with those
/// that the processor has. The closure has to be inlined for that.
#[inline(always)]
pub(crate) fn vectorised(run: impl FnOnce()) {
    pulp::Arch::new().dispatch(run);
}
