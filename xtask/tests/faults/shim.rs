//! The library that is loaded before the program, and stands between it and the system (`shim.c`).

use std::{path::PathBuf, process::Command, sync::OnceLock};

use tempfile::TempDir;

use crate::place::Place;

/// The path of the library, compiled once.
fn library() -> PathBuf {
    static ONCE: OnceLock<TempDir> = OnceLock::new();
    let folder = ONCE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c");
        let library = folder.path().join("shim.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
        let output = cc.output().expect("the C compiler `cc`");
        assert!(output.status.success(), "{cc:?}: {}", String::from_utf8_lossy(&output.stderr));
        folder
    });
    folder.path().join("shim.so")
}

/// The same place with a fault of the system, such as `("FAULT_CLOCK", "-1")`.
pub(crate) fn with_fault(place: Place, name: &str, value: impl Into<String>) -> Place {
    place.with("LD_PRELOAD", library().display().to_string()).with(name, value)
}

/// A clock so fast that a run writes its checkpoint, which is due every minute, every few hundredths of a second.
pub(crate) fn with_frequent_checkpoints(place: Place) -> Place {
    with_fault(place, "FAULT_SPEED", "2000")
}
