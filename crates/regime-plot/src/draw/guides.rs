//! Guides: slopes and levels, with labels in free places.

use super::measures::MIDDLE;
use super::placement::{Spot, clearest, sample};
use super::projection::Frame;
use super::text;
use crate::drawing::{Anchor, Drawing, Pen, Pixel, Role, Shape, Text};
use crate::figure::Guide;

const SIZE: f64 = 12.5;
/// The distance from a line to the middle of its text.
const AWAY: f64 = 12.0;
const DASHES: &[f64] = &[6.0, 4.0];
const DOTS: &[f64] = &[1.5, 3.5];

/// Draws the lines of the guides, below the data.
///
/// On coloured cells, each line has a strip in the colour of the paper under it.
pub(super) fn draw_lines(drawing: &mut Drawing, frame: &Frame, guides: &[Guide], on_cells: bool) {
    for guide in guides {
        if let Some((from, to)) = line(frame, guide) {
            if on_cells {
                let pen = Pen { stroke_opacity: 0.8, ..Pen::line(Role::Surface, 3.0) };
                drawing.group(pen).line(from, to);
            }
            let dashes = if matches!(guide, Guide::Slope { .. }) { DASHES } else { DOTS };
            let pen = Pen { dashes: Some(dashes), ..Pen::line(Role::Muted, 1.3) };
            drawing.group(pen).line(from, to);
        }
    }
}

/// Writes the labels of the guides, above the data and, where possible, clear
/// of the pixels in `ink`, of one another and of the other guides.
pub(super) fn draw_labels(drawing: &mut Drawing, frame: &Frame, guides: &[Guide], ink: &[Pixel]) {
    let lines: Vec<Option<(Pixel, Pixel)>> =
        guides.iter().map(|guide| line(frame, guide)).collect();
    let mut placed: Vec<Pixel> = Vec::new();
    let group = drawing.group(Pen {
        stroke: Some(Role::Surface),
        stroke_width: 3.5,
        round_joins: true,
        ..Pen::text(Role::Muted, SIZE)
    });
    for (index, guide) in guides.iter().enumerate() {
        let Some(ends) = lines[index] else { continue };
        let mut obstacles = [ink, &placed].concat();
        for (_, other) in lines.iter().enumerate().filter(|(other, _)| *other != index) {
            obstacles.extend(other.iter().flat_map(|&(from, to)| sample(from, to)));
        }
        let candidates = candidates(guide, ends);
        let inside = |spot: &Spot| spot.corners().into_iter().all(|corner| frame.holds(corner));
        if let Some(spot) = clearest(&candidates, &obstacles, inside) {
            let corners = spot.corners();
            placed.extend(sample(corners[0], corners[2]).chain(sample(corners[1], corners[3])));
            group.shapes.push(turned(spot, guide.label()));
        }
    }
}

/// The text in the middle of a spot.
fn turned(Spot { x, y, angle, .. }: Spot, label: &str) -> Shape {
    Shape::Text(Text {
        at: (0.0, MIDDLE * SIZE),
        anchor: Anchor::Middle,
        text: label.into(),
        turn: Some((angle.to_degrees(), (x, y))),
    })
}

/// Whether a part of the guide is visible.
pub(super) fn is_seen(frame: &Frame, guide: &Guide) -> bool {
    line(frame, guide).is_some()
}

/// The ends of the visible part of the guide.
fn line(frame: &Frame, guide: &Guide) -> Option<(Pixel, Pixel)> {
    match *guide {
        Guide::Slope { slope, through, range, .. } => {
            let (x, y) = (frame.x.coordinate(through.0)?, frame.y.coordinate(through.1)?);
            let end = |value| {
                let place = frame.x.coordinate(value)?;
                let height = y + slope * (place - x);
                height.is_finite().then(|| {
                    (frame.x.pixel_of_coordinate(place), frame.y.pixel_of_coordinate(height))
                })
            };
            clip(frame, end(range.0)?, end(range.1)?)
        }
        Guide::HorizontalLevel { y, .. } => {
            let y = frame.y.pixel(y).filter(|&y| frame.y.holds_pixel(y))?;
            Some(((frame.x.start, y), (frame.x.end, y)))
        }
        Guide::VerticalLevel { x, .. } => {
            let x = frame.x.pixel(x).filter(|&x| frame.x.holds_pixel(x))?;
            Some(((x, frame.y.start), (x, frame.y.end)))
        }
    }
}

