//! One run of a grid by itself.

use std::process::ExitCode;

use anyhow::bail;
use regime_lab::RunKey;
use regime_study::RunSpec;

use super::compute::{Computed, ExecutionContext, compute};
use crate::{run_name::run_name, status::INTERRUPTED};

/// Makes the run among `specs` whose key starts with `key`, and prints how it ended.
///
/// # Errors
/// A start that no run has, or several; a folder that cannot be used, or a store that fails.
pub(super) fn make(
    key: &str,
    specs: &[RunSpec],
    context: ExecutionContext<'_>,
) -> anyhow::Result<ExitCode> {
    let starts =
        |spec: &&RunSpec| RunKey::of(*spec).is_ok_and(|of| of.to_string().starts_with(key));
    let found: Vec<RunSpec> = specs.iter().filter(starts).cloned().collect();
    match found.len() {
        0 => bail!("--only {key}: none of the {} runs has a key that starts so", specs.len()),
        1 => {}
        n => bail!("--only {key}: {n} runs have keys that start so; write more digits"),
    }
    let Computed { runs, stopped, .. } = compute(&found, context, None)?;
    if stopped {
        note!("stopped; run the same command again to continue");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let mut status = ExitCode::SUCCESS;
    for run in &runs {
        let reason = run.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        out!("{}: {}{reason}", run_name(&run.spec), run.ending());
        if run.record.is_err() {
            status = ExitCode::FAILURE;
        }
    }
    Ok(status)
}
