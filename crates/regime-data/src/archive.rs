//! Published sets that are too large to embed, with their checksums.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::checksum::{ChecksumMismatch, sha256_hex};
use crate::idx::{IdxError, read_uncompressed};
use crate::images::Images;
use crate::source_error::SourceError;

/// A published set of 60,000 training and 10,000 test images, 28 × 28 pixels,
/// ten balanced or nearly balanced classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Archive {
    /// Handwritten digits: LeCun and Cortes, CC BY-SA 3.0.
    Mnist,
    /// Clothes: Xiao, Rasul and Vollgraf, Zalando SE, MIT licence.
    FashionMnist,
}

/// One file of an [`Archive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Name of the uncompressed file.
    pub name: &'static str,
    /// Length of the uncompressed file, in bytes.
    pub bytes: usize,
    /// SHA-256 of the uncompressed file, in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// Position of each file in [`Archive::files`].
const TRAIN_IMAGES: usize = 0;
const TRAIN_LABELS: usize = 1;
pub(crate) const TEST_IMAGES: usize = 2;
pub(crate) const TEST_LABELS: usize = 3;

impl Archive {
    /// Every archive.
    pub const ALL: [Self; 2] = [Self::Mnist, Self::FashionMnist];

    /// The name in commands and specs, and of the folder in the cache.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
        }
    }

    /// The four files: training images and labels, test images and labels.
    pub fn files(self) -> &'static [ArchiveFile; 4] {
        match self {
            Self::Mnist => &MNIST,
            Self::FashionMnist => &FASHION_MNIST,
        }
    }

    /// The folder of the files in `cache_dir`.
    pub fn dir(self, cache_dir: &Path) -> PathBuf {
        cache_dir.join(self.name())
    }

    /// Loads all 70,000 images from `cache_dir`, training before test, after
    /// verifying the checksum of each file.
    ///
    /// # Errors
    ///
    /// [`SourceError::Absent`] if a file is not in the cache (see
    /// [`fetch`](crate::fetch())), [`SourceError::Checksum`] if one is not the
    /// published file.
    pub fn load(self, cache_dir: &Path) -> Result<Images, SourceError> {
        let dir = self.dir(cache_dir);
        if self.files().iter().any(|file| !dir.join(file.name).is_file()) {
            return Err(SourceError::Absent { archive: self.name(), dir });
        }
        let half = |images: usize, labels: usize| {
            let read = |index: usize| {
                let file = &self.files()[index];
                let path = dir.join(file.name);
                let bytes = file.read(&path)?;
                file.verify(&bytes, &path.display().to_string())?;
                Ok::<_, SourceError>((bytes, file.name))
            };
            let (images, labels) = (read(images)?, read(labels)?);
            Images::from_idx(self.name(), (&images.0, images.1), (&labels.0, labels.1))
        };
        half(TRAIN_IMAGES, TRAIN_LABELS)?.pooled_with(&half(TEST_IMAGES, TEST_LABELS)?)
    }
}

impl ArchiveFile {
    /// The uncompressed content of `path`, up to one byte beyond the published length.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, IdxError> {
        read_uncompressed(path, self.bytes + 1)
    }

    /// Compares `bytes`, uncompressed, with the published checksum.
    pub(crate) fn verify(&self, bytes: &[u8], from: &str) -> Result<(), ChecksumMismatch> {
        let found = sha256_hex([bytes]);
        if found == self.sha256 {
            return Ok(());
        }
        Err(ChecksumMismatch {
            file: from.to_owned(),
            expected: self.sha256.to_owned(),
            expected_bytes: self.bytes,
            found,
            found_bytes: bytes.len(),
        })
    }
}

const MNIST: [ArchiveFile; 4] = [
    ArchiveFile {
        name: "train-images-idx3-ubyte",
        bytes: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    ArchiveFile {
        name: "train-labels-idx1-ubyte",
        bytes: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    ArchiveFile {
        name: "t10k-images-idx3-ubyte",
        bytes: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    ArchiveFile {
        name: "t10k-labels-idx1-ubyte",
        bytes: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];

const FASHION_MNIST: [ArchiveFile; 4] = [
    ArchiveFile {
        name: "train-images-idx3-ubyte",
        bytes: 47_040_016,
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    ArchiveFile {
        name: "train-labels-idx1-ubyte",
        bytes: 60_008,
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
    ArchiveFile {
        name: "t10k-images-idx3-ubyte",
        bytes: 7_840_016,
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    ArchiveFile {
        name: "t10k-labels-idx1-ubyte",
        bytes: 10_008,
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_says_how_to_fetch() {
        let empty = tempfile::tempdir().unwrap();
        let error = Archive::FashionMnist.load(empty.path()).unwrap_err();
        assert!(error.to_string().contains("cargo xtask data fetch fashion-mnist"), "{error}");
    }

    #[test]
    fn a_damaged_cache_is_detected() {
        let cache = tempfile::tempdir().unwrap();
        let dir = Archive::Mnist.dir(cache.path());
        std::fs::create_dir(&dir).unwrap();
        for file in Archive::Mnist.files() {
            std::fs::write(dir.join(file.name), b"damaged").unwrap();
        }
        let error = Archive::Mnist.load(cache.path()).unwrap_err();
        assert!(matches!(
            error,
            SourceError::Checksum(ChecksumMismatch { found_bytes: 7, ref file, .. })
                if file.ends_with("train-images-idx3-ubyte")
        ));
    }
}
