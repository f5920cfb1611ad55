//! The positions of a network's layers, and what each of them sees.

use regime_models::ConvolutionalSpec;

/// How the last maps of a convolutional network become one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readout {
    /// The mean over the pixels, then a layer on the channels, as in [`ConvolutionalSpec`]
    /// (global average pooling). The kernel then needs the covariance of every pair of
    /// positions.
    Mean,
    /// One layer on all channels of all pixels, with the factor `1/√(pixels · channels)`. The
    /// kernel then needs only pairs of equal positions: with `D` pixels, it is `D` times
    /// cheaper. The networks of `regime-models` do not have this read-out.
    Flatten,
}

/// A tap outside of the image.
pub(super) const OUTSIDE: u32 = u32::MAX;

/// The positions of one layer, and the positions of the layer before under each window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taps {
    pub(super) positions: usize,
    /// Positions under a window.
    pub(super) size: usize,
    /// `[positions, size]`
    before: Vec<u32>,
}

/// The layers with an activation, from the first to the last, and the read-out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Numbers per position of the input.
    pub(super) channels: usize,
    /// Not empty.
    pub(super) layers: Vec<Taps>,
    pub(super) readout: Readout,
}

impl Taps {
    /// A layer with one position after a layer with one position.
    fn single() -> Self {
        Self { positions: 1, size: 1, before: vec![0] }
    }

    /// A window on a grid of pixels, and the shape of its positions.
    fn sliding(
        (height, width): (usize, usize),
        window: usize,
        stride: usize,
        padding: usize,
    ) -> (Self, (usize, usize)) {
        let along = |pixels: usize| (pixels + 2 * padding - window) / stride + 1;
        let shape = (along(height), along(width));
        let mut before = Vec::with_capacity(shape.0 * shape.1 * window * window);
        let inside = |at: usize, pixels: usize| at.checked_sub(padding).filter(|&at| at < pixels);
        for (top, left) in (0..shape.0).flat_map(|y| (0..shape.1).map(move |x| (y, x))) {
            for y in 0..window {
                let y = inside(top * stride + y, height);
                before.extend((0..window).map(|x| {
                    let x = inside(left * stride + x, width);
                    y.zip(x).map_or(OUTSIDE, |(y, x)| (y * width + x) as u32)
                }));
            }
        }
        (Self { positions: shape.0 * shape.1, size: window * window, before }, shape)
    }

    /// The positions under the window at `position`, or [`OUTSIDE`].
    pub(super) fn at(&self, position: usize) -> &[u32] {
        &self.before[position * self.size..][..self.size]
    }
}

impl Layout {
    /// A fully connected network.
    pub(super) fn dense(inputs: usize, hidden_layers: usize) -> Self {
        let layers = vec![Taps::single(); hidden_layers];
        Self { channels: inputs, layers, readout: Readout::Flatten }
    }

    /// A convolutional network whose specification is valid.
    pub(super) fn convolutional(spec: &ConvolutionalSpec, readout: Readout) -> Self {
        let mut shape = (spec.image.height, spec.image.width);
        let layers = (0..spec.blocks * spec.convolutions).map(|convolution| {
            let stride = if convolution % spec.convolutions == 0 { 2 } else { 1 };
            let (taps, after) = Taps::sliding(shape, spec.window, stride, spec.padding);
            shape = after;
            taps
        });
        Self { channels: spec.image.channels, layers: layers.collect(), readout }
    }

    /// Whether only pairs of equal positions are needed.
    pub(super) fn is_diagonal(&self) -> bool {
        self.readout == Readout::Flatten
    }

    /// Pairs of positions in a layer with this number of positions.
    pub(super) fn entries(&self, positions: usize) -> usize {
        if self.is_diagonal() { positions } else { positions * positions }
    }

    /// The second positions of the pairs whose first position is `position`.
    pub(super) fn partners(&self, position: usize, positions: usize) -> std::ops::Range<usize> {
        if self.is_diagonal() { position..position + 1 } else { 0..positions }
    }

    /// The largest number of pairs of positions in a layer.
    pub(super) fn most_entries(&self) -> usize {
        self.layers.iter().map(|taps| self.entries(taps.positions)).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use regime_models::Window;

    use super::*;

    #[test]
    fn windows_have_the_positions_of_the_models() {
        for (shape, size, stride, padding) in
            [((28, 28), 5, 2, 1), ((13, 11), 5, 1, 1), ((3, 3), 3, 2, 2), ((1, 1), 1, 2, 0)]
        {
            let window = Window::new(shape, size, stride, padding).unwrap();
            let (taps, positions) = Taps::sliding(shape, size, stride, padding);
            assert_eq!(positions, window.positions());
            assert_eq!((taps.positions, taps.size), (window.n_positions(), window.n_taps()));
        }
    }

    /// By hand: a window of 2 pixels on a line of 3, with padding 1 and stride 2.
    #[test]
    fn taps_outside_of_the_image() {
        let (taps, positions) = Taps::sliding((1, 3), 2, 2, 1);
        assert_eq!(positions, (1, 2));
        assert_eq!(taps.at(0), [OUTSIDE, OUTSIDE, OUTSIDE, 0]);
        assert_eq!(taps.at(1), [OUTSIDE, OUTSIDE, 1, 2]);
    }
}
