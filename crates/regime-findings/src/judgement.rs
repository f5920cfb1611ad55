//! The verdict on a claim.

use regime_scaling::{Levels, Outcome, Statement, judge};
use regime_study::Run;
use serde::Serialize;

use crate::{
    completeness::{Incomplete, LEAST_COMPLETE, completeness},
    finding::Finding,
    replica::{distinct, training_set},
    settings::Profile,
};

/// What the runs say of a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether the claim is reproduced.
    pub outcome: Outcome,
    /// Why nothing is decided although the statements may say something; `None` where they decide.
    pub undecided_because: Option<Undecided>,
    /// Every part of the claim.
    pub statements: Vec<Statement>,
    /// The levels at which they are judged.
    pub levels: Levels,
    /// Cells of the grid that lack runs.
    pub incomplete: Vec<Incomplete>,
    /// Training sets that would decide the parts that are open, if the estimates stay where they are;
    /// `None` where nothing is open or no number would.
    pub sets_needed: Option<usize>,
}

/// Why the statements do not decide a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// The profile `smoke` shows that everything works, and decides nothing.
    TooSmall,
    /// A cell lacks more than one run in twenty.
    MissingRuns,
    /// Without the training sets that lack runs the verdict is another, or there is none.
    MissingRunsMatter,
}

/// The verdict of a finding by its rule. `looks` is how many times it is judged, at most, as training
/// sets are added.
///
/// An error of 5 % either way is kept: see [`Levels::of`]. Where a cell of the grid lacks more than
/// one run in twenty, or where the training sets that lack some turn the verdict, it is undecided.
pub fn verdict(finding: &dyn Finding, runs: &[Run], profile: Profile, looks: usize) -> Judgement {
    let statements = finding.statements(runs);
    let levels = Levels::of(0.05, statements.len(), looks);
    let by_statements = judge(&statements, looks);
    let completeness = completeness(finding, runs);
    let least = |of: &Incomplete| (of.usable as f64) < LEAST_COMPLETE * of.asked as f64;
    let undecided_because = if profile == Profile::Smoke {
        Some(Undecided::TooSmall)
    } else if completeness.incomplete.iter().any(least) {
        Some(Undecided::MissingRuns)
    } else {
        let without = completeness.of_complete_sets.map(|runs| finding.statements(&runs));
        let turns = without.is_some_and(|statements| judge(&statements, looks) != by_statements);
        turns.then_some(Undecided::MissingRunsMatter)
    };
    let sets = distinct(runs, |run| training_set(&run.spec)).len();
    let needed: Option<Vec<usize>> = statements
        .iter()
        .filter(|statement| statement.outcome(levels) == Outcome::Undecided)
        .map(|statement| {
            let counted = statement.interval.as_ref().ok()?.n_seeds.max(1);
            // Some training sets may not count.
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
