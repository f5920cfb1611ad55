//! The events of a fetch.

use super::error::Attempt;

/// An event that [`fetch()`](super::fetch()) reports to the caller.
#[derive(Debug)]
pub enum FetchEvent<'a> {
    /// The file was in the cache already, verified.
    Present {
        /// Its name.
        file: &'a str,
    },
    /// A provider is tried for the missing files.
    Trying {
        /// A description of the provider.
        provider: &'a str,
        /// How many files are missing.
        missing: usize,
    },
    /// The provider did not give all missing files; the next one is tried.
    Failed(&'a Attempt),
    /// The file has been verified and is now in the cache.
    Fetched {
        /// Its name.
        file: &'a str,
        /// Its length, uncompressed, in bytes.
        bytes: usize,
    },
}
