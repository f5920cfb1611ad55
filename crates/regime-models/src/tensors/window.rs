//! The patches under a window, and back, by lists of indices.

use burn::tensor::{DType, IndexingUpdateOp, Int, Tensor, TensorData, backend::Backend};

use crate::window::Window;

/// As [`Window::patches`].
pub(crate) fn patches<B: Backend>(window: &Window, maps: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, channels] = maps.dims();
    let n = rows / window.n_pixels();
    let padding = Tensor::zeros([n, 1, channels], (&maps.device(), maps.dtype()));
    let padded = Tensor::cat(vec![maps.reshape([n, window.n_pixels(), channels]), padding], 1);
    let indices = indices(window, &padded.device());
    let shape = [n * window.n_positions(), window.n_taps() * channels];
    padded.select(1, indices).reshape(shape)
}

/// As [`Window::overlay`].
pub(crate) fn overlay<B: Backend>(window: &Window, patches: Tensor<B, 2>) -> Tensor<B, 2> {
    let [rows, columns] = patches.dims();
    let (n, channels) = (rows / window.n_positions(), columns / window.n_taps());
    let device = patches.device();
    let zeros =
        Tensor::<B, 3>::zeros([n, window.n_pixels() + 1, channels], (&device, patches.dtype()));
    let values = patches.reshape([n, window.n_positions() * window.n_taps(), channels]);
    zeros
        .select_assign(1, indices(window, &device), values, IndexingUpdateOp::Add)
        .narrow(1, 0, window.n_pixels())
        .reshape([n * window.n_pixels(), channels])
}

/// The pixel of each tap of each position; taps on the padding have the pixel
/// after the last.
fn indices<B: Backend>(window: &Window, device: &B::Device) -> Tensor<B, 1, Int> {
    let indices: Vec<i64> = window
        .runs()
        .flat_map(|run| {
            (0..run.len).map(|i| run.pixel.map_or(window.n_pixels(), |pixel| pixel + i) as i64)
        })
        .collect();
    let shape = [indices.len()];
    Tensor::from_data(TensorData::new(indices, shape), (device, DType::I64))
}
