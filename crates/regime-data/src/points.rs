//! Points with classes.

use ndarray::{Array2, ArrayView2};

use crate::checksum::sha256_hex;
use crate::source_error::SourceError;

/// The largest coordinate: its square, and sums of many such squares, are finite.
const LARGEST: f64 = 1e100;

/// Points with their classes, before task, order and scale are chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    name: String,
    x: Array2<f64>,
    classes: Vec<u8>,
    sha256: String,
}

impl Points {
    /// Joins points with their classes; `name` names the set in errors and in provenance.
    ///
    /// # Shapes
    /// `x`: `n × d`, one point per row; `classes`: `n`.
    ///
    /// # Errors
    /// [`SourceError::CountMismatch`] if the numbers of classes and points differ,
    /// [`SourceError::NoCoordinates`] if `d` is 0, [`SourceError::Coordinate`] for a
    /// coordinate that is not finite or exceeds 10¹⁰⁰ in size.
    pub fn new(
        name: impl Into<String>,
        x: Array2<f64>,
        classes: Vec<u8>,
    ) -> Result<Self, SourceError> {
        let name = name.into();
        if x.nrows() != classes.len() {
            let (points, labels) = (x.nrows(), classes.len());
            return Err(SourceError::CountMismatch { name, points, labels });
        }
        if x.ncols() == 0 {
            return Err(SourceError::NoCoordinates { name });
        }
        let beyond = |&(_, &value): &(_, &f64)| !(value.abs() <= LARGEST);
        if let Some(((point, _), &value)) = x.indexed_iter().find(beyond) {
            return Err(SourceError::Coordinate { name, point, value });
        }
        let sha256 = content_sum(x.view(), &classes);
        Ok(Self { name, x, classes, sha256 })
    }

    /// The name of the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One point per row.
    pub fn x(&self) -> ArrayView2<'_, f64> {
        self.x.view()
    }

    /// The class of each point.
    pub fn classes(&self) -> &[u8] {
        &self.classes
    }

    /// SHA-256 of the content, in lower-case hexadecimal: over all coordinates (eight
    /// bytes each, little-endian), then all classes.
    ///
    /// It does not depend on how the points were stored or named.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

/// See [`Points::sha256`].
pub(crate) fn content_sum(x: ArrayView2<'_, f64>, classes: &[u8]) -> String {
    let rows = x.rows().into_iter();
    let bytes = rows.map(|row| row.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    sha256_hex(bytes.chain([classes.to_vec()]))
}
