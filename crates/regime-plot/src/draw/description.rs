//! The content of a figure in one sentence, for screen readers.

use super::end_labels::end;
use super::missing::Crosses;
use super::projection::Frame;
use super::{guides, heat_map};
use crate::figure::{Figure, Guide, Style};
use crate::number::short;

/// `A plot of kernel change from 0.01 to 1 against √h·α from 0.1 to 10000;
/// curves: h = 32, h = 64.` Lists what is visible and has a label.
pub(super) fn description(figure: &Figure, frame: &Frame, crosses: &Crosses) -> String {
    let x = quantity(&figure.x.label, "x", frame.x.held);
    let y = quantity(&figure.y.label, "y", frame.y.held);
    let mut sentence = match &figure.map {
        None => format!("A plot of {y} against {x}"),
        Some(map) => {
            let values = quantity(&map.label, "values", heat_map::extent(map));
            format!("A heat map of {values} over {x} and {y}")
        }
    };

    let (mut curves, mut points, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for (index, series) in figure.series.iter().enumerate() {
        let kind = if series.style == Style::Points { &mut points } else { &mut curves };
        if end(frame, series).is_some() {
            kind.push(spaced(&series.label));
        }
        let count = crosses.count(index);
        if count > 0 && !series.label.trim().is_empty() {
            missing.push(format!("{} ({count})", spaced(&series.label)));
        }
    }
    let seen = figure.guides.iter().filter(|guide| guides::is_seen(frame, guide));
    let guides = seen.map(|guide| spaced(Guide::label(guide))).collect();
    sentence += &list("curves", curves);
    sentence += &list("points", points);
    sentence += &list("places without data", missing);
    sentence += &list("compared with", guides);
    sentence + "."
}

/// A quantity with its range: `α from 0.1 to 10`.
fn quantity(label: &str, without_label: &str, range: Option<(f64, f64)>) -> String {
    let label = spaced(label);
    let label = if label.is_empty() { without_label } else { &label };
    match range.map(|(low, high)| (short(low), short(high))) {
        None => label.into(),
        Some((low, high)) if low == high => format!("{label} at {low}"),
        Some((low, high)) => format!("{label} from {low} to {high}"),
    }
}

/// `; kind: a, b`, each name once; empty without names.
fn list(kind: &str, names: Vec<String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && !once.contains(&name) {
            once.push(name);
        }
    }
    if once.is_empty() { String::new() } else { format!("; {kind}: {}", once.join(", ")) }
}

/// A text on one line.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
