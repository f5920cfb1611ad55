//! The files that people write for `run` and `diagnose`.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, ensure};
use regime_study::{MAX_SPEC_BYTES, Override, PlacedSpec, RunSpec, read_specs};

use super::{data_memory, run_data::RunData};
use crate::{backend, memory::Memory};

/// The runs of a file: a run, a sweep, or a list of both, with some fields replaced.
///
/// # Errors
/// One line that names the file and the place in it.
pub(super) fn read(file: &Path, overrides: &[Override]) -> anyhow::Result<Vec<PlacedSpec>> {
    let (name, text) = text(file)?;
    Ok(read_specs(&name, &text, overrides)?)
}

/// The name and the text of a file, of which not more is read than may be in it.
///
/// # Errors
/// One line that names the file.
pub(super) fn text(file: &Path) -> anyhow::Result<(String, String)> {
    let name = file.display().to_string();
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|file| file.take(MAX_SPEC_BYTES as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| name.clone())?;
    let most = MAX_SPEC_BYTES >> 20;
    ensure!(bytes.len() <= MAX_SPEC_BYTES, "{name}: it should have at most {most} MiB");
    let text = String::from_utf8(bytes).with_context(|| name.clone())?;
    Ok((name, text))
}

/// Checks runs and fills in the checksums of their data. `runs` are specs with their places in files, which
/// errors name.
///
/// # Errors
/// The first error in a spec, in its backend or in its data. A network that is too large for the memory is not an
/// error here: its run fails, and the other runs do not.
pub(super) fn checked(
    runs: Vec<PlacedSpec>,
    cache: &RunData,
    memory: Memory,
) -> anyhow::Result<Vec<RunSpec>> {
    let mut previous: Option<&RunSpec> = None;
    for PlacedSpec { place, spec } in &runs {
        // Any seed is right. A check builds the network, which takes most of the time of reading 100,000 runs.
        let differs =
            |previous: &RunSpec| RunSpec { seed: previous.seed, ..spec.clone() } != *previous;
        if previous.is_none_or(differs) {
            spec.check().with_context(|| place.clone())?;
            backend::check(spec.backend, spec.device).with_context(|| place.clone())?;
        }
        previous = Some(spec);
    }
    data_memory::check(runs.iter().map(|run| &run.spec), memory)?;
    let with_data = |PlacedSpec { place, mut spec }| {
        let data = cache.get(&spec.data).context(place)?;
        spec.data_sha256.clone_from(&data.provenance.sha256);
        Ok(spec)
    };
    runs.into_iter().map(with_data).collect()
}

/// Specs with all their fields: one as an object, several as a list.
pub(super) fn print_specs<'a>(specs: impl IntoIterator<Item = &'a RunSpec>) {
    let mut all: Vec<serde_json::Value> = specs.into_iter().map(RunSpec::complete).collect();
    match all.len() {
        1 => out!("{:#}", all.remove(0)),
        _ => out!("{:#}", serde_json::Value::Array(all)),
    }
}
