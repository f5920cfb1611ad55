//! What an execution tells while it goes on.

use std::path::PathBuf;

use crate::spec::RunKey;
use crate::store::Damage;

/// One step of an execution. Times are wall seconds since the call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A damaged record was moved aside; its run counts as lacking.
    Damaged {
        /// The run.
        key: RunKey,
        /// Where the damaged file lies now.
        moved_to: PathBuf,
        /// What was wrong with it.
        damage: Damage,
    },
    /// The store has been searched; computing begins.
    Planned {
        /// Runs asked for, equal ones counted once.
        total: usize,
        /// How many of them the store holds.
        reused: usize,
        /// Cost of the others, in the unit of [`Spec::cost`](crate::Spec::cost).
        cost: f64,
    },
    /// A worker takes up a run.
    Started {
        /// The run.
        key: RunKey,
        /// Its place among the specs (the first, of equal ones).
        index: usize,
        /// Its cost.
        cost: f64,
        /// The number of runs that are computed together with it, itself included.
        batch: usize,
        /// When.
        at_s: f64,
    },
    /// Just before it was started, the run turned up in the store: another
    /// process has finished it.
    FoundMeanwhile {
        /// The run.
        key: RunKey,
        /// Its cost.
        cost: f64,
    },
    /// The run is computed and its record stored.
    Finished {
        /// The run.
        key: RunKey,
        /// How long it was computed: the wall time of its batch divided by the
        /// number of runs computed in it.
        wall_s: f64,
        /// When.
        at_s: f64,
    },
    /// The run has no record; the report holds the error itself.
    Failed {
        /// The run.
        key: RunKey,
        /// Its error, in words.
        reason: String,
        /// When.
        at_s: f64,
    },
}

/// Whoever watches an execution; any `FnMut(&Event)` is one, `&mut |_: &Event| {}`
/// looks away.
pub trait Observer {
    /// Takes notice; called between runs on the thread that called
    /// [`execute`](crate::execute()) or [`execute_batches`](crate::execute_batches).
    fn on(&mut self, event: &Event);
}

impl<F: FnMut(&Event)> Observer for F {
    fn on(&mut self, event: &Event) {
        self(event);
    }
}
