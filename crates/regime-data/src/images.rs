//! Labelled images as read from files.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::checksum::sha256_hex;
use crate::idx::{self, IdxImages};
use crate::source_error::SourceError;

/// Labelled grey-scale images, before task, order and scale are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    name: String,
    rows: usize,
    cols: usize,
    pixels: Array2<u8>,
    labels: Vec<u8>,
    sha256: String,
}

impl Images {
    /// Joins images with their labels; `name` names the set in errors and in
    /// provenance.
    ///
    /// # Errors
    ///
    /// [`SourceError::CountMismatch`] if the numbers of labels and images differ,
    /// [`SourceError::ShapeMismatch`] if an image does not have `rows · cols` pixels.
    pub fn new(
        name: impl Into<String>,
        images: IdxImages,
        labels: Vec<u8>,
    ) -> Result<Self, SourceError> {
        let name = name.into();
        let IdxImages { rows, cols, pixels } = images;
        if pixels.nrows() != labels.len() {
            let (points, labels) = (pixels.nrows(), labels.len());
            return Err(SourceError::CountMismatch { name, points, labels });
        }
        if rows.checked_mul(cols) != Some(pixels.ncols()) {
            let (expected, found) = ((rows, cols), (1, pixels.ncols()));
            return Err(SourceError::ShapeMismatch { name, expected, found });
        }
        // Without a copy if the pixels are already in order.
        let pixels = match pixels.is_standard_layout() {
            true => pixels,
            false => pixels.as_standard_layout().into_owned(),
        };
        let sha256 = content_sum(rows, cols, &pixels, &labels);
        Ok(Self { name, rows, cols, pixels, labels, sha256 })
    }

    /// Reads images and labels from two IDX files in memory.
    pub(crate) fn from_idx(
        name: &str,
        images: (&[u8], &str),
        labels: (&[u8], &str),
    ) -> Result<Self, SourceError> {
        let images = idx::read_images(images.0, images.1)?;
        let labels = idx::read_labels(labels.0, labels.1)?;
        Self::new(name, images, labels)
    }

    /// `self` followed by `after`, under the name of `self`.
    ///
    /// # Errors
    ///
    /// [`SourceError::ShapeMismatch`] if the images differ in height or width.
    pub fn pooled_with(self, after: &Self) -> Result<Self, SourceError> {
        let (expected, found) = (self.shape(), after.shape());
        let mismatch = || SourceError::ShapeMismatch { name: after.name.clone(), expected, found };
        if expected != found {
            return Err(mismatch());
        }
        let pixels = concatenate(Axis(0), &[self.pixels.view(), after.pixels.view()])
            .map_err(|_| mismatch())?;
        let labels = [self.labels, after.labels.clone()].concat();
        let sha256 = content_sum(self.rows, self.cols, &pixels, &labels);
        Ok(Self { name: self.name, rows: self.rows, cols: self.cols, pixels, labels, sha256 })
    }

    /// The name of the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Height and width of an image, in pixels.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// One image per row, each `rows · cols` pixels in reading order, 0 to 255.
    pub fn pixels(&self) -> ArrayView2<'_, u8> {
        self.pixels.view()
    }

    /// The class of each image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// SHA-256 of the content, in lower-case hexadecimal: over height and width
    /// (four bytes each, big-endian), all pixels, then all labels.
    ///
    /// It does not depend on how the images were stored or named.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

fn content_sum(rows: usize, cols: usize, pixels: &Array2<u8>, labels: &[u8]) -> String {
    let shape = [(rows as u32).to_be_bytes(), (cols as u32).to_be_bytes()].concat();
    sha256_hex([&shape[..], pixels.as_slice().unwrap_or_default(), labels])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two(cols: usize) -> IdxImages {
        IdxImages { rows: 1, cols, pixels: Array2::zeros((2, cols)) }
    }

    #[test]
    fn a_shape_that_disagrees_with_the_pixels() {
        for rows in [2, usize::MAX] {
            let images = IdxImages { rows, ..two(3) };
            let error = Images::new("two", images, vec![1, 2]).unwrap_err();
            assert!(matches!(error, SourceError::ShapeMismatch { found: (1, 3), .. }));
        }
    }

    #[test]
    fn every_image_needs_a_label() {
        let error = Images::new("two", two(3), vec![1]).unwrap_err();
        assert!(matches!(error, SourceError::CountMismatch { points: 2, labels: 1, .. }));
    }

    #[test]
    fn pooling_preserves_order_and_needs_one_shape() {
        let first = Images::new("first", two(3), vec![1, 2]).unwrap();
        let second = Images::new("second", two(3), vec![3, 4]).unwrap();
        let other = Images::new("other", two(4), vec![3, 4]).unwrap();
        let pooled = first.clone().pooled_with(&second).unwrap();
        assert_eq!(pooled.labels(), [1, 2, 3, 4]);
        assert_eq!(pooled.name(), "first");
        assert_ne!(pooled.sha256(), first.sha256());
        assert!(matches!(
            first.pooled_with(&other),
            Err(SourceError::ShapeMismatch { expected: (1, 3), found: (1, 4), .. })
        ));
    }
}
