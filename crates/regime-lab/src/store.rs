//! Finished runs on disk, one file each.

mod checkpoint;
mod error;
mod file;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{Damage, StoreError};

use crate::json;
use crate::provenance::Provenance;
use crate::spec::{RunKey, Spec};

/// Age above which a temporary file is left over from a crash: a writer needs it only for
/// the milliseconds that a record takes to reach the disk.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

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
        let store = Store { dir };
        match fs::create_dir_all(&store.dir).and_then(|()| store.remove_stale()) {
            Ok(()) => Ok(store),
            Err(cause) => Err(StoreError::Open { path: store.dir, cause }),
        }
    }

    /// Opens the store in `dir` for reading: nothing is created, removed or tested. The folder
    /// need not exist, and need not be writable.
    pub fn read_only(dir: impl Into<PathBuf>) -> Store {
        Store { dir: dir.into() }
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
    /// - [`StoreError::Damaged`]: the content of the file is not what was written.
    /// - [`StoreError::Mismatch`]: the file is undamaged, but the record is not an `R`.
    /// - [`StoreError::Read`]: the file cannot be read.
    pub fn get<R: DeserializeOwned>(&self, key: &RunKey) -> Result<Option<R>, StoreError> {
        let Some(bytes) = self.verified(key)? else { return Ok(None) };
        let content: file::RecordOnly<R> = self.parse(key, &bytes)?;
        Ok(Some(content.record))
    }

    /// The origin of the record of a run, or `None` when it is not in the store.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn provenance(&self, key: &RunKey) -> Result<Option<Provenance>, StoreError> {
        let Some(bytes) = self.verified(key)? else { return Ok(None) };
        let content: file::ProvenanceOnly = self.parse(key, &bytes)?;
        Ok(Some(content.provenance))
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
        let Some(bytes) = self.verified(key)? else { return Ok(None) };
        let found: file::Kind = self.parse(key, &bytes)?;
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
        let moved_to = self.dir.join(format!("{key}.json.damaged"));
        match fs::rename(self.path(key), &moved_to) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Write { path: self.path(key), cause })
            }
            _ => Ok(moved_to),
        }
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
        let key = RunKey::of(spec)?;
        let parts = file::Parts {
            kind: S::KIND,
            version: S::VERSION,
            spec: json::encode(spec)?,
            record: json::encode(record)?,
            provenance: json::encode(provenance)?,
        };
        let path = self.path(&key);
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

    /// The verified bytes of the file of `key`.
    fn verified(&self, key: &RunKey) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(StoreError::Read { path, cause }),
        };
        match file::verify(&bytes, key) {
            Ok(()) => Ok(Some(bytes)),
            Err(damage) => Err(StoreError::Damaged { path, damage }),
        }
    }

    /// Parses a `T` from the verified bytes of the file of `key`.
    fn parse<T: DeserializeOwned>(&self, key: &RunKey, bytes: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|cause| StoreError::Mismatch { path: self.path(key), cause })
    }

    /// Writes `text` to `path` atomically, and flushes it to the disk.
    fn write_atomically(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        // Flush the folder, so that the new name is on the disk. Only Unix can open a
        // folder for that.
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        Ok(())
    }

    /// A temporary file in the folder; it is removed unless it is renamed.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".run-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // The permissions of an ordinary new file (less the umask), not private ones.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(&self.dir)
    }

    /// Removes the temporary files of crashed writers. "Now" is the time stamp of a new
    /// file, so that all time stamps are from the clock of the file system. Creating this
    /// file also shows that the folder can be written to.
    fn remove_stale(&self) -> io::Result<()> {
        let probe = self.temporary()?;
        let now = probe.as_file().metadata()?.modified()?;
        for file in fs::read_dir(&self.dir)? {
            let file = file?;
            let name = file.file_name();
            let temporary =
                name.to_str().is_some_and(|n| n.starts_with(".run-") && n.ends_with(".tmp"));
            if !temporary {
                continue;
            }
            // A file that vanishes meanwhile belonged to another process.
            let modified = file.metadata().and_then(|about| about.modified());
            if modified.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > STALE)) {
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }
}
