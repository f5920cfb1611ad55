//! SVG elements of shapes.

use std::fmt::Write as _;

use super::markup::escape;
use crate::drawing::{Anchor, Hover, Part, Path, Pixel, Shape, Text};

/// The element of a shape.
pub(super) fn shape(shape: &Shape) -> String {
    match shape {
        Shape::Path(Path { parts, hover: None }) => format!("<path d=\"{}\"/>\n", all(parts)),
        Shape::Path(Path { parts, hover: Some(Hover { title, target }) }) => {
            let title = format!("<title>{}</title>", escape(title));
            match target {
                None => format!("<path d=\"{}\">{title}</path>\n", all(parts)),
                Some(target) if parts.is_empty() => invisible(target, &title),
                Some(target) => {
                    let (ink, target) = (all(parts), invisible(target, ""));
                    format!("<g>{title}<path d=\"{ink}\"/>{}</g>\n", target.trim_end())
                }
            }
        }
        Shape::Text(text) => line_of_text(text),
    }
}

/// An invisible element that reacts to the mouse pointer.
fn invisible(target: &Part, content: &str) -> String {
    const LOOK: &str = "fill=\"transparent\" stroke=\"none\" pointer-events=\"all\"";
    match *target {
        Part::Circle((x, y), radius) => format!(
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\" {LOOK}>{content}</circle>\n"
        ),
        ref part => format!("<path d=\"{}\" {LOOK}>{content}</path>\n", commands(part)),
    }
}

fn all(parts: &[Part]) -> String {
    parts.iter().map(commands).collect()
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
