//! The events of an execution.

use std::path::PathBuf;

use crate::spec::RunKey;
use crate::store::Damage;

/// An event of an execution. Times are wall-clock seconds since the call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A damaged record was moved aside; its run counts as missing.
    Damaged {
        /// The run.
        key: RunKey,
        /// The new path of the damaged file.
        moved_to: PathBuf,
        /// What was wrong with it.
        damage: Damage,
    },
    /// The store has been searched; computing begins.
    Planned {
        /// Number of distinct runs requested.
        total: usize,
        /// Number of runs found in the store.
        reused: usize,
        /// Cost of the missing runs, in the unit of [`Spec::cost`](crate::Spec::cost).
        cost: f64,
    },
    /// A worker starts a run.
    Started {
        /// The run.
        key: RunKey,
        /// Index of its spec (of the first one, if several specs are equal).
        index: usize,
        /// Its cost.
        cost: f64,
        /// Number of runs in its batch, itself included.
        batch: usize,
        /// Time of the event.
        at_s: f64,
    },
    /// The run was found in the store just before its start: another process has
    /// finished it.
    FoundInStore {
        /// The run.
        key: RunKey,
        /// Its cost.
        cost: f64,
    },
    /// Another process computes the run.
    Held {
        /// The run.
        key: RunKey,
        /// How the other process describes itself; may be empty.
        holder: String,
    },
    /// The run is computed and its record stored.
    Finished {
        /// The run.
        key: RunKey,
        /// Wall time of the run in seconds: that of its batch divided by the number of
        /// runs computed in the batch.
        wall_s: f64,
        /// Time of the event.
        at_s: f64,
    },
    /// The run failed and has no record; the report contains the error itself.
    Failed {
        /// The run.
        key: RunKey,
        /// The error as text.
        reason: String,
        /// Time of the event.
        at_s: f64,
    },
}

/// Receives the events of an execution. Any `FnMut(&Event)` is an observer;
/// `&mut |_: &Event| {}` ignores all events.
pub trait Observer {
    /// Called for every event, in order, on the thread that called
    /// [`execute`](crate::execute()) or [`execute_batches`](crate::execute_batches).
    fn on(&mut self, event: &Event);
}

impl<F: FnMut(&Event)> Observer for F {
    fn on(&mut self, event: &Event) {
        self(event);
    }
}
