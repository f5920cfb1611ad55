//! Checkpoints of unfinished runs, next to the records of finished runs.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Store, StoreError, file};
use crate::json::{self, Json};
use crate::spec::{RunKey, Spec};

/// Checkpoints: the state of an unfinished run is the file `<key>.checkpoint.json`. It has
/// the layout of a record and is written atomically, like a record.
/// [`execute`](crate::execute()) removes it once the record of the run is stored.
impl Store {
    /// The file of the checkpoint of a run, whether it exists or not.
    pub fn checkpoint_path(&self, key: &RunKey) -> PathBuf {
        self.dir.join(format!("{key}.checkpoint.json"))
    }

    /// Saves the checkpoint of a run. It replaces an earlier one.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn put_checkpoint<S: Spec, C: Serialize>(
        &self,
        spec: &S,
        state: &C,
    ) -> Result<(), StoreError> {
        let key = RunKey::of(spec)?;
        let parts = file::Parts {
            kind: S::KIND,
            version: S::VERSION,
            spec: json::encode(spec)?,
            record: json::encode(state)?,
            provenance: Json::Null,
        };
        let path = self.checkpoint_path(&key);
        self.write_atomically(&path, &file::render(&key, &parts))
            .map_err(|cause| StoreError::Write { path, cause })
    }

    /// The checkpoint of a run. `None` if it does not exist, is damaged or is not a `C`:
    /// the run then has to start again.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the file cannot be read.
    pub fn checkpoint<C: DeserializeOwned>(&self, key: &RunKey) -> Result<Option<C>, StoreError> {
        let path = self.checkpoint_path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(StoreError::Read { path, cause }),
        };
        if file::verify(&bytes, key).is_err() {
            return Ok(None);
        }
        let content = serde_json::from_slice::<file::RecordOnly<C>>(&bytes);
        Ok(content.ok().map(|content| content.record))
    }

    /// Removes the checkpoint of a run, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file cannot be removed.
    pub fn remove_checkpoint(&self, key: &RunKey) -> Result<(), StoreError> {
        let path = self.checkpoint_path(key);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Write { path, cause })
            }
            _ => Ok(()),
        }
    }
}
