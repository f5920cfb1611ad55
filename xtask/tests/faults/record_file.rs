//! The files of a store: records, checkpoints, and what a fault does to them.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

/// The last bytes of a file: `,\n  "sha256": "`, the digits, `"\n}\n`.
const SEAL: usize = 83;

/// What names one version of a file: its inode, the time of its last change, its size.
pub(crate) type Identity = (u64, i64, i64, u64);

/// The files of a store with the ending, by the key of their run.
fn files(store: &Path, ending: &str) -> BTreeMap<String, Identity> {
    let Ok(entries) = fs::read_dir(store) else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry.expect("a readable entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let key = name.strip_suffix(ending).filter(|key| key.len() == 64);
        // A file may vanish between the listing and the look at it.
        let about = fs::symlink_metadata(entry.path()).ok().filter(fs::Metadata::is_file);
        if let (Some(key), Some(about)) = (key, about) {
            found.insert(
                key.to_owned(),
                (about.ino(), about.mtime(), about.mtime_nsec(), about.len()),
            );
        }
    }
    found
}

/// The records of a store.
pub(crate) fn records(store: &Path) -> BTreeMap<String, Identity> {
    files(store, ".json")
}

/// The checkpoints of a store.
pub(crate) fn checkpoints(store: &Path) -> BTreeMap<String, Identity> {
    files(store, ".checkpoint.json")
}

/// The names of all files of a store that are neither records nor what a process that was killed may leave: its
/// locks and its temporary files.
pub(crate) fn other_files(store: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(store) else { return Vec::new() };
    let records = records(store);
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !name.strip_suffix(".json").is_some_and(|key| records.contains_key(key)))
        .filter(|name| !name.ends_with(".lock") && !name.ends_with(".tmp"))
        .collect();
    names.sort();
    names
}

/// The bytes of the record in a file, without its origin.
pub(crate) fn record_part(file: &[u8]) -> Option<&[u8]> {
    let find = |part: &[u8]| file.windows(part.len()).position(|window| window == part);
    let start = find(b"\n  \"record\": ")?;
    let end = find(b",\n  \"provenance\": ")?;
    file.get(start..end)
}

/// The file with one part replaced, and a checksum that is right.
pub(crate) fn resealed(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let body = String::from_utf8(file[..file.len() - SEAL].to_vec()).expect("UTF-8");
    assert!(body.contains(from), "the file has no {from}");
    let body = body.replacen(from, to, 1);
    let checksum = sha256(body.as_bytes());
    format!("{body},\n  \"sha256\": \"{checksum}\"\n}}\n").into_bytes()
}

/// The checksum, by the command that the documentation of the store names.
fn sha256(bytes: &[u8]) -> String {
    let mut command = Command::new("sha256sum");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sha256sum");
    child.stdin.take().expect("a pipe").write_all(bytes).expect("sha256sum reads");
    let output = child.wait_with_output().expect("sha256sum");
    String::from_utf8_lossy(&output.stdout[..64]).into_owned()
}
