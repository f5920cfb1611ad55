//! Series: lines and markers.

use super::hover::Titles;
use super::intervals;
use super::look::{Look, MARKERS};
use super::placement::sample;
use super::projection::Frame;
use crate::drawing::{Drawing, Part, Pen, Pixel, Role};
use crate::figure::{Series, Style};

/// Half the size of a marker in pixels.
const MARKER: f64 = 3.7;

/// Draws a strip in the colour of the paper under the line of a series.
pub(super) fn draw_halo(drawing: &mut Drawing, frame: &Frame, series: &Series) {
    if series.style == Style::Points {
        return;
    }
    let pen = Pen {
        round_joins: true,
        stroke_opacity: 0.8,
        clipped: true,
        ..Pen::line(Role::Surface, 5.0)
    };
    draw_runs(drawing, pen, &runs(frame, &series.points));
}

/// Draws the line and the markers of a series.
pub(super) fn draw(
    drawing: &mut Drawing,
    frame: &Frame,
    look: Look,
    series: &Series,
    titles: &Titles<'_>,
) {
    if series.style != Style::Points {
        let pen = Pen { clipped: true, ..line_pen(look) };
        draw_runs(drawing, pen, &runs(frame, &series.points));
    }
    let marked = seen(frame, series).filter(|seen| seen.marked);
    let markers = marked.map(|Seen { index, pixel, .. }| (pixel, titles.point(index)));
    draw_markers(drawing, look, markers.collect());
}

/// Adds hover titles to the points of a line without markers, on invisible circles.
/// The circles lie below the ink of the other series.
pub(super) fn draw_targets(
    drawing: &mut Drawing,
    frame: &Frame,
    series: &Series,
    titles: &Titles<'_>,
) {
    /// Above this number, the points are too close to point at one of them.
    const MAX_POINTS: usize = 60;
    let unmarked: Vec<Seen> = seen(frame, series).filter(|seen| !seen.marked).collect();
    if unmarked.is_empty() || series.points.len() > MAX_POINTS {
        return;
    }
    let group = drawing.group(Pen::BLANK);
    for Seen { index, pixel, .. } in unmarked {
        let target = Part::Circle(pixel, 1.8 * MARKER);
        group.hover(Vec::new(), titles.point(index), Some(target));
    }
}

/// Draws the sample of a series next to its label: a piece of its line, 22 pixels
/// long, and its marker.
pub(super) fn draw_sample(drawing: &mut Drawing, look: Look, (x, y): Pixel) {
    if look.style != Style::Points {
        drawing.group(line_pen(look)).line((x, y), (x + 22.0, y));
    }
    if look.style != Style::Line {
        draw_markers(drawing, look, vec![((x + 11.0, y), None)]);
    }
}

/// The pixels of the ink of a series, which labels avoid.
pub(super) fn ink(frame: &Frame, series: &Series) -> Vec<Pixel> {
    let mut ink: Vec<Pixel> = runs(frame, &series.points).concat();
    if series.style != Style::Points {
        for run in runs(frame, &series.points) {
            ink.extend(run.windows(2).flat_map(|ends| sample(ends[0], ends[1])));
        }
    }
    ink.extend(intervals::ink(frame, series));
    ink.retain(|&pixel| frame.holds(pixel));
    ink
}

/// A point between the axes.
struct Seen {
    index: usize,
    pixel: Pixel,
    /// Whether the point has a marker. In a series without markers, a point without
    /// neighbours has one, because no line would show it.
    marked: bool,
}

fn seen(frame: &Frame, series: &Series) -> impl Iterator<Item = Seen> {
    let pixel = |index: usize| frame.pixel(*series.points.get(index)?);
    (0..series.points.len()).filter_map(move |index| {
        let here = pixel(index).filter(|&here| frame.holds(here))?;
        let alone = (index == 0 || pixel(index - 1).is_none()) && pixel(index + 1).is_none();
        Some(Seen { index, pixel: here, marked: alone || series.style != Style::Line })
    })
}

/// The points that can be shown, as runs without a gap.
fn runs(frame: &Frame, points: &[(f64, f64)]) -> Vec<Vec<Pixel>> {
    points
        .split(|&point| frame.pixel(point).is_none())
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().filter_map(|&point| frame.pixel(point)).collect())
        .collect()
}

fn line_pen(Look { color, dashes, .. }: Look) -> Pen {
    Pen { round_joins: true, dashes: Some(dashes), ..Pen::line(color, 1.9) }
}

/// Draws a line through each run of two points or more.
fn draw_runs(drawing: &mut Drawing, pen: Pen, runs: &[Vec<Pixel>]) {
    let group = drawing.group(pen);
    for run in runs.iter().filter(|run| run.len() > 1) {
        group.path(vec![Part::Line(run.clone())]);
    }
}

/// Draws markers with a fine edge in the colour of the paper, which separates markers
/// that overlap.
fn draw_markers(drawing: &mut Drawing, look: Look, markers: Vec<(Pixel, Option<String>)>) {
    if markers.is_empty() {
        return;
    }
    let hollow = look.marker % MARKERS == MARKERS - 1;
    let (fill, stroke, width) =
        if hollow { (Role::Surface, look.color, 1.7) } else { (look.color, Role::Surface, 0.8) };
    let group = drawing.group(Pen { fill: Some(fill), ..Pen::line(stroke, width) });
    for (pixel, title) in markers {
        group.hover(vec![marker(look.marker, pixel)], title, None);
    }
}

/// The outline of a marker. All markers have about equal areas.
fn marker(index: usize, (x, y): Pixel) -> Part {
    let polygon = |corners: &[Pixel]| {
        Part::Polygon(corners.iter().map(|(dx, dy)| (x + dx * MARKER, y + dy * MARKER)).collect())
    };
    match index % MARKERS {
        1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => polygon(&[(0.0, -1.3), (1.2, 0.85), (-1.2, 0.85)]),
        3 => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        4 => polygon(&[(0.0, 1.3), (1.2, -0.85), (-1.2, -0.85)]),
        _ => Part::Circle((x, y), MARKER),
    }
}

#[cfg(test)]
mod tests {
    use super::super::projection::two_decades;
    use super::*;

    #[test]
    fn missing_points_leave_gaps() {
        let points = [(1.0, 1.0), (10.0, f64::NAN), (10.0, 10.0), (100.0, 1.0), (0.0, 1.0)];
        assert_eq!(
            runs(&two_decades(), &points),
            [vec![(0.0, 200.0)], vec![(100.0, 100.0), (200.0, 200.0)]]
        );
        assert!(runs(&two_decades(), &[]).is_empty());
    }
}
