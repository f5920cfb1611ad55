//! The layout of a figure.

use super::end_labels::EndLabels;
use super::look::{Look, looks};
use super::measures::{
    BAR_SPACE, EDGE, LABEL_LINE, LABEL_SIZE, PLOT_HEIGHT, SQUARE, TICK_LENGTH, TICK_SIZE,
    TITLE_LINE, TITLE_SIZE, TO_X_LABEL, WIDTH,
};
use super::projection::{Frame, Projection};
use super::text;
use super::ticks::{Ticks, ticks};
use crate::figure::{Axis, Cell, Figure, Guide, Interval};

/// The measures of one figure.
pub(super) struct Layout {
    pub(super) frame: Frame,
    pub(super) x_ticks: Ticks,
    pub(super) y_ticks: Ticks,
    pub(super) title: Vec<String>,
    pub(super) x_label: Vec<String>,
    pub(super) y_label: Vec<String>,
    pub(super) looks: Vec<Look>,
    pub(super) end_labels: EndLabels,
    /// The upper edge of the bar of a heat map.
    pub(super) bar_top: Option<f64>,
    pub(super) height: f64,
}

impl Layout {
    /// Measures the texts and gives the remaining space to the axes.
    pub(super) fn new(figure: &Figure) -> Self {
        let space = WIDTH - 2.0 * EDGE;
        // The title is bold, but measured in the narrower regular font.
        let title = text::wrap(&figure.title, TITLE_SIZE, 0.88 * space);
        let x_label = text::wrap(&figure.x.label, LABEL_SIZE, 0.75 * space);
        let y_label = text::wrap(&figure.y.label, LABEL_SIZE, space);
        let looks = looks(&figure.series);
        let end_labels = EndLabels::new(&figure.series, &looks);

        let head = TITLE_LINE * title.len() as f64 + LABEL_LINE * y_label.len() as f64;
        let top = EDGE + head + 14.0;
        let square = figure.map.as_ref().is_some_and(|map| map.square);
        let bottom = top + if square { SQUARE } else { PLOT_HEIGHT };
        let y = Projection::new(&figure.y, y_values(figure), bottom, top);
        let y_ticks = axis_ticks(&figure.y, &y, 7);

        let tick_widths = y_ticks.major.iter().map(|tick| text::width(&tick.label, TICK_SIZE));
        let left = EDGE + tick_widths.fold(0.0, f64::max) + TICK_LENGTH + 5.0;
        let right = WIDTH - EDGE - end_labels.width().max(20.0);
        let right = if square { right.min(left + SQUARE) } else { right };
        let x = Projection::new(&figure.x, x_values(figure), left, right);
        let x_ticks = axis_ticks(&figure.x, &x, 8);

        let foot = bottom + TO_X_LABEL + LABEL_LINE * x_label.len() as f64;
        let bar_top = figure.map.as_ref().map(|_| foot + 22.0);
        let bar_space = bar_top.map_or(0.0, |_| BAR_SPACE);
        let height = (foot + bar_space + EDGE).ceil();
        let frame = Frame { x, y };
        Self {
            frame,
            x_ticks,
            y_ticks,
            title,
            x_label,
            y_label,
            looks,
            end_labels,
            bar_top,
            height,
        }
    }
}

fn axis_ticks(axis: &Axis, projection: &Projection, target: usize) -> Ticks {
    ticks(axis.scale, projection.low, projection.high, target)
}

/// The values that the x-axis has to cover.
fn x_values(figure: &Figure) -> impl Iterator<Item = f64> {
    let levels = figure.guides.iter().filter_map(|guide| match guide {
        Guide::VerticalLevel { x, .. } => Some(*x),
        _ => None,
    });
    let points = shown_points(figure).map(|(x, _)| x);
    let cells = cells(figure).flat_map(|cell| [cell.x.0, cell.x.1]);
    let missing = figure.series.iter().flat_map(|series| series.missing.iter().copied());
    let intervals = intervals(figure).map(|interval| interval.x);
    points.chain(intervals).chain(missing).chain(levels).chain(cells)
}

/// The values that the y-axis has to cover.
fn y_values(figure: &Figure) -> impl Iterator<Item = f64> {
    let levels = figure.guides.iter().filter_map(|guide| match guide {
        Guide::HorizontalLevel { y, .. } => Some(*y),
        _ => None,
    });
    let points = shown_points(figure).map(|(_, y)| y);
    let ends = intervals(figure).flat_map(|interval| [interval.low, interval.high]);
    let cells = cells(figure).flat_map(|cell| [cell.y.0, cell.y.1]);
    points.chain(ends).chain(levels).chain(cells)
}

fn cells(figure: &Figure) -> impl Iterator<Item = &Cell> {
    figure.map.iter().flat_map(|map| &map.cells)
}

/// The points whose two coordinates can both be shown. Other points must not extend an
/// axis.
fn shown_points(figure: &Figure) -> impl Iterator<Item = (f64, f64)> {
    let holds = |axis: &Axis, value| axis.scale.coordinate(value).is_some();
    let points = figure.series.iter().flat_map(|series| series.points.iter().copied());
    points.filter(move |&(x, y)| holds(&figure.x, x) && holds(&figure.y, y))
}

/// The intervals at an x that can be shown.
fn intervals(figure: &Figure) -> impl Iterator<Item = &Interval> {
    let all = figure.series.iter().flat_map(|series| series.band.iter().chain(&series.error_bars));
    all.filter(|interval| figure.x.scale.coordinate(interval.x).is_some())
}
