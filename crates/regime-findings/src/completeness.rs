//! Cells of a grid that lack runs.

use regime_study::{NoRecord, Run};
use serde::Serialize;

use crate::{finding::Finding, replica::training_set};

/// The fraction of a cell's runs that must be usable.
pub const MIN_COMPLETE: f64 = 0.95;

/// A cell of the grid that lacks runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incomplete {
    /// The cell, in words.
    pub cell: String,
    /// Number of runs requested.
    pub asked: usize,
    /// Number of usable runs.
    pub usable: usize,
    /// Why the others are not usable, each reason once.
    pub reasons: Vec<String>,
}

/// The cells that lack runs, and the runs of the complete training sets.
pub(crate) struct Completeness {
    pub(crate) incomplete: Vec<Incomplete>,
    /// `None` where nothing is missing.
    pub(crate) of_complete_sets: Option<Vec<Run>>,
}

pub(crate) fn completeness(finding: &dyn Finding, runs: &[Run]) -> Completeness {
    let mut cells: Vec<Incomplete> = Vec::new();
    let mut sets_without = Vec::new();
    for run in runs {
        let Some(cell) = finding.cell(&run.spec) else { continue };
        let index = cells.iter().position(|of| of.cell == cell).unwrap_or_else(|| {
            cells.push(Incomplete { cell, asked: 0, usable: 0, reasons: Vec::new() });
            cells.len() - 1
        });
        let of = &mut cells[index];
        of.asked += 1;
        let reason = match &run.record {
            Ok(record) if finding.usable(record) => {
                of.usable += 1;
                continue;
            }
            Ok(record) if record.reached_requested_end() => {
                "lacks data that the rule uses".to_owned()
            }
            Ok(record) => record.ending.name().to_owned(),
            Err(NoRecord::Missing) => "not made".to_owned(),
            Err(NoRecord::Failed(why)) => format!("failed: {why}"),
        };
        if !of.reasons.contains(&reason) {
            of.reasons.push(reason);
        }
        sets_without.push(training_set(&run.spec));
    }
    let of_complete_sets = (!sets_without.is_empty()).then(|| {
        let complete = |run: &&Run| !sets_without.contains(&training_set(&run.spec));
        runs.iter().filter(complete).cloned().collect()
    });
    cells.retain(|of| of.usable < of.asked);
    Completeness { incomplete: cells, of_complete_sets }
}
