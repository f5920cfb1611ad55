//! Data as points, with their uncertainty.

use crate::colour::Color;

/// Points that belong to one curve.
///
/// `Series::new(label, points)` gives the defaults; set the rest with
/// `Series { style: Style::Line, ..Series::new(label, points) }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The label next to the end of the series; empty for no label.
    pub label: String,
    /// The points (x, y), in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// A shaded band of uncertainty, in increasing or decreasing x. An interval
    /// without a neighbour is drawn as an error bar, because its band would have no
    /// width.
    pub band: Vec<Interval>,
    /// Error bars.
    pub error_bars: Vec<Interval>,
    /// The x at which data were requested but do not exist. Each is marked by a
    /// cross in the colour of the series, just above the x-axis.
    pub missing: Vec<f64>,
    /// Whether the points are marked, joined, or both.
    pub style: Style,
    /// The source of the colour.
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
    /// A line through the points; series differ in their dashes.
    Line,
    /// Markers; series differ in their markers.
    Points,
    /// A solid line and markers.
    LinePoints,
}

/// An interval of y at one x. On a logarithmic axis an interval that reaches
/// down to 0 or below is drawn to the lower end of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The x of the interval.
    pub x: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}
