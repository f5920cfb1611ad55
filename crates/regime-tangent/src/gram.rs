//! The kernel as a sum of products of Gram matrices.

use burn::tensor::{Tensor, backend::Backend};
use regime_models::{Block, Tape};

use crate::jacobian::{contract, jacobian};

/// Rows of a tile: two float64 tiles of this size stay in a core's level-2 cache
/// while the products of the layers are added up in them.
pub const TILE: usize = 256;

/// The tangent kernel `Θ = J Jᵀ` on the points of a tape.
///
/// For a tape with blocks,
/// `Θ = Σ_l c_l² (Δˡ Δˡᵀ) ∘ (Aˡ⁻¹ Aˡ⁻¹ᵀ) + Σ_bias Δˡ Δˡᵀ`,
/// tile by tile over one triangle: about `n² Σ_l (k_l + m_l)/2` multiply-adds; up to
/// `3n²` numbers are held while the tiles are put together. Any other tape is contracted from its Jacobian,
/// `n² P/2` multiply-adds, which holds `n·P` numbers.
///
/// # Shapes
/// `[n, n]`, symmetric to the bit.
pub fn kernel<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 2> {
    match tape.blocks() {
        Some(blocks) => symmetric(tape.n_points(), |i, j| {
            sum(blocks.iter().map(|block| tile(block, block, i.clone(), j.clone())))
        }),
        None => {
            let j = jacobian(tape);
            symmetric(tape.n_points(), |rows, columns| {
                contract(j.clone().slice([rows]), j.clone().slice([columns]))
            })
        }
    }
}

/// The tangent kernel between the points of two tapes of the same network at the
/// same weights.
///
/// # Shapes
/// `[n_a, n_b]`, a block of the kernel on both sets together.
///
/// # Panics
/// When the tapes do not belong to the same architecture.
pub fn cross_kernel<B: Backend, T: Tape<B>>(a: &T, b: &T) -> Tensor<B, 2> {
    let (Some(blocks_a), Some(blocks_b)) = (a.blocks(), b.blocks()) else {
        return contract(jacobian(a), jacobian(b));
    };
    assert_eq!(blocks_a.len(), blocks_b.len(), "the tapes are of different architectures");
    let rows = ranges(a.n_points()).map(|i| {
        let tiles = ranges(b.n_points()).map(|j| {
            sum(blocks_a.iter().zip(blocks_b).map(|(p, q)| tile(p, q, i.clone(), j.clone())))
        });
        Tensor::cat(tiles.collect(), 1)
    });
    Tensor::cat(rows.collect(), 0)
}

/// The kernel of each layer's parameters (its weights and biases together), from
/// the first layer to the last; they add up to [`kernel`].
///
/// # Shapes
/// One `[n, n]` per layer. `None` for a tape without blocks.
pub fn layer_kernels<B: Backend, T: Tape<B>>(tape: &T) -> Option<Vec<Tensor<B, 2>>> {
    let blocks = tape.blocks()?;
    let n = tape.n_points();
    Some(blocks.iter().map(|block| symmetric(n, |i, j| tile(block, block, i, j))).collect())
}

type Rows = std::ops::Range<usize>;

/// One layer's contribution to a tile.
fn tile<B: Backend>(a: &Block<B>, b: &Block<B>, i: Rows, j: Rows) -> Tensor<B, 2> {
    let gram = |left: &Tensor<B, 2>, right: &Tensor<B, 2>| {
        contract(left.clone().slice([i.clone()]), right.clone().slice([j.clone()]))
    };
    let mut inputs = gram(&a.inputs, &b.inputs).mul_scalar(a.weight_scale * a.weight_scale);
    if a.biases.is_some() {
        inputs = inputs.add_scalar(1.0);
    }
    inputs * gram(&a.sensitivities, &b.sensitivities)
}

/// A symmetric matrix from the tiles of its upper triangle.
fn symmetric<B: Backend>(n: usize, tile: impl Fn(Rows, Rows) -> Tensor<B, 2>) -> Tensor<B, 2> {
    let ranges: Vec<Rows> = ranges(n).collect();
    let mut rows: Vec<Vec<Tensor<B, 2>>> = Vec::with_capacity(ranges.len());
    for (p, i) in ranges.iter().enumerate() {
        let mut row: Vec<Tensor<B, 2>> = (0..p).map(|q| rows[q][p].clone().transpose()).collect();
        let diagonal = tile(i.clone(), i.clone());
        // A product with a matrix's own transpose need not round symmetrically.
        row.push((diagonal.clone() + diagonal.transpose()).mul_scalar(0.5));
        row.extend(ranges[p + 1..].iter().map(|j| tile(i.clone(), j.clone())));
        rows.push(row);
    }
    Tensor::cat(rows.into_iter().map(|row| Tensor::cat(row, 1)).collect(), 0)
}

fn ranges(n: usize) -> impl Iterator<Item = Rows> {
    (0..n).step_by(TILE).map(move |start| start..(start + TILE).min(n))
}

fn sum<B: Backend>(terms: impl Iterator<Item = Tensor<B, 2>>) -> Tensor<B, 2> {
    terms.reduce(|a, b| a + b).expect("a network has layers")
}
