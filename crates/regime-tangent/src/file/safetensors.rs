use std::{borrow::Cow, collections::BTreeMap, fs, io::Write, path::Path};

use ndarray::{ArrayD, ArrayViewD};
use regime_models::Precision;
use safetensors::{Dtype, SafeTensorError, SafeTensors, View, serialize};

use super::{
    Arrays,
    atomic::write_atomically,
    error::{FileError, FileProblem, refused},
    npz::named,
    numbers,
};

/// The name under which the format stores its metadata.
const RESERVED: &str = "__metadata__";

/// Writes named arrays and metadata to a `.safetensors` file. The format sorts the
/// arrays by name; the order of the metadata is not fixed.
///
/// `arrays` are pairs of a name and an array, as in [`write_npz`](super::write_npz): also a reference
/// to the [`Arrays`] that a file was read to.
///
/// Memory: one copy of the bytes of the file.
///
/// # Errors
/// [`FileError`] when two arrays have the same name, when a name is empty or
/// `__metadata__`, and for an error of the file system; an existing file is then unchanged.
pub fn write_safetensors<'a, S: AsRef<str>, A: Into<ArrayViewD<'a, f64>>>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (S, A)>,
    metadata: &BTreeMap<String, String>,
    element: Precision,
) -> Result<(), FileError> {
    let path = path.as_ref();
    let arrays = named(path, arrays)?;
    if arrays.iter().any(|(name, _)| name.as_ref() == RESERVED) {
        return Err(FileProblem::Name { why: "it is reserved" }.at_array(path, RESERVED));
    }
    let tensors = arrays.iter().map(|(name, array)| (name.as_ref(), Numbers { array, element }));
    let metadata = (!metadata.is_empty()).then(|| metadata.clone().into_iter().collect());
    write_atomically(path, |file| {
        let bytes = serialize(tensors, metadata).map_err(broken)?;
        Ok(file.write_all(&bytes)?)
    })
}

/// Reads all arrays of a `.safetensors` file, and its metadata.
///
/// Memory: the bytes of the file, in addition to the arrays.
///
/// # Errors
/// [`FileError`] when the file does not exist or does not match its header, and when an
/// array is not of float64 or float32.
pub fn read_safetensors(
    path: impl AsRef<Path>,
) -> Result<(Arrays, BTreeMap<String, String>), FileError> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(refused(path))?;
    let at = |cause| broken(cause).at(path);
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(at)?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(at)?;
    let mut arrays = Arrays::new();
    for (name, tensor) in tensors.tensors() {
        let element = match tensor.dtype() {
            Dtype::F64 => Precision::F64,
            Dtype::F32 => Precision::F32,
            other => {
                let found = other.to_string();
                return Err(FileProblem::Element { found }.at_array(path, &name));
            }
        };
        let mut values = Vec::new();
        numbers::decode(tensor.data(), element, &mut values);
        let array = ArrayD::from_shape_vec(tensor.shape(), values).map_err(|_| {
            FileProblem::TooLarge { shape: tensor.shape().into() }.at_array(path, &name)
        })?;
        arrays.insert(name, array);
    }
    let metadata = header.metadata().clone().unwrap_or_default();
    Ok((arrays, metadata.into_iter().collect()))
}

/// An array in the interface of the format's writer.
struct Numbers<'a> {
    array: &'a ArrayViewD<'a, f64>,
    element: Precision,
}

impl View for Numbers<'_> {
    fn dtype(&self) -> Dtype {
        match self.element {
            Precision::F64 => Dtype::F64,
            Precision::F32 => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        self.array.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        numbers::encode(self.array.iter().copied(), self.element, &mut bytes);
        bytes.into()
    }

    fn data_len(&self) -> usize {
        self.array.len() * numbers::size_of(self.element)
    }
}

fn broken(cause: SafeTensorError) -> FileProblem {
    FileProblem::container("safetensors", cause)
}
