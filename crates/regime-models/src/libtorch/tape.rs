//! Products with the Jacobian of layers that are used once per point.

use std::ops::Range;

use burn_tch::LibTorch;
use burn_tensor::Tensor;
use tch::Tensor as Torch;

use super::raw::{handle, owned};
use crate::block::{Block, Part};

/// `J v` of some points, `[n]`.
pub(super) fn moved(part: &Part<LibTorch>, v: &Tensor<LibTorch, 1>) -> Tensor<LibTorch, 1> {
    let v = handle(v.clone());
    let mut sum: Option<Torch> = None;
    for block in part {
        let (a, delta, [k, m]) = parts(block);
        let weights = slice(&v, &block.weights).view([k, m]) * block.weight_scale;
        let mut moved = match &block.biases {
            Some(range) => slice(&v, range).addmm(&a, &weights),
            None => a.mm(&weights),
        };
        let own = moved.g_mul_(&delta).sum_dim_intlist(1i64, false, None::<tch::Kind>);
        sum = Some(match sum {
            Some(mut sum) => sum.g_add_(&own),
            None => own,
        });
    }
    owned(sum.expect("a network has layers"))
}

/// The contribution of some points to `Jᵀ g`, `[P]`; `g`: `[n, 1]`.
pub(super) fn pulled(part: &Part<LibTorch>, g: Tensor<LibTorch, 2>) -> Tensor<LibTorch, 1> {
    let g = handle(g);
    let ends = part.iter().map(|block| block.biases.as_ref().unwrap_or(&block.weights).end);
    let n_params = ends.max().expect("a network has layers") as i64;
    let first = part.iter().map(|block| block.weights.start).min().expect("a network has layers");
    let pulled = Torch::empty([n_params - first as i64], (g.kind(), g.device()));
    let place =
        |range: &Range<usize>| pulled.narrow(0, (range.start - first) as i64, range.len() as i64);
    for block in part {
        let (a, delta, [k, m]) = parts(block);
        let weighted = delta * &g;
        if let Some(range) = &block.biases {
            let out = place(range);
            let _ = weighted.sum_intlist_out(&out, 0i64, false, None::<tch::Kind>);
        }
        let out = place(&block.weights).view([k, m]);
        let _ = a.transpose(0, 1).mm_out(&out, &weighted);
        let _ = place(&block.weights).g_mul_scalar_(block.weight_scale);
    }
    owned(pulled)
}

/// The inputs, the sensitivities, and the number of columns of each.
fn parts(block: &Block<LibTorch>) -> (Torch, Torch, [i64; 2]) {
    let m = block.n_outputs();
    let size = [(block.weights.len() / m) as i64, m as i64];
    (handle(block.sources.clone()), handle(block.sensitivities.clone()), size)
}

fn slice(v: &Torch, range: &Range<usize>) -> Torch {
    v.narrow(0, range.start as i64, range.len() as i64)
}
