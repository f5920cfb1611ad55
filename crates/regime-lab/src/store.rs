//! Finished runs on disk, one file each.

mod checkpoint;
mod claim;
mod disk;
mod error;
mod failure;
mod file;
mod files;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use claim::{Claim, Claimed};
pub use error::{Damage, StoreError};
pub use failure::Failure;
pub use files::{FileKind, StoredFile};

use crate::json::{self, Json};
use crate::provenance::Provenance;
use crate::spec::{RunKey, Spec};

/// A folder of finished runs: one file `<key>.json` per run, complete or absent.
///
/// A record is written to a temporary file in the same folder, flushed to the disk and
/// then renamed, so neither a crash nor a second process can leave an incomplete file
/// under its name. Any number of processes may share the folder. If two of them write the
/// same key, the later record stays.
///
/// # The file
/// Readable JSON with the entries `format`, `key`, `kind`, `version`, `spec`, `record`,
/// `provenance` and, as the last entry, `sha256`: the checksum of every byte
/// before that entry (its last 83 bytes: `head -c -83 FILE | sha256sum`).
/// Floats are written with the digits that read back as the same bits.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    /// Whether the file system has refused to flush a file.
    flush_refused: Arc<AtomicBool>,
}

/// What the header of a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordHeader {
    /// The kind of the spec: [`Spec::KIND`].
    pub kind: String,
    /// The version of the computation: [`Spec::VERSION`].
    pub version: u32,
}

/// The content of one file of a store.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<S, R> {
    /// The key of the run.
    pub key: RunKey,
    /// The spec.
    pub spec: S,
    /// The record.
    pub record: R,
    /// The origin of the record.
    pub provenance: Provenance,
}

/// The result of [`Store::look_up`].
#[derive(Debug)]
pub enum Lookup<R> {
    /// The record of a finished run.
    Found(R),
    /// The store has no record of the run.
    Absent,
    /// The file was damaged and was moved aside; the key is free.
    SetAside {
        /// The new path of the damaged file.
        moved_to: PathBuf,
        /// What was wrong with it.
        damage: Damage,
    },
}

impl<R> Lookup<R> {
    /// The record, if there is an undamaged one.
    pub fn found(self) -> Option<R> {
        match self {
            Lookup::Found(record) => Some(record),
            Lookup::Absent | Lookup::SetAside { .. } => None,
        }
    }
}

