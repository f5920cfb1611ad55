//! Errors from loading a source.

use std::path::PathBuf;

use crate::checksum::ChecksumMismatch;
use crate::idx::IdxError;
use crate::tensors::TensorsError;

/// An error from loading a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file is not a valid IDX file.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A safetensors file gives no points.
    #[error(transparent)]
    Tensors(#[from] TensorsError),
    /// A file differs from the published one.
    #[error(transparent)]
    Checksum(#[from] ChecksumMismatch),
    /// A published set is not in the cache.
    #[error("{archive} is not in `{}`: run `cargo xtask data fetch {archive}`", dir.display())]
    Absent {
        /// The set.
        archive: &'static str,
        /// The folder where its files belong.
        dir: PathBuf,
    },
    /// The folder has no file with one of the usual names.
    #[error(
        "`{}` holds no IDX files: none of `train-images-idx3-ubyte`, `t10k-images-idx3-ubyte` \
         and their labels (`.gz` and `.idx3-ubyte` are accepted too)",
        dir.display()
    )]
    NoIdxFiles {
        /// The folder.
        dir: PathBuf,
    },
    /// Images without labels, or labels without images.
    #[error("`{}` has no {wanted} next to it", found.display())]
    NoPartner {
        /// The file that is there.
        found: PathBuf,
        /// What is missing: `labels` or `images`.
        wanted: &'static str,
    },
    /// The number of labels differs from the number of points or images.
    #[error("`{name}` has {points} points and {labels} labels")]
    CountMismatch {
        /// The set.
        name: String,
        /// Number of points.
        points: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The points have no coordinates.
    #[error("`{name}` has points without coordinates")]
    NoCoordinates {
        /// The set.
        name: String,
    },
    /// A coordinate is not finite, or too large for sums of squares.
    #[error(
        "`{name}`: point {point} has the coordinate {value:e}: should be at most 1e100 in size"
    )]
    Coordinate {
        /// The set.
        name: String,
        /// Index of the point, from 0.
        point: usize,
        /// The coordinate.
        value: f64,
    },
    /// Images of different shapes in one set.
    #[error("`{name}` has images of {found:?} pixels where {expected:?} are expected")]
    ShapeMismatch {
        /// The set.
        name: String,
        /// Height and width expected.
        expected: (usize, usize),
        /// Height and width found.
        found: (usize, usize),
    },
    /// Images were requested from a source of points.
    #[error("the source {name} has points, but no images")]
    NoImages {
        /// The source.
        name: String,
    },
}
