//! Data as points, with their uncertainty.

use crate::colour::Color;

/// Points that belong to one curve.
///
/// `Series::new(label, points)` gives the defaults; set the rest with
/// `Series { style: Style::Line, ..Series::new(label, points) }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Stands beside the end of the series; empty for none.
    pub label: String,
    /// The points (x, y), in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// A shaded band of uncertainty, in increasing or decreasing x. An interval
    /// without a neighbour, of which a band would have no width, is drawn as an
    /// error bar.
    pub band: Vec<Interval>,
    /// Error bars.
    pub error_bars: Vec<Interval>,
    /// Where along the x-axis data were asked for and none exist. Each is marked
    /// by a cross in the colour of the series, just above the axis.
    pub missing: Vec<f64>,
    /// Whether the points are marked, joined, or both.
    pub style: Style,
    /// Where the colour comes from.
    pub color: Color,
}

impl Series {
    /// Marked and joined points in the first colour, without uncertainty.
    pub fn new(label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            label: label.into(),
            points,
            band: Vec::new(),
            error_bars: Vec::new(),
            missing: Vec::new(),
            style: Style::LinePoints,
            color: Color::Category(0),
        }
    }
}

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Joined by a line; series differ in their dashes.
    Line,
    /// Marked; series differ in their markers.
    Points,
    /// Joined by a solid line and marked.
    LinePoints,
}

/// An interval of y at one x. On a logarithmic axis an interval that reaches
/// down to 0 or below is drawn to the lower end of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Where.
    pub x: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}
