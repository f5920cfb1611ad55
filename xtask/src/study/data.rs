use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regime_data::{DataError, DataSpec, Dataset, prepare};

/// Data sets that several runs share, prepared once each.
#[derive(Debug)]
pub(crate) struct DataCache {
    folder: PathBuf,
    /// By the serialised spec. The lock is held only to find the cell, so that two
    /// runs can prepare different data at the same time.
    cells: Mutex<HashMap<String, Cell>>,
}

type Cell = Arc<OnceLock<Result<Arc<Dataset>, String>>>;

impl DataCache {
    /// `folder`: where fetched data sets are.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, cells: Mutex::default() }
    }

    /// The data of a spec.
    pub(crate) fn get(&self, spec: &DataSpec) -> anyhow::Result<Arc<Dataset>> {
        let key = serde_json::to_string(spec)?;
        let cell = {
            let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        let prepared = cell.get_or_init(|| {
            prepare(spec, &self.folder).map(Arc::new).map_err(|e: DataError| e.to_string())
        });
        prepared.clone().map_err(anyhow::Error::msg)
    }
}
