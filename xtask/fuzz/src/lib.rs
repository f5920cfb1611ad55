//! Every reader of files in this workspace, as a function of bytes, and mutations of files.
//!
//! The test `tests/mutations.rs` gives mutated files to all readers, always the same ones for the
//! same seed. The targets of `libfuzzer/` call the same readers under libFuzzer, from the
//! same corpus. `README.md` has the commands.

mod arrays;
mod data;
mod layer;
mod mutant;
mod mutate;
mod reader;
mod scratch;
mod specs;
mod store;

pub use layer::Layer;
pub use mutant::{CorpusFile, corpus, mutant};
pub use reader::{READERS, Reader, reader};
