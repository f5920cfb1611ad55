//! What can be wrong with a data spec, or with the data it asks for.

use crate::pca::PcaError;
use crate::source_error::SourceError;

/// Why no [`Dataset`](crate::Dataset) can be made from a spec.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The source has no data to give.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A field of the spec has a value that cannot work.
    #[error("`{field}` = {value}: should be {want}")]
    Field {
        /// The field, with its path in the spec.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        want: String,
    },
    /// The task names a class that does not occur.
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
    /// The points do not suffice.
    #[error(
        "`n_train` + `n_test` + `n_kernel` = {wanted}: {name} has only {available} points for this \
         task{}", because(.smallest)
    )]
    TooFewPoints {
        /// The sum of the three.
        wanted: usize,
        /// The source.
        name: String,
        /// How many points there are.
        available: usize,
        /// When balanced: number of classes, the smallest of them, its size.
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
    /// No principal components.
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
