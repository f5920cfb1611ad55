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

/// The division of a kernel into tiles. It has no memory of its own: the shape may come from a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Rows and columns of the kernel.
    pub(super) shape: [usize; 2],
    /// Whether only the upper triangle is divided. The kernel is then square.
    pub(super) symmetric: bool,
    /// Points of a tile's side, at least 1.
    pub(super) size: usize,
}

impl Grid {
    /// The tiles to compute, row by row: all, or the upper triangle of a symmetric kernel.
    pub(super) fn tiles(self) -> impl Iterator<Item = Tile> {
        // Rows without columns have no tiles; there may be 2⁶⁰ of them.
        let rows = if self.shape[1] == 0 { 0 } else { self.shape[0] };
        ranges(0, rows, self.size).flat_map(move |rows| {
            let first = if self.symmetric { rows.start } else { 0 };
            ranges(first, self.shape[1], self.size)
                .map(move |columns| Tile { rows: rows.clone(), columns })
        })
    }

    /// The number of tiles; `usize::MAX` if there are more.
    pub(super) fn count(self) -> usize {
        let [rows, columns] = self.shape.map(|n| n.div_ceil(self.size));
        match self.symmetric {
            true => {
                let n = rows as u128;
                usize::try_from(n * (n + 1) / 2).unwrap_or(usize::MAX)
            }
            false => rows.saturating_mul(columns),
        }
    }

    /// Whether a tile begins at this row and column.
    pub(super) fn has_corner(self, corner: [usize; 2]) -> bool {
        let begins =
            |axis: usize| corner[axis] < self.shape[axis] && corner[axis].is_multiple_of(self.size);
        begins(0) && begins(1) && (!self.symmetric || corner[1] >= corner[0])
    }
}

fn ranges(first: usize, n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (first..n).step_by(size).map(move |start| start..start.saturating_add(size).min(n))
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
        for tile in (Grid { shape, symmetric, size }).tiles() {
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
    }

    #[test]
    fn tiles_are_counted_without_making_them() {
        for (shape, symmetric) in [([8, 8], true), ([8, 5], false), ([0, 0], true), ([3, 0], false)]
        {
            for size in [1, 2, 3, 7, 8, 9, usize::MAX] {
                let grid = Grid { shape, symmetric, size };
                let corners: Vec<_> = grid.tiles().map(|tile| tile.corner()).collect();
                assert_eq!(grid.count(), corners.len(), "{grid:?}");
                let every = (0..10).flat_map(|i| (0..10).map(move |j| [i, j]));
                assert!(every.filter(|&corner| grid.has_corner(corner)).eq(corners), "{grid:?}");
            }
        }
        // Half of the 4 × 4 tiles and the diagonal.
        assert_eq!(Grid { shape: [8, 8], symmetric: true, size: 2 }.count(), 10);
        for symmetric in [true, false] {
            let grid = Grid { shape: [1 << 60; 2], symmetric, size: 1 };
            assert_eq!(grid.count(), usize::MAX);
            let flat = Grid { shape: [1 << 60, 0], symmetric: false, size: 1 };
            assert_eq!((flat.count(), flat.tiles().count()), (0, 0));
        }
    }
}
