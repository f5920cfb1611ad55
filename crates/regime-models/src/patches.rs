//! The patches of maps under a window, and their adjoint, with the operations of the backend.
//!
//! A convolution is the product of patches and weights.

use burn_tensor::{Tensor, backend::Backend};

use crate::{dispatch::operations, window::Window};

impl Window {
    /// The patches of maps.
    ///
    /// # Shapes
    /// `[n·pixels, c]` → `[n·p, taps·c]`
    pub fn patches<B: Backend>(&self, maps: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().patches(self, maps)
    }

    /// The adjoint of [`patches`](Self::patches): adds every value of a patch to its pixel.
    ///
    /// # Shapes
    /// `[n·p, taps·c]` → `[n·pixels, c]`
    pub fn overlay<B: Backend>(&self, patches: Tensor<B, 2>) -> Tensor<B, 2> {
        operations::<B>().overlay(self, patches)
    }
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};
    use burn_ndarray::{NdArray, NdArrayDevice};
    use burn_tensor::DType;

    use super::*;
    use crate::Precision;

    /// The patches by their definition.
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
}
