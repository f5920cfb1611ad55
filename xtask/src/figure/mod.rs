//! Figures as values: say what a figure shows, get an SVG or a PNG.
//!
//! A [`Figure`] is a description without coordinates: axes, series, guides.
//! [`to_svg`] draws it, and [`to_png`] makes the same drawing into pixels.
//! Nothing here panics on data: what cannot be shown (NaN, or a value that is
//! not positive on a logarithmic axis) is left out and leaves a gap.
//!
//! What the drawings have in common:
//! - Series are labelled where they end, not in a legend box, and are told
//!   apart by marker or dash as well as by colour, for print in black and
//!   white.
//! - Colours come in pairs for white and for dark paper. The attributes of the
//!   SVG hold those for white, so that every viewer shows a right figure; a
//!   style sheet puts the dark ones in their place where the reader wants that.
//!
//! Start reading at [`Figure`]; then [`to_svg`], which does everything in order.

mod axis;
mod canvas;
mod colour;
mod contour;
mod draw;
mod end_labels;
mod guides;
mod heat_map;
mod labels;
mod layout;
mod markup;
pub(crate) mod number;
mod placement;
mod png;
mod series;
mod text;
mod ticks;

pub(crate) use colour::{Color, Theme, position};
pub(crate) use contour::{Surface, contour};
pub(crate) use draw::to_svg;
pub(crate) use heat_map::borders;
pub(crate) use markup::escape;
pub(crate) use png::to_png;

/// A figure with one pair of axes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    /// Names the figure in files and in markup, such as `kernel-change`. Two
    /// figures on one page need different names.
    pub(crate) id: String,
    /// What is seen, in a few words; stands above the axes.
    pub(crate) title: String,
    /// How it was measured, what to look at. Becomes the description that
    /// screen readers find in the SVG; a page prints it below the figure.
    pub(crate) caption: String,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// The vertical axis.
    pub(crate) y: Axis,
    /// Coloured cells behind all else, with a bar below the axes.
    pub(crate) map: Option<HeatMap>,
    /// The data, drawn in this order.
    pub(crate) series: Vec<Series>,
    /// What the data are compared with.
    pub(crate) guides: Vec<Guide>,
}

/// Cells coloured by a quantity, on a ramp over the range of its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeatMap {
    /// The quantity, and its unit if it has one.
    pub(crate) label: String,
    /// How values become colours; what cannot be shown leaves its cell blank.
    pub(crate) scale: Scale,
    /// Whether both axes have the same length.
    pub(crate) square: bool,
    /// In any order; cells need not touch.
    pub(crate) cells: Vec<Cell>,
}

/// A rectangle and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    /// From left to right.
    pub(crate) x: (f64, f64),
    /// From bottom to top.
    pub(crate) y: (f64, f64),
    /// What its colour stands for.
    pub(crate) value: f64,
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    /// The quantity, and its unit if it has one.
    pub(crate) label: String,
    /// How values become lengths.
    pub(crate) scale: Scale,
    /// The ends of the axis. Without it, or where it is unusable, the axis
    /// holds all the data and a margin.
    pub(crate) range: Option<(f64, f64)>,
}

impl Axis {
    /// A logarithmic axis that adapts to the data.
    pub(crate) fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log, range: None }
    }

    /// An axis of whole numbers that adapts to the data.
    pub(crate) fn count(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Count, range: None }
    }

    /// A linear axis that adapts to the data.
    pub(crate) fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None }
    }
}

/// How an axis turns values into lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Equal differences are equal lengths.
    Linear,
    /// The same, but nothing between whole numbers has a meaning or a tick.
    Count,
    /// Equal ratios are equal lengths; only positive values can be shown.
    Log,
}

/// Points that belong together.
///
/// `Series::new(label, points)` gives the defaults; set the rest with
/// `Series { style: Style::Line, ..Series::new(label, points) }`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// Stands beside the end of the series; empty for none.
    pub(crate) label: String,
    /// The points (x, y), in the order in which they are joined.
    pub(crate) points: Vec<(f64, f64)>,
    /// A shaded band of uncertainty, in increasing or decreasing x.
    pub(crate) band: Vec<Interval>,
    /// Error bars.
    pub(crate) error_bars: Vec<Interval>,
    /// Whether the points are marked, joined, or both.
    pub(crate) style: Style,
    /// Where the colour comes from.
    pub(crate) color: Color,
}

impl Series {
    /// Marked and joined points in the first colour, without uncertainty.
    pub(crate) fn new(label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            label: label.into(),
            points,
            band: Vec::new(),
            error_bars: Vec::new(),
            style: Style::LinePoints,
            color: Color::Category(0),
        }
    }
}

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Joined by a line; the dashes tell series apart.
    Line,
    /// Marked; the markers tell series apart.
    Points,
    /// Joined by a solid line and marked.
    LinePoints,
}

/// An interval of y at one x. On a logarithmic axis an interval that reaches
/// down to 0 or below is drawn to the lower end of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// Where.
    pub(crate) x: f64,
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

/// A line to compare the data with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Guide {
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
