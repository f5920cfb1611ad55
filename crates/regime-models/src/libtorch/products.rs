//! Products fused with an addition.

use burn_tch::LibTorch;
use burn_tensor::Tensor;

use super::raw::{handle, owned};
use crate::{layer::Layer, operations::GramFactors};

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
    // A single product of matrices is faster than a batched one.
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
    // In place if no other tensor shares the memory: the kernels of many points are large.
    owned(if sum.can_mut() { sum.tensor.addcmul_(&a, &b) } else { sum.tensor.addcmul(&a, &b) })
}

/// Rows of a strip. A matrix with fewer than twice as many rows is computed in one piece.
const STRIP: i64 = 1024;

/// As [`Operations::gram_products`](crate::operations::Operations::gram_products): mirrors the lower
/// triangle, which is computed in strips.
pub(super) fn gram_products(layers: &[GramFactors<LibTorch>]) -> Tensor<LibTorch, 3> {
    let lower = lower_gram_products(layers);
    // The product of a matrix and its transpose is not always rounded symmetrically, even when it
    // is computed in one piece.
    let above = lower.tril(-1).transpose(1, 2);
    owned(lower.tril(0).g_add_(&above))
}

/// As [`Operations::lower_gram_products`](crate::operations::Operations::lower_gram_products): sums
/// strips of rows up to the diagonal in place.
pub(super) fn lower_gram_products(layers: &[GramFactors<LibTorch>]) -> tch::Tensor {
    let layers: Vec<LayerHandles> = layers
        .iter()
        .map(|layer| LayerHandles {
            inputs: handle(layer.inputs.clone()),
            factor: layer.factor,
            summand: layer.summand,
            sensitivities: layer.sensitivities.clone().map(handle),
        })
        .collect();
    let size = layers[0].inputs.size();
    let (r, n) = (size[0], size[1]);
    let options = (layers[0].inputs.kind(), layers[0].inputs.device());
    let sum = tch::Tensor::zeros([r, n, n], options);
    let mut start = 0;
    while start < n {
        // The last strip takes the rest, which has less than twice the rows of a strip.
        let end = if n - start < 2 * STRIP { n } else { start + STRIP };
        let mut strip = sum.narrow(1, start, end - start).narrow(2, 0, end);
        for layer in &layers {
            layer.add_to(&mut strip, (start, end));
        }
        start = end;
    }
    sum
}

/// [`GramFactors`] as handles of LibTorch's tensors.
struct LayerHandles {
    inputs: tch::Tensor,
    factor: f64,
    summand: f64,
    sensitivities: Option<tch::Tensor>,
}

impl LayerHandles {
    /// Adds the rows from `start` to `end` of this layer's part, up to the column `end`.
    fn add_to(&self, strip: &mut tch::Tensor, (start, end): (i64, i64)) {
        let rows = |a: &tch::Tensor| a.narrow(1, start, end - start);
        let columns = |a: &tch::Tensor| a.narrow(1, 0, end).transpose(1, 2);
        let a = &self.inputs;
        let Some(delta) = &self.sensitivities else {
            let scaled = rows(a) * self.factor;
            let _ = strip.baddbmm_(&scaled, &columns(a)).g_add_scalar_(self.summand);
            return;
        };
        let one = tch::Tensor::full([1i64, 1, 1], self.summand, (a.kind(), a.device()));
        let of_inputs = one.baddbmm(&rows(a), &columns(a), 1.0, self.factor);
        let _ = strip.addcmul_(&of_inputs, &rows(delta).bmm(&columns(delta)));
    }
}
