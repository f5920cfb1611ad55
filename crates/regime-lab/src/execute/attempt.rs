//! The state of a run just before its start: it may have a record, or another process may compute it.

use serde::de::DeserializeOwned;

use super::Event;
use super::distinct::Task;
use crate::store::{Claim, Claimed, Lookup, Store, StoreError};

/// The state of a run when a worker is about to compute it.
pub(super) enum Attempt<R> {
    /// It has no record, and the worker may compute it. `damaged` is the event for a damaged record that
    /// was moved aside.
    Claimed { claim: Claim, damaged: Option<Event> },
    /// It has a record.
    Found(R),
    /// Another process, which describes itself so, computes it.
    Held(String),
}

/// Looks a run up, and claims it if it is missing.
pub(super) fn attempt<R: DeserializeOwned>(
    store: &Store,
    task: &Task,
    holder: &str,
) -> Result<Attempt<R>, StoreError> {
    let key = task.key;
    // First without a claim, which is a file that has to be written.
    let damaged = match store.look_up(&key)? {
        Lookup::Found(record) => return Ok(Attempt::Found(record)),
        Lookup::Absent => None,
        Lookup::SetAside { moved_to, damage } => Some(Event::Damaged { key, moved_to, damage }),
    };
    let claim = match store.claim(&key, holder)? {
        Claimed::Granted(claim) => claim,
        Claimed::Held(holder) => return Ok(Attempt::Held(holder)),
    };
    // Another process may have stored the record between the two calls.
    Ok(match store.look_up(&key)? {
        Lookup::Found(record) => Attempt::Found(record),
        Lookup::Absent | Lookup::SetAside { .. } => Attempt::Claimed { claim, damaged },
    })
}
