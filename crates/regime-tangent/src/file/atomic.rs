//! Atomic writes: a file appears completely or not at all.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use tempfile::NamedTempFile;

use super::error::{FileError, FileProblem};

/// Writes the output of `fill` to `path`, atomically and synced to the disk.
pub(super) fn write_atomically(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<NamedTempFile>) -> Result<(), FileProblem>,
) -> Result<(), FileError> {
    let write = || -> Result<(), FileProblem> {
        let mut file = BufWriter::with_capacity(1 << 16, temporary(folder(path))?);
        fill(&mut file)?;
        file.flush()?;
        let file = file.into_inner().map_err(|refused| refused.into_error())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|refused| refused.error)?;
        Ok(sync_folder(path)?)
    };
    write().map_err(|problem| problem.at(path))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Syncs the folder of `path`, so that a new name is on the disk. Only Unix can open a
/// folder to sync it; elsewhere this does nothing.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::File::open(folder(path))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// A temporary file; removed unless it is renamed.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".array-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The permissions of any new file (minus the umask); tempfile's default is private.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
