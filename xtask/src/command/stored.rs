//! The runs that a store has.

use std::collections::HashSet;

use rayon::prelude::*;
use regime_lab::{RunKey, Store};
use regime_study::RunSpec;

/// The keys of the runs among `specs` that have an undamaged record. Every record is read and verified.
///
/// # Errors
/// A record that a later version wrote, or a folder that cannot be read.
pub(super) fn stored_keys(specs: &[RunSpec], store: &Store) -> anyhow::Result<HashSet<RunKey>> {
    let key_if_stored = |spec: &RunSpec| -> anyhow::Result<Option<RunKey>> {
        // A spec without a key is refused when it is computed.
        let Ok(key) = RunKey::of(spec) else { return Ok(None) };
        Ok(store.contains(&key)?.then_some(key))
    };
    let keys: Vec<Option<RunKey>> =
        specs.par_iter().map(key_if_stored).collect::<anyhow::Result<_>>()?;
    Ok(keys.into_iter().flatten().collect())
}

/// Whether the record of a run is not among the `stored` ones.
pub(super) fn is_missing(spec: &RunSpec, stored: &HashSet<RunKey>) -> bool {
    !RunKey::of(spec).is_ok_and(|key| stored.contains(&key))
}
