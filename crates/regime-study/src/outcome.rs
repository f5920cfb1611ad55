//! A run that was asked for, and what became of it.

use crate::{record::RunRecord, spec::RunSpec};

/// A spec with its record, or with the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was asked for.
    pub spec: RunSpec,
    /// The record, or why there is none.
    pub record: Result<RunRecord, NoRecord>,
}

impl Run {
    /// The record of a run that reached every margin.
    pub fn converged(&self) -> Option<&RunRecord> {
        self.record.as_ref().ok().filter(|record| record.converged())
    }
}

/// Why a run has no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRecord {
    /// The run was tried and failed.
    #[error("{0}")]
    Failed(String),
    /// The store has no record: the run was not made, or an attempt left nothing.
    #[error("no record in the store")]
    Missing,
}

impl NoRecord {
    /// One word for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Missing => "missing",
        }
    }
}
