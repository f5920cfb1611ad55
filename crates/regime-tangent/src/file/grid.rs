//! The division of a kernel into tiles.

use std::ops::Range;

/// A rectangle of a kernel that is computed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Tile {
    /// The first row and column, which identify the tile.
    pub(super) fn corner(&self) -> [usize; 2] {
        [self.rows.start, self.columns.start]
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        [self.rows.len(), self.columns.len()]
    }

    /// The tile on the other side of the diagonal.
    pub(super) fn mirrored(&self) -> Self {
        Self { rows: self.columns.clone(), columns: self.rows.clone() }
    }

    pub(super) fn on_diagonal(&self) -> bool {
        self.rows == self.columns
    }
}

/// The tiles to compute, row by row: all, or the upper triangle of a symmetric kernel.
pub(super) fn tiles(shape: [usize; 2], symmetric: bool, size: usize) -> Vec<Tile> {
    let [rows, columns] = shape.map(|n| ranges(n, size));
    let row = |rows: &Range<usize>| {
        let first = if symmetric { rows.start } else { 0 };
        columns
            .iter()
            .filter(move |columns| columns.start >= first)
            .map(|columns| Tile { rows: rows.clone(), columns: columns.clone() })
            .collect::<Vec<_>>()
    };
    rows.iter().flat_map(row).collect()
}

fn ranges(n: usize, size: usize) -> Vec<Range<usize>> {
    (0..n).step_by(size).map(|start| start..start.saturating_add(size).min(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often each entry is covered, including by mirrored tiles.
    fn cover(shape: [usize; 2], symmetric: bool, size: usize) -> Vec<usize> {
        let mut times = vec![0; shape[0] * shape[1]];
        let mut add = |tile: &Tile| {
            for i in tile.rows.clone() {
                for j in tile.columns.clone() {
                    times[i * shape[1] + j] += 1;
                }
            }
        };
        for tile in tiles(shape, symmetric, size) {
            add(&tile);
            if symmetric && !tile.on_diagonal() {
                add(&tile.mirrored());
            }
        }
        times
    }

    #[test]
    fn every_entry_is_covered_once() {
        for size in [1, 2, 7, 8, 9, usize::MAX] {
            assert_eq!(cover([8, 8], true, size), [1; 64]);
            assert_eq!(cover([8, 5], false, size), [1; 40]);
        }
        assert!(tiles([0, 0], true, 3).is_empty());
        // Half of the 4 × 4 tiles and the diagonal.
        assert_eq!(tiles([8, 8], true, 2).len(), 10);
    }
}
