//! Convolutions as products: which pixels each position of a layer sees.

use std::ops::Range;

use burn::tensor::{Tensor, backend::Backend};

use crate::{error::ModelError, memory::Memory, operations::operations};

/// Numbers that patches may hold at once. Patches are up to `size²` times larger
/// than the maps they come from, so they are made, used and dropped some points at
/// a time, and stay in a core's cache meanwhile, or take 128 MiB of a GPU's memory (and a few
/// times that while they are copied).
const fn patch_numbers(memory: Memory) -> usize {
    match memory {
        Memory::Host => 1 << 17,
        Memory::Device => 1 << 24,
    }
}

/// A square window that slides over a grid of pixels, as in a convolution.
///
/// Maps are stored channel last: one row per point and pixel (in reading order),
/// one column per channel. The patch at a position is the concatenation of the rows
/// under the window, in reading order, nil outside of the grid; a convolution is then
/// the product of patches and weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    shape: (usize, usize),
    positions: (usize, usize),
    taps: usize,
    /// For each position the stretches of its patch that are contiguous in the maps.
    runs: Vec<Vec<Run>>,
}

/// Neighbouring taps on neighbouring pixels, or outside of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    /// The first pixel; `None` for taps on the padding.
    pub(crate) pixel: Option<usize>,
    pub(crate) len: usize,
}

impl Window {
    /// A window of `size × size` pixels on a grid of `shape` (height and width) with
    /// `padding` pixels added on every side, moved by `stride`.
    ///
    /// # Errors
    /// [`ModelError`] for a size of 0, padding that a window could lie on as a whole, or
    /// a window larger than the padded grid.
    pub fn new(
        shape: (usize, usize),
        size: usize,
        stride: usize,
        padding: usize,
    ) -> Result<Self, ModelError> {
        for (field, value) in
            [("height", shape.0), ("width", shape.1), ("window", size), ("stride", stride)]
        {
            if value == 0 {
                return Err(ModelError::Zero { field });
            }
        }
        if padding >= size {
            return Err(ModelError::Padding { size, padding });
        }
        let along = |pixels: usize| match (pixels + 2 * padding).checked_sub(size) {
            Some(room) => Ok(room / stride + 1),
            None => Err(ModelError::Window { size, pixels, padding }),
        };
        let positions = (along(shape.0)?, along(shape.1)?);
        let mut runs = Vec::with_capacity(positions.0 * positions.1);
        for top in (0..positions.0).map(|p| p * stride) {
            for left in (0..positions.1).map(|p| p * stride) {
                runs.push(runs_at(shape, size, padding, (top, left)));
            }
        }
        Ok(Self { shape, positions, taps: size * size, runs })
    }

    /// Height and width of the grid of positions.
    pub fn positions(&self) -> (usize, usize) {
        self.positions
    }

    /// Number of positions `p`.
    pub fn n_positions(&self) -> usize {
        self.positions.0 * self.positions.1
    }

    /// Number of pixels of the grid it slides over.
    pub fn n_pixels(&self) -> usize {
        self.shape.0 * self.shape.1
    }

    /// Number of pixels under the window, `size²`.
    pub fn n_taps(&self) -> usize {
        self.taps
    }

    /// Stretches of `n` points whose patches with `channels` channels are made
    /// together.
    pub(crate) fn chunks(
        &self,
        n: usize,
        channels: usize,
        memory: Memory,
    ) -> impl Iterator<Item = Range<usize>> {
        let per_point = self.n_positions() * self.taps * channels;
        let step = (patch_numbers(memory) / per_point).max(1);
        (0..n).step_by(step).map(move |start| start..(start + step).min(n))
    }

    /// The patches of maps.
    ///
    /// # Shapes
    /// `[n·pixels, c]` → `[n·p, taps·c]`
    pub fn patches<B: Backend>(&self, maps: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().patches(self, maps)
    }

    /// The adjoint of [`patches`](Self::patches): every number of a patch is added to
    /// the pixel it came from.
    ///
    /// # Shapes
    /// `[n·p, taps·c]` → `[n·pixels, c]`
    pub fn overlay<B: Backend>(&self, patches: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().overlay(self, patches)
    }

    /// The stretches of the patches, position by position.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().flatten()
    }
}

