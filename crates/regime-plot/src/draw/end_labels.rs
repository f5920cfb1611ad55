//! The labels of the series: a column to the right of the axes, with each label as
//! close as possible to the end of its series.

use super::intervals;
use super::look::Look;
use super::measures::MIDDLE;
use super::missing::Crosses;
use super::projection::Frame;
use super::series::draw_sample;
use super::spread::spread;
use super::text;
use crate::drawing::{Anchor, Drawing, Pen, Pixel, Role};
use crate::figure::Series;

const SIZE: f64 = 13.0;
const LINE_HEIGHT: f64 = 17.0;
/// The vertical distance between labels.
const GAP: f64 = 3.0;
/// The largest width of a label; longer labels are broken into lines.
const WIDEST: f64 = 170.0;
/// The distance from the axes to the sample.
const TO_SAMPLE: f64 = 22.0;
/// The distance from the axes to the text.
const TO_TEXT: f64 = TO_SAMPLE + 29.0;
/// The dashes of the line from a series to its label.
const LEADER: &[f64] = &[1.0, 2.5];

/// The labels of the series that have one.
pub(super) struct EndLabels {
    labels: Vec<Label>,
}

struct Label {
    /// The index of the series.
    series: usize,
    look: Look,
    lines: Vec<String>,
}

impl EndLabels {
    /// Breaks the labels into lines. `looks` has one element per series.
    pub(super) fn new(series: &[Series], looks: &[Look]) -> Self {
        let labels = series.iter().zip(looks).enumerate().map(|(index, (series, &look))| Label {
            series: index,
            look,
            lines: text::wrap(&series.label, SIZE, WIDEST),
        });
        Self { labels: labels.filter(|label| !label.lines.is_empty()).collect() }
    }

    /// The width of the column, from the axes to its right edge; 0 without
    /// labels.
    pub(super) fn width(&self) -> f64 {
        let lines = self.labels.iter().flat_map(|label| &label.lines);
        lines.map(|line| TO_TEXT + text::width(line, SIZE)).fold(0.0, f64::max)
    }

    /// Draws each label with a sample of its series and a fine line from the end of
    /// the series to the label. Series without visible data have no label.
    pub(super) fn draw(
        &self,
        drawing: &mut Drawing,
        frame: &Frame,
        series: &[Series],
        crosses: &Crosses,
    ) {
        let end =
            |label: &Label| end(frame, &series[label.series]).or_else(|| crosses.end(label.series));
        let mut shown: Vec<(Pixel, &Label)> =
            self.labels.iter().filter_map(|label| Some((end(label)?, label))).collect();
        // The sort is stable: series that end at the same height keep their order.
        shown.sort_by(|((_, one), _), ((_, other), _)| one.total_cmp(other));

        let targets: Vec<f64> = shown.iter().map(|((_, y), _)| *y).collect();
        let heights: Vec<f64> =
            shown.iter().map(|(_, label)| label.lines.len() as f64 * LINE_HEIGHT + GAP).collect();
        let centres = spread(&targets, &heights, frame.y.end - 8.0, frame.y.start + 8.0);
        for ((end, label), centre) in shown.into_iter().zip(centres) {
            draw_label(drawing, frame.x.end, end, centre, label);
        }
    }
}

fn draw_label(drawing: &mut Drawing, right: f64, end: Pixel, centre: f64, label: &Label) {
    let sample = right + TO_SAMPLE;
    let leader =
        Pen { stroke_opacity: 0.55, dashes: Some(LEADER), ..Pen::line(label.look.color, 1.0) };
    drawing.group(leader).line((end.0 + 6.0, end.1), (sample - 3.0, centre));
    draw_sample(drawing, label.look, (sample, centre));

    let group = drawing.group(Pen::text(Role::Ink, SIZE));
    let first = centre - (label.lines.len() - 1) as f64 * LINE_HEIGHT / 2.0 + MIDDLE * SIZE;
    for (index, line) in label.lines.iter().enumerate() {
        group.text((right + TO_TEXT, first + index as f64 * LINE_HEIGHT), Anchor::Start, line);
    }
}

/// The end of a series: its rightmost visible point, or else its rightmost visible
/// interval. `None` if no data of the series are visible.
pub(super) fn end(frame: &Frame, series: &Series) -> Option<Pixel> {
    let points = series.points.iter().filter_map(|&point| frame.pixel(point));
    let seen = points.filter(|&pixel| frame.holds(pixel));
    let last = seen.max_by(|(one, _), (other, _)| one.total_cmp(other));
    last.or_else(|| intervals::end(frame, series))
}
