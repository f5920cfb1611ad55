//! Kernels and other arrays in files: the only part of this crate that uses the file
//! system.
//!
//! - [`write_npy`], [`read_npy`]: one array in a `.npy` file.
//! - [`write_npz`], [`read_npz`], [`read_npz_array`]: several named arrays in a `.npz`
//!   file.
//! - [`write_safetensors`], [`read_safetensors`]: several named arrays with metadata.
//! - [`write_kernel`], [`write_cross_kernel`], [`verify`]: a kernel that need not fit
//!   into memory, tile by tile in a `.npy` file. An interrupted computation can be resumed.
//! - [`NpyRows`]: reads such a file row by row, and multiplies it with a vector.
//!
//! The writers of named arrays take what the readers return. Numbers are float64 in memory. A file holds float64 or, on request, float32, always
//! little endian. Float64 preserves every bit, including NaN payloads. All functions but
//! the tiled ones write to a temporary file in the same folder, sync it to the disk and
//! rename it: a reader sees either the complete new file or the old one.
//!
//! ```
//! use ndarray::{Array2, array};
//! use regime_models::Precision;
//! use regime_tangent::file::{read_npy, write_npy};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("theta.npy");
//! let theta = array![[2.0, 1.0], [1.0, 3.0]];
//! write_npy(&path, &theta, Precision::F64)?;
//! let back: Array2<f64> = read_npy(&path)?;
//! assert_eq!(back, theta);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod atomic;
mod block;
mod error;
mod grid;
mod header;
mod journal;
mod npy;
mod npz;
mod numbers;
mod rows;
mod safetensors;
mod tiles;
mod tiles_error;
mod verify;

pub use error::{FileError, FileProblem};
pub use npy::{read_npy, write_npy};
pub use npz::{read_npz, read_npz_array, write_npz};
pub use rows::NpyRows;
pub use safetensors::{read_safetensors, write_safetensors};
pub use tiles::{
    DEFAULT_TILE, Existing, Progress, TileReport, Tiling, journal_path, write_cross_kernel,
    write_kernel,
};
pub use tiles_error::TileError;
pub use verify::{Verified, verify};

/// Named arrays of any number of axes, as read from a `.npz` or `.safetensors` file.
/// `array.clone().into_dimensionality::<Ix2>()` converts an array to one of two axes.
pub type Arrays = std::collections::BTreeMap<String, ndarray::ArrayD<f64>>;
