//! The scale of an axis.

/// The map from values to lengths on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equal lengths.
    Linear,
    /// As `Linear`, for whole numbers: there are no ticks between them.
    Count,
    /// Equal ratios are equal lengths; only positive values can be shown.
    Log,
}

impl Scale {
    /// The coordinate of a value: its decimal logarithm on a logarithmic axis,
    /// the value itself on a linear axis. `None` if the axis cannot show it.
    pub(crate) fn coordinate(self, value: f64) -> Option<f64> {
        match self {
            Self::Linear | Self::Count => value.is_finite().then_some(value),
            Self::Log => (value.is_finite() && value > 0.0).then(|| value.log10()),
        }
    }

    /// The value at a coordinate, the inverse of [`Self::coordinate`].
    pub(crate) fn value(self, coordinate: f64) -> f64 {
        match self {
            Self::Linear | Self::Count => coordinate,
            Self::Log => 10f64.powf(coordinate),
        }
    }
}
