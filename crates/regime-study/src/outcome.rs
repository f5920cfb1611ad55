//! A requested run with its record, or with the reason why it has none.

use regime_lab::{Provenance, RunKey};

use crate::{
    record::{Ending, RunRecord},
    spec::RunSpec,
};

/// A spec with its record, or with the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The requested run.
    pub spec: RunSpec,
    /// The record, or why there is none.
    pub record: Result<RunRecord, NoRecord>,
    /// Where the record was computed; `None` without a record, and for a simulated one.
    pub provenance: Option<Provenance>,
}

impl Run {
    /// The record of a run that reached every margin.
    pub fn converged(&self) -> Option<&RunRecord> {
        self.record.as_ref().ok().filter(|record| record.converged())
    }

    /// The key of the run in a store; `None` for a spec that has none (a number that is not finite).
    pub fn key(&self) -> Option<RunKey> {
        RunKey::of(&self.spec).ok()
    }

    /// How the run ended, in one word for tables.
    pub fn ending(&self) -> &'static str {
        match &self.record {
            Ok(record) => record.ending.name(),
            Err(why) => why.name(),
        }
    }

    /// Why the run diverged or has no record; `None` for all others.
    pub fn reason(&self) -> Option<String> {
        match &self.record {
            Ok(RunRecord { ending: Ending::Diverged { quantity, step }, .. }) => {
                Some(format!("{quantity}, after step {step}"))
            }
            Ok(_) => None,
            Err(why) => Some(why.to_string()),
        }
    }

    /// The version of the program that computed the record and its commit: `0.1.0+9c34518abcde`.
    pub fn version(&self) -> Option<String> {
        let provenance = self.provenance.as_ref()?;
        let version = provenance.program.split(' ').next_back().unwrap_or_default();
        Some(match provenance.extra.get("commit") {
            Some(commit) => format!("{version}+{}", commit.replace(" with changes", ".changed")),
            None => version.to_owned(),
        })
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
