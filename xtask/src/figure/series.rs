//! Series: bands, lines, markers, error bars.

use super::axis::Frame;
use super::canvas::{Canvas, Pixel, Role, polyline};
use super::placement::sample;
use super::{Interval, Series, Style};

/// Half the size of a marker in pixels.
const MARKER: f64 = 3.7;

/// How many markers there are; the last is a hollow circle.
const MARKERS: usize = 6;

/// The dashes of the series that have no markers; the first is solid.
/// Guides have dashes of their own.
const DASHES: [&str; 5] = ["none", "9 3", "2 3", "9 3 2 3", "14 4"];

/// What tells a series apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) color: Role,
    style: Style,
    marker: usize,
    dashes: &'static str,
}

/// The looks of the series. Series with markers take the markers in turn, those
/// without take the dashes, so that one fit among measurements is a solid line.
pub(super) fn looks(series: &[Series]) -> Vec<Look> {
    let (mut marked, mut unmarked) = (0, 0);
    let mut next = |style| match style {
        Style::Points | Style::LinePoints => {
            marked += 1;
            (marked - 1, DASHES[0])
        }
        Style::Line => {
            unmarked += 1;
            (0, DASHES[(unmarked - 1) % DASHES.len()])
        }
    };
    let looks = series.iter().enumerate().map(|(index, series)| {
        let (marker, dashes) = next(series.style);
        Look { color: Role::Series(index), style: series.style, marker, dashes }
    });
    looks.collect()
}

/// Draws the band of a series.
pub(super) fn draw_band(canvas: &mut Canvas, frame: &Frame, look: Look, series: &Series) {
    let outlines = band_outlines(frame, &series.band);
    if outlines.is_empty() {
        return;
    }
    let attributes = format!("fill-opacity=\"0.17\" {}", canvas.clipped());
    canvas.open(Some(look.color), None, &attributes);
    for outline in outlines {
        canvas.path(&format!("{}Z", polyline(&outline)));
    }
    canvas.close();
}

/// Draws the error bars of a series.
pub(super) fn draw_error_bars(canvas: &mut Canvas, frame: &Frame, look: Look, series: &Series) {
    if series.error_bars.is_empty() {
        return;
    }
    let attributes = format!("stroke-width=\"1.3\" {}", canvas.clipped());
    canvas.open(None, Some(look.color), &attributes);
    for commands in series.error_bars.iter().filter_map(|bar| error_bar(frame, bar)) {
        canvas.path(&commands);
    }
    canvas.close();
}

/// Draws a strip of paper under the line of a series.
pub(super) fn draw_halo(canvas: &mut Canvas, frame: &Frame, series: &Series) {
    if series.style == Style::Points {
        return;
    }
    let attributes = format!(
        "stroke-width=\"5\" stroke-linejoin=\"round\" stroke-opacity=\"0.8\" {}",
        canvas.clipped()
    );
    canvas.open(None, Some(Role::Surface), &attributes);
    for run in runs(frame, &series.points).iter().filter(|run| run.len() > 1) {
        canvas.path(&polyline(run));
    }
    canvas.close();
}

/// Draws the line and the markers of a series.
pub(super) fn draw(canvas: &mut Canvas, frame: &Frame, look: Look, series: &Series) {
    let runs = runs(frame, &series.points);
    if series.style != Style::Points {
        let attributes = format!("{} {}", line_attributes(look), canvas.clipped());
        canvas.open(None, Some(look.color), &attributes);
        for run in runs.iter().filter(|run| run.len() > 1) {
            canvas.path(&polyline(run));
        }
        canvas.close();
    }

    // A point without neighbours would be lost in a series of lines only.
    let marked = runs.iter().filter(|run| series.style != Style::Line || run.len() == 1).flatten();
    let visible: Vec<Pixel> = marked.copied().filter(|&pixel| frame.holds(pixel)).collect();
    draw_markers(canvas, look, &visible);
}

/// Draws what identifies a series beside its label: a piece of its line, 22
/// pixels long, and its marker.
pub(super) fn draw_sample(canvas: &mut Canvas, look: Look, (x, y): Pixel) {
    if look.style != Style::Points {
        canvas.open(None, Some(look.color), &line_attributes(look));
        canvas.line((x, y), (x + 22.0, y));
        canvas.close();
    }
    if look.style != Style::Line {
        draw_markers(canvas, look, &[(x + 11.0, y)]);
    }
}

/// Where the ink of a series is, for labels to avoid.
pub(super) fn ink(frame: &Frame, series: &Series) -> Vec<Pixel> {
    let mut ink: Vec<Pixel> = runs(frame, &series.points).concat();
    if series.style != Style::Points {
        for run in runs(frame, &series.points) {
            ink.extend(run.windows(2).flat_map(|ends| sample(ends[0], ends[1])));
        }
    }
    for bar in &series.error_bars {
        if let (Some(x), Some(low), Some(high)) =
            (frame.x.pixel(bar.x), frame.y.pixel_or_edge(bar.low), frame.y.pixel_or_edge(bar.high))
        {
            ink.extend(sample((x, low), (x, high)));
        }
    }
    ink.retain(|&pixel| frame.holds(pixel));
    ink
}

