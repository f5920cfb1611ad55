//! The files that people write for `run` and `diagnose`.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use regime_study::{DataCache, Override, PlacedSpec, RunSpec, read_specs};

use crate::{backend, memory::Memory};

/// The runs of a file: a run, a sweep, or a list of both, with some fields replaced.
///
/// # Errors
/// One line that names the file and the place in it.
pub(super) fn read(file: &Path, overrides: &[Override]) -> anyhow::Result<Vec<PlacedSpec>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    Ok(read_specs(&name, &text, overrides)?)
}

/// The run, checked, with the checksum of its data filled in.
///
/// # Errors
/// The first reason why the run cannot be made. A network that is too large for the memory is not an error
/// here: its run fails, and the other runs of the file do not.
pub(super) fn checked(
    mut spec: RunSpec,
    cache: &DataCache,
    memory: Memory,
) -> anyhow::Result<RunSpec> {
    spec.check()?;
    backend::check(spec.backend, spec.device)?;
    if let Some(why) = memory.refuses(spec.data.memory_bytes()) {
        bail!("data: {why}");
    }
    let data = cache.get(&spec.data)?;
    spec.data_sha256.clone_from(&data.provenance.sha256);
    Ok(spec)
}

/// Specs with all their fields: one as an object, several as a list.
pub(super) fn print_specs<'a>(specs: impl IntoIterator<Item = &'a RunSpec>) {
    let mut all: Vec<serde_json::Value> = specs.into_iter().map(RunSpec::complete).collect();
    match all.len() {
        1 => out!("{:#}", all.remove(0)),
        _ => out!("{:#}", serde_json::Value::Array(all)),
    }
}
