//! Kernels in tiles, for sets of points whose kernels do not fit into memory.

use std::{
    ops::{ControlFlow, Range},
    path::Path,
};

use burn_tensor::{DType, Tensor, backend::Backend};
use ndarray::{ArrayView2, Axis, Slice};
use regime_models::{Precision, Tape};
use sha2::{Digest, Sha256};

use super::{error::InfiniteError, kernels::InfiniteKernels, limit::InfiniteWidth};
use crate::file::{Progress, TileError, TileReport, Tiling, write_cross_kernel, write_kernel};

/// A block of both kernels.
#[derive(Debug, Clone, PartialEq)]
pub struct InfiniteTile {
    /// Points of the rows.
    pub rows: Range<usize>,
    /// Points of the columns.
    pub columns: Range<usize>,
    /// The kernels between them, `[rows, columns]`.
    pub kernels: InfiniteKernels,
}

/// One of the two kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InfiniteKernel {
    /// The covariance of the outputs at initialisation.
    Nngp,
    /// The tangent kernel.
    Tangent,
}

/// Why a kernel cannot be written to a file.
#[derive(Debug, thiserror::Error)]
pub enum InfiniteFileError {
    /// The kernel cannot be computed.
    #[error(transparent)]
    Kernel(#[from] InfiniteError),
    /// The file cannot be written, or belongs to another kernel.
    #[error(transparent)]
    File(#[from] TileError),
}

impl InfiniteWidth {
    /// Computes both kernels tile by tile, and gives each tile to `sink`, which can stop the
    /// computation. `b` is None for the kernels on the points `a`: then only the tiles of the
    /// upper triangle are computed, and those on the diagonal are symmetric to the bit.
    ///
    /// [`plan`](Self::plan) proposes the side of a tile, `tile`. Every tile also computes the
    /// coefficients of its points (see the [costs](super#costs)), so small tiles are slow.
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]` → tiles of up to `[tile, tile]`
    ///
    /// # Errors
    /// [`InfiniteError`]: the errors of [`kernels`](Self::kernels), where
    /// [`Point`](InfiniteError::Point) counts the rows of the tile's points, and
    /// [`Parameter`](InfiniteError::Parameter) for tiles of no points.
    ///
    /// # Example
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use ndarray::Array2;
    /// use regime_models::{Activation, DenseSpec};
    /// use regime_tangent::InfiniteWidth;
    ///
    /// let activation = Activation::Relu;
    /// let net = DenseSpec { inputs: 1, width: 1, hidden_layers: 2, activation, bias: true };
    /// let limit = InfiniteWidth::new(&net)?.with_memory(1 << 20);
    /// let x = Array2::from_shape_fn([500, 1], |(i, _)| i as f64 / 500.0);
    /// let plan = limit.plan(x.view(), None)?;
    /// println!("{plan}");
    /// assert!(!plan.in_memory() && limit.kernels(x.view()).is_err());
    ///
    /// let mut trace = 0.0;
    /// limit.fill_tiles(x.view(), None, plan.tile, |tile| {
    ///     if tile.rows == tile.columns {
    ///         trace += tile.kernels.tangent.diag().sum();
    ///     }
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert!(trace > 500.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fill_tiles(
        &self,
        a: ArrayView2<'_, f64>,
        b: Option<ArrayView2<'_, f64>>,
        tile: usize,
        mut sink: impl FnMut(InfiniteTile) -> ControlFlow<()>,
    ) -> Result<(), InfiniteError> {
        has_points(tile)?;
        let own = b.is_none();
        let right = b.unwrap_or(a);
        let ranges = |n: usize| (0..n).step_by(tile).map(move |start| start..(start + tile).min(n));
        for rows in ranges(a.nrows()) {
            for columns in ranges(right.nrows()) {
                if own && columns.start < rows.start {
                    continue;
                }
                let left = part(&a, rows.clone());
                let kernels = if own && columns == rows {
                    self.kernels(left)?
                } else {
                    self.cross_kernels(left, part(&right, columns.clone()))?
                };
                let tile = InfiniteTile { rows: rows.clone(), columns, kernels };
                if sink(tile).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Writes one of the kernels on the points `x` to a `.npy` file, tile by tile, as
    /// [`write_kernel`] does: the whole kernel is never in memory, and an interrupted
    /// computation is resumed. The network, the points and the choice of the kernel are part of
    /// the file's identity, so `tiling.identity` may be empty.
    ///
    /// `B` is the backend whose tensors carry a tile to the file, for example `Flex`.
    ///
    /// # Shapes
    /// `[n, d]` → `[n, n]` in the file, symmetric to the bit
    ///
    /// # Errors
    /// [`InfiniteFileError::Kernel`], before anything is written, with the errors of
    /// [`fill_tiles`](Self::fill_tiles); [`InfiniteFileError::File`] as [`write_kernel`].
    pub fn write_kernel<B: Backend>(
        &self,
        path: impl AsRef<Path>,
        x: ArrayView2<'_, f64>,
        kernel: InfiniteKernel,
        tiling: &Tiling<'_>,
        progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TileReport, InfiniteFileError> {
        self.check_points(x, tiling.tile)?;
        let identity = self.identity(kernel, &[x], tiling);
        let tiling = Tiling { identity: identity.as_bytes(), ..*tiling };
        let tape = |points| KernelTape { limit: self, points: part(&x, points), kernel };
        Ok(write_kernel::<B, _>(path, x.nrows(), tape, &tiling, progress)?)
    }

    /// Writes one of the kernels between two sets of points to a file, as
    /// [`write_kernel`](Self::write_kernel).
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]` → `[n_a, n_b]` in the file
    ///
    /// # Errors
    /// As [`write_kernel`](Self::write_kernel).
    pub fn write_cross_kernel<B: Backend>(
        &self,
        path: impl AsRef<Path>,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
        kernel: InfiniteKernel,
        tiling: &Tiling<'_>,
        progress: impl FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<TileReport, InfiniteFileError> {
        self.check_points(a, tiling.tile)?;
        self.check_points(b, tiling.tile)?;
        let identity = self.identity(kernel, &[a, b], tiling);
        let tiling = Tiling { identity: identity.as_bytes(), ..*tiling };
        let left = |points| KernelTape { limit: self, points: part(&a, points), kernel };
        let right = |points| KernelTape { limit: self, points: part(&b, points), kernel };
        let shape = [a.nrows(), b.nrows()];
        Ok(write_cross_kernel::<B, _>(path, shape, left, right, &tiling, progress)?)
    }

    /// Every error that a tile could have.
    fn check_points(&self, x: ArrayView2<'_, f64>, tile: usize) -> Result<(), InfiniteError> {
        has_points(tile)?;
        self.check_memory(tile.min(x.nrows()), Some(tile.min(x.nrows())))?;
        for start in (0..x.nrows()).step_by(tile) {
            self.check_deviations(part(&x, start..(start + tile).min(x.nrows())))?;
        }
        Ok(())
    }

    fn identity(
        &self,
        kernel: InfiniteKernel,
        sets: &[ArrayView2<'_, f64>],
        tiling: &Tiling<'_>,
    ) -> String {
        let mut points = Sha256::new();
        for set in sets {
            points.update(set.nrows().to_le_bytes());
            set.iter().for_each(|v| points.update(v.to_le_bytes()));
        }
        let network = self.with_memory(0);
        format!("{:?} {kernel:?} {network:?} {:?}", tiling.identity, points.finalize())
    }
}

/// # Errors
/// [`InfiniteError::Parameter`]
fn has_points(tile: usize) -> Result<(), InfiniteError> {
    if tile == 0 {
        let wanted = "at least 1";
        return Err(InfiniteError::Parameter { field: "tile", value: 0.0, wanted });
    }
    Ok(())
}

fn part<'a>(x: &'a ArrayView2<'_, f64>, points: Range<usize>) -> ArrayView2<'a, f64> {
    x.slice_axis(Axis(0), Slice::from(points))
}

/// Points of which only the kernel is known, for the writer of tiles.
struct KernelTape<'a> {
    limit: &'a InfiniteWidth,
    points: ArrayView2<'a, f64>,
    kernel: InfiniteKernel,
}

/// Why the products of a [`KernelTape`] are never requested.
const KNOWN: &str = "the writer of tiles takes the kernel where a tape knows it";

impl<B: Backend> Tape<B> for KernelTape<'_> {
    fn n_points(&self) -> usize {
        self.points.nrows()
    }

    fn placement(&self) -> (B::Device, DType) {
        (B::Device::default(), DType::F64)
    }

    fn jvp(&self, _: Tensor<B, 1>) -> Tensor<B, 1> {
        unreachable!("{KNOWN}")
    }

    fn vjp(&self, _: Tensor<B, 1>) -> Tensor<B, 1> {
        unreachable!("{KNOWN}")
    }

    fn select(&self, _: &[usize]) -> Self {
        unreachable!("{KNOWN}")
    }

    fn kernel_with(&self, other: &Self) -> Option<Tensor<B, 2>> {
        let kernels = if std::ptr::eq(self, other) {
            self.limit.kernels(self.points)
        } else {
            self.limit.cross_kernels(self.points, other.points)
        };
        let kernels = kernels.expect("the points were checked");
        let matrix = match self.kernel {
            InfiniteKernel::Nngp => kernels.nngp,
            InfiniteKernel::Tangent => kernels.tangent,
        };
        let shape = [matrix.nrows(), matrix.ncols()];
        let values = matrix.into_raw_vec_and_offset().0;
        Some(Precision::F64.matrix::<B>(&values, shape, &B::Device::default()))
    }
}
