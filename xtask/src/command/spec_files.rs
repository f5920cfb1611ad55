//! The files that people write for `run` and `diagnose`.

use std::{fs, path::Path};

use anyhow::Context;
use regime_study::{DataCache, PlacedSpec, RunSpec, read_specs};

use crate::backend;

/// The runs of a file: a run, a sweep, or a list of both.
///
/// # Errors
/// One line that names the file and the place in it.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<PlacedSpec>> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).with_context(|| name.clone())?;
    Ok(read_specs(&name, &text)?)
}

/// The run, checked, with the checksum of its data filled in.
///
/// # Errors
/// The first thing that keeps it from being made.
pub(super) fn checked(mut spec: RunSpec, cache: &DataCache) -> anyhow::Result<RunSpec> {
    spec.check()?;
    backend::check(spec.backend, spec.device)?;
    let data = cache.get(&spec.data)?;
    spec.data_sha256.clone_from(&data.provenance.sha256);
    Ok(spec)
}
