//! The kernel of several outputs that share their layers' inputs.

use burn_tensor::{Tensor, backend::Backend};
use rayon::prelude::*;
use regime_models::{Memory, Precision, SharedLayers};

use crate::{
    assemble::Assembled,
    gram::{Rows, ranges, symmetrised},
    jacobian::contract,
};

/// Rows of a tile in host memory: the Gram matrix of the inputs stays in the cache while it is
/// multiplied by those of all pairs of outputs.
const TILE: usize = 128;

/// Rows of a tile on a device with its own memory.
const DEVICE_TILE: usize = 1024;

/// The gradients of one layer of a function with `K` outputs, for a layer that is used once per
/// point: `∂f_k/∂(W, b)` at point `i` is `a_i ⊗ δ_{k,i}`.
#[derive(Debug, Clone)]
pub(crate) struct OutputGradients<B: Backend> {
    /// The inputs `a`, multiplied by the layer's factor, with a column of ones for biases: `[n, k]`.
    inputs: Tensor<B, 2>,
    /// The sensitivities of the outputs.
    sensitivities: Sensitivities<B>,
}

impl<B: Backend> OutputGradients<B> {
    /// The gradients of the layers of a network with several outputs.
    pub(crate) fn of(layers: &SharedLayers<B>) -> Vec<Self> {
        let last = layers.layers.len() - 1;
        let gradients = layers.layers.iter().enumerate().map(|(l, layer)| {
            let outputs = &layer.sensitivities;
            // The other layers have other sizes, or zeros only by chance.
            let sensitivities = if l == last && are_own_columns(outputs) {
                let own = outputs.iter().enumerate().map(|(k, d)| d.clone().narrow(1, k, 1));
                Sensitivities::OwnColumn(Tensor::cat(own.collect(), 1))
            } else {
                Sensitivities::Each(outputs.clone())
            };
            Self { inputs: layer.inputs.clone(), sensitivities }
        });
        gradients.collect()
    }
}

/// Whether the sensitivities of every output `k` are exactly 0 outside of column `k`. A layer after
/// which the outputs are mixed may have `K` columns, too, so the shape does not decide.
fn are_own_columns<B: Backend>(outputs: &[Tensor<B, 2>]) -> bool {
    let [n, m] = outputs[0].dims();
    if m != outputs.len() {
        return false;
    }
    let others = outputs.iter().enumerate().flat_map(|(k, d)| {
        let ranges = [(0, k), (k + 1, m - k - 1)].into_iter().filter(|(_, len)| *len > 0);
        ranges.map(move |(start, len)| d.clone().narrow(1, start, len).abs().sum())
    });
    let sum = others.reduce(|a, b| a + b);
    n > 0 && sum.is_none_or(|sum| Precision::to_host(sum)[0] == 0.0)
}

/// The sensitivities `δ_k = ∂f_k/∂z` of `K` outputs with respect to the outputs `z` of a layer.
#[derive(Debug, Clone)]
enum Sensitivities<B: Backend> {
    /// One `[n, m]` per output.
    Each(Vec<Tensor<B, 2>>),
    /// Output `k` depends only on `z_k`, as in the last layer of a network: column `k` has its
    /// sensitivities, `[n, K]`. Pairs of different outputs then have no part of the kernel in this
    /// layer, and cost nothing.
    OwnColumn(Tensor<B, 2>),
}

impl<B: Backend> Sensitivities<B> {
    fn n_outputs(&self) -> usize {
        match self {
            Self::Each(outputs) => outputs.len(),
            Self::OwnColumn(columns) => columns.dims()[1],
        }
    }

    /// The sensitivities of an output at some points.
    fn rows(&self, k: usize, rows: Rows) -> Tensor<B, 2> {
        match self {
            Self::Each(outputs) => outputs[k].clone().slice([rows]),
            Self::OwnColumn(columns) => columns.clone().slice([rows, k..k + 1]),
        }
    }

    fn has_pair(&self, k: usize, l: usize) -> bool {
        k == l || matches!(self, Self::Each(_))
    }
}

/// The kernel of all `K` outputs, as [`full_kernel`](crate::full_kernel), from layers whose inputs
/// the outputs share: `Σ_layers (a aᵀ) ∘ (δ_k δ_lᵀ)`.
///
/// The Gram matrix of a layer's inputs is computed once and not once per pair of outputs: about
/// `n² k/2 + (nK)² m/2` multiply-adds per layer, where `K` kernels and `K (K − 1)/2`
/// cross-kernels take `(nK)² (k + m)/2`. Memory: the result, and `K²` tiles of 128 rows per thread.
///
/// # Shapes
/// `[nK, nK]`, output by output, symmetric to the bit.
///
/// # Panics
/// For no layers, and for layers of different numbers of points or outputs.
pub(crate) fn shared_kernel<B: Backend>(layers: &[OutputGradients<B>]) -> Tensor<B, 2> {
    let [n, outputs] = sizes(layers);
    let device = layers[0].inputs.device();
    let mut theta = Assembled::zeros([n * outputs; 2], place(layers));
    let ranges: Vec<Rows> = ranges(n, edge::<B>(&device)).collect();
    let upper: Vec<[&Rows; 2]> = ranges
        .iter()
        .enumerate()
        .flat_map(|(p, i)| ranges[p..].iter().map(move |j| [i, j]))
        .collect();
    for_tiles::<B>(
        &upper,
        &device,
        |[i, j]| part(layers, layers, [i, j], i == j),
        |[i, j], parts| {
            for (k, l, part) in parts {
                let at = [k * n + i.start, l * n + j.start];
                // In a tile on the diagonal, only the pairs `k ≤ l` are computed.
                if i == j && k == l { theta.add(at, part) } else { theta.add_mirrored(at, part) }
            }
        },
    );
    theta.finish()
}

