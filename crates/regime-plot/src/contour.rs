//! Level lines of a quantity on a grid.

use crate::figure::Scale;

/// A grid of values: `values[j][i]` at `(x[i], y[j])`, in increasing order of both.
#[derive(Clone, Copy, Debug)]
pub struct Surface<'a> {
    /// Positions along the horizontal axis, and its scale.
    pub x: (&'a [f64], Scale),
    /// Positions along the vertical axis, and its scale.
    pub y: (&'a [f64], Scale),
    /// The values, and the scale of their interpolation; NaN for a missing value.
    pub values: (&'a [Vec<f64>], Scale),
}

/// The edge between two nodes of the grid, by their indices.
type Edge = ((usize, usize), (usize, usize));

/// The points of the level line at `level`. A point of NaN separates the pieces of the line,
/// so that the points form one series with gaps. Empty if the surface does not cross the level.
///
/// Each cell is divided into two triangles, in which the surface is a plane on the scales of
/// the grid. The crossings are therefore unambiguous.
pub fn contour(surface: &Surface<'_>, level: f64) -> Vec<(f64, f64)> {
    let Some(level) = surface.values.1.coordinate(level) else { return Vec::new() };
    let (nx, ny) = (surface.x.0.len(), surface.y.0.len());
    let mut pieces: Vec<(Edge, Edge)> = Vec::new();
    for j in 1..ny {
        for i in 1..nx {
            let [a, b, c, d] = [(i - 1, j - 1), (i, j - 1), (i, j), (i - 1, j)];
            for corners in [[a, b, c], [a, c, d]] {
                // The indices are ordered, so that both triangles give the same edge.
                let side =
                    |k: usize, l: usize| (corners[k].min(corners[l]), corners[k].max(corners[l]));
                let sides = [side(0, 1), side(1, 2), side(0, 2)];
                let crossed: Vec<Edge> =
                    sides.into_iter().filter(|side| surface.crosses(*side, level)).collect();
                if let [one, other] = crossed[..] {
                    pieces.push((one, other));
                }
            }
        }
    }
    let mut points = Vec::new();
    while let Some((one, other)) = pieces.pop() {
        let mut line = std::collections::VecDeque::from([one, other]);
        while let Some(next) = take_neighbour(&mut pieces, line[line.len() - 1]) {
            line.push_back(next);
        }
        while let Some(next) = take_neighbour(&mut pieces, line[0]) {
            line.push_front(next);
        }
        if !points.is_empty() {
            points.push((f64::NAN, f64::NAN));
        }
        points.extend(line.into_iter().map(|edge| surface.point(edge, level)));
    }
    points
}

/// Removes a piece that ends at `edge` and returns the other end of the piece.
fn take_neighbour(pieces: &mut Vec<(Edge, Edge)>, edge: Edge) -> Option<Edge> {
    let at = pieces.iter().position(|(one, other)| *one == edge || *other == edge)?;
    let (one, other) = pieces.swap_remove(at);
    Some(if one == edge { other } else { one })
}

impl Surface<'_> {
    fn value(&self, (i, j): (usize, usize)) -> Option<f64> {
        self.values.1.coordinate(*self.values.0.get(j)?.get(i)?)
    }

    /// Whether the level lies above the smaller of the values at the two ends, and not above
    /// the larger.
    fn crosses(&self, (from, to): Edge, level: f64) -> bool {
        match (self.value(from), self.value(to)) {
            (Some(from), Some(to)) => (from < level) != (to < level),
            _ => false,
        }
    }

    fn point(&self, (from, to): Edge, level: f64) -> (f64, f64) {
        let (low, high) = (self.value(from).unwrap_or(level), self.value(to).unwrap_or(level));
        let share = (level - low) / (high - low);
        let along = |(positions, scale): (&[f64], Scale), from: usize, to: usize| {
            let place = |k: usize| scale.coordinate(positions[k]).unwrap_or(f64::NAN);
            scale.value(place(from) + share * (place(to) - place(from)))
        };
        (along(self.x, from.0, to.0), along(self.y, from.1, to.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `z = x² y` on logarithmic axes, a plane in logarithms.
    fn power() -> ([f64; 4], [f64; 3], Vec<Vec<f64>>) {
        let (x, y) = ([1.0, 3.0, 10.0, 50.0], [1.0, 10.0, 100.0]);
        let values = y.iter().map(|y| x.iter().map(|x| x * x * y).collect()).collect();
        (x, y, values)
    }

    #[test]
    fn the_contour_of_a_power_law_is_a_power_law() {
        let (x, y, values) = power();
        let surface =
            Surface { x: (&x, Scale::Log), y: (&y, Scale::Log), values: (&values, Scale::Log) };
        let line = contour(&surface, 30.0);
        assert!(line.len() > 4, "{line:?}");
        for (x, y) in &line {
            assert!((x * x * y / 30.0 - 1.0).abs() < 1e-12, "{x} {y}");
        }
        // One piece: x is monotone along it.
        let xs: Vec<f64> = line.iter().map(|p| p.0).collect();
        assert!(xs.is_sorted() || xs.iter().rev().is_sorted(), "{xs:?}");
        assert!(contour(&surface, 1e9).is_empty() && contour(&surface, -1.0).is_empty());
    }

    #[test]
    fn a_missing_value_leaves_a_gap() {
        let (x, y, mut values) = power();
        values[1][1] = f64::NAN;
        let surface =
            Surface { x: (&x, Scale::Log), y: (&y, Scale::Log), values: (&values, Scale::Log) };
        for (x, y) in contour(&surface, 30.0) {
            assert!(x.is_nan() || (x * x * y / 30.0 - 1.0).abs() < 1e-12, "{x} {y}");
        }
    }

    #[test]
    fn a_maximum_has_a_closed_contour() {
        let x = [-2.0, -1.0, 0.0, 1.0, 2.0];
        let values: Vec<Vec<f64>> =
            x.iter().map(|y| x.iter().map(|x: &f64| -x.abs() - f64::abs(*y)).collect()).collect();
        let surface = Surface {
            x: (&x, Scale::Linear),
            y: (&x, Scale::Linear),
            values: (&values, Scale::Linear),
        };
        let line = contour(&surface, -0.5);
        assert_eq!(line.first(), line.last());
        assert!(line.iter().all(|(x, y)| (x.abs() + y.abs() - 0.5).abs() < 1e-12), "{line:?}");
    }
}
