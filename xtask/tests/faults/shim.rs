//! The library that is loaded before the program, and stands between it and the system (`shim.c`).

use std::{fs, path::Path, process::Command, sync::OnceLock};

use crate::place::Place;

/// The path of the library, compiled once.
fn library() -> &'static str {
    static ONCE: OnceLock<String> = OnceLock::new();
    ONCE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(folder).expect("a writable folder");
        let library = folder.join("shim.so").display().to_string();
        // Another process may load the library while this one compiles it.
        let new = format!("{library}.{}", std::process::id());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/shim.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", &new, source]);
        let output = cc.output().expect("the C compiler `cc`");
        assert!(output.status.success(), "{cc:?}: {}", String::from_utf8_lossy(&output.stderr));
        fs::rename(new, &library).expect("a writable folder");
        library
    })
}

/// The same place with a fault of the system, such as `("FAULT_CLOCK", "-1")`.
pub(crate) fn with_fault(place: Place, name: &str, value: impl Into<String>) -> Place {
    place.with("LD_PRELOAD", library()).with(name, value)
}

/// The same with a clock so fast that a run writes its checkpoint, which is due every minute, every few hundredths of
/// a second.
pub(crate) fn with_frequent_checkpoints(place: Place) -> Place {
    with_fault(place, "FAULT_SPEED", "2000")
}
