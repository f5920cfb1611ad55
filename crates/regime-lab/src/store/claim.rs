//! Claims on runs: two processes do not compute the same run at the same time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Store, StoreError};
use crate::spec::RunKey;

/// The number of times that a claim is tried before it counts as held.
const MAX_TRIES: usize = 20;

/// The largest number of bytes that are read from a lock file.
const MAX_HOLDER: u64 = 4096;

/// A claim on a run, held while the run is computed.
///
/// It is a lock of the system on the file `<key>.lock`. The system releases it when the process ends,
/// however it ends, so a claim never outlives its process and needs no clock. Dropping the claim removes the file.
/// A file system without locks grants every claim: two processes may then compute one run twice, and the
/// record stored last stays.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Locked while the claim is held.
    /// `None` where no lock was possible.
    file: Option<File>,
}

/// The result of [`Store::claim`].
#[derive(Debug)]
pub enum Claimed {
    /// The run is the caller's to compute.
    Granted(Claim),
    /// Another process computes the run; the text is what it gave as `holder`.
    Held(String),
}

impl Store {
    /// The lock file of a run, whether it exists or not.
    pub fn lock_path(&self, key: &RunKey) -> PathBuf {
        self.dir().join(format!("{key}.lock"))
    }

    /// Claims a run, without waiting. `holder` describes the caller to other processes, in one line.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the lock file cannot be opened.
    pub fn claim(&self, key: &RunKey, holder: &str) -> Result<Claimed, StoreError> {
        let path = self.lock_path(key);
        let mut tries = 0;
        loop {
            let opened =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = match opened {
                Ok(file) => file,
                Err(cause) if path.exists() || too_many_files(&cause) => {
                    // The file of another user, or no more files can be opened: the lock cannot be taken, but it
                    // can be tested.
                    return Ok(match self.claimed_by(key) {
                        Some(holder) => Claimed::Held(holder),
                        None => Claimed::Granted(Claim { path, file: None }),
                    });
                }
                Err(cause) => return Err(StoreError::Write { path, cause }),
            };
            match file.try_lock() {
                // The holder before may have removed the file between the two calls above: the lock is then on a
                // file without a name, and another process may lock a new one.
                Ok(()) if tries < MAX_TRIES && !is_same_file(&file, &path) => {
                    tries += 1;
                    continue;
                }
                Ok(()) => {
                    // For people only: a full disk does not matter.
                    let _ = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
                }
                // `claimed_by` in another process holds the lock for an instant.
                Err(TryLockError::WouldBlock) if tries < MAX_TRIES => {
                    tries += 1;
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Ok(Claimed::Held(read_holder(&file))),
                // No locks on this file system.
                Err(TryLockError::Error(_)) => {}
            }
            return Ok(Claimed::Granted(Claim { path, file: Some(file) }));
        }
    }

    /// The process that computes a run now, as it described itself; `None` if no process does.
    pub fn claimed_by(&self, key: &RunKey) -> Option<String> {
        let file = File::open(self.lock_path(key)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read_holder(&file)),
            _ => None,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Before the lock is released. A file that stays does no harm.
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether the system refuses to open more files.
fn too_many_files(cause: &io::Error) -> bool {
    // EMFILE of the process and ENFILE of the system; the same numbers on all systems of Unix.
    matches!(cause.raw_os_error(), Some(23 | 24))
}

fn read_holder(file: &File) -> String {
    let mut bytes = Vec::new();
    let _ = file.take(MAX_HOLDER).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// Whether `path` still names `file`.
#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = |about: io::Result<fs::Metadata>| about.ok().map(|m| (m.dev(), m.ino()));
    let of_path = inode(fs::metadata(path));
    of_path.is_some() && of_path == inode(file.metadata())
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn is_same_file(_: &File, _: &Path) -> bool {
    true
}
