//! Reference lines.

/// A line to compare the data with.
#[derive(Clone, Debug, PartialEq)]
pub enum Guide {
    /// A dashed straight line on the axes as drawn: the power law `y ∝ x^p` on
    /// two logarithmic axes, a line of slope `p` on two linear ones.
    Slope {
        /// The exponent or slope `p`.
        slope: f64,
        /// A point (x, y) on the line, not necessarily in `range`.
        through: (f64, f64),
        /// The range of x that the line covers.
        range: (f64, f64),
        /// The text along the line, such as `slope −1/2`.
        label: String,
    },
    /// A dotted line at one y.
    HorizontalLevel {
        /// The y of the line.
        y: f64,
        /// The text next to the line.
        label: String,
    },
    /// A dotted line at one x.
    VerticalLevel {
        /// The x of the line.
        x: f64,
        /// The text next to the line.
        label: String,
    },
}

impl Guide {
    /// The text next to the line.
    pub(crate) fn label(&self) -> &str {
        match self {
            Self::Slope { label, .. }
            | Self::HorizontalLevel { label, .. }
            | Self::VerticalLevel { label, .. } => label,
        }
    }
}
