//! The patches under a window, and their adjoint, by lists of indices.

use burn_tensor::{DType, IndexingUpdateOp, Int, Tensor, TensorData, backend::Backend};

use crate::{
    memory::Memory,
    window::{Run, Window},
};

/// As [`Window::patches`].
pub(super) fn patches<B: Backend>(window: &Window, maps: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, channels] = maps.dims();
    let n = rows / window.n_pixels();
    let shape = [n * window.n_positions(), window.n_taps() * channels];
    let maps = maps.reshape([n, window.n_pixels(), channels]);
    gathered(maps, pixels(window)).reshape(shape)
}

/// As [`Window::overlay`].
pub(super) fn overlay<B: Backend>(window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2> {
    match Memory::of::<B>(&patches.device()) {
        Memory::Host => added_up(window, patches),
        Memory::Device => gathered_up(window, patches),
    }
}

/// Adds every tap to its pixel.
fn added_up<B: Backend>(window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2> {
    let taps = on_taps(window, patches);
    let ([n, _, channels], device) = (taps.dims(), taps.device());
    let zeros = Tensor::zeros([n, window.n_pixels() + 1, channels], (&device, taps.dtype()));
    zeros
        .select_assign(1, list(pixels(window), &device), taps, IndexingUpdateOp::Add)
        .narrow(1, 0, window.n_pixels())
        .reshape([n * window.n_pixels(), channels])
}

/// Gathers for every pixel the taps that lie on it. On a GPU, [`added_up`] has no fixed order of
/// summation, so the last bits would differ from run to run. On the host, gathering is slower
/// than [`added_up`], many times slower with ndarray.
fn gathered_up<B: Backend>(window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2> {
    let patches = on_taps(window, patches);
    let ([n, _, channels], taps) = (patches.dims(), taps(window));
    let (pixels, max_taps) = (window.n_pixels(), taps.len() / window.n_pixels());
    let on_pixels = gathered(patches, taps).reshape([n * pixels, max_taps, channels]);
    on_pixels.sum_dim(1).reshape([n * pixels, channels])
}

/// Patches with one row per tap: `[n·p, taps·c]` → `[n, p·taps, c]`.
fn on_taps<B: Backend>(window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 3> {
    let [rows, columns] = patches.dims();
    let (n, channels) = (rows / window.n_positions(), columns / window.n_taps());
    patches.reshape([n, window.n_positions() * window.n_taps(), channels])
}

/// The rows with these indices of every point, `[n, rows, c]` → `[n, indices, c]`. The index
/// after the last row gives a row of zeros.
fn gathered<B: Backend>(rows: Tensor<B, 3>, indices: Vec<i64>) -> Tensor<B, 3> {
    let ([n, _, channels], device) = (rows.dims(), rows.device());
    let zero = Tensor::zeros([n, 1, channels], (&device, rows.dtype()));
    Tensor::cat(vec![rows, zero], 1).select(1, list(indices, &device))
}

fn list<B: Backend>(indices: Vec<i64>, device: &B::Device) -> Tensor<B, 1, Int> {
    let shape = [indices.len()];
    Tensor::from_data(TensorData::new(indices, shape), (device, DType::I64))
}

/// The pixel of each tap of each position. For taps on the padding it is the pixel
/// after the last.
fn pixels(window: &Window) -> Vec<i64> {
    let of_run = |run: &Run| {
        let (first, len) = (run.pixel, run.len);
        (0..len).map(move |i| first.map_or(window.n_pixels(), |first| first + i) as i64)
    };
    window.runs().flat_map(of_run).collect()
}

/// The taps that lie on each pixel, equally many for each pixel. Lists with fewer taps are padded
/// with the tap after the last.
fn taps(window: &Window) -> Vec<i64> {
    let mut on_pixel = vec![Vec::new(); window.n_pixels()];
    for (tap, pixel) in pixels(window).into_iter().enumerate() {
        if let Some(taps) = on_pixel.get_mut(pixel as usize) {
            taps.push(tap as i64);
        }
    }
    let max_taps = on_pixel.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let after_the_last = (window.n_positions() * window.n_taps()) as i64;
    on_pixel.iter_mut().for_each(|taps| taps.resize(max_taps, after_the_last));
    on_pixel.concat()
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};
    use burn_ndarray::{NdArray, NdArrayDevice};

    use super::*;
    use crate::Precision;

    fn both_ways_agree<B: Backend>(device: &B::Device) {
        // Pixels under many taps, under one, and under none.
        for (shape, size, stride, padding) in
            [((5, 4), 3, 1, 1), ((7, 7), 5, 2, 1), ((4, 6), 1, 2, 0), ((2, 2), 5, 1, 2)]
        {
            let window = Window::new(shape, size, stride, padding).unwrap();
            let shape = [3 * window.n_positions(), window.n_taps() * 2];
            let numbers: Vec<f64> = (0..shape[0] * shape[1]).map(|i| (i as f64).sin()).collect();
            let patches = Precision::F64.matrix::<B>(&numbers, shape, device);
            let added = Precision::to_host(added_up(&window, patches.clone()));
            let gathered = Precision::to_host(gathered_up(&window, patches));
            assert_eq!(added.len(), gathered.len());
            for (a, b) in added.iter().zip(gathered) {
                assert!((a - b).abs() < 1e-13, "{a} is not {b}");
            }
        }
    }

    #[test]
    fn adding_and_gathering_agree() {
        both_ways_agree::<Flex>(&FlexDevice);
        both_ways_agree::<NdArray>(&NdArrayDevice::Cpu);
        #[cfg(feature = "tch")]
        both_ways_agree::<crate::kit::LibTorch>(&crate::kit::libtorch_device());
    }
}
