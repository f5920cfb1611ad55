//! What data are compared with.

/// A line to compare the data with.
#[derive(Clone, Debug, PartialEq)]
pub enum Guide {
    /// A dashed straight line on the axes as drawn: the power law `y ∝ x^p` on
    /// two logarithmic axes, a line of slope `p` on two linear ones.
    Slope {
        /// The exponent or slope `p`.
        slope: f64,
        /// A point (x, y) on the line, which need not be in `range`.
        through: (f64, f64),
        /// The part of the x-axis it covers.
        range: (f64, f64),
        /// What is written along it, such as `slope −1/2`.
        label: String,
    },
    /// A dotted line at one y.
    HorizontalLevel {
        /// Where.
        y: f64,
        /// What is written beside it.
        label: String,
    },
    /// A dotted line at one x.
    VerticalLevel {
        /// Where.
        x: f64,
        /// What is written beside it.
        label: String,
    },
}

impl Guide {
    /// What is written beside the line.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Slope { label, .. }
            | Self::HorizontalLevel { label, .. }
            | Self::VerticalLevel { label, .. } => label,
        }
    }
}