impl Store {
    /// Opens the store in `dir`. Creates the folder if it does not exist, and removes
    /// temporary files that are older than a day (by the clock of the file system).
    ///
    /// # Errors
    /// [`StoreError::NotAFolder`] when `dir` is something else than a folder,
    /// [`StoreError::Open`] when the folder cannot be created, listed or
    /// written to.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Store, StoreError> {
        let dir = dir.into();
        if dir.exists() && !dir.is_dir() {
            return Err(StoreError::NotAFolder { path: dir });
        }
        let store = Store::read_only(dir);
        match fs::create_dir_all(&store.dir).and_then(|()| store.remove_stale()) {
            Ok(()) => Ok(store),
            Err(cause) => Err(StoreError::Open { path: store.dir, cause }),
        }
    }

    /// Opens the store in `dir` for reading: nothing is created, removed or tested. The folder
    /// need not exist, and need not be writable.
    pub fn read_only(dir: impl Into<PathBuf>) -> Store {
        Store { dir: dir.into(), flush_refused: Arc::default() }
    }

    /// Whether the file system has refused to flush a file to the disk, as some network file systems
    /// do. Files are then complete or absent for every process, but those of the last seconds may be
    /// lost if the machine loses power.
    pub fn flush_refused(&self) -> bool {
        self.flush_refused.load(Ordering::Relaxed)
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file of a run, whether it exists or not.
    pub fn path(&self, key: &RunKey) -> PathBuf {
        self.dir.join(format!("{key}.json"))
    }

    /// The record of a run, or `None` when it is not in the store.
    ///
    /// # Errors
    /// - [`StoreError::Damaged`]: the content of the file is not what was written, or it may not be
    ///   read, or is no file.
    /// - [`StoreError::Newer`]: a later version of this library wrote the file.
    /// - [`StoreError::Mismatch`]: the file is undamaged, but the record is not an `R`.
    /// - [`StoreError::Read`]: the file cannot be read for another reason.
    pub fn get<R: DeserializeOwned>(&self, key: &RunKey) -> Result<Option<R>, StoreError> {
        let Some((bytes, _)) = self.verified(key)? else { return Ok(None) };
        let content: file::RecordOnly<R> = self.parse(key, &bytes)?;
        Ok(Some(content.record))
    }

    /// Verifies the record of a run and returns its header, or `None` when it is not in the store.
    /// The record itself is not parsed.
    ///
    /// # Errors
    /// As [`get`](Store::get), except for [`StoreError::Mismatch`].
    pub fn verify(&self, key: &RunKey) -> Result<Option<RecordHeader>, StoreError> {
        self.header(self.path(key), key)
    }

    /// The header of the verified file at `path`, which belongs to the run `key`.
    fn header(&self, path: PathBuf, key: &RunKey) -> Result<Option<RecordHeader>, StoreError> {
        let found = self.verified_file(path, key)?;
        Ok(found.map(|(_, file::Header { kind, version, .. })| RecordHeader { kind, version }))
    }

    /// Whether the store has an undamaged record of the run.
    ///
    /// # Errors
    /// Those of [`verify`](Store::verify) except for damage.
    pub fn contains(&self, key: &RunKey) -> Result<bool, StoreError> {
        match self.verified(key) {
            Ok(found) => Ok(found.is_some()),
            Err(StoreError::Damaged { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// The origin of the record of a run, or `None` when it is not in the store.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn provenance(&self, key: &RunKey) -> Result<Option<Provenance>, StoreError> {
        let Some((bytes, _)) = self.verified(key)? else { return Ok(None) };
        file::provenance(&bytes)
            .map(Some)
            .map_err(|cause| StoreError::Mismatch { path: self.path(key), cause })
    }

    /// Like [`get`](Store::get), but with spec and provenance. `None` also for a run whose
    /// kind and version are not those of `S`.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn entry<S, R>(&self, key: &RunKey) -> Result<Option<Entry<S, R>>, StoreError>
    where
        S: Spec + DeserializeOwned,
        R: DeserializeOwned,
    {
        let Some((bytes, found)) = self.verified(key)? else { return Ok(None) };
        if found.kind != S::KIND || found.version != S::VERSION {
            return Ok(None);
        }
        let file::Content { spec, record, provenance } = self.parse(key, &bytes)?;
        Ok(Some(Entry { key: *key, spec, record, provenance }))
    }

    /// Like [`get`](Store::get), but moves a damaged file aside
    /// ([`set_aside`](Store::set_aside)), so that the run can be computed again.
    ///
    /// # Errors
    /// Those of [`get`](Store::get) except for damage, and [`StoreError::Write`] when the
    /// file cannot be moved.
    pub fn look_up<R: DeserializeOwned>(&self, key: &RunKey) -> Result<Lookup<R>, StoreError> {
        match self.get(key) {
            Ok(Some(record)) => Ok(Lookup::Found(record)),
            Ok(None) => Ok(Lookup::Absent),
            Err(StoreError::Damaged { damage, .. }) => {
                let moved_to = self.set_aside(key)?;
                Ok(Lookup::SetAside { moved_to, damage })
            }
            Err(other) => Err(other),
        }
    }

    /// Renames the file of `key` to `<key>.json.damaged` (replacing an earlier
    /// one) and returns that path. It is not an error if the file is gone, because
    /// another process moved it first.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file cannot be renamed.
    pub fn set_aside(&self, key: &RunKey) -> Result<PathBuf, StoreError> {
        self.move_aside(&self.path(key))
    }

    /// Stores a finished run and returns its key. When the call returns, the record is on
    /// the disk. It replaces an earlier record under the same key.
    ///
    /// # Errors
    /// - [`StoreError::Encode`]: spec, record or provenance contain a value that JSON
    ///   cannot hold, such as a NaN. Nothing was written.
    /// - [`StoreError::Write`]: the file cannot be written. The earlier record is still
    ///   there, or the new one, if only the last flush failed.
    pub fn put<S: Spec, R: Serialize>(
        &self,
        spec: &S,
        record: &R,
        provenance: &Provenance,
    ) -> Result<RunKey, StoreError> {
        self.save(Store::path, spec, json::encode(record)?, json::encode(provenance)?)
    }

    /// Writes a file with the layout of a record to the path that `path_of` gives, and returns the key.
    fn save<S: Spec>(
        &self,
        path_of: fn(&Store, &RunKey) -> PathBuf,
        spec: &S,
        record: Json,
        provenance: Json,
    ) -> Result<RunKey, StoreError> {
        let key = RunKey::of(spec)?;
        let (kind, version) = (S::KIND, S::VERSION);
        let parts = file::Parts { kind, version, spec: json::encode(spec)?, record, provenance };
        let path = path_of(self, &key);
        self.write_atomically(&path, &file::render(&key, &parts))
            .map_err(|cause| StoreError::Write { path, cause })?;
        Ok(key)
    }

    /// The sorted keys of all files with the name of a record. No file is opened.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the folder cannot be listed.
    pub fn keys(&self) -> Result<Vec<RunKey>, StoreError> {
        let refused = |cause| StoreError::Read { path: self.dir.clone(), cause };
        let mut keys = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(refused)? {
            let name = file.map_err(refused)?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".json"));
            keys.extend(stem.and_then(|stem| stem.parse::<RunKey>().ok()));
        }
        keys.sort();
        Ok(keys)
    }

    /// All finished runs of the kind and version of `S`, in the order of their keys. The
    /// iterator reads one file at a time.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the folder cannot be listed. The items are results of
    /// [`entry`](Store::entry).
    pub fn entries<S, R>(
        &self,
    ) -> Result<impl Iterator<Item = Result<Entry<S, R>, StoreError>>, StoreError>
    where
        S: Spec + DeserializeOwned,
        R: DeserializeOwned,
    {
        Ok(self.keys()?.into_iter().filter_map(|key| self.entry(&key).transpose()))
    }

    /// The verified bytes of the file of `key`, and its header.
    fn verified(&self, key: &RunKey) -> Result<Option<(Vec<u8>, file::Header)>, StoreError> {
        self.verified_file(self.path(key), key)
    }

    /// The verified bytes of the file at `path`, which belongs to the run `key`, and its header.
    fn verified_file(
        &self,
        path: PathBuf,
        key: &RunKey,
    ) -> Result<Option<(Vec<u8>, file::Header)>, StoreError> {
        // Opening a pipe would wait for its writer.
        match fs::metadata(&path) {
            Ok(about) if !about.is_file() => {
                return Err(StoreError::Damaged { path, damage: Damage::NotAFile });
            }
            _ => {}
        }
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
                let damage = Damage::Unreadable(cause.to_string());
                return Err(StoreError::Damaged { path, damage });
            }
            Err(cause) => return Err(StoreError::Read { path, cause }),
        };
        match file::verify(&bytes, key) {
            Ok(header) => Ok(Some((bytes, header))),
            Err(Damage::Format { found, known }) if found > known => {
                Err(StoreError::Newer { path, found, known })
            }
            Err(damage) => Err(StoreError::Damaged { path, damage }),
        }
    }

    /// Parses a `T` from the verified bytes of the file of `key`.
    fn parse<T: DeserializeOwned>(&self, key: &RunKey, bytes: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|cause| StoreError::Mismatch { path: self.path(key), cause })
    }
}
