//! The patches under a window, and back, by lists of indices.

use burn::tensor::{DType, Int, Tensor, TensorData, backend::Backend};

use crate::window::{Run, Window};

/// As [`Window::patches`].
pub(crate) fn patches<B: Backend>(window: &Window, maps: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, channels] = maps.dims();
    let n = rows / window.n_pixels();
    let shape = [n * window.n_positions(), window.n_taps() * channels];
    let maps = maps.reshape([n, window.n_pixels(), channels]);
    gathered(maps, pixels(window)).reshape(shape)
}

/// As [`Window::overlay`].
///
/// Every pixel gathers what lies on it. To add every tap to its pixel is the same, but a GPU
/// does that in no fixed order, and the last bits would differ from run to run.
pub(crate) fn overlay<B: Backend>(window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, columns] = patches.dims();
    let (n, channels) = (rows / window.n_positions(), columns / window.n_taps());
    let patches = patches.reshape([n, window.n_positions() * window.n_taps(), channels]);
    let taps = taps(window);
    let (pixels, most) = (window.n_pixels(), taps.len() / window.n_pixels());
    let on_pixels = gathered(patches, taps).reshape([n * pixels, most, channels]);
    on_pixels.sum_dim(1).reshape([n * pixels, channels])
}

/// The rows with these numbers of every point, `[n, rows, c]` → `[n, indices, c]`; the row after
/// the last is nil.
fn gathered<B: Backend>(rows: Tensor<B, 3>, indices: Vec<i64>) -> Tensor<B, 3> {
    let ([n, _, channels], device) = (rows.dims(), rows.device());
    let nil = Tensor::zeros([n, 1, channels], (&device, rows.dtype()));
    let shape = [indices.len()];
    let indices: Tensor<B, 1, Int> =
        Tensor::from_data(TensorData::new(indices, shape), (&device, DType::I64));
    Tensor::cat(vec![rows, nil], 1).select(1, indices)
}

/// The pixel of each tap of each position; taps on the padding have the pixel
/// after the last.
fn pixels(window: &Window) -> Vec<i64> {
    let of_run = |run: &Run| {
        let (first, len) = (run.pixel, run.len);
        (0..len).map(move |i| first.map_or(window.n_pixels(), |first| first + i) as i64)
    };
    window.runs().flat_map(of_run).collect()
}

/// The taps that lie on each pixel, as many for each: where there are fewer, the tap after
/// the last.
fn taps(window: &Window) -> Vec<i64> {
    let mut on_pixel = vec![Vec::new(); window.n_pixels()];
    for (tap, pixel) in pixels(window).into_iter().enumerate() {
        if let Some(taps) = on_pixel.get_mut(pixel as usize) {
            taps.push(tap as i64);
        }
    }
    let most = on_pixel.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let after_the_last = (window.n_positions() * window.n_taps()) as i64;
    on_pixel.iter_mut().for_each(|taps| taps.resize(most, after_the_last));
    on_pixel.concat()
}
