//! The name of a run for people.

use regime_lab::RunKey;
use regime_study::RunSpec;

/// A run for people: the start of its key, and its width, α and seed, such as
/// `run 1a2b3c4d (width 100, α = 0.01, seed 3)`.
pub(crate) fn run_name(spec: &RunSpec) -> String {
    let key = RunKey::of(spec).map(|key| format!("{} ", key.short())).unwrap_or_default();
    format!("run {key}(width {}, α = {}, seed {})", spec.network.width(), spec.alpha, spec.seed)
}
