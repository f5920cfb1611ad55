use std::path::PathBuf;

use super::error::FileError;

/// Why a kernel in tiles could not be written, resumed or verified.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The file or its journal cannot be written, read or understood.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file belongs to another computation. Resume that computation, or set
    /// [`Existing::Replace`](super::Existing::Replace).
    #[error(
        "{}: the file was started with `{field}` = {found}, should be {wanted}", path.display()
    )]
    OtherKernel {
        /// The file.
        path: PathBuf,
        /// The field that differs.
        field: &'static str,
        /// Its value in the journal.
        found: String,
        /// Its value in this computation.
        wanted: String,
    },
    /// The file has no journal.
    #[error("{}: the file exists, but it has no journal of tiles", path.display())]
    NoJournal {
        /// The file.
        path: PathBuf,
    },
    /// The first line of a journal cannot be read.
    #[error("{}: not a journal of tiles: {why}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The problem.
        why: String,
    },
    /// Another process is writing the file.
    #[error("{}: another process is writing this file", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Some tiles are not computed yet.
    #[error("{}: {done} of {tiles} tiles are done", path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// Tiles that are done.
        done: usize,
        /// Tiles of the whole kernel.
        tiles: usize,
    },
    /// The file has changed since it was written. Writing the kernel again computes only
    /// the damaged tiles.
    #[error("{}: {}", path.display(), damage(tiles))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// First row and column of each damaged tile. Empty when all tiles are valid but the
        /// digest of the whole file in the journal is wrong.
        tiles: Vec<[usize; 2]>,
    },
}

fn damage(tiles: &[[usize; 2]]) -> String {
    match tiles {
        [] => "its tiles are valid, but the checksum of the file in its journal is wrong".into(),
        [[row, column], ..] => format!(
            "{} of its tiles are damaged, the first at row {row}, column {column}",
            tiles.len()
        ),
    }
}
