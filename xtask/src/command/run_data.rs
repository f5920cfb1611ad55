//! The data of runs, which are read until a signal stops the command.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use regime_data::{DataSpec, Dataset, default_cache_dir};
use regime_study::{DataCache, StudyError};

/// Data sets by their specs, each prepared once. Once a stop is requested there are no more: every command reads the
/// data of its runs first, and passes the error on, so it ends without computing.
pub(super) struct RunData {
    cache: DataCache,
    stop: Arc<AtomicBool>,
}

impl RunData {
    /// `stop` is true once a stop is requested.
    pub(super) fn new(stop: &Arc<AtomicBool>) -> Self {
        Self { cache: DataCache::new(default_cache_dir()), stop: Arc::clone(stop) }
    }

    /// The data of a spec.
    ///
    /// # Errors
    /// [`StudyError::Stopped`] after a stop; else as [`DataCache::get`].
    pub(super) fn get(&self, spec: &DataSpec) -> Result<Arc<Dataset>, StudyError> {
        if self.stop_requested() {
            return Err(StudyError::Stopped);
        }
        self.cache.get(spec)
    }

    /// Whether a stop is requested.
    pub(super) fn stop_requested(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