/// The patch whose upper left tap lies at `(top, left)` of the padded grid.
fn runs_at(
    (height, width): (usize, usize),
    size: usize,
    padding: usize,
    (top, left): (usize, usize),
) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (y, x) in (top..top + size).flat_map(|y| (left..left + size).map(move |x| (y, x))) {
        let inside = |at: usize, pixels: usize| at.checked_sub(padding).filter(|&at| at < pixels);
        let pixel = inside(y, height).zip(inside(x, width)).map(|(y, x)| y * width + x);
        match runs.last_mut() {
            Some(run) if run.pixel.map(|first| first + run.len) == pixel => run.len += 1,
            _ => runs.push(Run { pixel, len: 1 }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use burn_flex::{Flex, FlexDevice};
    use burn_ndarray::{NdArray, NdArrayDevice};

    use super::*;
    use crate::Precision;

    /// Patches by the definition.
    fn by_loops(
        (height, width): (usize, usize),
        (size, stride, padding): (usize, usize, usize),
        channels: usize,
        map: &[f64],
    ) -> Vec<f64> {
        let mut patches = Vec::new();
        let last = |pixels: usize| (pixels + 2 * padding - size) / stride;
        for (p, q) in (0..=last(height)).flat_map(|p| (0..=last(width)).map(move |q| (p, q))) {
            for (i, j) in (0..size).flat_map(|i| (0..size).map(move |j| (i, j))) {
                for c in 0..channels {
                    let y = (p * stride + i) as isize - padding as isize;
                    let x = (q * stride + j) as isize - padding as isize;
                    let inside =
                        (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
                    let at = (y * width as isize + x) * channels as isize + c as isize;
                    patches.push(if inside { map[at as usize] } else { 0.0 });
                }
            }
        }
        patches
    }

    /// Shape of the grid; size, stride and padding of the window.
    type Case = ((usize, usize), (usize, usize, usize));

    const CASES: [Case; 7] = [
        ((5, 4), (3, 1, 1)),
        ((7, 7), (5, 2, 1)),
        ((3, 3), (3, 1, 0)),
        ((4, 6), (1, 2, 0)),
        ((1, 1), (1, 1, 0)),
        ((2, 2), (5, 1, 2)),
        ((6, 5), (3, 3, 2)),
    ];

    fn agrees_with_the_definition<B: Backend>(device: &B::Device) {
        for (shape, geometry) in CASES {
            let (size, stride, padding) = geometry;
            let window = Window::new(shape, size, stride, padding).unwrap();
            for (n, channels) in [(1, 1), (3, 2)] {
                let per_point = shape.0 * shape.1 * channels;
                let values: Vec<f64> = (0..n * per_point).map(|i| (i as f64 * 0.7).sin()).collect();
                let expected: Vec<f64> = values
                    .chunks(per_point)
                    .flat_map(|map| by_loops(shape, geometry, channels, map))
                    .collect();
                let maps =
                    Precision::F64.matrix::<B>(&values, [n * window.n_pixels(), channels], device);
                let patches = window.patches(maps.clone());
                assert_eq!(
                    patches.dims(),
                    [n * window.n_positions(), window.n_taps() * channels],
                    "{shape:?} {geometry:?}"
                );
                assert_eq!(Precision::to_host(patches.clone()), expected);

                // ⟨g, P m⟩ = ⟨Pᵀ g, m⟩.
                let g = patches.clone().mul_scalar(0.3).add_scalar(0.1);
                let left = Precision::to_host((g.clone() * patches).sum())[0];
                let back = window.overlay(g);
                assert_eq!(back.dims(), maps.dims());
                let right = Precision::to_host((back * maps).sum())[0];
                assert!((left - right).abs() < 1e-12 * (1.0 + left.abs()));
            }
        }
    }

    #[test]
    fn patches_and_their_adjoint() {
        agrees_with_the_definition::<Flex>(&FlexDevice);
        agrees_with_the_definition::<NdArray>(&NdArrayDevice::Cpu);
    }

    #[test]
    fn single_precision_stays_single() {
        let window = Window::new((4, 4), 3, 2, 1).unwrap();
        let values: Vec<f64> = (0..32).map(f64::from).collect();
        let maps = Precision::F32.matrix::<Flex>(&values, [16, 2], &FlexDevice);
        let patches = window.patches(maps);
        assert_eq!(patches.dtype(), DType::F32);
        assert_eq!(window.overlay(patches).dtype(), DType::F32);
    }

    #[test]
    fn a_window_that_does_not_fit_is_refused() {
        let message = Window::new((3, 9), 6, 1, 1).unwrap_err().to_string();
        assert_eq!(
            message,
            "a window of 6 pixels does not fit on 3 with 1 of padding on each side"
        );
        assert!(Window::new((3, 3), 3, 0, 0).is_err());
        assert!(Window::new((0, 3), 3, 1, 0).is_err());
        let message = Window::new((3, 3), 2, 1, usize::MAX).unwrap_err().to_string();
        assert!(message.ends_with("has to be smaller than the window of 2"), "{message}");
    }
}
