//! The list of all files of a store.

use std::fs;
use std::path::PathBuf;

use super::{RecordHeader, Store, StoreError};
use crate::spec::RunKey;

/// A file in the folder of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Its path.
    pub path: PathBuf,
    /// What its name says that it is.
    pub kind: FileKind,
}

/// The kinds of files in the folder of a store, by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// The record of a run.
    Record(RunKey),
    /// The checkpoint of an unfinished run.
    Checkpoint(RunKey),
    /// The failure of a run.
    Failure(RunKey),
    /// The lock of a run.
    Lock(RunKey),
    /// A damaged file that was moved aside.
    SetAside,
    /// A file that is being written, or that a crashed process left.
    Temporary,
    /// A file that no store writes.
    Other,
}

impl FileKind {
    fn of(name: &str) -> FileKind {
        let keyed = |ending: &str, of: fn(RunKey) -> FileKind| {
            Some(of(name.strip_suffix(ending)?.parse().ok()?))
        };
        // The endings of files that were moved aside: `.damaged`, `.damaged.1` and so on.
        let moved = || {
            let (stem, number) = name.split_once(".json.damaged")?;
            let key = stem.strip_suffix(".checkpoint").or(stem.strip_suffix(".failure"));
            let key = key.unwrap_or(stem);
            let numbered = number.strip_prefix('.').is_some_and(|n| n.parse::<u32>().is_ok());
            (key.parse::<RunKey>().is_ok() && (number.is_empty() || numbered))
                .then_some(FileKind::SetAside)
        };
        let temporary =
            || (name.starts_with(".run-") && name.ends_with(".tmp")).then_some(FileKind::Temporary);
        keyed(".json", FileKind::Record)
            .or_else(|| keyed(".checkpoint.json", FileKind::Checkpoint))
            .or_else(|| keyed(".failure.json", FileKind::Failure))
            .or_else(|| keyed(".lock", FileKind::Lock))
            .or_else(moved)
            .or_else(temporary)
            .unwrap_or(FileKind::Other)
    }
}

impl Store {
    /// All files in the folder, in the order of their names. No file is opened. A folder that does not exist has
    /// none.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the folder cannot be listed.
    pub fn files(&self) -> Result<Vec<StoredFile>, StoreError> {
        let refused = |cause| StoreError::Read { path: self.dir().to_owned(), cause };
        if !self.dir().exists() {
            return Ok(Vec::new());
        }
        let mut files = Vec::new();
        for file in fs::read_dir(self.dir()).map_err(refused)? {
            let file = file.map_err(refused)?;
            let kind = file.file_name().to_str().map_or(FileKind::Other, FileKind::of);
            files.push(StoredFile { path: file.path(), kind });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

impl Store {
    /// Verifies a record, a checkpoint or a failure, and returns its header. `None` for files of other
    /// kinds, and for a file that has vanished.
    ///
    /// # Errors
    /// As [`verify`](Store::verify).
    pub fn verify_file(&self, file: &StoredFile) -> Result<Option<RecordHeader>, StoreError> {
        match file.kind {
            FileKind::Record(key) | FileKind::Checkpoint(key) | FileKind::Failure(key) => {
                self.header(file.path.clone(), &key)
            }
            _ => Ok(None),
        }
    }

    /// Moves a damaged file aside: it gets the ending `.damaged`. Returns its new path.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file cannot be renamed.
    pub fn set_file_aside(&self, file: &StoredFile) -> Result<PathBuf, StoreError> {
        self.move_aside(&file.path)
    }

    /// Removes a file that a store wrote. Returns whether it did: files of the kind
    /// [`Other`](FileKind::Other) and folders stay, and so does the lock of a run that is being computed.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file cannot be removed.
    pub fn discard(&self, file: &StoredFile) -> Result<bool, StoreError> {
        let is_in_use = match file.kind {
            FileKind::Lock(key) => self.claimed_by(&key).is_some(),
            FileKind::Other => true,
            _ => file.path.is_dir(),
        };
        if is_in_use {
            return Ok(false);
        }
        self.remove(file.path.clone())?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_follows_from_its_name() {
        let key: RunKey = "a".repeat(64).parse().unwrap();
        let kind = |ending: &str| FileKind::of(&format!("{key}{ending}"));
        assert_eq!(kind(".json"), FileKind::Record(key));
        assert_eq!(kind(".checkpoint.json"), FileKind::Checkpoint(key));
        assert_eq!(kind(".failure.json"), FileKind::Failure(key));
        assert_eq!(kind(".lock"), FileKind::Lock(key));
        for ending in [".json.damaged", ".checkpoint.json.damaged", ".json.damaged.7"] {
            assert_eq!(kind(ending), FileKind::SetAside, "{ending}");
        }
        assert_eq!(FileKind::of(".run-x1.tmp"), FileKind::Temporary);
        for name in ["notes.txt", "a.json", "runs.json.damaged", ".run-x1", "x.lock"] {
            assert_eq!(FileKind::of(name), FileKind::Other, "{name}");
        }
        assert_eq!(kind(".json.damaged.x"), FileKind::Other);
    }
}
