//! The kernel of layers that are used once per point, on host memory: elementwise products of
//! Gram matrices, added to one matrix while they are in the cache.

use std::ops::Range;

use burn_flex::Flex;
use burn_tensor::Tensor;
use faer::{
    Accum, MatMut, MatRef, Par,
    linalg::matmul::{
        matmul,
        triangular::{self, BlockStructure},
    },
};
use rayon::prelude::*;

use super::{
    numbers::{Numbers, Scalar, tensor, with_scalar},
    products::vectorised,
};
use crate::{block::Block, pointwise::Real as _};

/// Rows of a tile: two Gram matrices of this size fit into a core's level-2 cache.
const TILE: usize = 128;

/// Side of the square blocks that are mirrored one after the other.
const MIRRORED: usize = 32;

/// `Σ (c² a aᵀ + 1) ∘ (δ δᵀ)` over the blocks, without the 1 for blocks without biases.
///
/// # Shapes
/// `[n, n]`, symmetric to the bit. Returns `None` when a layer is used at several positions.
pub(super) fn kernel(blocks: &[&Block<Flex>], scratch: Vec<f64>) -> Option<Tensor<Flex, 2>> {
    if blocks.iter().any(|block| block.window.is_some()) {
        return None;
    }
    let n = blocks[0].n_points();
    let numbers: Vec<[Numbers; 2]> = blocks
        .iter()
        .map(|block| [Numbers::of(&block.sources), Numbers::of(&block.sensitivities)])
        .collect();
    with_scalar!(numbers[0][0].dtype(), T => {
        let layers: Vec<Layer<'_, T>> = blocks
            .iter()
            .zip(&numbers)
            .map(|(block, [inputs, sensitivities])| Layer {
                inputs: Rows::of(inputs.slice(), n),
                sensitivities: Rows::of(sensitivities.slice(), n),
                scale: T::narrow(block.weight_scale.powi(2)),
                bias: if block.biases.is_some() { T::narrow(1.0) } else { T::default() },
            })
            .collect();
        Some(tensor(gram_products(&layers, n, T::scratch(scratch)), [n, n]))
    })
}

struct Layer<'a, T> {
    inputs: Rows<'a, T>,
    sensitivities: Rows<'a, T>,
    /// `c²`.
    scale: T,
    /// The summand of the biases in the first Gram matrix.
    bias: T,
}

/// A matrix in row-major order.
struct Rows<'a, T> {
    values: &'a [T],
    columns: usize,
}

impl<'a, T: Scalar> Rows<'a, T> {
    fn of(values: &'a [T], n: usize) -> Self {
        Self { values, columns: values.len() / n }
    }

    fn part(&self, rows: &Range<usize>) -> MatRef<'a, T> {
        let values = &self.values[rows.start * self.columns..rows.end * self.columns];
        MatRef::from_row_major_slice(values, rows.len(), self.columns)
    }

    /// `scale · X Xᵀ` between `rows` and `columns`. If the two are equal, only the lower triangle
    /// with the diagonal is computed.
    fn gram(&self, [rows, columns]: [&Range<usize>; 2], scale: T, out: &mut [T]) {
        let (left, right) = (self.part(rows), self.part(columns).transpose());
        let out = MatMut::from_row_major_slice_mut(out, rows.len(), columns.len());
        if rows == columns {
            let (triangle, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
            let accumulate = Accum::Replace;
            triangular::matmul(
                out,
                triangle,
                accumulate,
                left,
                whole,
                right,
                whole,
                scale,
                Par::Seq,
            );
        } else {
            matmul(out, Accum::Replace, left, right, scale, Par::Seq);
        }
    }
}

/// Computes strips of the lower triangle in parallel, and then mirrors the lower triangle.
fn gram_products<T: Scalar>(layers: &[Layer<'_, T>], n: usize, scratch: Vec<T>) -> Vec<T> {
    let mut kernel = scratch;
    match kernel.capacity() < n * n {
        // The system provides zeroed memory without a pass over it.
        true => kernel = vec![T::default(); n * n],
        // The old contents are overwritten.
        false => kernel.resize(n * n, T::default()),
    }
    let strips = kernel.par_chunks_mut(TILE * n).enumerate().rev().with_max_len(1);
    strips.for_each_init(
        || [vec![T::default(); TILE * TILE], vec![T::default(); TILE * TILE]],
        |scratch, (p, strip)| {
            let rows = p * TILE..p * TILE + strip.len() / n;
            for q in 0..=p {
                let columns = q * TILE..((q + 1) * TILE).min(n);
                for (l, layer) in layers.iter().enumerate() {
                    let accum = if l == 0 { Accum::Replace } else { Accum::Add };
                    add_tile(layer, [&rows, &columns], accum, scratch, strip, n);
                }
            }
        },
    );
    mirror(&mut kernel, n);
    kernel
}

/// Adds a layer's part to a tile of a strip, or replaces the tile by it.
fn add_tile<T: Scalar>(
    layer: &Layer<'_, T>,
    [rows, columns]: [&Range<usize>; 2],
    accum: Accum,
    [inputs, sensitivities]: &mut [Vec<T>; 2],
    strip: &mut [T],
    n: usize,
) {
    let size = rows.len() * columns.len();
    let (inputs, sensitivities) = (&mut inputs[..size], &mut sensitivities[..size]);
    layer.inputs.gram([rows, columns], layer.scale, inputs);
    layer.sensitivities.gram([rows, columns], T::narrow(1.0), sensitivities);
    vectorised(
        #[inline(always)]
        || {
            let tile = inputs.chunks_exact(columns.len());
            let tile = tile.zip(sensitivities.chunks_exact(columns.len())).enumerate();
            for (i, (inputs, sensitivities)) in tile {
                let kernel = &mut strip[i * n..(i + 1) * n][columns.clone()];
                let kernel = kernel.iter_mut().zip(inputs).zip(sensitivities);
                match accum {
                    Accum::Replace => {
                        kernel.for_each(|((sum, &a), &delta)| *sum = (a + layer.bias) * delta);
                    }
                    Accum::Add => {
                        kernel.for_each(|((sum, &a), &delta)| *sum += (a + layer.bias) * delta);
                    }
                }
            }
        },
    );
}

/// Copies the lower triangle to the upper one.
fn mirror<T: Copy>(matrix: &mut [T], n: usize) {
    for top in (0..n).step_by(MIRRORED) {
        for left in (top..n).step_by(MIRRORED) {
            for i in top..(top + MIRRORED).min(n) {
                for j in left.max(i + 1)..(left + MIRRORED).min(n) {
                    matrix[i * n + j] = matrix[j * n + i];
                }
            }
        }
    }
}
