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
    grid::{Tile, tiles},
    journal::{self, Content, FORMAT, Head, Journal},
    numbers,
    tiles_error::TileError,
};
use crate::gram::{cross_kernel, kernel};

/// Points of a tile's side where nothing else is asked for: 8 MiB of float64.
pub const DEFAULT_TILE: usize = 1024;

/// How a kernel is written in tiles.
#[derive(Debug, Clone, Copy)]
pub struct Tiling<'a> {
    /// Whatever the values follow from: the network, its weights, the points. A file
    /// is only gone on with when this is the same; its SHA-256 is in the journal.
    pub identity: &'a [u8],
    /// Points of a tile's side, at least 1, [`DEFAULT_TILE`] by default. Memory grows
    /// with its square. Each tile costs the tape of its columns beside its products,
    /// `h/tile` times as much for a dense net of width `h`, so that small ones cost time.
    pub tile: usize,
    /// The element type in the file, float64 by default.
    pub element: Precision,
    /// What to do about a file that is there, go on by default.
    pub existing: Existing,
}

impl<'a> Tiling<'a> {
    /// The defaults for what `identity` names.
    pub fn new(identity: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self {
            identity: identity.as_ref(),
            tile: DEFAULT_TILE,
            element: Precision::F64,
            existing: Existing::Continue,
        }
    }
}

/// What to do about a file that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Verify the tiles that are done and compute the others; refuse a file that is of
    /// something else.
    #[default]
    Continue,
    /// Start afresh, whatever it is.
    Replace,
}

/// How far a kernel is, before one of its tiles is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Tiles that are on the disk.
    pub done: usize,
    /// Tiles of the whole kernel.
    pub tiles: usize,
    /// The rows of the tile that comes next.
    pub rows: Range<usize>,
    /// Its columns.
    pub columns: Range<usize>,
}

/// What was done to a kernel in tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileReport {
    /// Tiles of the whole kernel.
    pub tiles: usize,
    /// Tiles that an earlier call had computed.
    pub kept: usize,
    /// Tiles that this call computed.
    pub computed: usize,
    /// First row and column of the tiles that an earlier call had computed and that were
    /// not what it wrote any more. They are computed anew.
    pub damaged: Vec<[usize; 2]>,
    /// The SHA-256 of the whole file, once all tiles are done.
    pub sha256: Option<String>,
}

/// The journal of the kernel at `path`: `NAME.npy.tiles` beside `NAME.npy`. It stays
/// when the kernel is finished, as the statement by which [`verify`](super::verify)
/// judges it.
pub fn journal_path(path: impl AsRef<Path>) -> PathBuf {
    journal::beside(path.as_ref())
}

/// Writes the tangent kernel on `n` points to a `.npy` file, tile by tile, without ever
/// holding it.
///
/// `tape` gives the tape of a stretch of the points, always at the same weights; it is
/// called about once per tile. Tiles of the upper triangle are computed, each once, and
/// written to both sides. `progress` is called before each of them and can stop there;
/// the next call with the same arguments goes on.
///
/// A tile is brought to the disk before the journal says so: a process that is killed
/// at any moment loses the tile it was at. What is there is verified before it counts,
/// both sides of it, and computed anew if it is not what was written.
///
/// # Shapes
/// `[n, n]` in the file, symmetric to the bit; the values of [`kernel`] but for the
/// order of sums.
///
/// # Costs
/// Time of [`kernel`], and about `n/(2·tile)` times that of the tapes of all points.
/// Memory: three tiles and two tapes of a tile's points, whatever `n` is; more for
/// layers used at several positions (512 MiB) and for tapes without blocks, whose
/// Jacobians `[tile, P]` are held.
///
/// # Errors
/// [`TileError`] when the file system refuses, another process is writing the file, or
/// the file is of something else: another identity, shape, tile or element type, a wrong
/// length, or no journal beside it.
///
/// # Panics
/// For tiles of no points, and when a tape does not have the points that were asked for.
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

/// Writes the tangent kernel between two sets of points as [`write_kernel`] does, all
/// of its tiles.
///
/// # Shapes
/// `n` = `[n_a, n_b]`, and so is the file.
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

/// The tape of a row of tiles, made when its first tile is.
fn at<'a, B: Backend, T: Tape<B>>(
    row: &'a mut Option<(Range<usize>, T)>,
    points: &Range<usize>,
    tape: impl FnMut(Range<usize>) -> T,
) -> &'a T {
    if row.as_ref().is_some_and(|(here, _)| here != points) {
        // The one before goes before this one comes.
        *row = None;
    }
    &row.get_or_insert_with(|| (points.clone(), made(tape, points))).1
}

fn made<B: Backend, T: Tape<B>>(
    mut tape: impl FnMut(Range<usize>) -> T,
    points: &Range<usize>,
) -> T {
    let tape = tape(points.clone());
    assert_eq!(tape.n_points(), points.len(), "the tape has other points than {points:?}");
    tape
}

fn head(shape: [usize; 2], symmetric: bool, tiling: &Tiling<'_>) -> Head {
    assert!(tiling.tile > 0, "a tile has points");
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
    let grid = tiles(head.shape, head.symmetric, head.tile);
    let (mut file, content) = opened(path, head, existing)?;
    let (kept, damaged) = sound(&mut file, &grid, &content)?;
    let mut report =
        TileReport { tiles: grid.len(), kept: kept.len(), computed: 0, damaged, sha256: None };
    // A statement on the whole that is wrong, although no tile is, is made anew.
    if kept.len() == grid.len() && content.whole.is_some() {
        let sha256 = file.whole_digest()?;
        if content.whole.as_ref() == Some(&sha256) {
            report.sha256 = Some(sha256);
            return Ok(report);
        }
    }
    // A tile leaves the journal before it is written anew.
    let mut journal = Journal::start(&journal::beside(path), head, &kept)?;
    for tile in grid.iter().filter(|tile| !kept.contains_key(&tile.corner())) {
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

/// The file to write to and what its journal says, both made if they are not there.
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
        // The journal first: a file without one would be somebody else's.
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
        // Whatever else is wrong shows when it is removed.
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

/// The tiles of a journal that are what was written, and the corners of the others.
fn sound(
    file: &mut TileFile,
    grid: &[Tile],
    content: &Content,
) -> Result<(Finished, Vec<[usize; 2]>), TileError> {
    let (mut kept, mut damaged) = (BTreeMap::new(), Vec::new());
    for tile in grid {
        let Some(sha256) = content.tiles.get(&tile.corner()) else { continue };
        if file.holds(tile, content.head.symmetric, sha256)? {
            kept.insert(tile.corner(), sha256.clone());
        } else {
            damaged.push(tile.corner());
        }
    }
    Ok((kept, damaged))
}
