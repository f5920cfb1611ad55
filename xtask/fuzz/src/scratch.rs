//! Temporary files for readers that take a path.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use tempfile::TempDir;

/// A folder of this process; nothing in it survives an input.
static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder can be created"));

/// The temporary folder of this thread.
pub(crate) fn folder() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let folder = FOLDER.path().join(thread.replace(['(', ')'], ""));
    fs::create_dir_all(&folder).expect("the temporary folder is writable");
    folder
}

/// Calls `read` with the path of a file that holds `bytes`.
pub(crate) fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("the temporary folder is writable");
    read(&path)
}
