//! The corpus, and the mutated file of a seed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{mutate::mutated, reader::Reader};

/// A file of the corpus.
#[derive(Debug, Clone)]
pub struct CorpusFile {
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The corpus of a reader, in the order of names.
///
/// # Errors
/// When the folder or a file cannot be read.
pub fn corpus(reader: &Reader) -> io::Result<Vec<CorpusFile>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(reader.name);
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    paths.sort();
    let read = |path: PathBuf| Ok(CorpusFile { bytes: fs::read(&path)?, path });
    paths.into_iter().map(read).collect()
}

/// The mutated file of a seed. It follows from the seed, the reader and the corpus.
///
/// # Panics
/// When the corpus is empty.
pub fn mutant(reader: &Reader, corpus: &[CorpusFile], seed: u64) -> Vec<u8> {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut draw = || corpus[rng.random_range(0..corpus.len())].bytes.as_slice();
    let (file, other) = (draw(), draw());
    let inside = if rng.random() {
        reader.layer.inside(file, |content| mutated(content, other, rng))
    } else {
        None
    };
    inside.unwrap_or_else(|| mutated(file, other, rng))
}
