//! The interface of a provider of files.

use super::error::AttemptError;
use super::place::Place;
use crate::archive::ArchiveFile;

/// A place that may have files of an archive.
pub(super) trait Provider {
    /// A description of the provider.
    fn name(&self) -> String;

    /// Installs as many of the `missing` files as possible, each as soon as it arrives.
    /// Stops at the first error.
    fn provide(
        &self,
        missing: &[ArchiveFile],
        place: &mut Place<'_, '_>,
    ) -> Result<(), AttemptError>;
}
