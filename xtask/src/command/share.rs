//! One share of a grid, on one of several machines.

use std::{collections::BTreeSet, process::ExitCode};

use regime_lab::{RunKey, Share};
use regime_study::RunSpec;

use super::{
    compute::{Computed, ExecutionContext, compute},
    stored::stored_keys,
};
use crate::status::INTERRUPTED;

/// Makes one share of the runs that `specs` describe, and prints how many runs are missing.
///
/// # Errors
/// A folder that cannot be used, or a store that fails.
pub(super) fn make(
    share: Share,
    specs: &[RunSpec],
    context: ExecutionContext<'_>,
) -> anyhow::Result<ExitCode> {
    let mine = share.of(specs)?;
    let store = context.store;
    let Computed { counts, stopped, .. } = compute(&mine, context, None)?;
    if stopped {
        note!("share {share}: stopped; run the same command again to continue");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let keys = specs.iter().map(RunKey::of).collect::<Result<BTreeSet<_>, _>>()?;
    let lacking = keys.len() - stored_keys(specs, store)?.len();
    out!(
        "share {share}: {} of {} runs, {} without a record; {lacking} runs of all shares are missing — {}",
        mine.len(),
        keys.len(),
        counts.failed,
        store.dir().display(),
    );
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
