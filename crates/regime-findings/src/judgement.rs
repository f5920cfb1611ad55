//! The verdict on a claim.

use regime_scaling::{Levels, Outcome, Statement, judge};
use regime_study::Run;
use serde::Serialize;

use crate::{
    completeness::{Incomplete, MIN_COMPLETE, completeness},
    finding::Finding,
    replica::{distinct, training_set},
    settings::Profile,
};

/// The judgement of a claim from its runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether the claim is reproduced.
    pub outcome: Outcome,
    /// Why the statements do not decide the verdict; `None` where they do.
    pub undecided_because: Option<Undecided>,
    /// One statement for each part of the claim.
    pub statements: Vec<Statement>,
    /// The levels at which they are judged.
    pub levels: Levels,
    /// Cells of the grid that lack runs.
    pub incomplete: Vec<Incomplete>,
    /// Number of training sets that would decide the undecided parts, if the estimates do not
    /// change; `None` where all parts are decided, or no number would suffice.
    pub sets_needed: Option<usize>,
}

/// Why the statements do not decide a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// The profile `smoke` is too small for a verdict.
    TooSmall,
    /// A cell lacks more than one run in twenty.
    MissingRuns,
    /// Without the training sets that lack runs, the verdict changes or cannot be made.
    MissingRunsMatter,
}

/// Judges a finding by its rule. `looks` is the maximum number of times that it is judged as
/// training sets are added.
///
/// Each of the two errors has a rate of at most 5 %: see [`Levels::of`]. The verdict is undecided
/// in the profile `smoke`, where a cell of the grid lacks more than one run in twenty, and where
/// leaving out the training sets that lack runs changes it.
pub fn verdict(finding: &dyn Finding, runs: &[Run], profile: Profile, looks: usize) -> Judgement {
    let statements = finding.statements(runs);
    let levels = Levels::of(0.05, statements.len(), looks);
    let by_statements = judge(&statements, looks);
    let completeness = completeness(finding, runs);
    let lacks_too_many = |of: &Incomplete| (of.usable as f64) < MIN_COMPLETE * of.asked as f64;
    let undecided_because = if profile == Profile::Smoke {
        Some(Undecided::TooSmall)
    } else if completeness.incomplete.iter().any(lacks_too_many) {
        Some(Undecided::MissingRuns)
    } else {
        let without = completeness.of_complete_sets.map(|runs| finding.statements(&runs));
        let changes = without.is_some_and(|statements| judge(&statements, looks) != by_statements);
        changes.then_some(Undecided::MissingRunsMatter)
    };
    let sets = distinct(runs, |run| training_set(&run.spec)).len();
    let needed: Option<Vec<usize>> = statements
        .iter()
        .filter(|statement| statement.outcome(levels) == Outcome::Undecided)
        .map(|statement| {
            let counted = statement.interval.as_ref().ok()?.n_seeds.max(1);
            // Some training sets may not enter the interval.
            Some((statement.seeds_needed(levels)? * sets).div_ceil(counted))
        })
        .collect();
    Judgement {
        outcome: if undecided_because.is_some() { Outcome::Undecided } else { by_statements },
        undecided_because,
        sets_needed: needed.and_then(|all| all.into_iter().max()),
        statements,
        levels,
        incomplete: completeness.incomplete,
    }
}
