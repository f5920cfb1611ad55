use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
};

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Precision, Tape};

use super::{
    block::{TileFile, digest, transposed},
    error::refused,
    grid::Tile,
    journal::{self, Content, FORMAT, Head, Journal},
    numbers,
    tiles_error::TileError,
};
use crate::kernel::{cross_kernel, kernel};

/// The default number of points of a tile's side: 8 MiB of float64.
pub const DEFAULT_TILE: usize = 1024;

/// The parameters of a kernel in tiles.
#[derive(Debug, Clone, Copy)]
pub struct Tiling<'a> {
    /// Everything that determines the values: the network, its weights, the points. A file
    /// is resumed only if the identity is the same; its SHA-256 is in the journal.
    pub identity: &'a [u8],
    /// Points of a tile's side, at least 1, [`DEFAULT_TILE`] by default. Memory grows
    /// with its square. Each tile also needs the tape of its columns, which for a dense net
    /// of width `h` costs `h/tile` times as much as the tile's products. So small tiles are
    /// slow.
    pub tile: usize,
    /// The element type in the file, float64 by default.
    pub element: Precision,
    /// What to do with an existing file, resume it by default.
    pub existing: Existing,
}

impl<'a> Tiling<'a> {
    /// The defaults, for the computation that `identity` names.
    pub fn new(identity: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self {
            identity: identity.as_ref(),
            tile: DEFAULT_TILE,
            element: Precision::F64,
            existing: Existing::Continue,
        }
    }
}

/// What to do with an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Verify the tiles that are done and compute the others. A file of another kernel is
    /// an error.
    #[default]
    Continue,
    /// Replace the file, whatever it holds.
    Replace,
}

/// The progress of a kernel, before one of its tiles is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Tiles that are on the disk.
    pub done: usize,
    /// Tiles of the whole kernel.
    pub tiles: usize,
    /// The rows of the next tile.
    pub rows: Range<usize>,
    /// The columns of the next tile.
    pub columns: Range<usize>,
}

/// The result of writing a kernel in tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileReport {
    /// Tiles of the whole kernel.
    pub tiles: usize,
    /// Tiles of an earlier call that were reused.
    pub kept: usize,
    /// Tiles that this call computed.
    pub computed: usize,
    /// First row and column of the tiles of an earlier call that have changed since they
    /// were written. They are computed again.
    pub damaged: Vec<[usize; 2]>,
    /// The SHA-256 of the whole file, when all tiles are done.
    pub sha256: Option<String>,
}

/// The path of the journal of the kernel at `path`: `NAME.npy.tiles` next to `NAME.npy`. The
/// journal stays when the kernel is finished, because [`verify`](super::verify) needs it.
pub fn journal_path(path: impl AsRef<Path>) -> PathBuf {
    journal::beside(path.as_ref())
}

