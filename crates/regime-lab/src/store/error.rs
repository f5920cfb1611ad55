//! Errors of a store.

use std::io;
use std::path::PathBuf;

use crate::json::EncodeError;
use crate::spec::RunKey;

/// An error of an operation on a store.
///
/// Each message is one line, names the path and ends with the cause; the cause
/// is therefore a field and not the `source()` of the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The path of a store is something else than a folder.
    #[error("cannot store runs in {}: it is not a folder", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder cannot be created, listed or written to.
    #[error("cannot store runs in {}: {cause}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A file or the folder cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// A file cannot be written or moved.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// The content of a file is not what this library wrote under its name.
    #[error("{} is damaged: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A file is undamaged, but its content is not of the requested type: the type
    /// changed and [`Spec::VERSION`](crate::Spec::VERSION) was not raised.
    #[error("{} is undamaged, but of another type (raise the spec's VERSION?): {cause}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        cause: serde_json::Error,
    },
    /// A later version of this library wrote the file. It stays as it is.
    #[error(
        "{}: a later version wrote this file: it has format {found}, and this version reads format {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The format that this version reads.
        known: u32,
    },
    /// The run cannot be written as JSON; nothing was written.
    #[error("cannot be stored: {0}")]
    Encode(EncodeError),
}

/// The damage to a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The file does not end like a record; it may be cut off.
    #[error("its end is missing")]
    Incomplete,
    /// The bytes of the file have changed.
    #[error("its checksum is {found}, but it states {stated}")]
    Checksum {
        /// The checksum that the file states.
        stated: String,
        /// The checksum of its bytes.
        found: String,
    },
    /// The checksum is right, but the file is not a record.
    #[error("it is not a record: {0}")]
    Header(
        /// The error of the parser.
        String,
    ),
    /// The file has a format that this version does not read.
    #[error("it has format {found}, but this version reads format {known}")]
    Format {
        /// The format in the file.
        found: u32,
        /// The format that this version reads.
        known: u32,
    },
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(
        /// The error of the system.
        String,
    ),
    /// There is something else than a file, such as a folder or a pipe.
    #[error("it is not a file")]
    NotAFile,
    /// The file is undamaged, but its content is not of the requested type.
    #[error("its content is of another type: {0}")]
    Type(
        /// The error of the parser.
        String,
    ),
    /// The spec in the file does not have the key that the file states: the file is a copy
    /// under another name, or was edited.
    #[error("its spec {}, not that of its name", of_spec.map_or("has no key".into(), |key| format!("has the key {key}")))]
    Spec {
        /// The key of the spec in the file, if it has one.
        of_spec: Option<RunKey>,
    },
    /// The file is the record of another run.
    #[error("it is the record of run {found}")]
    Key {
        /// The key in the file.
        found: RunKey,
    },
}

impl From<EncodeError> for StoreError {
    fn from(error: EncodeError) -> Self {
        StoreError::Encode(error)
    }
}
