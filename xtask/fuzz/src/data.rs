//! The readers of regime-data.

use std::path::Path;

use regime_data::{
    DataSpec, InputSpec, Source, Task,
    idx::{self, IdxError},
    prepare,
};

use crate::scratch::with_file;

/// Images, from a file and from a reader: both have to give the same result.
pub(crate) fn images(bytes: &[u8]) -> Result<(), String> {
    with_file("images", bytes, |path| {
        same(idx::open_images(path), idx::read_images(bytes, &path.display().to_string()))
    })
}

/// Labels, from a file and from a reader: both have to give the same result.
pub(crate) fn labels(bytes: &[u8]) -> Result<(), String> {
    with_file("labels", bytes, |path| {
        same(idx::open_labels(path), idx::read_labels(bytes, &path.display().to_string()))
    })
}

fn same<T: PartialEq + std::fmt::Debug>(
    from_file: Result<T, IdxError>,
    from_reader: Result<T, IdxError>,
) -> Result<(), String> {
    let text = |error: IdxError| error.to_string();
    let (file, reader) = (from_file.map_err(text), from_reader.map_err(text));
    // How many bytes were read before a damaged place depends on how many are read at once.
    let kind = |message: &str| {
        let before = message.strip_suffix(" uncompressed bytes")?;
        Some(before.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
    };
    match (&file, &reader) {
        (Err(a), Err(b)) if kind(a).is_some() && kind(a) == kind(b) => {}
        _ => assert!(file == reader, "a file gives {file:?}, but its bytes {reader:?}"),
    }
    file.map(drop)
}

/// Points from a safetensors file, up to the finished data set.
pub(crate) fn points(bytes: &[u8]) -> Result<(), String> {
    with_file("points.safetensors", bytes, |path| {
        let spec = DataSpec {
            source: Source::safetensors(path),
            task: Task::Parity,
            balance: false,
            inputs: InputSpec::RAW,
            n_train: 2,
            n_test: 1,
            n_kernel: 1,
            ..DataSpec::default()
        };
        prepare(&spec, Path::new("/no/cache")).map(drop).map_err(|error| error.to_string())
    })
}
