//! Options and errors of an execution.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::json::EncodeError;
use crate::provenance::Provenance;
use crate::store::StoreError;

/// Options of [`execute`](crate::execute()) and
/// [`execute_batches`](crate::execute_batches). Only `threads_per_run` can change a
/// record, if the arithmetic of a run depends on the number of threads.
#[derive(Debug, Clone)]
pub struct Options {
    /// Number of runs (or batches of runs) computed in parallel; ≥ 1, default 1.
    pub jobs: usize,
    /// Number of threads of the rayon pool of each run (or batch); ≥ 1, default 1. One
    /// thread makes the best use of the processor when there are more runs than cores.
    pub threads_per_run: usize,
    /// Once true, no further run is started. Default: none.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Stored with every record that this call computes, with `wall_s` filled in.
    pub provenance: Provenance,
    /// How this process describes itself to others in its [claims](crate::Claim), in one line.
    pub holder: String,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            jobs: 1,
            threads_per_run: 1,
            cancel: None,
            provenance: Provenance::default(),
            holder: String::new(),
        }
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

/// An error that ends a whole execution.
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
        /// Index of the spec.
        index: usize,
        /// The part of the spec that cannot be encoded.
        cause: EncodeError,
    },
    /// A spec's cost is negative or not finite.
    #[error("spec {index} has the cost {cost}; it must be finite and not negative")]
    Cost {
        /// Index of the spec.
        index: usize,
        /// The cost.
        cost: f64,
    },
    /// The division into batches does not contain every index exactly once.
    #[error(
        "the division into batches gives the index {index} {times} times; \
         it must give each index below {n_runs} exactly once, and no other"
    )]
    Division {
        /// The index that is wrong.
        index: usize,
        /// Number of times that it occurs (1 for the first index that is out of range).
        times: usize,
        /// Number of runs to divide.
        n_runs: usize,
    },
    /// The threads of a worker could not be started.
    #[error("cannot start the threads of a worker: {0}")]
    Threads(std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
