//! The titles of the cells of a heat map.

use super::{LONGEST, join};
use crate::draw::text::shorten;
use crate::figure::{Cell, Figure, HeatMap, Scale};
use crate::number::short;

/// A map with more cells has no titles; see [`super::MAX_POINTS`].
const MAX_CELLS: usize = 2000;

/// The titles of the cells of one map.
pub(crate) struct Cells {
    label: String,
    /// For each axis, the borders of cells and their name.
    names: [Vec<((f64, f64), String)>; 2],
}

impl Cells {
    /// Returns `None` for a map of too many cells.
    pub(crate) fn new(figure: &Figure, map: &HeatMap) -> Option<Self> {
        if map.cells.len() > MAX_CELLS {
            return None;
        }
        let x = names(map.cells.iter().map(|cell| cell.x), figure.x.scale);
        let y = names(map.cells.iter().map(|cell| cell.y), figure.y.scale);
        Some(Self { label: shorten(&map.label, LONGEST), names: [x, y] })
    }

    /// `test error 0.25 · x 64 · y 0.1`.
    pub(crate) fn title(&self, cell: &Cell) -> String {
        let name = |axis: usize, range| {
            let names = &self.names[axis];
            names.iter().find(|(other, _)| *other == range).map_or("", |(_, name)| name)
        };
        let value = format!("{} {}", self.label, short(cell.value));
        let (x, y) = (name(0, cell.x), name(1, cell.y));
        join([value.trim_start(), &format!("x {x}"), &format!("y {y}")])
    }
}

/// The names of the ranges of cells along one axis: the positions for which
/// [`borders`](crate::borders) gives these ranges, or else both borders.
fn names(ranges: impl Iterator<Item = (f64, f64)>, scale: Scale) -> Vec<((f64, f64), String)> {
    let mut ranges: Vec<(f64, f64)> = ranges.collect();
    ranges.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    ranges.dedup();
    let positions = positions(&ranges, scale);
    let name = |(index, range): (usize, (f64, f64))| match &positions {
        Some(positions) => (range, short(positions[index])),
        None => (range, format!("{} to {}", short(range.0), short(range.1))),
    };
    ranges.into_iter().enumerate().map(name).collect()
}

/// The positions for which [`borders`](crate::borders) gives these ranges: the first and
/// the last position are in the middle of their ranges, and each border is half-way
/// between two positions. `None` if such positions do not exist.
fn positions(ranges: &[(f64, f64)], scale: Scale) -> Option<Vec<f64>> {
    const TOLERANCE: f64 = 1e-6;
    let places =
        ranges.iter().map(|&(from, to)| Some((scale.coordinate(from)?, scale.coordinate(to)?)));
    let places: Vec<(f64, f64)> = places.collect::<Option<_>>()?;
    let &(first, last) = places.first().zip(places.last()).as_ref()?;
    let middle = |range: &(f64, f64)| 0.5 * (range.0 + range.1);
    let near = |one: f64, other: f64, (from, to): &(f64, f64)| {
        (one - other).abs() <= TOLERANCE * (to - from).abs()
    };
    let mut found = vec![middle(first)];
    for pair in places.windows(2) {
        if !near(pair[0].1, pair[1].0, &pair[1]) {
            return None;
        }
        found.push(2.0 * pair[1].0 - found[found.len() - 1]);
    }
    let inside = found.iter().zip(&places).all(|(place, (from, to))| (from..to).contains(&place));
    let whole = |place: &f64| (place - place.round()).abs() <= TOLERANCE;
    let possible = inside
        && near(found[found.len() - 1], middle(last), last)
        && (scale != Scale::Count || found.iter().all(whole));
    possible.then(|| found.into_iter().map(|place| scale.value(place)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::borders;

    fn named(borders: &[f64], scale: Scale) -> Vec<String> {
        let ranges = borders.windows(2).map(|pair| (pair[0], pair[1]));
        names(ranges, scale).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn cells_at_positions_are_named_by_the_positions() {
        for (positions, scale) in [
            (&[0.1, 0.3, 1.0, 3.0, 10.0][..], Scale::Log),
            (&[1.0, 2.0, 4.0], Scale::Linear),
            (&[64.0], Scale::Log),
        ] {
            let expected: Vec<String> = positions.iter().map(|&p| short(p)).collect();
            assert_eq!(named(&borders(positions, scale), scale), expected);
        }
    }

    #[test]
    fn other_cells_are_named_by_their_borders() {
        assert_eq!(named(&[0.0, 1.0, 2.0], Scale::Count), ["0 to 1", "1 to 2"]);
        assert_eq!(named(&[0.0, 1.0, 5.0], Scale::Linear), ["0 to 1", "1 to 5"]);
        assert_eq!(named(&[f64::NAN, 1.0], Scale::Linear), ["– to 1"]);
        assert!(named(&[], Scale::Linear).is_empty());
    }
}
