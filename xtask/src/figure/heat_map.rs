//! Cells coloured by a value, and the bar that tells which colour is which.

use super::axis::{Frame, Projection, coordinate};
use super::canvas::{Anchor, Canvas, Role};
use super::colour::{Color, Paint};
use super::layout::{EDGE, LABEL_SIZE, TICK_SIZE};
use super::ticks::ticks;
use super::{Axis, HeatMap, Scale};

/// Shades of the ramp: neighbours are hardly told apart.
const SHADES: usize = 32;

/// The bar.
const BAR_LENGTH: f64 = 260.0;
const BAR_HEIGHT: f64 = 12.0;

/// Room that the bar takes below the label of the x-axis.
pub(super) const BAR_ROOM: f64 = 22.0 + BAR_HEIGHT + 22.0;

/// The colours of [`Role::Shade`].
pub(super) fn shades() -> Vec<Paint> {
    let place = |shade: usize| shade as f64 / (SHADES - 1) as f64;
    (0..SHADES).map(|shade| Color::Ordered(place(shade)).paint()).collect()
}

/// The borders of cells around positions in increasing order: half-way between neighbours,
/// as far outside of the first and the last. One position alone has half a unit, or half a
/// decade, on either side.
pub(crate) fn borders(positions: &[f64], scale: Scale) -> Vec<f64> {
    let back = |place: f64| if scale == Scale::Log { 10f64.powf(place) } else { place };
    let places: Vec<f64> = positions.iter().filter_map(|&p| coordinate(scale, p)).collect();
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return Vec::new() };
    let half = |a: f64, b: f64| 0.5 * (b - a);
    let (before, after) = match places.len() {
        1 => (0.25, 0.25),
        n => (half(places[0], places[1]), half(places[n - 2], places[n - 1])),
    };
    let between = places.windows(2).map(|pair| pair[0] + half(pair[0], pair[1]));
    let all = std::iter::once(first - before).chain(between).chain([last + after]);
    all.map(back).collect()
}

/// Draws the cells, shade by shade.
pub(super) fn draw(canvas: &mut Canvas, frame: &Frame, map: &HeatMap) {
    let Some(scale) = colour_scale(map) else { return };
    for shade in 0..SHADES {
        let cells = map.cells.iter().filter(|cell| shade_of(&scale, cell.value) == Some(shade));
        let corners = cells.filter_map(|cell| {
            let low = frame.pixel((cell.x.0, cell.y.0))?;
            Some((low, frame.pixel((cell.x.1, cell.y.1))?))
        });
        let paths: Vec<String> = corners
            .map(|((x0, y0), (x1, y1))| format!("M{x0:.2} {y0:.2}H{x1:.2}V{y1:.2}H{x0:.2}Z"))
            .collect();
        if !paths.is_empty() {
            let attributes = format!("shape-rendering=\"crispEdges\" {}", canvas.clipped());
            canvas.open(Some(Role::Shade(shade)), None, &attributes);
            canvas.path(&paths.concat());
            canvas.close();
        }
    }
}

/// Draws the bar with its ticks, its upper edge at `top`.
pub(super) fn draw_bar(canvas: &mut Canvas, left: f64, top: f64, map: &HeatMap) {
    let Some(scale) = colour_scale(map) else { return };
    let (start, end) = (left.max(EDGE), left.max(EDGE) + BAR_LENGTH);
    let width = BAR_LENGTH / SHADES as f64;
    for shade in 0..SHADES {
        canvas.open(Some(Role::Shade(shade)), None, "shape-rendering=\"crispEdges\"");
        let (x0, x1) = (start + width * shade as f64, start + width * (shade + 1) as f64);
        canvas.path(&format!("M{x0:.2} {top:.2}H{x1:.2}V{:.2}H{x0:.2}Z", top + BAR_HEIGHT));
        canvas.close();
    }
    let bar = Projection { start, end, ..scale };
    let bottom = top + BAR_HEIGHT;
    let marks = ticks(map.scale, bar.low, bar.high, 5).major;
    let marks: Vec<_> =
        marks.iter().filter_map(|t| Some((bar.pixel(t.value)?, t.label.as_str()))).collect();
    canvas.open(None, Some(Role::Muted), "stroke-width=\"1.1\"");
    for (x, _) in &marks {
        canvas.line((*x, bottom), (*x, bottom + 4.0));
    }
    canvas.close();
    canvas.open(Some(Role::Muted), None, &format!("font-size=\"{TICK_SIZE}\""));
    for (x, label) in &marks {
        canvas.text((*x, bottom + 17.0), Anchor::Middle, label);
    }
    canvas.close();
    canvas.open(Some(Role::Ink), None, &format!("font-size=\"{LABEL_SIZE}\""));
    canvas.text(
        (end + 14.0, top + 0.5 * BAR_HEIGHT + 0.36 * LABEL_SIZE),
        Anchor::Start,
        &map.label,
    );
    canvas.close();
}

/// From values to shades: over the range of the values, from 0 to the number of shades.
fn colour_scale(map: &HeatMap) -> Option<Projection> {
    let places = map.cells.iter().filter_map(|cell| coordinate(map.scale, cell.value));
    let (low, high) =
        places.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return None;
    }
    // All the same: one shade, in the middle of a range.
    let (low, high) = if high - low < 1e-9 { (low - 0.5, high + 0.5) } else { (low, high) };
    let back = |place: f64| if map.scale == Scale::Log { 10f64.powf(place) } else { place };
    let axis =
        Axis { label: String::new(), scale: map.scale, range: Some((back(low), back(high))) };
    Some(Projection::new(&axis, std::iter::empty(), 0.0, SHADES as f64))
}

fn shade_of(scale: &Projection, value: f64) -> Option<usize> {
    scale.pixel(value).map(|place| (place.max(0.0) as usize).min(SHADES - 1))
}

#[cfg(test)]
mod tests {
    use super::super::Cell;
    use super::*;

    #[test]
    fn borders_lie_between_positions() {
        assert_eq!(borders(&[1.0, 2.0, 4.0], Scale::Linear), [0.5, 1.5, 3.0, 5.0]);
        let log = borders(&[1.0, 100.0], Scale::Log);
        for (border, wanted) in log.iter().zip([0.1, 10.0, 1000.0]) {
            assert!((border / wanted - 1.0).abs() < 1e-12, "{log:?}");
        }
        assert_eq!(borders(&[3.0], Scale::Linear), [2.75, 3.25]);
        assert!(borders(&[], Scale::Log).is_empty());
    }

    #[test]
    fn the_ends_of_the_values_have_the_ends_of_the_ramp() {
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
