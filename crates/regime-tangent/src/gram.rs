//! The kernel as a sum of products of Gram matrices.

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;
use regime_models::{Block, Memory};

use crate::{assemble::Assembled, jacobian::contract};

/// Rows of a tile in host memory. Two float64 tiles of this size stay in a core's level-2
/// cache while the products of the layers are added up. On a device with its own memory, a
/// tile has 2048 rows.
pub const TILE: usize = 256;

/// Rows of a tile on a device with its own memory: 32 MiB of float64. The product of two
/// such tiles takes longer than its launch.
const DEVICE_TILE: usize = 2048;

/// Tiles per thread that a host computes before they are added to the matrix.
pub(crate) const TILES_PER_THREAD: usize = 4;

/// The most numbers in the gradients that are held at once: 256 MiB of float64.
pub(crate) const MAX_GRADIENT_NUMBERS: usize = 1 << 25;

/// The kernel of a tape with these blocks, `[n, n]`, in a scratch buffer if the backend supports this.
pub(crate) fn of_blocks<B: Backend>(blocks: &[&Block<B>], scratch: Vec<f64>) -> Tensor<B, 2> {
    let n = blocks[0].n_points();
    let (once, shared): (Vec<&Block<B>>, Vec<_>) =
        blocks.iter().partition(|block| block.n_positions() == 1);
    let fused = if once.is_empty() {
        None
    } else {
        Block::fused_kernel(&once, scratch).map(Assembled::from)
    };
    let mut theta = fused.unwrap_or_else(|| {
        let factors: Vec<Factors<B>> = once.into_iter().map(Factors::of).collect();
        let place = (blocks[0].sensitivities.device(), blocks[0].sensitivities.dtype());
        let mut theta = Assembled::zeros([n, n], place.clone());
        if !factors.is_empty() {
            // The layers are added up inside each tile, which stays in the cache on a host.
            add_symmetric(&mut theta, n, &place.0, |i, j| {
                sum(factors.iter().map(|f| tile(f, f, i.clone(), j.clone())))
            });
        }
        theta
    });
    for block in shared {
        for outputs in output_ranges(block, n) {
            add_contracted(&mut theta, &block.point_gradients(outputs));
        }
    }
    theta.finish()
}

/// The kernel between the points of two tapes with these blocks, `[n_a, n_b]`.
pub(crate) fn cross_of_blocks<B: Backend>(
    blocks_a: &[Block<B>],
    blocks_b: &[Block<B>],
) -> Tensor<B, 2> {
    assert_eq!(blocks_a.len(), blocks_b.len(), "the tapes are of different architectures");
    let sensitivities = &blocks_a[0].sensitivities;
    let shape = [blocks_a[0].n_points(), blocks_b[0].n_points()];
    let mut theta = Assembled::zeros(shape, (sensitivities.device(), sensitivities.dtype()));
    for (a, b) in blocks_a.iter().zip(blocks_b) {
        if a.n_positions() == 1 {
            add_cross(&mut theta, &Factors::of(a), &Factors::of(b));
            continue;
        }
        let most = a.n_points().max(b.n_points());
        for outputs in output_ranges(a, most) {
            let (a, b) = (a.point_gradients(outputs.clone()), b.point_gradients(outputs));
            add_contracted_pair(&mut theta, &a, &b);
        }
    }
    theta.finish()
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
    let n = gradients.dims()[0];
    let mut theta = Assembled::zeros([n, n], (gradients.device(), gradients.dtype()));
    add_contracted(&mut theta, gradients);
    theta.finish()
}

fn add_contracted<B: Backend>(theta: &mut Assembled<B>, gradients: &Tensor<B, 2>) {
    add_symmetric(theta, gradients.dims()[0], &gradients.device(), |rows, columns| {
        contract(gradients.clone().slice([rows]), gradients.clone().slice([columns]))
    });
}

/// `J_a J_bᵀ` of some columns of two Jacobians.
fn add_contracted_pair<B: Backend>(theta: &mut Assembled<B>, a: &Tensor<B, 2>, b: &Tensor<B, 2>) {
    let edge = edge::<B>(&a.device());
    for i in ranges(a.dims()[0], edge) {
        for j in ranges(b.dims()[0], edge) {
            let part = contract(a.clone().slice([i.clone()]), b.clone().slice([j.clone()]));
            theta.add([i.start, j.start], part);
        }
    }
}

/// The mean of a tile and its transpose: a product with a matrix's own transpose need not round
/// symmetrically.
pub(crate) fn symmetrised<B: Backend>(tile: Tensor<B, 2>) -> Tensor<B, 2> {
    // Both live until they are added: burn-tch 0.21 ignores that a transpose shares memory, and would
    // write the sum into memory that it still reads.
    let transposed = tile.clone().transpose();
    let sum = tile.clone() + transposed.clone();
    drop((tile, transposed));
    sum.mul_scalar(0.5)
}

pub(crate) type Rows = std::ops::Range<usize>;

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
fn add_cross<B: Backend>(theta: &mut Assembled<B>, a: &Factors<B>, b: &Factors<B>) {
    let edge = edge::<B>(&a.inputs.device());
    for i in ranges(a.inputs.dims()[0], edge) {
        for j in ranges(b.inputs.dims()[0], edge) {
            let at = [i.start, j.start];
            theta.add(at, tile(a, b, i.clone(), j));
        }
    }
}

/// Adds a symmetric matrix, from the tiles of its upper triangle, which a host computes in
/// parallel.
pub(crate) fn add_symmetric<B: Backend>(
    theta: &mut Assembled<B>,
    n: usize,
    device: &B::Device,
    tile: impl Fn(Rows, Rows) -> Tensor<B, 2> + Sync,
) {
    let ranges: Vec<Rows> = ranges(n, edge::<B>(device)).collect();
    let upper: Vec<[usize; 2]> =
        (0..ranges.len()).flat_map(|p| (p..ranges.len()).map(move |q| [p, q])).collect();
    let made = |[p, q]: [usize; 2]| {
        let tile = tile(ranges[p].clone(), ranges[q].clone());
        if p < q { tile } else { symmetrised(tile) }
    };
    // Only some tiles wait until they are added.
    let at_once = match Memory::of::<B>(device) {
        Memory::Host => TILES_PER_THREAD * rayon::current_num_threads(),
        Memory::Device => 1,
    };
    for some in upper.chunks(at_once) {
        let tiles: Vec<Tensor<B, 2>> = match Memory::of::<B>(device) {
            Memory::Host => some.par_iter().copied().map(&made).collect(),
            // A GPU runs one operation after the other, also from several threads, and every new
            // thread takes GPU memory.
            Memory::Device => some.iter().copied().map(&made).collect(),
        };
        for (&[p, q], tile) in some.iter().zip(tiles) {
            let at = [ranges[p].start, ranges[q].start];
            if p == q { theta.add(at, tile) } else { theta.add_mirrored(at, tile) }
        }
    }
}

/// Rows of a tile on a device.
fn edge<B: Backend>(device: &B::Device) -> usize {
    edge_in(Memory::of::<B>(device))
}

pub(crate) fn edge_in(memory: Memory) -> usize {
    match memory {
        Memory::Host => TILE,
        Memory::Device => DEVICE_TILE,
    }
}

pub(crate) fn ranges(n: usize, edge: usize) -> impl Iterator<Item = Rows> {
    (0..n).step_by(edge).map(move |start| start..(start + edge).min(n))
}

pub(crate) fn sum<B: Backend>(terms: impl Iterator<Item = Tensor<B, 2>>) -> Tensor<B, 2> {
    terms.reduce(|a, b| a + b).expect("a network has layers")
}
