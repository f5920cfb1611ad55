//! Kinds of damage to a file of a store.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{random::Random, record_file::resealed};

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    Truncated,
    Emptied,
    /// One bit is flipped.
    Flipped,
    /// No permission to read it.
    Unreadable,
    /// A folder has its name.
    Folder,
    /// A pipe has its name; who opens it waits for a writer.
    Pipe,
    /// It is the file of another run.
    Copied,
    /// It is the file of another run, with the key of this one and a checksum that is right.
    CopiedAndResealed,
}

impl Damage {
    /// Damages the file at `path`; `other` is the file of another run, `keys` their keys.
    pub(crate) fn apply(self, path: &Path, other: &[u8], keys: [&str; 2], random: &mut Random) {
        let bytes = fs::read(path).expect("a file");
        let write = |bytes: &[u8]| fs::write(path, bytes).expect("a writable file");
        match self {
            Self::Truncated => write(&bytes[..1 + random.below(bytes.len() - 1)]),
            Self::Emptied => write(&[]),
            Self::Flipped => {
                let place = random.below(8 * bytes.len());
                let mut bytes = bytes;
                bytes[place / 8] ^= 1 << (place % 8);
                write(&bytes);
            }
            Self::Unreadable => {
                fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("our file");
            }
            Self::Folder => {
                fs::remove_file(path)
                    .and_then(|()| fs::create_dir(path))
                    .expect("a writable folder");
            }
            Self::Pipe => {
                fs::remove_file(path).expect("a writable folder");
                let made = Command::new("mkfifo").arg(path).status().expect("mkfifo");
                assert!(made.success());
            }
            Self::Copied => write(other),
            Self::CopiedAndResealed => {
                let [key, other_key] = keys.map(|key| format!("\"key\": \"{key}\""));
                write(&resealed(other, &other_key, &key));
            }
        }
    }
}
