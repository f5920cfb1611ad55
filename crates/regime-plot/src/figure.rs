//! The content of a figure, without coordinates.

mod axis;
mod guide;
mod heat_map;
mod scale;
mod series;

pub use axis::Axis;
pub use guide::Guide;
pub use heat_map::{Cell, HeatMap, borders};
pub use scale::Scale;
pub use series::{Interval, Series, Style};

use crate::colour::Color;

/// A figure with one pair of axes.
///
/// Name all fields in a literal, or begin with [`Figure::new`] and add parts:
/// every method takes the figure and returns it.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The name of the figure in files and in markup, such as `kernel-change`. Two
    /// figures on one page need different names.
    pub id: String,
    /// The title above the axes, in a few words.
    pub title: String,
    /// How the data were measured and what to notice. The caption ends the description
    /// for screen readers in the SVG; a page prints it below the figure.
    pub caption: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Coloured cells behind everything else, with a colour bar below the axes.
    pub map: Option<HeatMap>,
    /// The data, drawn in this order.
    pub series: Vec<Series>,
    /// Reference lines to compare the data with.
    pub guides: Vec<Guide>,
}

impl Figure {
    /// An empty figure with this name, on two linear axes without labels.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: String::new(),
            caption: String::new(),
            x: Axis::linear(""),
            y: Axis::linear(""),
            map: None,
            series: Vec::new(),
            guides: Vec::new(),
        }
    }

    /// Sets the title.
    #[must_use]
    pub fn title(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// Sets the caption.
    #[must_use]
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// Sets the horizontal axis.
    #[must_use]
    pub fn x(self, axis: Axis) -> Self {
        Self { x: axis, ..self }
    }

    /// Sets the vertical axis.
    #[must_use]
    pub fn y(self, axis: Axis) -> Self {
        Self { y: axis, ..self }
    }

    /// Sets the coloured cells.
    #[must_use]
    pub fn map(self, map: HeatMap) -> Self {
        Self { map: Some(map), ..self }
    }

    /// Adds points joined by a line, in the next colour.
    #[must_use]
    pub fn line(self, label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.styled(Style::Line, label, points)
    }

    /// Adds marked points, in the next colour.
    #[must_use]
    pub fn points(self, label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        self.styled(Style::Points, label, points)
    }

    /// Adds a series.
    #[must_use]
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Adds a line to compare the data with.
    #[must_use]
    pub fn guide(mut self, guide: Guide) -> Self {
        self.guides.push(guide);
        self
    }

    fn styled(self, style: Style, label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        let color = Color::Category(self.series.len());
        self.series(Series { style, color, ..Series::new(label, points) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_built_by_methods_equals_a_literal() {
        let level = Guide::HorizontalLevel { y: 0.5, label: "half".into() };
        let points = vec![(1.0, 2.0), (3.0, 4.0)];
        let built = Figure::new("id")
            .title("title")
            .caption("caption")
            .x(Axis::log("x"))
            .y(Axis::count("y"))
            .points("measured", points.clone())
            .line("fitted", points.clone())
            .guide(level.clone());
        let measured = Series { style: Style::Points, ..Series::new("measured", points.clone()) };
        let fitted = Series {
            style: Style::Line,
            color: Color::Category(1),
            ..Series::new("fitted", points)
        };
        let named = Figure {
            id: "id".into(),
            title: "title".into(),
            caption: "caption".into(),
            x: Axis::log("x"),
            y: Axis::count("y"),
            map: None,
            series: vec![measured, fitted],
            guides: vec![level],
        };
        assert_eq!(built, named);
    }
}