/// The part of a segment between the axes.
///
/// # Reference
/// Liang and Barsky, *A new concept and method for line clipping*, 1984.
fn clip(frame: &Frame, from: Pixel, to: Pixel) -> Option<(Pixel, Pixel)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    if dx == 0.0 && dy == 0.0 {
        return None;
    }
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    // For each border: the speed towards the outside, and the initial depth inside.
    for (speed, depth) in [
        (-dx, from.0 - frame.x.start),
        (dx, frame.x.end - from.0),
        (-dy, from.1 - frame.y.end),
        (dy, frame.y.start - from.1),
    ] {
        match speed {
            0.0 if depth < 0.0 => return None,
            0.0 => {}
            speed if speed < 0.0 => enter = enter.max(depth / speed),
            speed => leave = leave.min(depth / speed),
        }
    }
    let at = |share: f64| (from.0 + share * dx, from.1 + share * dy);
    (enter < leave).then(|| (at(enter), at(leave)))
}

/// Places for the label, best first.
fn candidates(guide: &Guide, (from, to): (Pixel, Pixel)) -> Vec<Spot> {
    let (width, height) = (text::width(guide.label(), SIZE), SIZE);
    let at = |share: f64| (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
    match guide {
        Guide::VerticalLevel { .. } => [0.97, 0.03, 0.75, 0.25, 0.5]
            .into_iter()
            .flat_map(|share| [1.0, -1.0].map(|side| (at(share), side)))
            .map(|((x, y), side)| Spot {
                x: x + side * (width / 2.0 + 6.0),
                y,
                width,
                height,
                angle: 0.0,
            })
            .collect(),
        Guide::HorizontalLevel { .. } => {
            let length = (to.0 - from.0).max(1.0);
            let margin = (width / 2.0 + 6.0) / length;
            [1.0 - margin, margin, 0.75, 0.25, 0.5]
                .into_iter()
                .flat_map(|share| [-1.0, 1.0].map(|side| (at(share), side)))
                .map(|((x, y), side)| Spot { x, y: y + side * AWAY, width, height, angle: 0.0 })
                .collect()
        }
        Guide::Slope { .. } => {
            // Text runs from left to right for either direction of the segment.
            let (dx, dy) = if to.0 >= from.0 {
                (to.0 - from.0, to.1 - from.1)
            } else {
                (from.0 - to.0, from.1 - to.1)
            };
            let angle = dy.atan2(dx);
            let (sin, cos) = angle.sin_cos();
            [0.5, 0.35, 0.65, 0.2, 0.8]
                .into_iter()
                .flat_map(|share| [-1.0, 1.0].map(|side| (at(share), side)))
                .map(|((x, y), side)| {
                    let (x, y) = (x - side * AWAY * sin, y + side * AWAY * cos);
                    Spot { x, y, width, height, angle }
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::projection::two_decades;
    use super::*;

    fn slope(slope: f64, through: (f64, f64), range: (f64, f64)) -> Guide {
        Guide::Slope { slope, through, range, label: "p".into() }
    }

    #[test]
    fn a_slope_is_a_power_law_cut_to_the_axes() {
        let found = line(&two_decades(), &slope(-0.5, (1.0, 10.0), (1.0, 100.0)));
        assert_eq!(found, Some(((0.0, 100.0), (200.0, 200.0))));
        let found = line(&two_decades(), &slope(2.0, (1.0, 1.0), (1.0, 100.0)));
        assert_eq!(found, Some(((0.0, 200.0), (100.0, 0.0))));
    }

    #[test]
    fn invisible_guides_are_not_drawn() {
        for guide in [
            slope(1.0, (0.0, 1.0), (1.0, 10.0)),
            slope(f64::NAN, (1.0, 1.0), (1.0, 10.0)),
            slope(0.0, (1.0, 1e5), (1.0, 10.0)),
            slope(0.0, (1.0, 1.0), (10.0, 10.0)),
            Guide::HorizontalLevel { y: -1.0, label: String::new() },
            Guide::VerticalLevel { x: 1e6, label: String::new() },
        ] {
            assert_eq!(line(&two_decades(), &guide), None, "{guide:?}");
        }
    }
}
