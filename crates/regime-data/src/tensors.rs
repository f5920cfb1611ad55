//! Your own points, from a safetensors file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use ndarray::Array2;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// An error from reading points and classes from a safetensors file.
#[derive(Debug, thiserror::Error)]
#[error("`{}`: {problem}", path.display())]
pub struct TensorsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: TensorsProblem,
}

/// What is wrong with a file of tensors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorsProblem {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The file is not a valid safetensors file.
    #[error("not a safetensors file that can be used: {why}")]
    Format {
        /// Why.
        why: String,
    },
    /// No tensor has this name.
    #[error("there is no tensor `{tensor}`, only {present:?}")]
    Absent {
        /// The name.
        tensor: String,
        /// The names in the file.
        present: Vec<String>,
    },
    /// The element type is not supported.
    #[error("`{tensor}` is of type {found}: should be whole numbers, F32 or F64")]
    Element {
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
    },
    /// A whole number is too large for float64.
    #[error(
        "`{tensor}`: element {index} is {value}: should be from -2^53 to 2^53, where float64 holds \
         every whole number"
    )]
    Inexact {
        /// The tensor.
        tensor: String,
        /// Index of the element, the last axis fastest, from 0.
        index: usize,
        /// The number.
        value: i128,
    },
    /// The number of axes is wrong.
    #[error("`{tensor}` has the shape {found:?}: should be {want}")]
    Shape {
        /// The tensor.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// The expected shape.
        want: &'static str,
    },
    /// A label is not a class.
    #[error("`{tensor}`: point {point} has the label {value}: should be a whole number, 0 to 255")]
    NoClass {
        /// The tensor.
        tensor: String,
        /// Index of the point, from 0.
        point: usize,
        /// Its label.
        value: f64,
    },
}

/// Up to this size float64 holds every whole number.
const LARGEST_WHOLE: i128 = 1 << 53;

/// The points in the tensor `inputs` (`n × …`; the axes of a point are flattened, the
/// last fastest), with their classes in the tensor `labels` (`n`).
pub(crate) fn read(
    path: &Path,
    inputs: &str,
    labels: &str,
) -> Result<(Array2<f64>, Vec<u8>), TensorsError> {
    points_and_classes(path, inputs, labels)
        .map_err(|problem| TensorsError { path: path.to_owned(), problem })
}

fn points_and_classes(
    path: &Path,
    inputs: &str,
    labels: &str,
) -> Result<(Array2<f64>, Vec<u8>), TensorsProblem> {
    let bytes = fs::read(path)?;
    let format = |why: String| TensorsProblem::Format { why };
    let file = SafeTensors::deserialize(&bytes).map_err(|cause| format(cause.to_string()))?;

    let tensor = find(&file, inputs)?;
    let (n, d) = match tensor.shape() {
        [n, axes @ ..] if !axes.is_empty() => {
            (Some(*n), axes.iter().try_fold(1_usize, |d, &axis| d.checked_mul(axis)))
        }
        _ => (None, None),
    };
    let (Some(n), Some(d)) = (n, d) else {
        return Err(shape(inputs, tensor.shape(), "a point per row, [n, d]"));
    };
    let x = Array2::from_shape_vec((n, d), numbers(inputs, &tensor)?)
        .map_err(|cause| format(cause.to_string()))?;

    let tensor = find(&file, labels)?;
    if tensor.shape().len() != 1 {
        return Err(shape(labels, tensor.shape(), "a class per point, [n]"));
    }
    let class = |(point, value): (usize, f64)| {
        let whole = (0.0..=255.0).contains(&value) && value.fract() == 0.0;
        let no_class = || TensorsProblem::NoClass { tensor: labels.to_owned(), point, value };
        whole.then_some(value as u8).ok_or_else(no_class)
    };
    let classes = numbers(labels, &tensor)?.into_iter().enumerate().map(class);
    Ok((x, classes.collect::<Result<_, _>>()?))
}

fn shape(tensor: &str, found: &[usize], want: &'static str) -> TensorsProblem {
    TensorsProblem::Shape { tensor: tensor.to_owned(), found: found.to_vec(), want }
}

fn find<'a>(file: &SafeTensors<'a>, tensor: &str) -> Result<TensorView<'a>, TensorsProblem> {
    file.tensor(tensor).map_err(|_| {
        let mut present: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
        present.sort();
        TensorsProblem::Absent { tensor: tensor.to_owned(), present }
    })
}

/// All elements, the last axis fastest.
fn numbers(name: &str, tensor: &TensorView<'_>) -> Result<Vec<f64>, TensorsProblem> {
    fn decode<const N: usize>(bytes: &[u8], number: fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
    }
    let bytes = tensor.data();
    Ok(match tensor.dtype() {
        Dtype::BOOL | Dtype::U8 => decode(bytes, |b| u8::from_le_bytes(b).into()),
        Dtype::I8 => decode(bytes, |b| i8::from_le_bytes(b).into()),
        Dtype::U16 => decode(bytes, |b| u16::from_le_bytes(b).into()),
        Dtype::I16 => decode(bytes, |b| i16::from_le_bytes(b).into()),
        Dtype::U32 => decode(bytes, |b| u32::from_le_bytes(b).into()),
        Dtype::I32 => decode(bytes, |b| i32::from_le_bytes(b).into()),
        Dtype::U64 => whole(name, bytes, |b| u64::from_le_bytes(b).into())?,
        Dtype::I64 => whole(name, bytes, |b| i64::from_le_bytes(b).into())?,
        Dtype::F32 => decode(bytes, |b| f32::from_le_bytes(b).into()),
        Dtype::F64 => decode(bytes, f64::from_le_bytes),
        other => {
            let (tensor, found) = (name.to_owned(), other.to_string());
            return Err(TensorsProblem::Element { tensor, found });
        }
    })
}

/// Whole numbers of eight bytes as float64.
fn whole(
    name: &str,
    bytes: &[u8],
    number: fn([u8; 8]) -> i128,
) -> Result<Vec<f64>, TensorsProblem> {
    let exact = |(index, &bytes): (usize, &[u8; 8])| {
        let value = number(bytes);
        let tensor = || name.to_owned();
        if value.abs() > LARGEST_WHOLE {
            return Err(TensorsProblem::Inexact { tensor: tensor(), index, value });
        }
        Ok(value as f64)
    };
    bytes.as_chunks().0.iter().enumerate().map(exact).collect()
}
