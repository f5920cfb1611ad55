//! The patches under a window, and their adjoint, without a list of indices.

use burn_flex::Flex;
use burn_tensor::Tensor;

use super::numbers::{Numbers, Scalar, tensor, with_scalar};
use crate::window::Window;

/// As [`Window::patches`].
pub(super) fn patches(window: &Window, maps: &Tensor<Flex, 2>) -> Tensor<Flex, 2> {
    let [rows, channels] = maps.dims();
    let shape = [rows / window.n_pixels() * window.n_positions(), window.n_taps() * channels];
    let maps = Numbers::of(maps);
    with_scalar!(maps.dtype(), T => {
        let mut patches = Vec::new();
        gather::<T>(window, maps.slice(), channels, &mut patches);
        tensor(patches, shape)
    })
}

/// As [`Window::overlay`].
pub(super) fn overlay(window: &Window, patches: &Tensor<Flex, 2>) -> Tensor<Flex, 2> {
    let [rows, columns] = patches.dims();
    let channels = columns / window.n_taps();
    let shape = [rows / window.n_positions() * window.n_pixels(), channels];
    let patches = Numbers::of(patches);
    with_scalar!(patches.dtype(), T => {
        let mut maps = vec![T::default(); shape[0] * channels];
        add::<T>(window, patches.slice(), channels, &mut maps);
        tensor(maps, shape)
    })
}

/// Replaces the contents of `patches` by the patches of maps, `[n·pixels, c]` →
/// `[n·p, taps·c]`.
pub(super) fn gather<T: Scalar>(
    window: &Window,
    maps: &[T],
    channels: usize,
    patches: &mut Vec<T>,
) {
    let points = maps.chunks_exact(window.n_pixels() * channels);
    patches.clear();
    patches.reserve(points.len() * window.n_positions() * window.n_taps() * channels);
    for point in points {
        for run in window.runs() {
            let len = run.len * channels;
            match run.pixel {
                Some(pixel) => patches.extend_from_slice(&point[pixel * channels..][..len]),
                None => patches.resize(patches.len() + len, T::default()),
            }
        }
    }
}

/// Adds every value of the patches, `[n·p, taps·c]`, to its pixel, `[n·pixels, c]`.
pub(super) fn add<T: Scalar>(window: &Window, patches: &[T], channels: usize, maps: &mut [T]) {
    let points = patches.chunks_exact(window.n_positions() * window.n_taps() * channels);
    for (mut patch, map) in points.zip(maps.chunks_exact_mut(window.n_pixels() * channels)) {
        for run in window.runs() {
            let (here, rest) = patch.split_at(run.len * channels);
            patch = rest;
            if let Some(pixel) = run.pixel {
                let under = &mut map[pixel * channels..][..here.len()];
                under.iter_mut().zip(here).for_each(|(sum, value)| *sum += *value);
            }
        }
    }
}
