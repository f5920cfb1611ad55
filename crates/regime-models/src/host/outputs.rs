//! The sums of several outputs in one pass over host memory.

use burn_flex::Flex;
use burn_tensor::Tensor;

use super::{
    numbers::{Numbers, Scalar, tensor, with_scalar},
    products::{dot, vectorised},
};

/// `Σ diag(g) δ` over the terms.
pub(super) fn weighted_sum(terms: &[(&Tensor<Flex, 2>, Tensor<Flex, 1>)]) -> Tensor<Flex, 2> {
    let shape = terms[0].0.dims();
    let numbers: Vec<[Numbers; 2]> =
        terms.iter().map(|(delta, g)| [Numbers::of(delta), Numbers::of(g)]).collect();
    with_scalar!(numbers[0][0].dtype(), T => {
        let mut sum = vec![T::default(); shape[0] * shape[1]];
        for [delta, g] in &numbers {
            add_weighted::<T>(delta.slice(), g.slice(), &mut sum);
        }
        tensor(sum, shape)
    })
}

fn add_weighted<T: Scalar>(delta: &[T], g: &[T], sum: &mut [T]) {
    let per_point = delta.len() / g.len();
    vectorised(
        #[inline(always)]
        || {
            let points = sum.chunks_exact_mut(per_point).zip(delta.chunks_exact(per_point));
            for ((sum, delta), &g) in points.zip(g) {
                sum.iter_mut().zip(delta).for_each(|(sum, &delta)| *sum += delta * g);
            }
        },
    );
}

/// `Σ a ∘ b` over the rows and columns of each point.
pub(super) fn dots_by_point(a: &Tensor<Flex, 2>, b: &Tensor<Flex, 2>, n: usize) -> Tensor<Flex, 1> {
    let (a, b) = (Numbers::of(a), Numbers::of(b));
    with_scalar!(a.dtype(), T => {
        tensor(dots::<T>(a.slice(), b.slice(), n), [n])
    })
}

fn dots<T: Scalar>(a: &[T], b: &[T], n: usize) -> Vec<T> {
    let per_point = a.len() / n;
    let mut dots = vec![T::default(); n];
    vectorised(
        #[inline(always)]
        || {
            let points = a.chunks_exact(per_point).zip(b.chunks_exact(per_point));
            for (sum, (a, b)) in dots.iter_mut().zip(points) {
                *sum = dot(a, b);
            }
        },
    );
    dots
}
