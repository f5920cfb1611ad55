//! The outcomes of runs.

use std::fmt::Display;

use crate::json::EncodeError;
use crate::spec::RunKey;

/// The outcomes of one call of [`execute`](crate::execute()) or
/// [`execute_batches`](crate::execute_batches), in the order of the specs.
#[derive(Debug)]
pub struct Report<R, E> {
    /// One per distinct run.
    pub(super) slots: Vec<(RunKey, Outcome<R, E>)>,
    /// For each spec, the index of its run in `slots`.
    pub(super) slot_of_spec: Vec<usize>,
}

/// The outcome of one run.
#[derive(Debug)]
pub enum Outcome<R, E> {
    /// The store contained its record.
    Reused(R),
    /// It was computed and stored.
    Computed {
        /// The record, as read from the store.
        record: R,
        /// Wall time of the run in seconds: that of its batch divided by the number of
        /// runs computed in the batch.
        wall_s: f64,
    },
    /// It was started and failed; it has no record.
    Failed(RunError<E>),
    /// It was never started: the execution was cancelled.
    NotStarted,
}

/// Why a run has no record.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E> {
    /// It returned this error.
    #[error("{0}")]
    Failed(E),
    /// It panicked with this message, reduced to its first line that is not empty.
    #[error("panicked: {0}")]
    Panicked(String),
    /// Its record cannot be written as JSON.
    #[error("the record cannot be stored: {0}")]
    Unstorable(EncodeError),
    /// Its batch was computed, but did not return one result for each run.
    #[error("a batch of {n_runs} runs returned {n_results} results")]
    WrongCount {
        /// Number of runs in the batch.
        n_runs: usize,
        /// Number of results that the batch returned.
        n_results: usize,
    },
}

/// Number of runs by outcome; equal specs count as one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Found in the store.
    pub reused: usize,
    /// Computed and stored.
    pub computed: usize,
    /// Started, and failed.
    pub failed: usize,
    /// Not started.
    pub not_started: usize,
}

/// The error when not every spec has a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} of {} runs have no record: {} failed{}, {} not started",
    counts.failed + counts.not_started,
    counts.total(),
    counts.failed,
    first_failure.as_ref().map(|(key, reason)| format!(" (first {}: {reason})", key.short())).unwrap_or_default(),
    counts.not_started
)]
pub struct Incomplete {
    /// Number of runs by outcome.
    pub counts: Counts,
    /// The first failure in the order of the specs, as text.
    pub first_failure: Option<(RunKey, String)>,
}

impl<R, E> Outcome<R, E> {
    /// The record, reused or computed.
    pub fn record(&self) -> Option<&R> {
        match self {
            Outcome::Reused(record) | Outcome::Computed { record, .. } => Some(record),
            Outcome::Failed(_) | Outcome::NotStarted => None,
        }
    }
}

impl<R, E> Report<R, E> {
    /// Key and outcome of every spec, in their order.
    pub fn outcomes(&self) -> impl ExactSizeIterator<Item = (RunKey, &Outcome<R, E>)> {
        self.slot_of_spec.iter().map(|&slot| {
            let (key, outcome) = &self.slots[slot];
            (*key, outcome)
        })
    }

    /// The record of every spec that has one, `None` for the others.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Option<&R>> {
        self.outcomes().map(|(_, outcome)| outcome.record())
    }

    /// The runs that failed, each once.
    pub fn failures(&self) -> impl Iterator<Item = (RunKey, &RunError<E>)> {
        self.slots.iter().filter_map(|(key, outcome)| match outcome {
            Outcome::Failed(error) => Some((*key, error)),
            _ => None,
        })
    }

    /// Number of runs by outcome.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (_, outcome) in &self.slots {
            match outcome {
                Outcome::Reused(_) => counts.reused += 1,
                Outcome::Computed { .. } => counts.computed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::NotStarted => counts.not_started += 1,
            }
        }
        counts
    }

    /// One record per spec, in their order.
    ///
    /// # Errors
    /// [`Incomplete`] when a spec has no record.
    pub fn into_records(self) -> Result<Vec<R>, Incomplete>
    where
        R: Clone,
        E: Display,
    {
        let all: Option<Vec<R>> = self.records().map(Option::<&R>::cloned).collect();
        all.ok_or_else(|| Incomplete {
            counts: self.counts(),
            first_failure: self.failures().next().map(|(key, error)| (key, error.to_string())),
        })
    }
}

impl Counts {
    /// The number of all runs.
    pub fn total(&self) -> usize {
        self.reused + self.computed + self.failed + self.not_started
    }
}
