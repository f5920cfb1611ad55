//! The products of a [`BlockTape`](crate::BlockTape), part by part.

use std::ops::Range;

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;

use super::window::patches;
use crate::{
    block::{Block, MAX_PARTS_IN_MEMORY, Part},
    rows::{joined, rows_of},
};

/// `J v`
pub(super) fn jvp<B: Backend>(parts: &[Part<B>], v: &Tensor<B, 1>) -> Tensor<B, 1> {
    forward(parts, |blocks| {
        let terms = blocks.iter().map(|block| moved(block, v));
        let n = blocks[0].n_points();
        terms.reduce(|a, b| a + b).expect("a network has layers").reshape([n])
    })
}

/// `Jᵀ g`
pub(super) fn vjp<B: Backend>(parts: &[Part<B>], g: &Tensor<B, 1>) -> Tensor<B, 1> {
    backward(parts, g, |blocks, g| pulled_by(blocks, g))
}

/// `J v`, `[n]`, from the results of `of` for each part.
pub(crate) fn forward<B: Backend>(
    parts: &[Part<B>],
    of: impl Fn(&Part<B>) -> Tensor<B, 1> + Send + Sync,
) -> Tensor<B, 1> {
    joined(parts.par_iter().map(of).collect())
}

/// `Jᵀ g`, the sum of the results of `of` for each part and its share of `g`, `[n, 1]`.
pub(crate) fn backward<B: Backend>(
    parts: &[Part<B>],
    g: &Tensor<B, 1>,
    of: impl Fn(&Part<B>, Tensor<B, 2>) -> Tensor<B, 1> + Send + Sync,
) -> Tensor<B, 1> {
    let mut start = 0;
    let parts: Vec<_> = parts
        .iter()
        .map(|blocks| {
            let n = blocks[0].n_points();
            start += n;
            (blocks, g.clone().narrow(0, start - n, n).reshape([n, 1]))
        })
        .collect();
    let group = |group: &[(&Part<B>, Tensor<B, 2>)]| {
        group.par_iter().map(|(blocks, g)| of(blocks, g.clone())).collect::<Vec<_>>()
    };
    // The sum is taken in the order of the parts, and only some results are held at once.
    parts
        .chunks(MAX_PARTS_IN_MEMORY)
        .flat_map(group)
        .reduce(|a, b| a + b)
        .expect("a tape has points")
}

/// The contribution of some points to `Jᵀ g`; `g`: `[n, 1]`.
fn pulled_by<B: Backend>(blocks: &[Block<B>], g: Tensor<B, 2>) -> Tensor<B, 1> {
    let n = g.dims()[0];
    let mut parts = Vec::with_capacity(2 * blocks.len());
    // The column `g` repeated for every output of a layer. Most layers have as many outputs as
    // the layer before.
    let mut repeated = (1, g.clone());
    for block in blocks {
        let (weights, biases) = match block.window {
            None => {
                let m = block.n_outputs();
                if repeated.0 != m {
                    repeated = (m, spread(g.clone(), m));
                }
                pulled(block, 0..n, repeated.1.clone())
            }
            Some(_) => pulled_by_chunks(block, &g),
        };
        parts.push(weights);
        parts.extend(biases);
    }
    Tensor::cat(parts, 0)
}

/// The contribution of one block to `J v`, `[n, 1]`.
fn moved<B: Backend>(block: &Block<B>, v: &Tensor<B, 1>) -> Tensor<B, 2> {
    let m = block.n_outputs();
    let k = block.weights.len() / m;
    let direction = v.clone().slice([block.weights.clone()]).reshape([k, m]);
    let direction = direction.mul_scalar(block.weight_scale);
    let biases = block.biases.clone().map(|range| v.clone().slice([range]));
    let per_point = block.n_positions() * m;
    // A row sum as a product: reductions are slower on every backend.
    let ones = Tensor::<B, 2>::ones([per_point, 1], (&v.device(), v.dtype()));
    let chunks = block.chunks().into_iter().map(|points| {
        let n = points.len();
        let mut moved = inputs(block, points.clone()).matmul(direction.clone());
        if let Some(biases) = &biases {
            let rows = moved.dims()[0];
            moved = moved + rows_of(biases.clone(), rows);
        }
        let change = moved * block.sensitivities_of(points);
        change.reshape([n, per_point]).matmul(ones.clone())
    });
    joined(chunks.collect())
}

/// The contribution of `points` to a block's part of `Jᵀ g`: weights `[k·m]` and biases
/// `[m]`. `repeated` is `g` of these points in every column, `[points, p·m]`.
fn pulled<B: Backend>(
    block: &Block<B>,
    points: Range<usize>,
    repeated: Tensor<B, 2>,
) -> (Tensor<B, 1>, Option<Tensor<B, 1>>) {
    let sensitivities = block.sensitivities_of(points.clone());
    let weighted = sensitivities.clone() * repeated.reshape(sensitivities.dims());
    let weights = inputs(block, points).transpose().matmul(weighted.clone());
    let weights = weights.mul_scalar(block.weight_scale).reshape([block.weights.len()]);
    let biases = block.biases.as_ref().map(|range| {
        let rows = weighted.dims()[0];
        let ones = Tensor::<B, 2>::ones([1, rows], (&weighted.device(), weighted.dtype()));
        ones.matmul(weighted).reshape([range.len()])
    });
    (weights, biases)
}

fn pulled_by_chunks<B: Backend>(
    block: &Block<B>,
    g: &Tensor<B, 2>,
) -> (Tensor<B, 1>, Option<Tensor<B, 1>>) {
    let per_point = block.n_positions() * block.n_outputs();
    let chunks = block.chunks().into_iter().map(|points| {
        let g = g.clone().narrow(0, points.start, points.len());
        pulled(block, points, spread(g, per_point))
    });
    let sum = |(w, b): (Tensor<B, 1>, Option<Tensor<B, 1>>), (x, c)| {
        (w + x, b.zip(c).map(|(b, c): (Tensor<B, 1>, _)| b + c))
    };
    chunks.reduce(sum).expect("a tape has points")
}

/// The inputs of a block's layer at all positions of `points`, `[points·p, k]`.
fn inputs<B: Backend>(block: &Block<B>, points: Range<usize>) -> Tensor<B, 2> {
    let sources = block.sources_of(points);
    match &block.window {
        None => sources,
        Some(window) => patches(window, sources),
    }
}

/// Repeats a column `[n, 1]` in every column of `[n, columns]`; see [`rows_of`].
fn spread<B: Backend>(column: Tensor<B, 2>, columns: usize) -> Tensor<B, 2> {
    let ones = Tensor::<B, 2>::ones([1, columns], (&column.device(), column.dtype()));
    column.matmul(ones)
}
