//! The table of readers.

use crate::{arrays, data, layer::Layer, specs, store};

/// A reader of files.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Its name, which is also that of its folder in the corpus and of its fuzz target.
    pub name: &'static str,
    /// What protects the content of its files: some mutations are made inside it.
    pub layer: Layer,
    /// Reads bytes: through a temporary file where the reader takes a path. The error is the
    /// message for the user.
    pub read: fn(&[u8]) -> Result<(), String>,
}

/// All readers.
pub const READERS: [Reader; 14] = [
    Reader { name: "idx_images", layer: Layer::None, read: data::images },
    Reader { name: "idx_labels", layer: Layer::None, read: data::labels },
    Reader { name: "gzip_images", layer: Layer::Gzip, read: data::images },
    Reader { name: "gzip_labels", layer: Layer::Gzip, read: data::labels },
    Reader { name: "points", layer: Layer::Safetensors, read: data::points },
    Reader { name: "npy", layer: Layer::Npy, read: arrays::npy },
    Reader { name: "npz", layer: Layer::Zip, read: arrays::npz },
    Reader { name: "tensors", layer: Layer::Safetensors, read: arrays::tensors },
    Reader { name: "kernel", layer: Layer::None, read: arrays::kernel },
    Reader { name: "spec_json", layer: Layer::None, read: specs::json },
    Reader { name: "spec_toml", layer: Layer::None, read: specs::toml },
    Reader { name: "coordinates", layer: Layer::None, read: specs::coordinates },
    Reader { name: "record", layer: Layer::Seal, read: store::record },
    Reader { name: "checkpoint", layer: Layer::Seal, read: store::checkpoint },
];

/// The reader of this name.
///
/// # Panics
/// When there is none.
pub fn reader(name: &str) -> &'static Reader {
    READERS.iter().find(|reader| reader.name == name).unwrap_or_else(|| panic!("no reader {name}"))
}
