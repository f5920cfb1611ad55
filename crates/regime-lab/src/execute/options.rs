//! How runs are computed, and what prevents it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::json::EncodeError;
use crate::provenance::Provenance;
use crate::store::StoreError;

/// How [`execute`](crate::execute()) and [`execute_batches`](crate::execute_batches) compute. Nothing in here changes a record
/// but `threads_per_run`, where a run's arithmetic depends on its threads.
#[derive(Debug, Clone)]
pub struct Options {
    /// Runs (or batches of runs) computed side by side; ≥ 1, default 1.
    pub jobs: usize,
    /// Threads of the rayon pool around each run (or batch); ≥ 1, default 1, which makes
    /// the best use of the processor when there are more runs than cores.
    pub threads_per_run: usize,
    /// Once true, no further run is started. Default: none.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Kept with every record that this call computes, `wall_s` filled in.
    pub provenance: Provenance,
}

impl Default for Options {
    fn default() -> Self {
        Options { jobs: 1, threads_per_run: 1, cancel: None, provenance: Provenance::default() }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), ExecError> {
        for (option, value) in [("jobs", self.jobs), ("threads_per_run", self.threads_per_run)] {
            if value == 0 {
                return Err(ExecError::Zero { option });
            }
        }
        Ok(())
    }
}

/// Why an execution as a whole could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExecError {
    /// An option that must be at least 1 is 0.
    #[error("the option `{option}` must be at least 1")]
    Zero {
        /// The name of the option.
        option: &'static str,
    },
    /// A spec has no key.
    #[error("spec {index} has no key: {cause}")]
    Spec {
        /// Its place among the specs.
        index: usize,
        /// What it holds that cannot be written.
        cause: EncodeError,
    },
    /// A spec's cost is negative or not finite.
    #[error("spec {index} has the cost {cost}; it must be finite and not negative")]
    Cost {
        /// Its place among the specs.
        index: usize,
        /// The cost.
        cost: f64,
    },
    /// The division into batches does not give every run exactly once.
    #[error(
        "the division into batches gives the index {index} {times} times; \
         it must give each index below {n_runs} exactly once, and no other"
    )]
    Division {
        /// The index that is wrong.
        index: usize,
        /// How many times it occurs (1 for the first index that is out of range).
        times: usize,
        /// How many runs there are to divide.
        n_runs: usize,
    },
    /// A worker could not be made.
    #[error("cannot start the threads of a worker: {0}")]
    Threads(std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
