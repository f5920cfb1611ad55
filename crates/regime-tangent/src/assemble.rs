//! A matrix that is added up part by part. Only one matrix is held: joining tiles to rows, and rows
//! to a matrix, would hold three.

use std::{mem, ops::AddAssign};

use burn_tensor::{DType, Element, Tensor, TensorData, backend::Backend};

/// Side of the square blocks that are transposed one after the other.
const TRANSPOSED: usize = 32;

/// A matrix to which parts are added.
pub(crate) struct Assembled<B: Backend> {
    values: Values<B>,
    columns: usize,
    device: B::Device,
}

enum Values<B: Backend> {
    /// Flex writes into a tensor only after it has copied it.
    Host64(Vec<f64>),
    Host32(Vec<f32>),
    Tensor(Tensor<B, 2>),
}

impl<B: Backend> Assembled<B> {
    pub(crate) fn zeros([rows, columns]: [usize; 2], (device, dtype): (B::Device, DType)) -> Self {
        let values = match (is_flex::<B>(&device), dtype) {
            (true, DType::F64) => Values::Host64(vec![0.0; rows * columns]),
            (true, DType::F32) => Values::Host32(vec![0.0; rows * columns]),
            _ => Values::Tensor(Tensor::zeros([rows, columns], (&device, dtype))),
        };
        Self { values, columns, device }
    }

    /// Starts from a matrix, which is not copied.
    pub(crate) fn from(matrix: Tensor<B, 2>) -> Self {
        let (device, columns, dtype) = (matrix.device(), matrix.dims()[1], matrix.dtype());
        let values = match (is_flex::<B>(&device), dtype) {
            (true, DType::F64) => Values::Host64(numbers(matrix)),
            (true, DType::F32) => Values::Host32(numbers(matrix)),
            _ => Values::Tensor(matrix),
        };
        Self { values, columns, device }
    }

    /// Adds a part whose first entry is at `at` (row, column).
    pub(crate) fn add(&mut self, at: [usize; 2], part: Tensor<B, 2>) {
        let (shape, columns) = (part.dims(), self.columns);
        match &mut self.values {
            Values::Host64(values) => add(values, columns, at, shape, &numbers(part)),
            Values::Host32(values) => add(values, columns, at, shape, &numbers(part)),
            Values::Tensor(tensor) => add_to_tensor(tensor, at, part),
        }
    }

    /// Adds a part at `at` (row, column), and its transpose at the transposed place.
    pub(crate) fn add_mirrored(&mut self, [i, j]: [usize; 2], part: Tensor<B, 2>) {
        let (shape, columns) = (part.dims(), self.columns);
        match &mut self.values {
            Values::Host64(values) => {
                let part = numbers(part);
                add(values, columns, [i, j], shape, &part);
                add_transposed(values, columns, [j, i], shape, &part);
            }
            Values::Host32(values) => {
                let part = numbers(part);
                add(values, columns, [i, j], shape, &part);
                add_transposed(values, columns, [j, i], shape, &part);
            }
            Values::Tensor(tensor) => {
                add_to_tensor(tensor, [j, i], part.clone().transpose());
                add_to_tensor(tensor, [i, j], part);
            }
        }
    }

    pub(crate) fn finish(self) -> Tensor<B, 2> {
        let Self { values, columns, device } = self;
        let from = |data: TensorData, dtype| Tensor::from_data(data, (&device, dtype));
        match values {
            Values::Host64(v) => {
                let shape = [v.len() / columns, columns];
                from(TensorData::new(v, shape), DType::F64)
            }
            Values::Host32(v) => {
                let shape = [v.len() / columns, columns];
                from(TensorData::new(v, shape), DType::F32)
            }
            Values::Tensor(tensor) => tensor,
        }
    }
}

/// Whether the tensors of the backend are vectors in host memory that can be taken out of them.
/// An autodiff backend that wraps Flex is not: its graph would be lost.
pub(crate) fn is_flex<B: Backend>(device: &B::Device) -> bool {
    B::name(device) == "flex"
}

fn numbers<B: Backend, T: Element>(matrix: Tensor<B, 2>) -> Vec<T> {
    matrix.into_data().into_vec().expect("the element type was checked")
}

fn add<T: Copy + AddAssign>(
    values: &mut [T],
    columns: usize,
    [i, j]: [usize; 2],
    [_, width]: [usize; 2],
    part: &[T],
) {
    for (r, row) in part.chunks_exact(width).enumerate() {
        let start = (i + r) * columns + j;
        let into = values[start..start + width].iter_mut();
        into.zip(row).for_each(|(sum, &value)| *sum += value);
    }
}

/// Adds the transpose of `part`, whose own shape is `[height, width]`, at `(i, j)`.
fn add_transposed<T: Copy + AddAssign>(
    values: &mut [T],
    columns: usize,
    [i, j]: [usize; 2],
    [height, width]: [usize; 2],
    part: &[T],
) {
    for top in (0..height).step_by(TRANSPOSED) {
        for left in (0..width).step_by(TRANSPOSED) {
            let bottom = (top + TRANSPOSED).min(height);
            for c in left..(left + TRANSPOSED).min(width) {
                let start = (i + c) * columns + j;
                let into = &mut values[start + top..start + bottom];
                for (r, sum) in (top..bottom).zip(into) {
                    *sum += part[r * width + c];
                }
            }
        }
    }
}

fn add_to_tensor<B: Backend>(tensor: &mut Tensor<B, 2>, [i, j]: [usize; 2], part: Tensor<B, 2>) {
    let [rows, columns] = part.dims();
    let at = [i..i + rows, j..j + columns];
    let sum = tensor.clone().slice(at.clone()) + part;
    let place = (&tensor.device(), tensor.dtype());
    // The backend writes in place only into a tensor that nothing else refers to.
    let whole = mem::replace(tensor, Tensor::zeros([1, 1], place));
    *tensor = whole.slice_assign(at, sum);
}