/// The kernel of all `K` outputs between two sets of points, from the layers at both.
///
/// # Shapes
/// `[n_a·K, n_b·K]`, as [`cross_kernel_of_outputs`](crate::cross_kernel_of_outputs) in full.
///
/// # Panics
/// For no layers, and for lists that do not fit each other.
pub(crate) fn shared_cross_kernel<B: Backend>(
    a: &[OutputGradients<B>],
    b: &[OutputGradients<B>],
) -> Tensor<B, 2> {
    let ([n_a, outputs], [n_b, others]) = (sizes(a), sizes(b));
    assert_eq!((a.len(), outputs), (b.len(), others), "the layers are of different functions");
    let device = a[0].inputs.device();
    let mut theta = Assembled::zeros([n_a * outputs, n_b * outputs], place(a));
    let edge = edge::<B>(&device);
    let (rows, columns): (Vec<Rows>, Vec<Rows>) =
        (ranges(n_a, edge).collect(), ranges(n_b, edge).collect());
    let tiles: Vec<[&Rows; 2]> =
        rows.iter().flat_map(|i| columns.iter().map(move |j| [i, j])).collect();
    for_tiles::<B>(
        &tiles,
        &device,
        |tile| part(a, b, tile, false),
        |[i, j], parts| {
            for (k, l, part) in parts {
                theta.add([k * n_a + i.start, l * n_b + j.start], part);
            }
        },
    );
    theta.finish()
}

/// The blocks of a tile: output, output, and the kernel of these outputs.
type Part<B> = Vec<(usize, usize, Tensor<B, 2>)>;

/// Computes the tiles, on a host in parallel, and passes them on in order.
fn for_tiles<B: Backend>(
    tiles: &[[&Rows; 2]],
    device: &B::Device,
    make: impl Fn([&Rows; 2]) -> Part<B> + Sync,
    mut with: impl FnMut([&Rows; 2], Part<B>),
) {
    let memory = Memory::of::<B>(device);
    let at_once = if memory == Memory::Host { rayon::current_num_threads() } else { 1 };
    for some in tiles.chunks(at_once) {
        let parts: Vec<Part<B>> = match memory {
            Memory::Host => some.par_iter().map(|&tile| make(tile)).collect(),
            Memory::Device => some.iter().map(|&tile| make(tile)).collect(),
        };
        some.iter().zip(parts).for_each(|(&tile, part)| with(tile, part));
    }
}

/// The pairs of outputs in a tile: all, or on the diagonal of a symmetric kernel those with
/// `k ≤ l`, of which the equal ones are symmetric to the bit.
fn part<B: Backend>(
    a: &[OutputGradients<B>],
    b: &[OutputGradients<B>],
    [i, j]: [&Rows; 2],
    symmetric: bool,
) -> Part<B> {
    let outputs = a[0].sensitivities.n_outputs();
    let grams: Vec<Tensor<B, 2>> = a
        .iter()
        .zip(b)
        .map(|(a, b)| {
            contract(a.inputs.clone().slice([i.clone()]), b.inputs.clone().slice([j.clone()]))
        })
        .collect();
    let mut parts = Vec::new();
    for k in 0..outputs {
        for l in (if symmetric { k } else { 0 })..outputs {
            let layers = a.iter().zip(b).zip(&grams);
            let with_pair = layers.filter(|((a, _), _)| a.sensitivities.has_pair(k, l));
            let terms = with_pair.map(|((a, b), gram)| {
                let (left, right) =
                    (a.sensitivities.rows(k, i.clone()), b.sensitivities.rows(l, j.clone()));
                contract(left, right) * gram.clone()
            });
            let Some(sum) = terms.reduce(|sum, term| sum + term) else { continue };
            let sum = if symmetric && k == l { symmetrised(sum) } else { sum };
            parts.push((k, l, sum));
        }
    }
    parts
}

fn edge<B: Backend>(device: &B::Device) -> usize {
    match Memory::of::<B>(device) {
        Memory::Host => TILE,
        Memory::Device => DEVICE_TILE,
    }
}

fn place<B: Backend>(layers: &[OutputGradients<B>]) -> (B::Device, burn_tensor::DType) {
    (layers[0].inputs.device(), layers[0].inputs.dtype())
}

/// Points and outputs, checked to be the same for all layers.
fn sizes<B: Backend>(layers: &[OutputGradients<B>]) -> [usize; 2] {
    let first = layers.first().expect("a network has layers");
    let sizes = [first.inputs.dims()[0], first.sensitivities.n_outputs()];
    for OutputGradients { inputs, sensitivities } in layers {
        let rows = match sensitivities {
            Sensitivities::Each(outputs) => outputs.iter().map(|d| d.dims()[0]).collect(),
            Sensitivities::OwnColumn(columns) => vec![columns.dims()[0]],
        };
        assert_eq!([inputs.dims()[0], sensitivities.n_outputs()], sizes, "layers of one function");
        assert!(rows.iter().all(|rows| *rows == sizes[0]), "sensitivities at {} points", sizes[0]);
    }
    assert!(sizes[1] > 0, "a function has outputs");
    sizes
}
