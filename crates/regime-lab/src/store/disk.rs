//! Files of a store: atomic writing, moving aside, removal of what crashed writers left.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Store, StoreError};

/// Age above which a temporary file is left over from a crash: a writer needs it only for
/// the milliseconds that a record takes to reach the disk.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

impl Store {
    /// Renames the file or folder at `path` to `<path>.damaged` and returns the new path. An earlier file of
    /// that name is replaced; next to a folder of that name the new one is `<path>.damaged.1` and so on. It is
    /// not an error if the file is gone, because another process moved it first.
    pub(super) fn move_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let mut number = 0;
        loop {
            let mut moved_to = path.to_owned().into_os_string();
            moved_to.push(if number == 0 {
                ".damaged".into()
            } else {
                format!(".damaged.{number}")
            });
            let moved_to = PathBuf::from(moved_to);
            match fs::rename(path, &moved_to) {
                Ok(()) => return Ok(moved_to),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(moved_to),
                // A folder cannot replace a file, nor a file a folder.
                Err(_) if number < 100 && moved_to.exists() => number += 1,
                Err(cause) => return Err(StoreError::Write { path: path.to_owned(), cause }),
            }
        }
    }

    /// Removes a file, if it exists.
    pub(super) fn remove(&self, path: PathBuf) -> Result<(), StoreError> {
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Write { path, cause })
            }
            _ => Ok(()),
        }
    }

    /// Writes `text` to `path` atomically, and flushes it to the disk.
    pub(super) fn write_atomically(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        self.flush(file.as_file())?;
        file.persist(path)?;
        // Flush the folder, so that the new name is on the disk. Only Unix can open a
        // folder for that.
        #[cfg(unix)]
        self.flush(&File::open(&self.dir)?)?;
        Ok(())
    }

    /// Flushes a file or folder to the disk. Some network file systems refuse to: that is remembered, and
    /// is no error.
    fn flush(&self, file: &File) -> io::Result<()> {
        use io::ErrorKind::{InvalidInput, Unsupported};
        match file.sync_all() {
            Err(refused) if matches!(refused.kind(), InvalidInput | Unsupported) => {
                self.flush_refused.store(true, Ordering::Relaxed);
                Ok(())
            }
            result => result,
        }
    }

    /// A temporary file in the folder; it is removed unless it is renamed.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".run-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The permissions of an ordinary new file (less the umask), not private ones.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(&self.dir)
    }

    /// Removes the temporary files of crashed writers. "Now" is the time stamp of a new
    /// file, so that all time stamps are from the clock of the file system. Creating this
    /// file also shows that the folder can be written to.
    pub(super) fn remove_stale(&self) -> io::Result<()> {
        let probe = self.temporary()?;
        let now = probe.as_file().metadata()?.modified()?;
        for file in fs::read_dir(&self.dir)? {
            let file = file?;
            let name = file.file_name();
            let temporary =
                name.to_str().is_some_and(|n| n.starts_with(".run-") && n.ends_with(".tmp"));
            if !temporary {
                continue;
            }
            // A file that vanishes meanwhile belonged to another process.
            let modified = file.metadata().and_then(|about| about.modified());
            if modified.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > STALE)) {
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }
}
