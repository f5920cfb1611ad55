//! The reader of spec files of regime-study.

use regime_study::{CoordinateCheck, read_coordinate_spec, read_specs};

/// Runs in JSON, which are read and checked, as the commands do.
pub(crate) fn json(bytes: &[u8]) -> Result<(), String> {
    runs("runs.json", bytes)
}

/// Runs in TOML.
pub(crate) fn toml(bytes: &[u8]) -> Result<(), String> {
    runs("runs.toml", bytes)
}

fn runs(name: &str, bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let runs = read_specs(name, text, &[]).map_err(|error| error.to_string())?;
    runs.iter().try_for_each(|run| run.spec.check()).map_err(|error| error.to_string())
}

/// The spec of a coordinate check.
pub(crate) fn coordinates(bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let spec = read_coordinate_spec("check.json", text, &[]).map_err(|error| error.to_string())?;
    CoordinateCheck::new(spec).map(drop).map_err(|error| error.to_string())
}
