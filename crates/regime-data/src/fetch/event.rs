//! The steps of a fetch.

use super::error::Attempt;

/// A step of [`fetch()`](super::fetch()), as it is reported to the caller.
#[derive(Debug)]
pub enum FetchEvent<'a> {
    /// The file was in the cache already, verified.
    Present {
        /// Its name.
        file: &'a str,
    },
    /// A provider is being asked for what is missing.
    Trying {
        /// The provider, in words.
        provider: &'a str,
        /// How many files are missing.
        missing: usize,
    },
    /// The provider could not give all that was missing; the next one is tried.
    Failed(&'a Attempt),
    /// The file has been verified and is now in the cache.
    Fetched {
        /// Its name.
        file: &'a str,
        /// Its length, uncompressed, in bytes.
        bytes: usize,
    },
}
