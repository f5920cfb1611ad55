//! Errors of a data spec, and of the data that it describes.

use crate::pca::PcaError;
use crate::source_error::SourceError;

/// An error from preparing a [`Dataset`](crate::Dataset).
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The source cannot be loaded.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A field of the spec has an invalid value.
    #[error("`{field}` = {value}: should be {want}")]
    Field {
        /// The field, with its path in the spec.
        field: &'static str,
        /// Its value.
        value: String,
        /// The values that are allowed.
        want: String,
    },
    /// The task names a class that does not occur in the data.
    #[error("`{field}` = {class}: no point has this class; the data has {present:?}")]
    UnknownClass {
        /// The field that names it.
        field: &'static str,
        /// The class.
        class: u8,
        /// The classes that do occur.
        present: Vec<u8>,
    },
    /// All points would have the same label.
    #[error("`task`: no point gets the label {missing:+}; the data has the classes {present:?}")]
    OneLabel {
        /// The label that no point gets.
        missing: f64,
        /// The classes that occur.
        present: Vec<u8>,
    },
    /// There are too few points.
    #[error(
        "`n_train` · `training_set.of` + `n_test` + `n_kernel` = {wanted}: {name} has only \
         {available} points for this task{}", because(.smallest)
    )]
    TooFewPoints {
        /// The number of points requested, with all training sets.
        wanted: usize,
        /// The source.
        name: String,
        /// The number of points available.
        available: usize,
        /// With `balance`: the number of classes, the smallest class, and its size.
        smallest: Option<(usize, u8, usize)>,
    },
    /// A point cannot be put on a sphere.
    #[error(
        "`inputs.sphere` = true: point {index} of {name} is zero after centring and has no direction"
    )]
    NoDirection {
        /// The source.
        name: String,
        /// Position of the point in the source.
        index: usize,
    },
    /// The principal components cannot be fitted.
    #[error("`inputs.pca`: {0}")]
    Pca(#[from] PcaError),
}

impl DataError {
    pub(crate) fn field(
        field: &'static str,
        value: impl ToString,
        want: impl Into<String>,
    ) -> Self {
        Self::Field { field, value: value.to_string(), want: want.into() }
    }
}

fn because(smallest: &Option<(usize, u8, usize)>) -> String {
    match smallest {
        Some((classes, class, size)) => {
            format!(" (`balance` = true: {classes} times the {size} of class {class})")
        }
        None => String::new(),
    }
}
