//! The state of a run just before its start: it may have a record, or another process may compute it.

use serde::de::DeserializeOwned;

use super::Event;
use super::distinct::Task;
use crate::store::{Claim, Claimed, Lookup, Store, StoreError};

/// The state of a run when a worker is about to compute it.
pub(super) enum Attempt<R> {
    /// It has no record, and the worker may compute it.
    Claimed(Claim),
    /// It has a record.
    Found(R),
    /// Another process, which describes itself so, computes it.
    Held(String),
}

/// Looks a run up, and claims it if it is missing. The event is for a damaged record that was moved aside.
pub(super) fn attempt<R: DeserializeOwned>(
    store: &Store,
    task: &Task,
    holder: &str,
) -> (Option<Event>, Result<Attempt<R>, StoreError>) {
    let key = task.key;
    let mut damaged = None;
    let mut look_up = || -> Result<Option<R>, StoreError> {
        Ok(match store.look_up(&key)? {
            Lookup::Found(record) => Some(record),
            Lookup::Absent => None,
            Lookup::SetAside { moved_to, damage } => {
                damaged = Some(Event::Damaged { key, moved_to, damage });
                None
            }
        })
    };
    let mut state = || -> Result<Attempt<R>, StoreError> {
        // First without a claim, which is a file that has to be written.
        if let Some(record) = look_up()? {
            return Ok(Attempt::Found(record));
        }
        let claim = match store.claim(&key, holder)? {
            Claimed::Granted(claim) => claim,
            Claimed::Held(holder) => return Ok(Attempt::Held(holder)),
        };
        // Another process may have stored the record between the two calls.
        Ok(look_up()?.map_or(Attempt::Claimed(claim), Attempt::Found))
    };
    let state = state();
    (damaged, state)
}
