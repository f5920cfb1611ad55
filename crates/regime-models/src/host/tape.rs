//! The products of a [`BlockTape`](crate::BlockTape) on host memory.

use burn_flex::Flex;
use burn_tensor::Tensor;
use rayon::prelude::*;

use super::{
    numbers::{Numbers, Scalar, tensor, with_scalar},
    products::{self, Sizes},
    window::gather,
};
use crate::block::{Block, PARTS_HELD, Part};

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
/// Without maps, layer by layer: the sum over the points is made in place, in their
/// order, whichever thread does it. A layer with maps can be most of the work of its network:
/// there some parts are worked on side by side and then added up.
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
    // In their order, whichever came first, and not all of them held at once.
    parts.chunks(PARTS_HELD).flat_map(group).reduce(add).expect("a tape has points")
}

fn by_layers<T: Scalar>(parts: &[(&Part<Flex>, &[T])]) -> Vec<T> {
    let blocks = parts[0].0;
    let len = |block: &Block<Flex>| {
        block.weights.len() + block.biases.as_ref().map_or(0, |biases| biases.len())
    };
    let mut pulled = vec![T::default(); blocks.iter().map(len).sum()];
    // The parameters of the layers follow one another.
    let mut rest = &mut pulled[..];
    let mut stretches = Vec::with_capacity(blocks.len());
    for block in blocks {
        let (here, after) = std::mem::take(&mut rest).split_at_mut(len(block));
        rest = after;
        stretches.push(here);
    }
    stretches.into_par_iter().enumerate().for_each(|(layer, here)| {
        let (weights, biases) = here.split_at_mut(blocks[layer].weights.len());
        let mut scratch = Scratch::default();
        for (part, g) in parts {
            let biases = blocks[layer].biases.is_some().then_some(&mut *biases);
            pull_block(&part[layer], g, &mut scratch, weights, biases);
        }
    });
    pulled
}

/// Buffers that the stretches of a product use one after the other.
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
    each_stretch(block, sources.slice(), deltas.slice(), patches, |points, a, delta| {
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
        each_stretch(block, sources.slice(), deltas.slice(), &mut patches, |points, a, delta| {
            let sizes = Sizes { rows: a.len() / k, k, m };
            let direction = (a, weights, biases);
            let sums = &mut sums[points];
            products::push(sizes, block.weight_scale, direction, delta, &mut products, sums);
        });
    }
    sums
}

/// Calls `f` with stretches of points, what the layer acts on there (patches, for a
/// window) and the sensitivities.
fn each_stretch<T: Scalar>(
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
