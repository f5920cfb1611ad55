//! The journal of a kernel in tiles: which kernel it is, and which tiles are done.
//!
//! The journal consists of lines of JSON. The first line is a [`Head`]. Each tile on the
//! disk has one line with its digest. When all tiles are done, the last line has the digest
//! of the whole file. A line that cannot be read is ignored, so its tile counts as not done.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use regime_models::Precision;
use serde::{Deserialize, Serialize};

use super::{
    atomic::write_atomically,
    error::{FileError, refused},
    grid::Grid,
    tiles_error::TileError,
};

/// The version of this format.
pub(super) const FORMAT: u32 = 1;

/// The kernel to which the tiles belong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// The version of the format.
    pub(super) regime_tiles: u32,
    pub(super) shape: [usize; 2],
    pub(super) symmetric: bool,
    /// Points of a tile's side.
    pub(super) tile: usize,
    pub(super) element: Precision,
    /// SHA-256 of the identity that the caller gives to the computation.
    pub(super) identity: String,
}

impl Head {
    /// The division of this kernel into tiles.
    pub(super) fn grid(&self) -> Grid {
        Grid { shape: self.shape, symmetric: self.symmetric, size: self.tile }
    }

    /// The first field in which `found` differs, with its values in `found` and in `self`.
    pub(super) fn difference(&self, found: &Self) -> Option<(&'static str, String, String)> {
        fn field<V: PartialEq + std::fmt::Debug>(
            name: &'static str,
            found: V,
            wanted: V,
        ) -> Option<(&'static str, String, String)> {
            (found != wanted).then(|| (name, format!("{found:?}"), format!("{wanted:?}")))
        }
        field("shape", found.shape, self.shape)
            .or_else(|| field("symmetric", found.symmetric, self.symmetric))
            .or_else(|| field("element", found.element, self.element))
            .or_else(|| field("tile", found.tile, self.tile))
            .or_else(|| field("sha256 of identity", &found.identity, &self.identity))
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Tile(TileLine),
    Whole(WholeLine),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TileLine {
    row: usize,
    column: usize,
    sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeLine {
    tiles: usize,
    sha256: String,
}

/// The content of a journal.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) head: Head,
    /// The digests of the tiles by their corners.
    pub(super) tiles: BTreeMap<[usize; 2], String>,
    /// The digest of the whole file.
    pub(super) whole: Option<String>,
}

/// The path of the journal of a file.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tiles");
    path.with_file_name(name)
}

/// Reads a journal; `None` when it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Content>, TileError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(refused(path)(cause).into()),
    };
    let wrong = |why: String| TileError::Journal { path: path.into(), why };
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let head: Head = serde_json::from_slice(lines.next().unwrap_or_default())
        .map_err(|cause| wrong(format!("its first line cannot be read: {cause}")))?;
    if head.regime_tiles != FORMAT || head.tile == 0 {
        return Err(wrong(format!(
            "`regime_tiles` = {} and `tile` = {}, should be {FORMAT} and positive",
            head.regime_tiles, head.tile
        )));
    }
    if head.symmetric && head.shape[0] != head.shape[1] {
        return Err(wrong(format!(
            "`shape` = {:?} and `symmetric` = true, but a symmetric kernel is square",
            head.shape
        )));
    }
    let mut content = Content { head, tiles: BTreeMap::new(), whole: None };
    // A line and its end are written at once: a line without an end may be incomplete.
    for line in lines.filter(|line| line.ends_with(b"\n")) {
        match serde_json::from_slice(line) {
            Ok(Line::Tile(tile)) => {
                content.tiles.insert([tile.row, tile.column], tile.sha256);
            }
            Ok(Line::Whole(whole)) => content.whole = Some(whole.sha256),
            Err(_) => {}
        }
    }
    Ok(Some(content))
}

/// A journal to which lines are appended.
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Replaces the journal atomically by one with these tiles.
    pub(super) fn start(
        path: &Path,
        head: &Head,
        tiles: &BTreeMap<[usize; 2], String>,
    ) -> Result<Self, FileError> {
        write_atomically(path, |file| {
            file.write_all(&line(head))?;
            for ([row, column], sha256) in tiles {
                file.write_all(&line(&TileLine {
                    row: *row,
                    column: *column,
                    sha256: sha256.clone(),
                }))?;
            }
            Ok(())
        })?;
        let file = OpenOptions::new().append(true).open(path).map_err(refused(path))?;
        Ok(Self { path: path.into(), file })
    }

    /// Records that a tile is on the disk.
    pub(super) fn tile(&mut self, corner: [usize; 2], sha256: String) -> Result<(), FileError> {
        let [row, column] = corner;
        self.append(&line(&TileLine { row, column, sha256 }))
    }

    /// Records that all tiles are on the disk.
    pub(super) fn whole(&mut self, tiles: usize, sha256: &str) -> Result<(), FileError> {
        self.append(&line(&WholeLine { tiles, sha256: sha256.into() }))
    }

    fn append(&mut self, line: &[u8]) -> Result<(), FileError> {
        self.file.write_all(line).and_then(|()| self.file.sync_data()).map_err(refused(&self.path))
    }
}

pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("numbers and text are JSON");
    line.push(b'\n');
    line
}
