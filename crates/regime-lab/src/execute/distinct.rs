//! The distinct runs of a list of specs.

use std::collections::BTreeMap;

use super::ExecError;
use crate::spec::{RunKey, Spec};

/// One distinct run.
pub(super) struct Task {
    /// Index among the distinct runs, in the order of their first specs.
    pub(super) slot: usize,
    /// Index of its first spec.
    pub(super) index: usize,
    pub(super) key: RunKey,
    pub(super) cost: f64,
}

/// The distinct runs of `specs`, and for each spec the slot of its run.
///
/// # Errors
/// [`ExecError::Spec`], [`ExecError::Cost`].
pub(super) fn distinct<S: Spec>(specs: &[S]) -> Result<(Vec<Task>, Vec<usize>), ExecError> {
    let mut slot_of_key = BTreeMap::new();
    let mut slot_of_spec = Vec::with_capacity(specs.len());
    let mut tasks = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let key = RunKey::of(spec).map_err(|cause| ExecError::Spec { index, cause })?;
        let cost = spec.cost();
        if !(cost.is_finite() && cost >= 0.0) {
            return Err(ExecError::Cost { index, cost });
        }
        let slot = *slot_of_key.entry(key).or_insert_with(|| {
            tasks.push(Task { slot: tasks.len(), index, key, cost });
            tasks.len() - 1
        });
        slot_of_spec.push(slot);
    }
    Ok((tasks, slot_of_spec))
}

/// Sorts tasks by decreasing cost; tasks of equal cost stay in their order.
pub(super) fn costliest_first(tasks: &mut [Task]) {
    tasks.sort_by(|a, b| b.cost.total_cmp(&a.cost));
}
