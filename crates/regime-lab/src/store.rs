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

/// Left-over temporary files older than this are of no living writer: one
/// exists for the milliseconds that a record takes to reach the disk.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder of finished runs: `<key>.json` each, whole or absent.
///
/// A record is written to a temporary file of the same folder, flushed to the
/// disk and then renamed, so that neither a crash nor a second process can
/// leave half of one under its name. Any number of processes may share the
/// folder; where two write the same key the later one stays, and both are whole.
///
/// # The file
/// JSON made for reading: `format`, `key`, `kind`, `version`, `spec`, `record`,
/// `provenance` and, as the last entry, `sha256`: the checksum of every byte
/// before that entry (its last 83 bytes: `head -c -83 FILE | sha256sum`).
/// Floats are written with the digits that read back as the same bits.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

/// One file of a store, read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<S, R> {
    /// The name of the run.
    pub key: RunKey,
    /// What was asked.
    pub spec: S,
    /// What came out.
    pub record: R,
    /// Where it was computed.
    pub provenance: Provenance,
}

/// What a store holds under a key, after tidying: see [`Store::look_up`].
#[derive(Debug)]
pub enum Lookup<R> {
    /// The record of a finished run.
    Whole(R),
    /// No such run was finished.
    Absent,
    /// The file was damaged; it now lies aside and the key is free.
    SetAside {
        /// Where the damaged file lies now.
        moved_to: PathBuf,
        /// What was wrong with it.
        damage: Damage,
    },
}

impl Store {
    /// Opens the store in `dir`, creating the folder where there is none, and
    /// removes temporary files that a process left there more than a day ago
    /// (by the clock of the file system).
    ///
    /// # Errors
    /// [`StoreError::NotAFolder`] when something else bears that name,
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

    /// Opens the store in `dir` to read it: nothing is created, removed or tried. The folder need
    /// not exist, and need not be writable.
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
    /// - [`StoreError::Damaged`]: there is a file, but it is not what was written.
    /// - [`StoreError::Mismatch`]: it is, but the record is no `R`.
    /// - [`StoreError::Read`]: the file system refuses.
    pub fn get<R: DeserializeOwned>(&self, key: &RunKey) -> Result<Option<R>, StoreError> {
        let Some(bytes) = self.whole(key)? else { return Ok(None) };
        let content: file::RecordOnly<R> = self.parse(key, &bytes)?;
        Ok(Some(content.record))
    }

    /// Where the record of a run was computed, or `None` when it is not in the store.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn provenance(&self, key: &RunKey) -> Result<Option<Provenance>, StoreError> {
        let Some(bytes) = self.whole(key)? else { return Ok(None) };
        let content: file::ProvenanceOnly = self.parse(key, &bytes)?;
        Ok(Some(content.provenance))
    }

    /// As [`get`](Store::get), with spec and provenance; `None` too for a run
    /// whose kind and version are not those of `S`.
    ///
    /// # Errors
    /// As [`get`](Store::get).
    pub fn entry<S, R>(&self, key: &RunKey) -> Result<Option<Entry<S, R>>, StoreError>
    where
        S: Spec + DeserializeOwned,
        R: DeserializeOwned,
    {
        let Some(bytes) = self.whole(key)? else { return Ok(None) };
        let found: file::Kind = self.parse(key, &bytes)?;
        if found.kind != S::KIND || found.version != S::VERSION {
            return Ok(None);
        }
        let file::Content { spec, record, provenance } = self.parse(key, &bytes)?;
        Ok(Some(Entry { key: *key, spec, record, provenance }))
    }

    /// As [`get`](Store::get), but a damaged file is moved aside
    /// ([`set_aside`](Store::set_aside)) so that the run can be computed anew.
    ///
    /// # Errors
    /// Those of [`get`](Store::get) but for damage, and
    /// [`StoreError::Write`] when the file cannot be moved.
    pub fn look_up<R: DeserializeOwned>(&self, key: &RunKey) -> Result<Lookup<R>, StoreError> {
        match self.get(key) {
            Ok(Some(record)) => Ok(Lookup::Whole(record)),
            Ok(None) => Ok(Lookup::Absent),
            Err(StoreError::Damaged { damage, .. }) => {
                let moved_to = self.set_aside(key)?;
                Ok(Lookup::SetAside { moved_to, damage })
            }
            Err(other) => Err(other),
        }
    }

    /// Renames the file of `key` to `<key>.json.damaged` (replacing an earlier
    /// one) and returns that path. A file that is already gone, because another
    /// process moved it first, is no error.
    ///
    /// # Errors
    /// [`StoreError::Write`] when the file system refuses.
    pub fn set_aside(&self, key: &RunKey) -> Result<PathBuf, StoreError> {
        let moved_to = self.dir.join(format!("{key}.json.damaged"));
        match fs::rename(self.path(key), &moved_to) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Write { path: self.path(key), cause })
            }
            _ => Ok(moved_to),
        }
    }

    /// Stores a finished run and returns its key. When this returns, the record
    /// is on the disk; a record that was there under the same key is replaced.
    ///
    /// # Errors
    /// - [`StoreError::Encode`]: spec, record or provenance hold what JSON cannot
    ///   (a NaN, say); nothing was written.
    /// - [`StoreError::Write`]: the file system refuses. What was under the key is
    ///   still there, or (when only the last flush failed) the new record is.
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

    /// The keys of all files that look like records, sorted; none is opened.
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

    /// All finished runs of the kind and version of `S`, by key; each is read
    /// when its turn comes.
    ///
    /// # Errors
    /// [`StoreError::Read`] when the folder cannot be listed; the items carry
    /// the errors of [`entry`](Store::entry).
    pub fn entries<S, R>(
        &self,
    ) -> Result<impl Iterator<Item = Result<Entry<S, R>, StoreError>>, StoreError>
    where
        S: Spec + DeserializeOwned,
        R: DeserializeOwned,
    {
        Ok(self.keys()?.into_iter().filter_map(|key| self.entry(&key).transpose()))
    }

    /// The bytes of the file of `key`, verified.
    fn whole(&self, key: &RunKey) -> Result<Option<Vec<u8>>, StoreError> {
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

    /// Takes `T` out of the verified bytes of the file of `key`.
    fn parse<T: DeserializeOwned>(&self, key: &RunKey, bytes: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(bytes)
            .map_err(|cause| StoreError::Mismatch { path: self.path(key), cause })
    }

    /// Brings `text` to the disk under `path`, in one step or not at all.
    fn write_atomically(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        // The new name is on the disk once the folder is. Elsewhere than on
        // Unix a folder cannot be opened for that.
        #[cfg(unix)]
        File::open(&self.dir)?.sync_all()?;
        Ok(())
    }

    /// A temporary file of the store's folder; removed unless it is renamed.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".run-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Those of any new file (less the umask), not those of a secret.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        builder.tempfile_in(&self.dir)
    }

    /// Removes what crashed writers left. "Now" is the time stamp of a file
    /// made for that, hence of the file system that stamped the others; making
    /// it also shows that the folder can be written to.
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
            // A file that vanishes meanwhile was another process's.
            let modified = file.metadata().and_then(|about| about.modified());
            if modified.is_ok_and(|then| now.duration_since(then).is_ok_and(|age| age > STALE)) {
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }
}
