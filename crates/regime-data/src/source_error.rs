//! Why a source has no data to give.

use std::path::PathBuf;

use crate::checksum::ChecksumMismatch;
use crate::idx::IdxError;
use crate::tensors::TensorsError;

/// Why a source has no data to give.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file is not what its format says.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// A file has no points.
    #[error(transparent)]
    Tensors(#[from] TensorsError),
    /// A file is not the published one.
    #[error(transparent)]
    Checksum(#[from] ChecksumMismatch),
    /// The cache lacks a published set.
    #[error("{archive} is not in `{}`: run `cargo xtask data fetch {archive}`", dir.display())]
    Absent {
        /// The set.
        archive: &'static str,
        /// The folder where its files belong.
        dir: PathBuf,
    },
    /// The folder has none of the usual files.
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
    #[error("`{}` has no {wanted} beside it", found.display())]
    NoPartner {
        /// The file that is there.
        found: PathBuf,
        /// What is not: `labels` or `images`.
        wanted: &'static str,
    },
    /// Not as many labels as points or images.
    #[error("`{name}` has {points} points and {labels} labels")]
    CountMismatch {
        /// The set.
        name: String,
        /// Number of points.
        points: usize,
        /// Number of labels.
        labels: usize,
    },
    /// Points of no dimension.
    #[error("`{name}` has points without coordinates")]
    NoCoordinates {
        /// The set.
        name: String,
    },
    /// A coordinate that is not finite, or whose square can hardly be.
    #[error(
        "`{name}`: point {point} has the coordinate {value:e}: should be at most 1e100 in size"
    )]
    Coordinate {
        /// The set.
        name: String,
        /// Which point, from 0.
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
    /// A source of points was asked for images.
    #[error("the source {name} has points, but no images")]
    NoImages {
        /// The source.
        name: String,
    },
}
