//! Memory and work of a kernel, before it is computed.

use std::fmt;

use super::{error::InfiniteError, expansion::MAX_TERMS, initialisation::Factors, layout::Layout};

/// The default limit on the memory of kernels: 8 GiB.
pub const DEFAULT_MEMORY: u64 = 8 << 30;

/// The largest side of a tile that a plan chooses.
const MOST_TILE: usize = 2048;

/// Memory and work of both kernels, before they are computed.
///
/// It displays as one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InfinitePlan {
    /// Numbers of points of both sets.
    pub points: [usize; 2],
    /// Pairs of points that are computed: about half of all pairs when both sets are the same.
    pub pairs: f64,
    /// Multiply-adds, estimated from pairs of up to 24 of the points. The other operations count
    /// as the multiply-adds that take the same time.
    pub multiply_adds: f64,
    /// Bytes that the kernels need in memory as a whole, at most.
    pub bytes: u64,
    /// The limit on the bytes.
    pub limit: u64,
    /// The side of a tile that stays within the limit, at most 2048 points.
    pub tile: usize,
    /// Tiles of that side that are computed.
    pub tiles: u64,
    /// Bytes that one tile needs in memory, at most.
    pub tile_bytes: u64,
    /// Bytes of one of the kernels in a file of float64 numbers.
    pub file_bytes: u64,
}

impl InfinitePlan {
    /// Whether the kernels as a whole stay within the limit.
    pub fn in_memory(&self) -> bool {
        self.bytes <= self.limit
    }

    /// Seconds at a rate of multiply-adds per second. Most of the work is scalar: a core does
    /// about `10⁹` per second.
    pub fn seconds_at(&self, multiply_adds_per_s: f64) -> f64 {
        self.multiply_adds / multiply_adds_per_s
    }
}

impl fmt::Display for InfinitePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b] = self.points;
        let gigabytes = |bytes: u64| bytes as f64 / 1e9;
        write!(
            f,
            "{a} × {b} points, {:.2e} pairs, {:.2e} multiply-adds, {:.3} GB in memory (limit {:.3} GB)",
            self.pairs,
            self.multiply_adds,
            gigabytes(self.bytes),
            gigabytes(self.limit),
        )?;
        if !self.in_memory() {
            write!(
                f,
                ": in {} tiles of {} points, {:.3} GB each, {:.3} GB in a file",
                self.tiles,
                self.tile,
                gigabytes(self.tile_bytes),
                gigabytes(self.file_bytes),
            )?;
        }
        Ok(())
    }
}

/// The sizes that determine the memory of kernels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Numbers per point.
    per_point: u64,
    /// Matrices of the result, with copies.
    matrices: u64,
    limit: u64,
}

impl Sizes {
    /// `series` says whether points have coefficients, and `parts` is the number of matrices
    /// of the tangent kernel.
    pub(super) fn new(layout: &Layout, series: bool, parts: usize, limit: u64) -> Self {
        let coefficients = if series { 2 * MAX_TERMS } else { 0 };
        let stage = |positions: usize| positions * (coefficients + 6);
        let stages: usize = layout.layers.iter().map(|t| stage(t.positions)).sum();
        let shares: usize = layout.layers[1..].iter().map(|t| t.positions * t.size).sum();
        let first = &layout.layers[0];
        let directions = first.positions * (first.size * layout.channels + 2);
        // The coefficients of one layer are held twice while they are joined.
        let joined = layout.layers.iter().map(|t| stage(t.positions)).max().unwrap_or(0);
        Self {
            per_point: (stages + shares + directions + joined) as u64,
            matrices: if parts == 1 { 2 } else { 2 * parts as u64 + 1 },
            limit,
        }
    }

    /// Bytes of the kernels between `a` and `b` points; `b` is None for one set.
    pub(super) fn bytes(&self, a: usize, b: Option<usize>) -> u64 {
        let (rows, columns, points) = match b {
            None => (a as u64, a as u64, a as u64),
            Some(b) => (a as u64, b as u64, a as u64 + b as u64),
        };
        let matrices = rows.saturating_mul(columns).saturating_mul(self.matrices);
        matrices.saturating_add(points.saturating_mul(self.per_point)).saturating_mul(8)
    }

    /// # Errors
    /// [`InfiniteError::Memory`]
    pub(super) fn check(&self, a: usize, b: Option<usize>) -> Result<(), InfiniteError> {
        let (needed, limit) = (self.bytes(a, b), self.limit);
        if needed > limit {
            let points = [a, b.unwrap_or(a)];
            return Err(InfiniteError::Memory { points, needed, limit });
        }
        Ok(())
    }

    /// `of_pair` and `of_point` are the multiply-adds for a pair and for a point.
    pub(super) fn plan(
        &self,
        a: usize,
        b: Option<usize>,
        [of_pair, of_point]: [f64; 2],
    ) -> InfinitePlan {
        let columns = b.unwrap_or(a);
        let one_set = |n: f64| 0.5 * n * (n + 1.0);
        let pairs = if b.is_some() { a as f64 * columns as f64 } else { one_set(a as f64) };
        // A tile holds its two matrices, and a copy of one of them on its way to a file.
        let of_tile = |side: usize| self.bytes(side, Some(side)) + 8 * (side * side) as u64;
        let mut tile = MOST_TILE;
        while tile > 1 && of_tile(tile) > self.limit {
            tile /= 2;
        }
        let along = |n: usize| n.div_ceil(tile) as u64;
        let tiles = match b {
            None => along(a) * (along(a) + 1) / 2,
            Some(b) => along(a) * along(b),
        };
        // Every tile computes the coefficients of its points.
        let prepared = if self.bytes(a, b) <= self.limit {
            (a + b.unwrap_or(0)) as f64
        } else {
            2.0 * tile as f64 * tiles as f64
        };
        InfinitePlan {
            points: [a, columns],
            pairs,
            multiply_adds: pairs * of_pair + prepared * of_point,
            bytes: self.bytes(a, b),
            limit: self.limit,
            tile,
            tiles,
            tile_bytes: of_tile(tile),
            file_bytes: (a as u64).saturating_mul(columns as u64).saturating_mul(8),
        }
    }
}

/// Multiply-adds per pair of points of the sums over taps and of the products between
/// directions.
pub(super) fn work_of_sums(layout: &Layout, factors: &Factors) -> f64 {
    let first = &layout.layers[0];
    let bias = usize::from(factors.biases > 0.0);
    let directions = layout.entries(first.positions) * (first.size * layout.channels + bias);
    let sums: usize = layout.layers[1..].iter().map(|t| layout.entries(t.positions) * t.size).sum();
    FAST * directions as f64 + (SUM * sums) as f64
}

/// Multiply-adds that take as long as one of a product of matrices.
const FAST: f64 = 0.1;

/// Multiply-adds that take as long as one tap of a sum, with its gathers.
const SUM: usize = 5;
