//! The kernel as a sum of products of Gram matrices.

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;
use regime_models::{Block, Memory, Tape};

use crate::jacobian::{contract, jacobian};

/// Rows of a tile in host memory. Two float64 tiles of this size stay in a core's level-2
/// cache while the products of the layers are added up. On a device with its own memory, a
/// tile has 2048 rows.
pub const TILE: usize = 256;

/// Rows of a tile on a device with its own memory: 32 MiB of float64. The product of two
/// such tiles takes longer than its launch.
const DEVICE_TILE: usize = 2048;

/// The most numbers in the gradients that are held at once: 256 MiB of float64.
pub(crate) const MAX_GRADIENT_NUMBERS: usize = 1 << 25;

/// The tangent kernel `Θ = J Jᵀ` on the points of a tape.
///
/// For a tape with blocks, the kernel is a sum over the layers. A layer that is used once
/// per point gives `c² (Δ Δᵀ) ∘ (A Aᵀ) + Δ Δᵀ` (the last term for its biases), about
/// `n² (k + m)/2` multiply-adds. A layer that is used at `p` positions is contracted
/// from the gradients of the points, some outputs at a time: `n p k m + n² k m/2`
/// multiply-adds. Any other tape is contracted from its whole Jacobian of `n·P` numbers,
/// `n² P/2` multiply-adds, unless the tape knows its kernel. One triangle is computed tile
/// by tile; up to `3n²` numbers are held while the tiles are joined.
///
/// # Shapes
/// `[n, n]`, symmetric to the bit.
pub fn kernel<B: Backend, T: Tape<B>>(tape: &T) -> Tensor<B, 2> {
    kernel_in(tape, Vec::new())
}

/// As [`kernel`], in a scratch buffer if the backend supports this: for callers that compute
/// several kernels of about the same size.
///
/// # Shapes
/// `[n, n]`, the same to the bit for any content of `scratch`. On Flex, a capacity of at least `n²`
/// numbers avoids the allocation of a float64 kernel of layers that are used once per point. In
/// all other cases `scratch` is dropped.
pub fn kernel_in<B: Backend, T: Tape<B>>(tape: &T, scratch: Vec<f64>) -> Tensor<B, 2> {
    if let Some(known) = tape.kernel_with(tape) {
        return known;
    }
    match tape.blocks() {
        Some(blocks) => of_blocks(&blocks.iter().collect::<Vec<_>>(), scratch),
        None => contracted(&jacobian(tape)),
    }
}

/// The tangent kernel between the points of two tapes of the same network at the
/// same weights.
///
/// # Shapes
/// `[n_a, n_b]`, a block of the kernel on the union of both sets.
///
/// # Panics
/// When the tapes do not belong to the same architecture.
pub fn cross_kernel<B: Backend, T: Tape<B>>(a: &T, b: &T) -> Tensor<B, 2> {
    if let Some(known) = a.kernel_with(b) {
        return known;
    }
    let (Some(blocks_a), Some(blocks_b)) = (a.blocks(), b.blocks()) else {
        return contract(jacobian(a), jacobian(b));
    };
    assert_eq!(blocks_a.len(), blocks_b.len(), "the tapes are of different architectures");
    sum(blocks_a.iter().zip(blocks_b).map(|(a, b)| {
        if a.n_positions() == 1 {
            return cross(&Factors::of(a), &Factors::of(b));
        }
        let most = a.n_points().max(b.n_points());
        sum(output_ranges(a, most).map(|outputs| {
            contract(a.point_gradients(outputs.clone()), b.point_gradients(outputs))
        }))
    }))
}

/// The kernel of each layer's parameters (its weights and biases), from the first layer
/// to the last. Their sum is [`kernel`].
///
/// # Shapes
/// One `[n, n]` per layer. `None` for a tape without blocks.
pub fn layer_kernels<B: Backend, T: Tape<B>>(tape: &T) -> Option<Vec<Tensor<B, 2>>> {
    Some(tape.blocks()?.iter().map(|block| of_blocks(&[block], Vec::new())).collect())
}

fn of_blocks<B: Backend>(blocks: &[&Block<B>], scratch: Vec<f64>) -> Tensor<B, 2> {
    let n = blocks[0].n_points();
    let (once, shared): (Vec<&Block<B>>, Vec<_>) =
        blocks.iter().partition(|block| block.n_positions() == 1);
    let once = (!once.is_empty()).then(|| {
        Block::fused_kernel(&once, scratch).unwrap_or_else(|| {
            let factors: Vec<Factors<B>> = once.into_iter().map(Factors::of).collect();
            // The layers are added up inside each tile, which stays in the cache on a host.
            let device = factors[0].inputs.device();
            symmetric(n, &device, |i, j| {
                sum(factors.iter().map(|f| tile(f, f, i.clone(), j.clone())))
            })
        })
    });
    let shared = shared.into_iter().flat_map(|block| {
        output_ranges(block, n).map(|outputs| contracted(&block.point_gradients(outputs)))
    });
    sum(once.into_iter().chain(shared))
}

