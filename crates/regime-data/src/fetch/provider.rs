//! What every provider of files can do.

use super::error::AttemptError;
use super::place::Place;
use crate::archive::ArchiveFile;

/// Something that may have files of an archive.
pub(super) trait Provider {
    /// The provider, in words.
    fn name(&self) -> String;

    /// Puts the `missing` files in their place, as many as possible, each as
    /// soon as it is there. The first trouble ends the attempt.
    fn provide(
        &self,
        missing: &[ArchiveFile],
        place: &mut Place<'_, '_>,
    ) -> Result<(), AttemptError>;
}
