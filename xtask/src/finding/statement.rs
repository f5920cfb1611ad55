//! Statements of which a claim consists, each an interval that has to lie somewhere.

use regime_scaling::BootstrapInterval;
use serde::Serialize;

use super::answer::Answer;
use crate::{
    figure::number,
    report::{KeyFigure, Verdict, VerdictKind},
};

/// Seeds below which an interval decides nothing.
const LEAST_SEEDS: usize = 3;

/// A quantity, and the values at which the claim holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Statement {
    /// What is measured, in the middle of a sentence.
    what: String,
    /// The estimate with its 95 % interval.
    answer: Answer<BootstrapInterval>,
    /// Ends of the accepted values; infinite for none.
    accepted: (f64, f64),
    /// The accepted values in words.
    words: String,
}

impl Statement {
    /// `target ± margin` is accepted.
    pub(super) fn near(
        what: impl Into<String>,
        answer: Answer<BootstrapInterval>,
        target: f64,
        margin: f64,
    ) -> Self {
        let words = format!("{} ± {}", plain(target), plain(margin));
        Self { what: what.into(), answer, accepted: (target - margin, target + margin), words }
    }

    /// Values above `least` are accepted.
    pub(super) fn above(
        what: impl Into<String>,
        answer: Answer<BootstrapInterval>,
        least: f64,
    ) -> Self {
        let words = format!("above {}", plain(least));
        Self { what: what.into(), answer, accepted: (least, f64::INFINITY), words }
    }

    /// Values below `most` are accepted.
    pub(super) fn below(
        what: impl Into<String>,
        answer: Answer<BootstrapInterval>,
        most: f64,
    ) -> Self {
        let words = format!("below {}", plain(most));
        Self { what: what.into(), answer, accepted: (f64::NEG_INFINITY, most), words }
    }

    /// What the interval says of the statement.
    fn kind(&self) -> VerdictKind {
        let (least, most) = self.accepted;
        match &self.answer {
            Answer::Found(i) if i.n_seeds < LEAST_SEEDS => VerdictKind::Inconclusive,
            Answer::Found(i) if least <= i.low && i.high <= most => VerdictKind::Reproduced,
            Answer::Found(i) if i.high < least || most < i.low => VerdictKind::NotReproduced,
            _ => VerdictKind::Inconclusive,
        }
    }

    fn sentence(&self) -> String {
        let Self { what, answer, words, .. } = self;
        match answer {
            Answer::Missing(why) => format!("{what} has no interval: {why}"),
            Answer::Found(i) => {
                let value = number::with_interval(i.estimate, i.low, i.high);
                if i.n_seeds < LEAST_SEEDS {
                    return format!("{what} is {value} from {} seeds, too few", i.n_seeds);
                }
                let relation = match self.kind() {
                    VerdictKind::Reproduced => "as claimed,",
                    VerdictKind::NotReproduced => "not",
                    VerdictKind::Inconclusive => "not clearly",
                };
                format!("{what} is {value}, {relation} {words}")
            }
        }
    }

    /// A row among the key figures.
    pub(super) fn key_figure(&self) -> KeyFigure {
        let note = |i: &BootstrapInterval| format!("claim: {}; {} seeds", self.words, i.n_seeds);
        self.answer.key_figure(&self.what, note)
    }
}

/// The verdict on a claim that consists of these statements: reproduced when every
/// interval lies within what is accepted, not reproduced when any lies outside.
pub(super) fn verdict(statements: &[Statement]) -> Verdict {
    let kinds: Vec<VerdictKind> = statements.iter().map(Statement::kind).collect();
    let kind = if kinds.contains(&VerdictKind::NotReproduced) {
        VerdictKind::NotReproduced
    } else if kinds.contains(&VerdictKind::Inconclusive) || kinds.is_empty() {
        VerdictKind::Inconclusive
    } else {
        VerdictKind::Reproduced
    };
    // What decides comes first.
    let decisive = |s: &&Statement| s.kind() == kind;
    let rest = statements.iter().filter(|s| !decisive(s));
    let sentences: Vec<String> =
        statements.iter().filter(decisive).chain(rest).map(Statement::sentence).collect();
    let mut sentence = sentences.join("; ") + " (95 %).";
    if let Some(first) = sentence.chars().next() {
        sentence.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    Verdict { kind, sentence }
}

/// Without decimals that are nought.
fn plain(value: f64) -> String {
    value.to_string().replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64, n_seeds: usize) -> Answer<BootstrapInterval> {
        Answer::Found(BootstrapInterval {
            estimate: 0.5 * (low + high),
            low,
            high,
            level: 0.95,
            std_error: 0.1,
            degrees_of_freedom: 4.0,
            n_seeds,
            n_resamples: 1000,
            n_failed: 0,
        })
    }

    fn kind(answers: &[Answer<BootstrapInterval>]) -> VerdictKind {
        let of = |a: &Answer<BootstrapInterval>| Statement::near("p", a.clone(), 1.0, 0.25);
        verdict(&answers.iter().map(of).collect::<Vec<_>>()).kind
    }

    #[test]
    fn one_statement_outside_outweighs_all_others() {
        let (within, outside) = (interval(0.9, 1.2, 5), interval(0.3, 0.6, 5));
        let (straddles, few) = (interval(0.6, 0.9, 5), interval(0.9, 1.2, 2));
        let missing = Answer::Missing("no run".into());
        assert_eq!(kind(&[within.clone(), within.clone()]), VerdictKind::Reproduced);
        for open in [straddles, few, missing] {
            assert_eq!(kind(&[within.clone(), open.clone()]), VerdictKind::Inconclusive);
            assert_eq!(kind(&[outside.clone(), open]), VerdictKind::NotReproduced);
        }
        assert_eq!(kind(&[]), VerdictKind::Inconclusive);
    }

    #[test]
    fn the_sentence_begins_with_what_decides() {
        let statements = [
            Statement::above("the gap", interval(0.01, 0.02, 5), 0.0),
            Statement::below("the trend", interval(0.1, 0.2, 5), 0.0),
        ];
        let Verdict { kind, sentence } = verdict(&statements);
        assert_eq!(kind, VerdictKind::NotReproduced);
        assert!(
            sentence.starts_with("The trend is 0.15 [0.10, 0.20], not below 0; "),
            "{sentence}"
        );
        assert!(sentence.contains("as claimed, above 0"), "{sentence}");
    }
}
