//! The elements of an SVG, one for each shape.

use std::fmt::Write as _;

use super::markup::escape;
use crate::drawing::{Anchor, Part, Pixel, Shape, Text};

/// An element for a shape.
pub(super) fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Path(parts) => {
            let commands: String = parts.iter().map(commands).collect();
            format!("<path d=\"{commands}\"/>\n")
        }
        Shape::Text(text) => line_of_text(text),
    }
}

/// The commands that draw a part of a path.
fn commands(part: &Part) -> String {
    match *part {
        Part::Line(ref points) => polyline(points),
        Part::Polygon(ref points) => format!("{}Z", polyline(points)),
        Part::Rectangle((x0, y0), (x1, y1)) => {
            format!("M{x0:.2} {y0:.2}H{x1:.2}V{y1:.2}H{x0:.2}Z")
        }
        Part::Circle((x, y), radius) => {
            let (left, right) = (x - radius, x + radius);
            format!(
                "M{left:.2} {y:.2}A{radius} {radius} 0 1 1 {right:.2} {y:.2}A{radius} {radius} 0 1 1 {left:.2} {y:.2}Z"
            )
        }
    }
}

fn polyline(points: &[Pixel]) -> String {
    let mut commands = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(commands, "{command}{x:.2} {y:.2}");
    }
    commands
}

fn line_of_text(Text { at: (x, y), anchor, text, turn }: &Text) -> String {
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let text = format!("<text x=\"{x:.2}\" y=\"{y:.2}\"{anchor}>{}</text>\n", escape(text));
    match turn {
        None => text,
        Some((degrees, (x, y))) => {
            format!("<g transform=\"translate({x:.2} {y:.2}) rotate({degrees:.2})\">\n{text}</g>\n")
        }
    }
}
