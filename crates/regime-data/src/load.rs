//! Loading the data of a source.

use std::path::Path;

use crate::archive::Archive;
use crate::images::Images;
use crate::points::Points;
use crate::source::Source;
use crate::source_error::SourceError;
use crate::{directory, embedded, tensors};

impl Source {
    /// Loads the images of an image source. Only [`Source::Mnist`] and
    /// [`Source::FashionMnist`] use `cache_dir`.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`]; [`SourceError::NoImages`] for a source of points.
    pub fn load_images(&self, cache_dir: &Path) -> Result<Images, SourceError> {
        match self {
            Self::MnistT10k => embedded::mnist_t10k(),
            Self::Mnist => Archive::Mnist.load(cache_dir),
            Self::FashionMnist => Archive::FashionMnist.load(cache_dir),
            Self::IdxDirectory { path } => directory::load(path),
            _ => Err(SourceError::NoImages { name: self.name() }),
        }
    }
}

/// The points in the tensor `inputs` of a safetensors file, with their classes in the
/// tensor `labels`; see [`Source::Safetensors`].
pub(crate) fn points(path: &Path, inputs: &str, labels: &str) -> Result<Points, SourceError> {
    let (x, classes) = tensors::read(path, inputs, labels)?;
    Points::new(path.display().to_string(), x, classes)
}
