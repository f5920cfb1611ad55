//! One axis of a figure.

use super::scale::Scale;

/// One axis.
///
/// Set the ends with `Axis { range: Some((1.0, 100.0)), ..Axis::log(label) }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The quantity, and its unit if it has one.
    pub label: String,
    /// The map from values to lengths.
    pub scale: Scale,
    /// The ends of the axis. If `None` or unusable, the axis covers all the data
    /// and a margin.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// A logarithmic axis that adapts to the data.
    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log, range: None }
    }

    /// An axis of whole numbers that adapts to the data.
    pub fn count(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Count, range: None }
    }

    /// A linear axis that adapts to the data.
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None }
    }
}
