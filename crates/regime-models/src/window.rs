//! The geometry of a window that slides over pixels: the pixels under it at each position.

use std::ops::Range;

use crate::{error::ModelError, memory::Memory};

/// Maximum number of values in the patches that exist at once. Patches are up to `size²`
/// times larger than their maps, so they are made, used and dropped for some points at
/// a time. They fit into a core's cache, or into 128 MiB of a GPU's memory (and a few times
/// as much while they are copied).
const fn patch_numbers(memory: Memory) -> usize {
    match memory {
        Memory::Host => 1 << 17,
        Memory::Device => 1 << 24,
    }
}

/// The largest number of pixels times the pixels of a window: its geometry takes a second.
const MAX_TAPS: usize = 1 << 26;

/// A square window that slides over a grid of pixels, as in a convolution.
///
/// Maps are stored channel last: one row per point and pixel (in reading order),
/// one column per channel. The patch at a position is the concatenation of the rows
/// under the window, in reading order, zero outside of the grid; a convolution is then
/// the product of patches and weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    shape: (usize, usize),
    positions: (usize, usize),
    taps: usize,
    /// For each position, the runs of its patch that are contiguous in the maps.
    runs: Vec<Vec<Run>>,
}

/// A run of neighbouring taps on neighbouring pixels, or outside of the grid.
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
    /// [`ModelError`] for a size of 0, for pixels times window² above 2²⁶, for padding that is not smaller than the window, and for
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
        let taps = (shape.0.saturating_mul(shape.1)).saturating_mul(size.saturating_mul(size));
        if taps > MAX_TAPS {
            let field = "pixels · window²";
            return Err(ModelError::TooLarge { field, value: taps, most: MAX_TAPS });
        }
        if padding >= size {
            return Err(ModelError::Padding { size, padding });
        }
        let along = |pixels: usize| match (pixels + 2 * padding).checked_sub(size) {
            Some(travel) => Ok(travel / stride + 1),
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

    /// Splits `n` points into ranges whose patches with `channels` channels are made at once.
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

    /// The runs of the patches, position by position.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().flatten()
    }
}

/// The runs of the patch whose upper left tap lies at `(top, left)` of the padded grid.
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
    use super::*;

    #[test]
    fn a_window_that_does_not_fit_is_rejected() {
        let message = Window::new((3, 9), 6, 1, 1).unwrap_err().to_string();
        assert_eq!(
            message,
            "a window of 6 pixels does not fit on 3 with 1 of padding on each side"
        );
        assert!(Window::new((3, 3), 3, 0, 0).is_err());
        assert!(Window::new((0, 3), 3, 1, 0).is_err());
        let message = Window::new((3, 3), 2, 1, usize::MAX).unwrap_err().to_string();
        assert!(message.ends_with("must be smaller than the window of 2"), "{message}");
    }
}
