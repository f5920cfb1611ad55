//! Failures of runs without a record, with their cause.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, file};
use crate::json;
use crate::provenance::Provenance;
use crate::spec::{RunKey, Spec};

/// Why the last attempt at a run left no record.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The error of the run, in one line.
    pub reason: String,
    /// Where and when it failed.
    pub provenance: Provenance,
}

/// The part of the file that stands in the place of a record.
#[derive(Serialize, Deserialize)]
struct Stored {
    reason: String,
}

/// Failures: the file `<key>.failure.json` says why the last attempt at a run left no record. It has the
/// layout of a record. A failed run counts as missing: the next execution tries it again, because the
/// cause may lie in the machine, such as too little memory.
impl Store {
    /// The file of the failure of a run, whether it exists or not.
    pub fn failure_path(&self, key: &RunKey) -> PathBuf {
        self.dir().join(format!("{key}.failure.json"))
    }

    /// Stores why a run failed. It replaces an earlier failure.
    ///
    /// # Errors
    /// As [`put`](Store::put).
    pub fn put_failure<S: Spec>(&self, spec: &S, failure: &Failure) -> Result<(), StoreError> {
        let stored = json::encode(&Stored { reason: failure.reason.clone() })?;
        let provenance = json::encode(&failure.provenance)?;
        self.save(Store::failure_path, spec, stored, provenance).map(drop)
    }

    /// Why the last attempt at a run failed; `None` if it did not fail, and if the file is damaged.
    ///
    /// # Errors
    /// - [`StoreError::Newer`]: a later version of this library wrote the file.
    /// - [`StoreError::Read`]: the file cannot be read.
    pub fn failure(&self, key: &RunKey) -> Result<Option<Failure>, StoreError> {
        let bytes = match self.verified_file(self.failure_path(key), key) {
            Ok(Some((bytes, _))) => bytes,
            // Without it nothing is lost but the reason: the run is missing in any case.
            Ok(None) | Err(StoreError::Damaged { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        let record = serde_json::from_slice::<file::RecordOnly<Stored>>(&bytes);
        let provenance = file::provenance(&bytes);
        Ok(record
            .ok()
            .zip(provenance.ok())
            .map(|(content, provenance)| Failure { reason: content.record.reason, provenance }))
    }

    /// Removes the failure of a run, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file cannot be removed.
    pub fn remove_failure(&self, key: &RunKey) -> Result<(), StoreError> {
        self.remove(self.failure_path(key))
    }
}