/// Writes the tangent kernel on `n` points to a `.npy` file, tile by tile. The whole kernel
/// is never in memory.
///
/// `tape` returns the tape of a range of the points, always at the same weights; it is
/// called about once per tile. Each tile of the upper triangle is computed once and
/// written to both sides of the diagonal. `progress` is called before each tile and can
/// stop the computation; the next call with the same arguments resumes it.
///
/// A tile is on the disk before the journal records it: a process that is killed at any
/// time loses only the current tile. Both sides of an existing tile are verified before
/// they are reused, and the tile is computed again if they have changed.
///
/// # Shapes
/// `[n, n]` in the file, symmetric to the bit; the values of [`kernel`] up to the order of
/// sums.
///
/// # Costs
/// The time of [`kernel`], and about `n/(2·tile)` times the time of the tapes of all points.
/// Memory: three tiles and two tapes of a tile's points, for any `n`; more for layers used
/// at several positions (512 MiB) and for tapes without blocks, whose Jacobians `[tile, P]`
/// are held.
///
/// # Errors
/// [`TileError`] for an error of the file system, when another process is writing the file,
/// and when the file is not of this kernel: another identity, shape, tile or element type, a
/// wrong length, or no journal.
///
/// # Panics
/// For tiles of no points, and when a tape does not have the requested points.
///
/// # Example
/// ```
/// use std::ops::ControlFlow;
///
/// use burn_flex::{Flex, FlexDevice};
/// use regime_models::{Activation, DenseSpec, Network, Precision, Trace};
/// use regime_tangent::file::{NpyRows, Tiling, verify, write_kernel};
///
/// let activation = Activation::Relu;
/// let spec = DenseSpec { inputs: 1, width: 8, hidden_layers: 2, activation, bias: true };
/// let (net, device) = (spec.build()?, FlexDevice);
/// let w = Precision::F64.vector::<Flex>(&net.initial_weights(0), &device);
/// let x = Precision::F64.matrix::<Flex>(&[-2.0, -1.0, 0.5, 1.0, 3.0], [5, 1], &device);
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("theta.npy");
/// let tape = |points| net.trace(&w, &x.clone().slice([points])).linearise();
/// let tiling = Tiling { tile: 2, ..Tiling::new("seed 0, five points") };
/// let report = write_kernel(&path, 5, tape, &tiling, |_| ControlFlow::Continue(()))?;
/// assert_eq!(report.computed, 6);
/// verify(&path)?;
/// assert_eq!(NpyRows::open(&path)?.read(3..5)?.dim(), (2, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_kernel<B: Backend, T: Tape<B>>(
    path: impl AsRef<Path>,
    n: usize,
    mut tape: impl FnMut(Range<usize>) -> T,
    tiling: &Tiling<'_>,
    progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TileReport, TileError> {
    let mut row = None;
    let head = head([n, n], true, tiling);
    run(path.as_ref(), &head, tiling.existing, progress, |tile| {
        let left = at(&mut row, &tile.rows, &mut tape);
        if tile.on_diagonal() {
            return kernel(left);
        }
        cross_kernel(left, &made(&mut tape, &tile.columns))
    })
}

/// Writes the tangent kernel between two sets of points as [`write_kernel`] does. It
/// computes all tiles.
///
/// # Shapes
/// `n` = `[n_a, n_b]`, the shape in the file.
///
/// # Errors
/// As [`write_kernel`].
///
/// # Panics
/// As [`write_kernel`].
pub fn write_cross_kernel<B: Backend, T: Tape<B>>(
    path: impl AsRef<Path>,
    n: [usize; 2],
    mut tape_a: impl FnMut(Range<usize>) -> T,
    mut tape_b: impl FnMut(Range<usize>) -> T,
    tiling: &Tiling<'_>,
    progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<TileReport, TileError> {
    let mut row = None;
    let head = head(n, false, tiling);
    run(path.as_ref(), &head, tiling.existing, progress, |tile| {
        let left = at(&mut row, &tile.rows, &mut tape_a);
        cross_kernel(left, &made(&mut tape_b, &tile.columns))
    })
}

/// The tape of a row of tiles, made for the first tile of the row.
fn at<'a, B: Backend, T: Tape<B>>(
    row: &'a mut Option<(Range<usize>, T)>,
    points: &Range<usize>,
    tape: impl FnMut(Range<usize>) -> T,
) -> &'a T {
    if row.as_ref().is_some_and(|(here, _)| here != points) {
        // Drops the previous tape before the next one is made.
        *row = None;
    }
    &row.get_or_insert_with(|| (points.clone(), made(tape, points))).1
}

fn made<B: Backend, T: Tape<B>>(
    mut tape: impl FnMut(Range<usize>) -> T,
    points: &Range<usize>,
) -> T {
    let tape = tape(points.clone());
    assert_eq!(tape.n_points(), points.len(), "the tape does not have the points {points:?}");
    tape
}

fn head(shape: [usize; 2], symmetric: bool, tiling: &Tiling<'_>) -> Head {
    assert!(tiling.tile > 0, "a tile must have points");
    Head {
        regime_tiles: FORMAT,
        shape,
        symmetric,
        tile: tiling.tile,
        element: tiling.element,
        identity: digest(tiling.identity),
    }
}

