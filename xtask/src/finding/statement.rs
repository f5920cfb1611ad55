//! Statements of which a claim consists, each an interval that has to lie somewhere.

use regime_plot::number;
use regime_scaling::BootstrapInterval;
use serde::Serialize;

use crate::{
    finding::answer::Answer,
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

    /// Values between these are accepted.
    pub(super) fn between(
        what: impl Into<String>,
        answer: Answer<BootstrapInterval>,
        (least, most): (f64, f64),
    ) -> Self {
        let words = format!("between {} and {}", plain(least), plain(most));
        Self { what: what.into(), answer, accepted: (least, most), words }
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

    /// The interval in words, where there is one that can decide.
    fn value(&self) -> Result<String, String> {
        let what = &self.what;
        match &self.answer {
            Answer::Missing(why) => Err(format!("{what} has no interval: {why}")),
            Answer::Found(i) => {
                let value = number::with_interval(i.estimate, i.low, i.high);
                if i.n_seeds < LEAST_SEEDS {
                    return Err(format!("{what} is {value} from {} seeds, too few", i.n_seeds));
                }
                Ok(value)
            }
        }
    }

    /// What the interval says of the accepted values, in words.
    fn relation(&self) -> String {
        let relation = match self.kind() {
            VerdictKind::Reproduced => "as claimed,",
            VerdictKind::NotReproduced => "not",
            VerdictKind::Inconclusive => "not clearly",
        };
        format!("{relation} {}", self.words)
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
    let (decisive, rest): (Vec<_>, Vec<_>) = statements.iter().partition(|s| s.kind() == kind);
    let sentences = [sentences(&decisive), sentences(&rest)].concat();
    let sentence = sentences.join("; ") + " (95 %).";
    Verdict { kind, sentence: capitalised(sentence) }
}

/// With a capital in front, but for a symbol.
fn capitalised(sentence: String) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_alphabetic() => {
            first.to_uppercase().chain(sentence.chars().skip(1)).collect()
        }
        _ => sentence,
    }
}

/// One sentence for all statements of which the same is true.
fn sentences(statements: &[&Statement]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut together: Vec<(String, Vec<String>)> = Vec::new();
    for statement in statements {
        let value = match statement.value() {
            Ok(value) => value,
            Err(why) => {
                told.push(why);
                continue;
            }
        };
        let (what, relation) = (&statement.what, statement.relation());
        match together.iter_mut().find(|(same, _)| *same == relation) {
            Some((_, values)) => values.push(format!("{what} {value}")),
            None => together.push((relation, vec![format!("{what} is {value}")])),
        }
    }
    let joined = |values: &[String]| match values {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        one => one.concat(),
    };
    told.extend(
        together.iter().map(|(relation, values)| format!("{}, {relation}", joined(values))),
    );
    told
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
    fn statements_of_which_the_same_is_true_share_a_sentence() {
        let gap = |what: &str, low, high| Statement::above(what, interval(low, high, 5), 0.0);
        let few = Statement::above("another gap", interval(0.1, 0.2, 2), 0.0);
        let statements = [
            gap("the gap in (A)", 0.01, 0.02),
            few,
            gap("that in (B)", 0.1, 0.2),
            Statement::near("the slope", interval(0.9, 1.1, 5), 1.0, 0.2),
        ];
        assert_eq!(
            verdict(&statements).sentence,
            "Another gap is 0.15 [0.10, 0.20] from 2 seeds, too few; the gap in (A) is 0.015 \
             [0.010, 0.020] and that in (B) 0.15 [0.10, 0.20], as claimed, above 0; the slope is \
             1.00 [0.90, 1.10], as claimed, 1 ± 0.2 (95 %)."
        );
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
