//! The state of each run of a sweep.

use rayon::prelude::*;
use regime_lab::{Failure, Provenance, RunKey, Store, StoreError};
use regime_study::RunSpec;

/// The state of a run.
pub(super) enum State {
    /// It has a record.
    Done(Provenance),
    /// A process computes it now, and describes itself so.
    Running(String),
    /// The last attempt failed.
    Failed(Failure),
    /// It waits, or no attempt has ended.
    Missing {
        /// Whether it has a checkpoint to continue from.
        has_checkpoint: bool,
    },
}

/// The state of every run of `specs`. Each record is read and verified.
///
/// # Errors
/// A record that a later version wrote, or a folder that cannot be read.
pub(super) fn states(specs: &[RunSpec], store: &Store) -> anyhow::Result<Vec<State>> {
    specs.par_iter().map(|spec| state(spec, store)).collect()
}

fn state(spec: &RunSpec, store: &Store) -> anyhow::Result<State> {
    let key = RunKey::of(spec)?;
    match store.provenance(&key) {
        Ok(Some(provenance)) => return Ok(State::Done(provenance)),
        // A damaged record is computed again.
        Ok(None) | Err(StoreError::Damaged { .. }) => {}
        Err(other) => return Err(other.into()),
    }
    if let Some(holder) = store.claimed_by(&key) {
        return Ok(State::Running(holder));
    }
    Ok(match store.failure(&key)? {
        Some(failure) => State::Failed(failure),
        None => State::Missing { has_checkpoint: store.checkpoint_path(&key).is_file() },
    })
}