fn run<B: Backend>(
    path: &Path,
    head: &Head,
    existing: Existing,
    mut progress: impl FnMut(Progress) -> ControlFlow<()>,
    mut values: impl FnMut(&Tile) -> Tensor<B, 2>,
) -> Result<TileReport, TileError> {
    let grid: Vec<Tile> = head.grid().tiles().collect();
    let (mut file, content) = opened(path, head, existing)?;
    let (valid, damaged) = verified(&mut file, &grid, &content)?;
    let mut report =
        TileReport { tiles: grid.len(), kept: valid.len(), computed: 0, damaged, sha256: None };
    // If all tiles are valid but the digest of the whole file is wrong, the digest is
    // recorded again.
    if valid.len() == grid.len() && content.whole.is_some() {
        let sha256 = file.whole_digest()?;
        if content.whole.as_ref() == Some(&sha256) {
            report.sha256 = Some(sha256);
            return Ok(report);
        }
    }
    // A damaged tile is removed from the journal before it is written again.
    let mut journal = Journal::start(&journal::beside(path), head, &valid)?;
    for tile in grid.iter().filter(|tile| !valid.contains_key(&tile.corner())) {
        let (rows, columns) = (tile.rows.clone(), tile.columns.clone());
        let done = report.kept + report.computed;
        if progress(Progress { done, tiles: grid.len(), rows, columns }).is_break() {
            return Ok(report);
        }
        let mut bytes = Vec::with_capacity(tile.rows.len() * tile.columns.len() * 8);
        let values = Precision::to_host(values(tile));
        numbers::encode(values.into_iter(), head.element, &mut bytes);
        file.write(tile, &bytes)?;
        if head.symmetric && !tile.on_diagonal() {
            file.write(&tile.mirrored(), &transposed(&bytes, tile.shape(), head.element))?;
        }
        file.sync()?;
        journal.tile(tile.corner(), digest(&bytes))?;
        report.computed += 1;
    }
    let sha256 = file.whole_digest()?;
    journal.whole(grid.len(), &sha256)?;
    report.sha256 = Some(sha256);
    Ok(report)
}

/// The file and the content of its journal. Both are created if the file does not exist.
fn opened(path: &Path, head: &Head, existing: Existing) -> Result<(TileFile, Content), TileError> {
    let journal = journal::beside(path);
    if existing == Existing::Replace {
        not_busy(path)?;
        removed(path)?;
        removed(&journal)?;
    }
    let nothing = || Content { head: head.clone(), tiles: BTreeMap::new(), whole: None };
    let there = path.try_exists().map_err(refused(path))?;
    let content = if there {
        let missing = || TileError::NoJournal { path: path.into() };
        journal::read(&journal)?.ok_or_else(missing)?
    } else {
        // The journal first: a file without a journal is an error in the next call.
        Journal::start(&journal, head, &BTreeMap::new())?;
        TileFile::create(path, head)?;
        nothing()
    };
    if let Some((field, found, wanted)) = head.difference(&content.head) {
        return Err(TileError::OtherKernel { path: path.into(), field, found, wanted });
    }
    let file = TileFile::open(path, head, true)?;
    file.lock()?;
    Ok((file, content))
}

fn not_busy(path: &Path) -> Result<(), TileError> {
    match fs::File::open(path) {
        Ok(file) => match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => Err(TileError::Busy { path: path.into() }),
            Ok(()) | Err(fs::TryLockError::Error(_)) => Ok(()),
        },
        // The removal of the file will report any other error.
        Err(_) => Ok(()),
    }
}

fn removed(path: &Path) -> Result<(), TileError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(refused(path)(cause).into()),
        _ => Ok(()),
    }
}

/// Digests of finished tiles, by their corners.
type Finished = BTreeMap<[usize; 2], String>;

/// The tiles of a journal that are unchanged, and the corners of the damaged ones.
fn verified(
    file: &mut TileFile,
    grid: &[Tile],
    content: &Content,
) -> Result<(Finished, Vec<[usize; 2]>), TileError> {
    let (mut valid, mut damaged) = (BTreeMap::new(), Vec::new());
    for tile in grid {
        let Some(sha256) = content.tiles.get(&tile.corner()) else { continue };
        if file.holds(tile, content.head.symmetric, sha256)? {
            valid.insert(tile.corner(), sha256.clone());
        } else {
            damaged.push(tile.corner());
        }
    }
    Ok((valid, damaged))
}
