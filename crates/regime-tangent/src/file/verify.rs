use std::path::Path;

use super::{
    block::TileFile,
    error::FileProblem,
    journal::{self, Content},
    tiles_error::TileError,
};

/// A finished and undamaged kernel in tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows and columns of the kernel.
    pub shape: [usize; 2],
    /// Number of tiles.
    pub tiles: usize,
    /// The SHA-256 of the whole file.
    pub sha256: String,
    /// The SHA-256 of the [`identity`](super::Tiling::identity) of the computation.
    pub identity: String,
}

/// Verifies every byte of a kernel in tiles against its journal.
///
/// It makes one pass over the file, and checks tile by tile only if this pass finds damage.
///
/// # Errors
/// [`TileError`]: [`NoJournal`](TileError::NoJournal), [`Journal`](TileError::Journal),
/// [`Unfinished`](TileError::Unfinished), [`Damaged`](TileError::Damaged) with the damaged
/// tiles, and errors of the file or the file system.
pub fn verify(path: impl AsRef<Path>) -> Result<Verified, TileError> {
    let path = path.as_ref();
    path.metadata().map_err(|cause| FileProblem::Io(cause).at(path))?;
    let missing = || TileError::NoJournal { path: path.into() };
    let content = journal::read(&journal::beside(path))?.ok_or_else(missing)?;
    let Content { head, tiles: digests, whole } = content;
    let mut file = TileFile::open(path, &head, false)?;
    let grid = head.grid();
    let (done, tiles) =
        (digests.keys().filter(|&&corner| grid.has_corner(corner)).count(), grid.count());
    let Some(sha256) = whole.filter(|_| done == tiles) else {
        return Err(TileError::Unfinished { path: path.into(), done, tiles });
    };
    if file.whole_digest()? != sha256 {
        let mut damaged = Vec::new();
        for tile in grid.tiles() {
            if !file.holds(&tile, head.symmetric, &digests[&tile.corner()])? {
                damaged.push(tile.corner());
            }
        }
        return Err(TileError::Damaged { path: path.into(), tiles: damaged });
    }
    Ok(Verified { shape: head.shape, tiles, sha256, identity: head.identity })
}
