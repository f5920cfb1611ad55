//! Errors of one provider, and of a whole fetch.

use std::io;
use std::path::PathBuf;

use crate::checksum::ChecksumMismatch;
use crate::idx::IdxError;

/// A provider that failed, and why.
#[derive(Debug, thiserror::Error)]
#[error("{provider}: {why}")]
pub struct Attempt {
    /// A description of the provider.
    pub provider: String,
    /// What went wrong.
    #[source]
    pub why: AttemptError,
}

/// Why a provider gave no file.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// A required program is not installed.
    #[error("`{program}` is not installed")]
    NoProgram {
        /// The program, or the alternatives.
        program: String,
    },
    /// A program failed.
    #[error("`{program}` failed ({status}): {message}")]
    Program {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The first line of its standard error, or why it did not start.
        message: String,
    },
    /// The provider has no such file.
    #[error("`{}` does not exist", path.display())]
    NoFile {
        /// The expected path.
        path: PathBuf,
    },
    /// The file was fetched, but differs from the published one.
    #[error(transparent)]
    Checksum(#[from] ChecksumMismatch),
    /// The file was fetched, but is damaged.
    #[error(transparent)]
    Damaged(#[from] IdxError),
    /// The cache or a temporary folder cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Why a set could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The folder for the set cannot be created.
    #[error("`{}` cannot be created", dir.display())]
    Cache {
        /// The folder.
        dir: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No provider had all missing files.
    #[error(
        "{archive} could not be fetched. Tried:\n{}\nWithout a network, put its four IDX files \
         (gzip or not) into a folder and use the source `idx-directory` with its path.",
        list(attempts)
    )]
    NoProvider {
        /// The set.
        archive: &'static str,
        /// What was tried, in order; never empty.
        attempts: Vec<Attempt>,
    },
}

fn list(attempts: &[Attempt]) -> String {
    let lines: Vec<String> = attempts.iter().map(|attempt| format!("  - {attempt}")).collect();
    lines.join("\n")
}
