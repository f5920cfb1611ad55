//! Where points come from.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::archive::Archive;
use crate::checksum::ChecksumMismatch;
use crate::idx::IdxError;
use crate::images::Images;
use crate::{directory, embedded};

/// Where points come from.
///
/// Serialised with the tag `kind`, for example `{"kind": "mnist-t10k"}` or
/// `{"kind": "stripe", "dim": 10}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// The 10,000 test images of MNIST, embedded in the crate (the default).
    #[default]
    MnistT10k,
    /// All 70,000 images of MNIST, training before test, from the cache.
    Mnist,
    /// All 70,000 images of Fashion-MNIST, training before test, from the cache.
    FashionMnist,
    /// A folder of IDX files under their usual names: `train-images-idx3-ubyte`,
    /// `train-labels-idx1-ubyte` and the same with `t10k`; with `.idx` instead of
    /// `-idx`, and followed by `.gz`, they are found too. What is there is
    /// pooled, training before test. Nothing is known of its content, so no
    /// checksum is compared; provenance records it.
    IdxDirectory {
        /// The folder; a relative path starts at the working directory.
        path: PathBuf,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where
    /// `−0.3 < x₀ < 1.18549`, else −1.
    ///
    /// The borders hold half of the probability. Only one direction matters.
    Stripe {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
    },
    /// Gaussian points `x ~ N(0, I)` with `y = +1` where `‖x‖²` is above its
    /// median, else −1.
    ///
    /// The median is that of the χ² distribution with `dim` degrees of freedom,
    /// about `dim − 2/3`, so each label has probability one half. No direction
    /// matters.
    Sphere {
        /// Number of coordinates, 1 to 100,000.
        dim: usize,
    },
}

/// Why a source has no data to give.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file is not what its format says.
    #[error(transparent)]
    Idx(#[from] IdxError),
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
    /// Not as many labels as images.
    #[error("`{name}` has {images} images and {labels} labels")]
    CountMismatch {
        /// The set.
        name: String,
        /// Number of images.
        images: usize,
        /// Number of labels.
        labels: usize,
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
    /// A synthetic source was asked for images.
    #[error("the source {name} has no images: it draws its points")]
    NoImages {
        /// The source.
        name: String,
    },
}

impl Source {
    /// A short name: `mnist-t10k`, `stripe-10`, the folder.
    pub fn name(&self) -> String {
        match self {
            Self::MnistT10k => "mnist-t10k".to_owned(),
            Self::Mnist => Archive::Mnist.name().to_owned(),
            Self::FashionMnist => Archive::FashionMnist.name().to_owned(),
            Self::IdxDirectory { path } => path.display().to_string(),
            Self::Stripe { dim } => format!("stripe-{dim}"),
            Self::Sphere { dim } => format!("sphere-{dim}"),
        }
    }

    /// Loads the images of an image source. `cache_dir` matters only to
    /// [`Source::Mnist`] and [`Source::FashionMnist`].
    ///
    /// # Errors
    ///
    /// Any [`SourceError`]; [`SourceError::NoImages`] for a synthetic source.
    pub fn load_images(&self, cache_dir: &Path) -> Result<Images, SourceError> {
        match self {
            Self::MnistT10k => embedded::mnist_t10k(),
            Self::Mnist => Archive::Mnist.load(cache_dir),
            Self::FashionMnist => Archive::FashionMnist.load(cache_dir),
            Self::IdxDirectory { path } => directory::load(path),
            Self::Stripe { .. } | Self::Sphere { .. } => {
                Err(SourceError::NoImages { name: self.name() })
            }
        }
    }
}