/// Ranges of a layer's outputs. The gradients of `n` points for one range have at most
/// [`MAX_GRADIENT_NUMBERS`] numbers, or the range is a single output.
pub(crate) fn output_ranges<B: Backend>(block: &Block<B>, n: usize) -> impl Iterator<Item = Rows> {
    let m = block.n_outputs();
    let per_output = n * (block.weights.len() / m + 1);
    let step = (MAX_GRADIENT_NUMBERS / per_output).max(1);
    (0..m).step_by(step).map(move |start| start..(start + step).min(m))
}

/// `J Jᵀ` of some columns of the Jacobian.
pub(crate) fn contracted<B: Backend>(gradients: &Tensor<B, 2>) -> Tensor<B, 2> {
    symmetric(gradients.dims()[0], &gradients.device(), |rows, columns| {
        contract(gradients.clone().slice([rows]), gradients.clone().slice([columns]))
    })
}

type Rows = std::ops::Range<usize>;

/// The two factors of the gradients of a layer that is used once per point. The layer's
/// part of the kernel is `(A Aᵀ) ∘ (Δ Δᵀ)`.
struct Factors<B: Backend> {
    /// `A = [c·a, 1]`, `[n, k + 1]`, so that the Gram matrix includes the biases; without
    /// the 1 for a layer without biases.
    inputs: Tensor<B, 2>,
    /// `Δ`, `[n, m]`.
    sensitivities: Tensor<B, 2>,
}

impl<B: Backend> Factors<B> {
    fn of(block: &Block<B>) -> Self {
        let n = block.n_points();
        let inputs = block.inputs(0..n).mul_scalar(block.weight_scale);
        let inputs = match block.biases {
            Some(_) => {
                let ones = Tensor::ones([n, 1], (&inputs.device(), inputs.dtype()));
                Tensor::cat(vec![inputs, ones], 1)
            }
            None => inputs,
        };
        Self { inputs, sensitivities: block.sensitivities.clone() }
    }
}

/// One layer's contribution to a tile.
fn tile<B: Backend>(a: &Factors<B>, b: &Factors<B>, i: Rows, j: Rows) -> Tensor<B, 2> {
    let gram = |left: &Tensor<B, 2>, right: &Tensor<B, 2>| {
        contract(left.clone().slice([i.clone()]), right.clone().slice([j.clone()]))
    };
    gram(&a.inputs, &b.inputs) * gram(&a.sensitivities, &b.sensitivities)
}

/// One layer's cross-kernel, tile by tile.
fn cross<B: Backend>(a: &Factors<B>, b: &Factors<B>) -> Tensor<B, 2> {
    let edge = edge::<B>(&a.inputs.device());
    let rows = ranges(a.inputs.dims()[0], edge).map(|i| {
        let tiles = ranges(b.inputs.dims()[0], edge).map(|j| tile(a, b, i.clone(), j));
        Tensor::cat(tiles.collect(), 1)
    });
    Tensor::cat(rows.collect(), 0)
}

/// A symmetric matrix from the tiles of its upper triangle, which a host computes in parallel.
fn symmetric<B: Backend>(
    n: usize,
    device: &B::Device,
    tile: impl Fn(Rows, Rows) -> Tensor<B, 2> + Sync,
) -> Tensor<B, 2> {
    let ranges: Vec<Rows> = ranges(n, edge::<B>(device)).collect();
    let upper: Vec<[usize; 2]> =
        (0..ranges.len()).flat_map(|p| (p..ranges.len()).map(move |q| [p, q])).collect();
    let made = |[p, q]: [usize; 2]| {
        let tile = tile(ranges[p].clone(), ranges[q].clone());
        if p < q {
            return tile;
        }
        // A product with a matrix's own transpose need not round symmetrically. `tile` and
        // `transposed` live until they are added: burn-tch 0.21 ignores that a transpose
        // shares memory, and would write the sum into memory that it still reads.
        let transposed = tile.clone().transpose();
        let sum = tile.clone() + transposed.clone();
        drop((tile, transposed));
        sum.mul_scalar(0.5)
    };
    let upper: Vec<Tensor<B, 2>> = match Memory::of::<B>(device) {
        Memory::Host => upper.into_par_iter().map(made).collect(),
        // A GPU runs one operation after the other, also from several threads, and every new
        // thread takes GPU memory.
        Memory::Device => upper.into_iter().map(made).collect(),
    };
    let mut upper = upper.into_iter();
    let mut rows: Vec<Vec<Tensor<B, 2>>> = Vec::with_capacity(ranges.len());
    for p in 0..ranges.len() {
        let mut row: Vec<Tensor<B, 2>> = (0..p).map(|q| rows[q][p].clone().transpose()).collect();
        row.extend(upper.by_ref().take(ranges.len() - p));
        rows.push(row);
    }
    Tensor::cat(rows.into_iter().map(|row| Tensor::cat(row, 1)).collect(), 0)
}

/// Rows of a tile on a device.
fn edge<B: Backend>(device: &B::Device) -> usize {
    match Memory::of::<B>(device) {
        Memory::Host => TILE,
        Memory::Device => DEVICE_TILE,
    }
}

fn ranges(n: usize, edge: usize) -> impl Iterator<Item = Rows> {
    (0..n).step_by(edge).map(move |start| start..(start + edge).min(n))
}

pub(crate) fn sum<B: Backend>(terms: impl Iterator<Item = Tensor<B, 2>>) -> Tensor<B, 2> {
    terms.reduce(|a, b| a + b).expect("a network has layers")
}
