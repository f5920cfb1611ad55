//! One share of a grid, on one of several machines.

use std::{
    collections::BTreeSet,
    path::Path,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use regime_lab::{RunKey, Share, Store};
use regime_study::{DataCache, RunSpec};

use super::compute::{Computed, INTERRUPTED, compute};

/// Makes one share of the runs that `specs` ask for, and says what is left to do.
///
/// # Errors
/// A folder that cannot be used, or a store that fails.
pub(super) fn make(
    share: Share,
    specs: &[RunSpec],
    out: &Path,
    jobs: usize,
    cache: &DataCache,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<ExitCode> {
    let mine = share.of(specs)?;
    let store = Store::open(out.join("runs"))?;
    let Computed { counts, stopped, .. } = compute(&mine, &store, jobs, cache, stop)?;
    if stopped {
        eprintln!("share {share}: stopped; the same command goes on from there");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let keys = specs.iter().map(RunKey::of).collect::<Result<BTreeSet<_>, _>>()?;
    let lacking = keys.iter().filter(|key| !store.path(key).is_file()).count();
    println!(
        "share {share}: {} of {} runs, {} without a record; all shares together lack {lacking} — {}",
        mine.len(),
        keys.len(),
        counts.failed,
        store.dir().display(),
    );
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
