//! The readers of regime-lab: records and checkpoints.

use std::fs;

use regime_lab::{Lookup, RunKey, Store};
use regime_study::{RunCheckpoint, RunRecord, RunSpec};

use crate::scratch::folder;

/// The key that a file states: its first 64 hexadecimal digits in a row.
fn stated_key(bytes: &[u8]) -> RunKey {
    let text = String::from_utf8_lossy(bytes);
    let mut words = text.split(|c: char| !c.is_ascii_hexdigit());
    let key = words.find_map(|word| word.parse().ok());
    key.unwrap_or_else(|| "0".repeat(64).parse().expect("64 digits"))
}

/// A record under the key that it states, with and without its spec.
pub(crate) fn record(bytes: &[u8]) -> Result<(), String> {
    let (store, key) = (Store::read_only(folder()), stated_key(bytes));
    let path = store.path(&key);
    fs::write(&path, bytes).expect("the temporary folder is writable");
    let entry = store.entry::<RunSpec, RunRecord>(&key);
    let provenance = store.provenance(&key);
    let record = store.get::<RunRecord>(&key);
    fs::remove_file(&path).expect("the file was written here");
    provenance.map_err(|error| error.to_string())?;
    record.map_err(|error| error.to_string())?;
    entry.map(drop).map_err(|error| error.to_string())
}

/// A checkpoint under the key that it states.
pub(crate) fn checkpoint(bytes: &[u8]) -> Result<(), String> {
    let (store, key) = (Store::read_only(folder()), stated_key(bytes));
    let path = store.checkpoint_path(&key);
    fs::write(&path, bytes).expect("the temporary folder is writable");
    let checkpoint = store.checkpoint::<RunCheckpoint>(&key).map_err(|error| error.to_string())?;
    match checkpoint {
        Lookup::Found(_) => fs::remove_file(&path).map_err(|error| error.to_string()),
        Lookup::Absent => Err("it is not a checkpoint".into()),
        // A damaged checkpoint is moved, always to the same path.
        Lookup::SetAside { damage, .. } => Err(damage.to_string()),
    }
}