/// The points that can be shown, in runs without a gap.
fn runs(frame: &Frame, points: &[(f64, f64)]) -> Vec<Vec<Pixel>> {
    points
        .split(|&point| frame.pixel(point).is_none())
        .filter(|run| !run.is_empty())
        .map(|run| run.iter().filter_map(|&point| frame.pixel(point)).collect())
        .collect()
}

/// One closed outline for each run of intervals without a gap.
fn band_outlines(frame: &Frame, band: &[Interval]) -> Vec<Vec<Pixel>> {
    let edges = |interval: &Interval| {
        let x = frame.x.pixel(interval.x)?;
        Some((
            (x, frame.y.pixel_or_edge(interval.low)?),
            (x, frame.y.pixel_or_edge(interval.high)?),
        ))
    };
    band.split(|interval| edges(interval).is_none())
        .filter(|run| run.len() > 1)
        .map(|run| {
            let (low, high): (Vec<Pixel>, Vec<Pixel>) = run.iter().filter_map(edges).unzip();
            low.into_iter().chain(high.into_iter().rev()).collect()
        })
        .collect()
}

fn error_bar(frame: &Frame, bar: &Interval) -> Option<String> {
    const CAP: f64 = 3.5;
    let x = frame.x.pixel(bar.x)?;
    let (low, high) = (frame.y.pixel_or_edge(bar.low)?, frame.y.pixel_or_edge(bar.high)?);
    let cap = |y| polyline(&[(x - CAP, y), (x + CAP, y)]);
    Some(format!("{}{}{}", polyline(&[(x, low), (x, high)]), cap(low), cap(high)))
}

fn line_attributes(Look { dashes, .. }: Look) -> String {
    format!("stroke-width=\"1.9\" stroke-linejoin=\"round\" stroke-dasharray=\"{dashes}\"")
}

/// Markers with a fine edge of paper, which keeps overlapping ones apart.
fn draw_markers(canvas: &mut Canvas, look: Look, pixels: &[Pixel]) {
    if pixels.is_empty() {
        return;
    }
    let hollow = look.marker % MARKERS == MARKERS - 1;
    let (fill, stroke, width) =
        if hollow { (Role::Surface, look.color, 1.7) } else { (look.color, Role::Surface, 0.8) };
    canvas.open(Some(fill), Some(stroke), &format!("stroke-width=\"{width}\""));
    for &pixel in pixels {
        canvas.path(&marker(look.marker, pixel));
    }
    canvas.close();
}

/// The outline of a marker; shapes of about equal area.
fn marker(index: usize, (x, y): Pixel) -> String {
    let polygon = |corners: &[Pixel]| {
        let corners: Vec<Pixel> =
            corners.iter().map(|(dx, dy)| (x + dx * MARKER, y + dy * MARKER)).collect();
        format!("{}Z", polyline(&corners))
    };
    match index % MARKERS {
        1 => polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        2 => polygon(&[(0.0, -1.3), (1.2, 0.85), (-1.2, 0.85)]),
        3 => polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        4 => polygon(&[(0.0, 1.3), (1.2, -0.85), (-1.2, -0.85)]),
        _ => {
            let radius = MARKER;
            let (left, right) = (x - radius, x + radius);
            format!(
                "M{left:.2} {y:.2}A{radius} {radius} 0 1 1 {right:.2} {y:.2}A{radius} {radius} 0 1 1 {left:.2} {y:.2}Z"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Axis;
    use super::super::axis::Projection;
    use super::*;

    fn frame() -> Frame {
        let axis = Axis { range: Some((1.0, 100.0)), ..Axis::log("") };
        Frame {
            x: Projection::new(&axis, std::iter::empty(), 0.0, 200.0),
            y: Projection::new(&axis, std::iter::empty(), 200.0, 0.0),
        }
    }

    #[test]
    fn markers_and_dashes_are_counted_apart() {
        let styles = [Style::Points, Style::Line, Style::LinePoints, Style::Line];
        let series = styles.map(|style| Series { style, ..Series::new("", Vec::new()) });
        let looks = looks(&series);
        assert_eq!((looks[0].marker, looks[2].marker), (0, 1));
        assert_eq!((looks[1].dashes, looks[3].dashes), ("none", DASHES[1]));
    }

    #[test]
    fn missing_points_leave_gaps() {
        let points = [(1.0, 1.0), (10.0, f64::NAN), (10.0, 10.0), (100.0, 1.0), (0.0, 1.0)];
        assert_eq!(
            runs(&frame(), &points),
            [vec![(0.0, 200.0)], vec![(100.0, 100.0), (200.0, 200.0)]]
        );
        assert!(runs(&frame(), &[]).is_empty());
    }

    #[test]
    fn a_band_that_reaches_zero_goes_down_to_the_axis() {
        let band = [1.0, 10.0].map(|x| Interval { x, low: -1.0, high: 10.0 });
        let outline = [(0.0, 200.0), (100.0, 200.0), (100.0, 100.0), (0.0, 100.0)];
        assert_eq!(band_outlines(&frame(), &band), [outline]);
        assert!(band_outlines(&frame(), &band[..1]).is_empty());
    }
}
