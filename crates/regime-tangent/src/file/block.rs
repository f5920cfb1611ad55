//! Tiles in a file.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use regime_models::Precision;
use sha2::{Digest, Sha256};

use super::{
    atomic::write_atomically,
    error::{FileError, FileProblem, refused},
    grid::Tile,
    header::Header,
    journal::{Head, hex},
    numbers,
    tiles_error::TileError,
};

/// A `.npy` file whose tiles are written and read as bytes.
pub(super) struct TileFile {
    path: PathBuf,
    file: File,
    header: Header,
}

impl TileFile {
    /// Creates the file for a kernel, filled with zeros (which take no space on most file
    /// systems).
    pub(super) fn create(path: &Path, head: &Head) -> Result<(), FileError> {
        let (header, bytes) = Header::new(&head.shape, head.element);
        let length = header.file_length().map_err(|problem| problem.at(path))?;
        write_atomically(path, |file| {
            file.write_all(&bytes)?;
            file.flush()?;
            Ok(file.get_ref().as_file().set_len(length)?)
        })
    }

    /// Opens the file of a kernel and checks its shape and element type.
    pub(super) fn open(path: &Path, head: &Head, write: bool) -> Result<Self, FileError> {
        let (header, bytes) = Header::new(&head.shape, head.element);
        let refused = refused(path);
        let mut file = OpenOptions::new().read(true).write(write).open(path).map_err(&refused)?;
        let length = file.metadata().map_err(&refused)?.len();
        let mut found = Vec::new();
        (&mut file).take(bytes.len() as u64).read_to_end(&mut found).map_err(&refused)?;
        if found != bytes {
            let why = "it does not match the kernel in the journal of tiles";
            return Err(FileProblem::header(why).at(path));
        }
        header.check_length(length).map_err(|problem| problem.at(path))?;
        Ok(Self { path: path.into(), file, header })
    }

    /// Locks the file, so that no other process writes it while it is open. On a file system
    /// without locks this does nothing.
    pub(super) fn lock(&self) -> Result<(), TileError> {
        match self.file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TileError::Busy { path: self.path.clone() }),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    pub(super) fn write(&mut self, tile: &Tile, bytes: &[u8]) -> Result<(), FileError> {
        let row = tile.columns.len() * numbers::size_of(self.header.element);
        for (i, row) in tile.rows.clone().zip(bytes.chunks_exact(row)) {
            self.seek(i, tile.columns.start)
                .and_then(|()| self.file.write_all(row))
                .map_err(refused(&self.path))?;
        }
        Ok(())
    }

    pub(super) fn read(&mut self, tile: &Tile) -> Result<Vec<u8>, FileError> {
        let row = tile.columns.len() * numbers::size_of(self.header.element);
        let mut bytes = vec![0; tile.rows.len() * row];
        for (i, row) in tile.rows.clone().zip(bytes.chunks_exact_mut(row)) {
            self.seek(i, tile.columns.start)
                .and_then(|()| self.file.read_exact(row))
                .map_err(refused(&self.path))?;
        }
        Ok(bytes)
    }

    /// Whether a tile, and its mirror image if it has one, are unchanged since they were
    /// written.
    pub(super) fn holds(
        &mut self,
        tile: &Tile,
        symmetric: bool,
        sha256: &str,
    ) -> Result<bool, FileError> {
        let bytes = self.read(tile)?;
        if digest(&bytes) != sha256 {
            return Ok(false);
        }
        if !symmetric || tile.on_diagonal() {
            return Ok(true);
        }
        let mirrored = self.read(&tile.mirrored())?;
        Ok(mirrored == transposed(&bytes, tile.shape(), self.header.element))
    }

    /// Syncs the written data to the disk.
    pub(super) fn sync(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(refused(&self.path))
    }

    /// The SHA-256 of the whole file.
    pub(super) fn whole_digest(&mut self) -> Result<String, FileError> {
        let refused = refused(&self.path);
        self.file.seek(SeekFrom::Start(0)).map_err(&refused)?;
        let mut hasher = Sha256::new();
        let mut bytes = vec![0; 1 << 20];
        loop {
            match self.file.read(&mut bytes).map_err(&refused)? {
                0 => return Ok(hex(&hasher.finalize())),
                n => hasher.update(&bytes[..n]),
            }
        }
    }

    fn seek(&mut self, row: usize, column: usize) -> std::io::Result<()> {
        let entry = row as u64 * self.header.shape[1] as u64 + column as u64;
        let place = self.header.start + entry * numbers::size_of(self.header.element) as u64;
        self.file.seek(SeekFrom::Start(place)).map(|_| ())
    }
}

/// The SHA-256 of a tile's bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The bytes of the transpose of a matrix of this shape.
pub(super) fn transposed(bytes: &[u8], shape: [usize; 2], element: Precision) -> Vec<u8> {
    match element {
        Precision::F64 => transposed_chunks::<8>(bytes, shape),
        Precision::F32 => transposed_chunks::<4>(bytes, shape),
    }
}

fn transposed_chunks<const SIZE: usize>(bytes: &[u8], [n, m]: [usize; 2]) -> Vec<u8> {
    /// Rows and columns of a block that is transposed at once, in a core's level-1 cache.
    const SIDE: usize = 32;
    let from = bytes.as_chunks::<SIZE>().0;
    let mut bytes = vec![0; bytes.len()];
    let to = bytes.as_chunks_mut::<SIZE>().0;
    for top in (0..n).step_by(SIDE) {
        for left in (0..m).step_by(SIDE) {
            for j in left..(left + SIDE).min(m) {
                for i in top..(top + SIDE).min(n) {
                    to[j * n + i] = from[i * m + j];
                }
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        let (n, m) = (33, 70);
        let value = |i: usize, j: usize| (i * 100 + j) as f64;
        let encoded = |numbers: Vec<f64>, element| {
            let mut bytes = Vec::new();
            numbers::encode(numbers.into_iter(), element, &mut bytes);
            bytes
        };
        let matrix = (0..n).flat_map(|i| (0..m).map(move |j| value(i, j))).collect::<Vec<_>>();
        let turned = (0..m).flat_map(|j| (0..n).map(move |i| value(i, j))).collect::<Vec<_>>();
        for element in [Precision::F64, Precision::F32] {
            let bytes = encoded(matrix.clone(), element);
            assert_eq!(transposed(&bytes, [n, m], element), encoded(turned.clone(), element));
        }
    }
}
