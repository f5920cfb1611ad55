//! The folder of an archive, which receives only complete, verified files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::AttemptError;
use super::event::FetchEvent;
use crate::archive::ArchiveFile;

/// The folder where the files of one archive belong.
pub(super) struct Place<'a, 'f> {
    dir: &'a Path,
    on_event: &'a mut (dyn FnMut(FetchEvent<'_>) + 'f),
}

impl<'a, 'f> Place<'a, 'f> {
    pub(super) fn new(dir: &'a Path, on_event: &'a mut (dyn FnMut(FetchEvent<'_>) + 'f)) -> Self {
        Self { dir, on_event }
    }

    pub(super) fn report(&mut self, event: FetchEvent<'_>) {
        (self.on_event)(event);
    }

    /// The `files` that are absent or differ from the published ones.
    pub(super) fn missing(&self, files: &[ArchiveFile]) -> Vec<ArchiveFile> {
        let is_missing = |file: &&ArchiveFile| {
            let path = self.dir.join(file.name);
            let content = file.read(&path).ok();
            content.is_none_or(|bytes| file.verify(&bytes, file.name).is_err())
        };
        files.iter().filter(is_missing).copied().collect()
    }

    /// Verifies the file at `from`, compressed or not, and stores its uncompressed
    /// content in the folder. `from` is not changed.
    pub(super) fn install(&mut self, file: &ArchiveFile, from: &Path) -> Result<(), AttemptError> {
        if !from.is_file() {
            return Err(AttemptError::NoFile { path: from.to_owned() });
        }
        let bytes = file.read(from)?;
        file.verify(&bytes, &from.display().to_string())?;

        // Written to a folder inside the target folder, so that the last step is a
        // rename.
        let folder = self.temporary_folder()?;
        let written = folder.path().join(file.name);
        fs::write(&written, &bytes).map_err(cannot_write(&written))?;
        let target = self.dir.join(file.name);
        fs::rename(&written, &target).map_err(cannot_write(&target))?;
        self.report(FetchEvent::Fetched { file: file.name, bytes: bytes.len() });
        Ok(())
    }

    /// A temporary folder inside this one, removed on drop.
    pub(super) fn temporary_folder(&self) -> Result<tempfile::TempDir, AttemptError> {
        tempfile::Builder::new()
            .prefix(".fetch-")
            .tempdir_in(self.dir)
            .map_err(cannot_write(self.dir))
    }

    /// The path of a partial download, which a later fetch resumes.
    ///
    /// There is one per mirror: two mirrors may compress a file differently, so their
    /// parts cannot be joined.
    pub(super) fn partial(&self, file: &ArchiveFile, mirror: &str) -> PathBuf {
        self.dir.join(format!("{}.{mirror}.part", file.name))
    }
}

fn cannot_write(path: &Path) -> impl Fn(io::Error) -> AttemptError {
    move |source| AttemptError::Io { path: path.to_owned(), source }
}
