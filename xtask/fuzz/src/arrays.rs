//! The readers of regime-tangent.

use std::fs;

use ndarray::{Array1, IxDyn};
use regime_tangent::file::{
    NpyRows, journal_path, read_npy, read_npz, read_npz_array, read_safetensors, verify,
};

use crate::scratch::with_file;

/// An array, whole and row by row.
pub(crate) fn npy(bytes: &[u8]) -> Result<(), String> {
    with_file("array.npy", bytes, |path| {
        if let Ok(mut rows) = NpyRows::open(path) {
            let [n, columns] = rows.shape();
            rows.read(n.saturating_sub(1)..n).map_err(|error| error.to_string())?;
            rows.multiply(&Array1::ones(columns)).map_err(|error| error.to_string())?;
        }
        read_npy::<IxDyn>(path).map(drop).map_err(|error| error.to_string())
    })
}

/// All arrays of an archive, and one of them.
pub(crate) fn npz(bytes: &[u8]) -> Result<(), String> {
    with_file("arrays.npz", bytes, |path| {
        let one = read_npz_array::<IxDyn>(path, "kernel");
        let all = read_npz(path).map_err(|error| error.to_string())?;
        if let Ok(one) = one {
            let bits = |x: &f64| x.to_bits();
            let other =
                all.get("kernel").expect("an array that can be read alone is in the archive");
            assert!(one.iter().map(bits).eq(other.iter().map(bits)));
        }
        Ok(())
    })
}

/// Arrays with metadata.
pub(crate) fn tensors(bytes: &[u8]) -> Result<(), String> {
    with_file("arrays.safetensors", bytes, |path| {
        read_safetensors(path).map(drop).map_err(|error| error.to_string())
    })
}

/// The start of a `.npy` file.
const NPY: &[u8] = b"\x93NUMPY";

/// A kernel in tiles: its journal, and after it the `.npy` file.
pub(crate) fn kernel(bytes: &[u8]) -> Result<(), String> {
    let split = bytes.windows(NPY.len()).position(|start| start == NPY).unwrap_or(bytes.len());
    let (journal, array) = bytes.split_at(split);
    with_file("kernel.npy", array, |path| {
        fs::write(journal_path(path), journal).expect("the temporary folder is writable");
        verify(path).map(drop).map_err(|error| error.to_string())
    })
}
