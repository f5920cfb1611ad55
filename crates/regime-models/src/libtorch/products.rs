//! Products with what is added to them.

use burn_tch::LibTorch;
use burn_tensor::Tensor;

use super::raw::{handle, owned};
use crate::layer::Layer;

/// As [`Operations::affine`](crate::operations::Operations::affine), of a layer without a window.
pub(super) fn affine(
    layer: &Layer,
    w: &Tensor<LibTorch, 1>,
    a: Tensor<LibTorch, 2>,
    biases: bool,
) -> Tensor<LibTorch, 2> {
    let w = handle(w.clone());
    let part = |range: &std::ops::Range<usize>| w.narrow(0, range.start as i64, range.len() as i64);
    let weights = part(&layer.weights).view([layer.inputs as i64, layer.outputs as i64]);
    let weights = weights * layer.scale();
    owned(match &layer.biases {
        Some(range) if biases => part(range).addmm(&handle(a), &weights),
        _ => handle(a).mm(&weights),
    })
}

/// As [`Operations::add_products`](crate::operations::Operations::add_products).
pub(super) fn add_products(
    c: Tensor<LibTorch, 3>,
    a: Tensor<LibTorch, 3>,
    b: Tensor<LibTorch, 3>,
) -> Tensor<LibTorch, 3> {
    let (c, a, b) = (handle(c), handle(a), handle(b));
    // A single product is the faster one of matrices.
    if a.size()[0] == 1 {
        let one = |t: &tch::Tensor| t.squeeze_dim(0);
        return owned(one(&c).addmm(&one(&a), &one(&b)).unsqueeze(0));
    }
    owned(c.baddbmm(&a, &b, 1.0, 1.0))
}

/// As [`Operations::add_elementwise`](crate::operations::Operations::add_elementwise).
pub(super) fn add_elementwise(
    sum: Tensor<LibTorch, 3>,
    a: Tensor<LibTorch, 3>,
    b: Tensor<LibTorch, 3>,
) -> Tensor<LibTorch, 3> {
    let mut sum = sum.into_primitive().tensor();
    let (a, b) = (handle(a), handle(b));
    // In its place, where nobody else holds it: the kernels of many points are large.
    owned(if sum.can_mut() { sum.tensor.addcmul_(&a, &b) } else { sum.tensor.addcmul(&a, &b) })
}

/// As [`Operations::scaled_grams`](crate::operations::Operations::scaled_grams).
pub(super) fn scaled_grams(
    a: Tensor<LibTorch, 3>,
    factor: f64,
    summand: f64,
) -> Tensor<LibTorch, 3> {
    let a = handle(a);
    if summand == 0.0 && factor == 1.0 {
        return owned(a.bmm(&a.transpose(1, 2)));
    }
    let c = tch::Tensor::full([1i64, 1, 1], summand, (a.kind(), a.device()));
    owned(c.baddbmm(&a, &a.transpose(1, 2), 1.0, factor))
}
