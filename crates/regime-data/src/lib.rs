//! Data sets for binary classification, as plain arrays.
//!
//! [`prepare`] makes a [`Dataset`] from a small serialisable description, a [`DataSpec`]:
//! disjoint training, test and kernel points with labels `y = ±1`. The spec says whether
//! inputs are centred, put on a sphere and projected on principal components. The same
//! spec gives the same points on every machine, up to the rounding of the linear algebra.
//!
//! # Scope
//!
//! The crate has no tensors, batches or augmentation, and uses no deep-learning
//! framework: arrays are [`ndarray`]'s, in `f64`. Only [`fetch()`] downloads data. The
//! 10,000 test images of MNIST are inside the crate, so it works offline. Nothing is
//! printed.
//!
//! # Where to start
//!
//! - [`DataSpec`]: every option, with its range and default.
//! - [`Source`]: where points come from; [`fetch()`] fills the cache for the two
//!   sources that are too large to embed.
//! - [`prepare`], or [`prepare_images`] and [`prepare_points`] for data already in
//!   memory.
//! - [`idx`] and [`pca`] can be used without the rest of the crate.
//!
//! # Example
//!
//! The parity of MNIST digits from their first ten principal components, as in the fully
//! connected networks of Geiger et al. (arXiv 1906.08034):
//!
//! ```
//! use regime_data::{DataSpec, default_cache_dir, prepare};
//!
//! let spec = DataSpec { n_train: 200, n_test: 100, n_kernel: 20, ..DataSpec::default() };
//! let data = prepare(&spec, &default_cache_dir())?;
//! println!("{} training points; the first ones with their labels:", data.train.y.len());
//! for (x, y) in data.train.x.rows().into_iter().zip(&data.train.y).take(5) {
//!     println!("{x:6.2}  {y:+}");
//! }
//!
//! assert_eq!(data.train.x.dim(), (200, 10));
//! assert_eq!(data.test.y.len(), 100);
//! assert!(data.kernel.y.iter().all(|&y| y == 1.0 || y == -1.0));
//! # Ok::<(), regime_data::DataError>(())
//! ```

mod archive;
mod cache;
mod checksum;
mod chi_square;
mod dataset;
mod directory;
mod embedded;
mod error;
pub mod fetch;
pub mod idx;
mod images;
mod inputs;
mod load;
pub mod pca;
mod points;
mod prepare;
mod rule;
mod selection;
mod source;
mod source_error;
mod spec;
mod streams;
mod synthetic;
mod task;
mod tensors;

pub use archive::{Archive, ArchiveFile};
pub use cache::default_cache_dir;
pub use checksum::ChecksumMismatch;
pub use dataset::{Dataset, Part, Provenance};
pub use error::DataError;
pub use fetch::fetch;
pub use images::Images;
pub use pca::PcaScaling;
pub use points::Points;
pub use prepare::{prepare, prepare_images, prepare_points};
pub use source::Source;
pub use source_error::SourceError;
pub use spec::{DataSpec, FitOn, InputSpec, PcaSpec, TrainingSet};
pub use streams::{DATA_STREAM, data_rng};
pub use task::Task;
pub use tensors::{TensorsError, TensorsProblem};
