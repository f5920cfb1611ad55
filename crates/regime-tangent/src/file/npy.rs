use std::{
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
};

use ndarray::{Array, ArrayD, ArrayRef, Dimension, ShapeBuilder};
use regime_models::Precision;

use super::{
    atomic::write_atomically,
    error::{FileError, FileProblem, refused},
    header::Header,
    numbers,
};

/// Writes an array to a `.npy` file, in row-major order for any layout in memory, and
/// replaces an existing file.
///
/// Float64 preserves every bit; float32 rounds to the nearest.
///
/// # Errors
/// [`FileError`] for an error of the file system; an existing file is then unchanged.
pub fn write_npy<D: Dimension>(
    path: impl AsRef<Path>,
    array: &ArrayRef<f64, D>,
    element: Precision,
) -> Result<(), FileError> {
    write_atomically(path.as_ref(), |file| write_to(file, array, element))
}

/// Reads an array of `D` axes from a `.npy` file of float64 or float32, in row-major or
/// column-major order. `D = IxDyn` takes any number of axes.
///
/// # Shapes
/// The shape in the file, in row-major order.
///
/// # Errors
/// [`FileError`] when the file does not exist, or is not exactly a `.npy` file of an array
/// of this kind. The shape in the header must match the length of the file.
pub fn read_npy<D: Dimension>(path: impl AsRef<Path>) -> Result<Array<f64, D>, FileError> {
    let path = path.as_ref();
    let file = File::open(path).map_err(refused(path))?;
    let length = file.metadata().map_err(refused(path))?.len();
    read_from(&mut BufReader::new(file), length)
        .and_then(with_axes)
        .map_err(|problem| problem.at(path))
}

pub(super) fn write_to<D: Dimension>(
    out: &mut impl Write,
    array: &ArrayRef<f64, D>,
    element: Precision,
) -> Result<(), FileProblem> {
    let (_, header) = Header::new(array.shape(), element);
    out.write_all(&header)?;
    Ok(numbers::write(out, array.iter().copied(), element)?)
}

/// Reads `length` bytes.
pub(super) fn read_from(from: &mut impl Read, length: u64) -> Result<ArrayD<f64>, FileProblem> {
    let header = Header::read(from)?;
    header.check_length(length)?;
    let values = numbers::read(from, &header.shape, header.element)?;
    let shape = header.shape.clone().set_f(header.columns_first);
    let array = ArrayD::from_shape_vec(shape, values)
        .map_err(|_| FileProblem::TooLarge { shape: header.shape })?;
    Ok(if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() })
}

pub(super) fn with_axes<D: Dimension>(array: ArrayD<f64>) -> Result<Array<f64, D>, FileProblem> {
    let found = array.shape().to_vec();
    array.into_dimensionality().map_err(|_| FileProblem::Axes {
        found,
        wanted: D::NDIM.expect("a dynamic number of axes always fits"),
    })
}
