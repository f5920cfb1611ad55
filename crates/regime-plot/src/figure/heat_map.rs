//! Cells coloured by a value.

use super::scale::Scale;

/// Cells coloured by a quantity, on a ramp over the range of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// The quantity, and its unit if it has one.
    pub label: String,
    /// The map from values to colours. The cell of a value that cannot be shown is blank.
    pub scale: Scale,
    /// Whether both axes have the same length.
    pub square: bool,
    /// The cells, in any order; they need not touch.
    pub cells: Vec<Cell>,
}

/// A rectangle and its value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The left and the right border.
    pub x: (f64, f64),
    /// The lower and the upper border.
    pub y: (f64, f64),
    /// The value that the colour represents.
    pub value: f64,
}

/// The borders of cells at positions in increasing order: half-way between neighbours on the
/// scale, and at the same distance outside the first and the last position. A single position
/// has a quarter of a unit, or of a decade, on either side.
pub fn borders(positions: &[f64], scale: Scale) -> Vec<f64> {
    let places: Vec<f64> = positions.iter().filter_map(|&p| scale.coordinate(p)).collect();
    let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return Vec::new() };
    let half = |a: f64, b: f64| 0.5 * (b - a);
    let (before, after) = match places.len() {
        1 => (0.25, 0.25),
        n => (half(places[0], places[1]), half(places[n - 2], places[n - 1])),
    };
    let between = places.windows(2).map(|pair| pair[0] + half(pair[0], pair[1]));
    let all = std::iter::once(first - before).chain(between).chain([last + after]);
    all.map(|place| scale.value(place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_lie_between_positions() {
        assert_eq!(borders(&[1.0, 2.0, 4.0], Scale::Linear), [0.5, 1.5, 3.0, 5.0]);
        let log = borders(&[1.0, 100.0], Scale::Log);
        for (border, expected) in log.iter().zip([0.1, 10.0, 1000.0]) {
            assert!((border / expected - 1.0).abs() < 1e-12, "{log:?}");
        }
        assert_eq!(borders(&[3.0], Scale::Linear), [2.75, 3.25]);
        assert!(borders(&[], Scale::Log).is_empty());
    }
}
