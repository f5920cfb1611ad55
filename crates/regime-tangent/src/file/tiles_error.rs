use std::path::PathBuf;

use super::error::FileError;

/// Why a kernel in tiles could not be written, gone on with or verified.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The file or its journal cannot be written, read or understood.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was begun for another computation. Go on with that one, or ask for
    /// [`Existing::Replace`](super::Existing::Replace).
    #[error(
        "{}: the file was begun with `{field}` = {found}, should be {wanted}", path.display()
    )]
    OtherKernel {
        /// The file.
        path: PathBuf,
        /// What differs.
        field: &'static str,
        /// Its value in the journal.
        found: String,
        /// Its value in this computation.
        wanted: String,
    },
    /// There is a file, and nothing says what its tiles are.
    #[error("{}: there is such a file, but no journal of tiles beside it", path.display())]
    NoJournal {
        /// The file.
        path: PathBuf,
    },
    /// The first line of a journal does not say what the tiles are of.
    #[error("{}: not a journal of tiles: {why}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Somebody else is writing the file.
    #[error("{}: another process is writing this file", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Not all tiles were computed yet.
    #[error("{}: {done} of {tiles} tiles are done", path.display())]
    Unfinished {
        /// The file.
        path: PathBuf,
        /// Tiles that were computed.
        done: usize,
        /// Tiles that there should be.
        tiles: usize,
    },
    /// The file is not what was written. Writing it again computes the damaged tiles
    /// anew, and only those.
    #[error("{}: {}", path.display(), damage(tiles))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// First row and column of each damaged tile. None when the tiles are whole and
        /// the statement on the whole file is not.
        tiles: Vec<[usize; 2]>,
    },
}

fn damage(tiles: &[[usize; 2]]) -> String {
    match tiles {
        [] => "its tiles are whole, but the checksum in its journal is another".into(),
        [[row, column], ..] => format!(
            "{} of its tiles are not what was written, the first at row {row}, column {column}",
            tiles.len()
        ),
    }
}
