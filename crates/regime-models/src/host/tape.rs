//! The products of a [`BlockTape`](crate::BlockTape) on host memory.

use burn_flex::Flex;
use burn_tensor::Tensor;
use rayon::prelude::*;

use super::{
    numbers::{Numbers, Scalar, tensor, with_scalar},
    products::{self, Sizes},
    window::gather,
};
use crate::block::{Block, MAX_PARTS_IN_MEMORY, Part};

/// `J v`, part by part.
pub(super) fn jvp(parts: &[Part<Flex>], v: &Tensor<Flex, 1>) -> Tensor<Flex, 1> {
    let v = Numbers::of(v);
    with_scalar!(v.dtype(), T => {
        let moved = parts.par_iter().flat_map_iter(|part| moved::<T>(part, v.slice()));
        let moved: Vec<T> = moved.collect();
        let n = moved.len();
        tensor(moved, [n])
    })
}

/// `Jᵀ g`.
///
/// Without maps, the layers are computed in parallel. Each layer sums over the points in place
/// and in their order, so the result does not depend on the threads. A single layer with maps
/// can be most of the work of its network. With maps, several parts are therefore computed in
/// parallel and then summed.
pub(super) fn vjp(parts: &[Part<Flex>], g: &Tensor<Flex, 1>) -> Tensor<Flex, 1> {
    let g = Numbers::of(g);
    with_scalar!(g.dtype(), T => {
        let mut rest = g.slice::<T>();
        let parts: Vec<(&Part<Flex>, &[T])> = parts
            .iter()
            .map(|part| {
                let (here, after) = rest.split_at(part[0].n_points());
                rest = after;
                (part, here)
            })
            .collect();
        let has_maps = parts[0].0.iter().any(|block| block.window.is_some());
        let pulled = if has_maps { by_parts::<T>(&parts) } else { by_layers::<T>(&parts) };
        let n_params = pulled.len();
        tensor(pulled, [n_params])
    })
}

fn by_parts<T: Scalar>(parts: &[(&Part<Flex>, &[T])]) -> Vec<T> {
    let add = |mut sum: Vec<T>, part: Vec<T>| {
        sum.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
        sum
    };
    let group = |group: &[(&Part<Flex>, &[T])]| {
        group.par_iter().map(|part| by_layers(&[*part])).collect::<Vec<Vec<T>>>()
    };
    // The sum is taken in the order of the parts, and only some results are held at once.
    parts.chunks(MAX_PARTS_IN_MEMORY).flat_map(group).reduce(add).expect("a tape has points")
}

fn by_layers<T: Scalar>(parts: &[(&Part<Flex>, &[T])]) -> Vec<T> {
    let blocks = parts[0].0;
    let len = |block: &Block<Flex>| {
        block.weights.len() + block.biases.as_ref().map_or(0, |biases| biases.len())
    };
    let mut pulled = vec![T::default(); blocks.iter().map(len).sum()];
    // The parameters of the layers are contiguous.
    let mut rest = &mut pulled[..];
    let mut layers = Vec::with_capacity(blocks.len());
    for block in blocks {
        let (here, after) = std::mem::take(&mut rest).split_at_mut(len(block));
        rest = after;
        layers.push(here);
    }
    layers.into_par_iter().enumerate().for_each(|(layer, here)| {
        let (weights, biases) = here.split_at_mut(blocks[layer].weights.len());
        let mut scratch = Scratch::default();
        for (part, g) in parts {
            let biases = blocks[layer].biases.is_some().then_some(&mut *biases);
            pull_block(&part[layer], g, &mut scratch, weights, biases);
        }
    });
    pulled
}

/// Scratch buffers that the chunks of a product use one after the other.
#[derive(Default)]
struct Scratch<T> {
    patches: Vec<T>,
    products: Vec<T>,
}

fn pull_block<T: Scalar>(
    block: &Block<Flex>,
    g: &[T],
    scratch: &mut Scratch<T>,
    weights: &mut [T],
    mut biases: Option<&mut [T]>,
) {
    let m = block.n_outputs();
    let k = block.weights.len() / m;
    let (sources, deltas) = (Numbers::of(&block.sources), Numbers::of(&block.sensitivities));
    let Scratch { patches, products } = scratch;
    let mut pull = |a: &[T], delta: &[T], g: &[T]| {
        let sizes = Sizes { rows: a.len() / k, k, m };
        products::pull(
            sizes,
            block.weight_scale,
            (a, delta, g),
            products,
            weights,
            biases.as_deref_mut(),
        );
    };
    each_chunk(block, sources.slice(), deltas.slice(), patches, |points, a, delta| {
        pull(a, delta, &g[points]);
    });
}

fn moved<T: Scalar>(part: &Part<Flex>, v: &[T]) -> Vec<T> {
    let mut sums = vec![T::default(); part[0].n_points()];
    let Scratch { mut patches, mut products } = Scratch::default();
    for block in part {
        let m = block.n_outputs();
        let k = block.weights.len() / m;
        let (sources, deltas) = (Numbers::of(&block.sources), Numbers::of(&block.sensitivities));
        let weights = &v[block.weights.clone()];
        let biases = block.biases.clone().map(|range| &v[range]);
        each_chunk(block, sources.slice(), deltas.slice(), &mut patches, |points, a, delta| {
            let sizes = Sizes { rows: a.len() / k, k, m };
            let direction = (a, weights, biases);
            let sums = &mut sums[points];
            products::push(sizes, block.weight_scale, direction, delta, &mut products, sums);
        });
    }
    sums
}

/// Calls `f` for chunks of points, with the inputs of the layer (patches, for a layer with a
/// window) and the sensitivities.
fn each_chunk<T: Scalar>(
    block: &Block<Flex>,
    sources: &[T],
    deltas: &[T],
    patches: &mut Vec<T>,
    mut f: impl FnMut(std::ops::Range<usize>, &[T], &[T]),
) {
    let n = block.n_points();
    let Some(window) = &block.window else { return f(0..n, sources, deltas) };
    let (per_map, per_point) = (sources.len() / n, deltas.len() / n);
    for points in block.chunks() {
        let maps = &sources[points.start * per_map..points.end * per_map];
        gather(window, maps, maps.len() / points.len() / window.n_pixels(), patches);
        let delta = &deltas[points.start * per_point..points.end * per_point];
        f(points, patches, delta);
    }
}
