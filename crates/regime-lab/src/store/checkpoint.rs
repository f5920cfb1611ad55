//! Checkpoints of unfinished runs, next to the records of finished runs.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Damage, Lookup, Store, StoreError, file};
use crate::json::{self, Json};
use crate::spec::{RunKey, Spec};

/// Checkpoints: the state of an unfinished run is the file `<key>.checkpoint.json`. It has
/// the layout of a record and is written atomically, like a record.
/// [`execute`](crate::execute()) removes it once the record of the run is stored.
impl Store {
    /// The file of the checkpoint of a run, whether it exists or not.
    pub fn checkpoint_path(&self, key: &RunKey) -> PathBuf {
        self.dir().join(format!("{key}.checkpoint.json"))
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
        self.save(Store::checkpoint_path, spec, json::encode(state)?, Json::Null).map(drop)
    }

    /// The checkpoint of a run. A file that is damaged or is not a `C` is moved to
    /// `<key>.checkpoint.json.damaged`: the run then has to start again.
    ///
    /// # Errors
    /// - [`StoreError::Newer`]: a later version of this library wrote the file.
    /// - [`StoreError::Read`]: the file cannot be read.
    /// - [`StoreError::Write`]: a damaged file cannot be moved.
    pub fn checkpoint<C: DeserializeOwned>(&self, key: &RunKey) -> Result<Lookup<C>, StoreError> {
        let path = self.checkpoint_path(key);
        let damage = match self.verified_file(path.clone(), key) {
            Ok(None) => return Ok(Lookup::Absent),
            Ok(Some((bytes, _))) => match serde_json::from_slice::<file::RecordOnly<C>>(&bytes) {
                Ok(content) => return Ok(Lookup::Found(content.record)),
                Err(cause) => Damage::Type(cause.to_string()),
            },
            Err(StoreError::Damaged { damage, .. }) => damage,
            Err(other) => return Err(other),
        };
        Ok(Lookup::SetAside { moved_to: self.move_aside(&path)?, damage })
    }

    /// Removes the checkpoint of a run, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file cannot be removed.
    pub fn remove_checkpoint(&self, key: &RunKey) -> Result<(), StoreError> {
        self.remove(self.checkpoint_path(key))
    }
}
