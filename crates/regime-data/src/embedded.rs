//! The test split of MNIST, inside the crate.

use crate::archive::{Archive, ArchiveFile, TEST_IMAGES, TEST_LABELS};
use crate::idx::read_bytes;
use crate::images::Images;
use crate::source_error::SourceError;

const IMAGES: &[u8] = include_bytes!("../assets/mnist-t10k/t10k-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../assets/mnist-t10k/t10k-labels-idx1-ubyte.gz");

/// The 10,000 test images of MNIST, with verified checksums.
pub(crate) fn mnist_t10k() -> Result<Images, SourceError> {
    let files = Archive::Mnist.files();
    let (images, labels) = (&files[TEST_IMAGES], &files[TEST_LABELS]);
    let image_bytes = verified(IMAGES, images)?;
    let label_bytes = verified(LABELS, labels)?;
    Images::from_idx("mnist-t10k", (&image_bytes, images.name), (&label_bytes, labels.name))
}

fn verified(gzip: &[u8], file: &ArchiveFile) -> Result<Vec<u8>, SourceError> {
    let name = format!("embedded {}", file.name);
    let bytes = read_bytes(gzip, &name, file.bytes + 1)?;
    file.verify(&bytes, &name)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_images() {
        let images = mnist_t10k().unwrap();
        assert_eq!(images.len(), 10_000);
        assert_eq!(images.shape(), (28, 28));
        let mut counts = [0; 10];
        for &label in images.labels() {
            counts[usize::from(label)] += 1;
        }
        assert_eq!(counts, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
        assert_eq!(images.labels()[..5], [7, 2, 1, 0, 4]);
    }

    #[test]
    fn the_checksum_file_agrees_with_the_code() {
        let list = include_str!("../assets/mnist-t10k/SHA256SUMS");
        let files = &Archive::Mnist.files()[TEST_IMAGES..];
        let expected: String =
            files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name)).collect();
        assert_eq!(list, expected);
    }
}
