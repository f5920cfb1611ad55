//! A cache of data sets.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regime_data::{DataSpec, Dataset, prepare};

use crate::error::StudyError;

/// A cache of data sets: each is prepared once and shared by several runs.
#[derive(Debug)]
pub struct DataCache {
    folder: PathBuf,
    /// By the serialised spec. The lock is held only to find the cell, so that two
    /// runs can prepare different data at the same time.
    cells: Mutex<HashMap<String, Cell>>,
}

type Cell = Arc<OnceLock<Result<Arc<Dataset>, StudyError>>>;

impl DataCache {
    /// An empty cache. `folder` holds the fetched data sets.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, cells: Mutex::default() }
    }

    /// The data of a spec, prepared at the first call.
    ///
    /// # Errors
    /// [`StudyError::Data`] when they cannot be read or prepared; later calls return the same
    /// error.
    pub fn get(&self, spec: &DataSpec) -> Result<Arc<Dataset>, StudyError> {
        let key = serde_json::to_string(spec).map_err(|e| StudyError::Data(e.to_string()))?;
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        let prepared = cell
            .get_or_init(|| prepare(spec, &self.folder).map(Arc::new).map_err(StudyError::from));
        prepared.clone()
    }
}
