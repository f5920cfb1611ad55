//! What can go wrong with a store.

use std::io;
use std::path::PathBuf;

use crate::json::EncodeError;
use crate::spec::RunKey;

/// Why a store could not do what it was asked.
///
/// Each message is one line, names the path and ends with the cause; the cause
/// is therefore a field and not the `source()` of the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The path of a store leads to something that is not a folder.
    #[error("cannot keep runs in {}: it is not a folder", path.display())]
    NotAFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// The folder cannot be created, listed or written to.
    #[error("cannot keep runs in {}: {cause}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file or the folder cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file cannot be written or moved.
    #[error("cannot write {}: {cause}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A file is not what this library wrote under that name.
    #[error("{} is damaged: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// A file is whole, but its content is not of the type asked for: the type
    /// changed and [`Spec::VERSION`](crate::Spec::VERSION) was not raised.
    #[error("{} is whole but of another shape (raise the spec's VERSION?): {cause}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Where reading stopped.
        cause: serde_json::Error,
    },
    /// The run cannot be written as JSON; nothing was written.
    #[error("cannot be stored: {0}")]
    Encode(EncodeError),
}

/// How a file differs from a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// It does not end as a record does, as when cut off.
    #[error("its end is missing")]
    Incomplete,
    /// Its bytes have changed.
    #[error("its checksum is {found}, it states {stated}")]
    Checksum {
        /// The checksum in the file.
        stated: String,
        /// That of its bytes.
        found: String,
    },
    /// Its checksum is right but it is no record.
    #[error("it is no record: {0}")]
    Header(
        /// Where reading stopped.
        String,
    ),
    /// It was written in another format than this library's.
    #[error("it has format {found}, known is {known}")]
    Format {
        /// The format in the file.
        found: u32,
        /// The one format read here.
        known: u32,
    },
    /// It is the record of another run.
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
