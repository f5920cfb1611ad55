//! The cells and the colour bar of a heat map.

use super::hover::Cells;
use super::measures::{BAR_HEIGHT, BAR_LENGTH, EDGE, LABEL_SIZE, MIDDLE, TICK_SIZE};
use super::projection::{Frame, Projection, ends_of};
use super::ticks::ticks;
use crate::colour::{Color, Paint};
use crate::drawing::{Anchor, Drawing, Part, Pen, Role};
use crate::figure::{Axis, Cell, HeatMap};

/// The number of shades of the ramp. Neighbouring shades are almost equal.
const SHADES: usize = 32;

/// The colours of [`Role::Shade`].
pub(super) fn shades() -> Vec<Paint> {
    let place = |shade: usize| shade as f64 / (SHADES - 1) as f64;
    (0..SHADES).map(|shade| Color::Ordered(place(shade)).paint()).collect()
}

/// Draws the cells, shade by shade. Blank cells have hover titles, too.
pub(super) fn draw(drawing: &mut Drawing, frame: &Frame, map: &HeatMap, titles: Option<&Cells>) {
    let Some(scale) = colour_scale(map) else { return };
    for shade in std::iter::once(None).chain((0..SHADES).map(Some)) {
        let cells = map.cells.iter().filter(|cell| shade_of(&scale, cell.value) == shade);
        let rectangles: Vec<(Part, &Cell)> = cells
            .filter_map(|cell| {
                let low = frame.pixel((cell.x.0, cell.y.0))?;
                Some((Part::Rectangle(low, frame.pixel((cell.x.1, cell.y.1))?), cell))
            })
            .collect();
        if rectangles.is_empty() {
            continue;
        }
        let pen = shade.map_or(Pen::BLANK, |shade| Pen::fill(Role::Shade(shade)));
        let group = drawing.group(Pen { crisp: shade.is_some(), clipped: true, ..pen });
        match (titles, shade) {
            (None, _) => group.path(rectangles.into_iter().map(|(part, _)| part).collect()),
            (Some(titles), Some(_)) => {
                for (part, cell) in rectangles {
                    group.hover(vec![part], Some(titles.title(cell)), None);
                }
            }
            (Some(titles), None) => {
                for (part, cell) in rectangles {
                    group.hover(Vec::new(), Some(titles.title(cell)), Some(part));
                }
            }
        }
    }
}

/// Draws the colour bar and its ticks; `top` is its upper edge.
pub(super) fn draw_bar(drawing: &mut Drawing, left: f64, top: f64, map: &HeatMap) {
    let Some(scale) = colour_scale(map) else { return };
    let (start, end) = (left.max(EDGE), left.max(EDGE) + BAR_LENGTH);
    let bottom = top + BAR_HEIGHT;
    let width = BAR_LENGTH / SHADES as f64;
    for shade in 0..SHADES {
        let (x0, x1) = (start + width * shade as f64, start + width * (shade + 1) as f64);
        let group = drawing.group(Pen { crisp: true, ..Pen::fill(Role::Shade(shade)) });
        group.path(vec![Part::Rectangle((x0, top), (x1, bottom))]);
    }
    let bar = Projection { start, end, ..scale };
    let marks = ticks(map.scale, bar.low, bar.high, 5).major;
    let marks: Vec<_> =
        marks.iter().filter_map(|t| Some((bar.pixel(t.value)?, t.label.as_str()))).collect();
    let group = drawing.group(Pen::line(Role::Muted, 1.1));
    for (x, _) in &marks {
        group.line((*x, bottom), (*x, bottom + 4.0));
    }
    let group = drawing.group(Pen::text(Role::Muted, TICK_SIZE));
    for (x, label) in &marks {
        group.text((*x, bottom + 17.0), Anchor::Middle, label);
    }
    let group = drawing.group(Pen::text(Role::Ink, LABEL_SIZE));
    let baseline = top + 0.5 * BAR_HEIGHT + MIDDLE * LABEL_SIZE;
    group.text((end + 14.0, baseline), Anchor::Start, &map.label);
}

/// The smallest and the largest value that have a colour.
pub(super) fn extent(map: &HeatMap) -> Option<(f64, f64)> {
    let (low, high) = places(map)?;
    Some((map.scale.value(low), map.scale.value(high)))
}

fn places(map: &HeatMap) -> Option<(f64, f64)> {
    ends_of(map.scale, map.cells.iter().map(|cell| cell.value))
}

/// The map from the range of the values to shades, from 0 to the number of shades.
fn colour_scale(map: &HeatMap) -> Option<Projection> {
    let (low, high) = places(map)?;
    // Equal values have one shade, in the middle of the ramp.
    let (low, high) = if high - low < 1e-9 { (low - 0.5, high + 0.5) } else { (low, high) };
    let range = Some((map.scale.value(low), map.scale.value(high)));
    let axis = Axis { label: String::new(), scale: map.scale, range };
    Some(Projection::new(&axis, std::iter::empty(), 0.0, SHADES as f64))
}

fn shade_of(scale: &Projection, value: f64) -> Option<usize> {
    scale.pixel(value).map(|place| (place.max(0.0) as usize).min(SHADES - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Scale;

    #[test]
    fn the_extreme_values_have_the_ends_of_the_ramp() {
        let cell = |value| Cell { x: (0.0, 1.0), y: (0.0, 1.0), value };
        let map = HeatMap {
            label: String::new(),
            scale: Scale::Log,
            square: false,
            cells: [1e-2, 1.0, f64::NAN, 1e2, -1.0].map(cell).to_vec(),
        };
        let scale = colour_scale(&map).unwrap();
        let shades: Vec<_> = map.cells.iter().map(|c| shade_of(&scale, c.value)).collect();
        assert_eq!(shades, [Some(0), Some(SHADES / 2), None, Some(SHADES - 1), None]);
        let same = HeatMap { cells: vec![cell(3.0), cell(3.0)], ..map.clone() };
        assert_eq!(shade_of(&colour_scale(&same).unwrap(), 3.0), Some(SHADES / 2));
        assert!(colour_scale(&HeatMap { cells: Vec::new(), ..map }).is_none());
    }
}
