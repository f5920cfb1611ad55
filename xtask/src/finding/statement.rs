//! A claim's statements in words, and the verdict on them.

use regime_plot::number;
use regime_scaling::{Equivalence, Expected, Outcome, Statement};

use crate::{
    finding::answer::Answer,
    report::{KeyFigure, Verdict, VerdictKind},
};

/// The verdict on a claim that consists of these statements: reproduced when every
/// interval lies within what is accepted, not reproduced when any lies outside.
pub(super) fn verdict(statements: &[Statement]) -> Verdict {
    let outcome = Outcome::of_all(statements.iter().map(Statement::outcome));
    // What decides comes first.
    let (decisive, rest): (Vec<_>, Vec<_>) =
        statements.iter().partition(|statement| statement.outcome() == outcome);
    let sentence = [sentences(&decisive), sentences(&rest)].concat().join("; ") + " (95 %).";
    let kind = match outcome {
        Outcome::Pass => VerdictKind::Reproduced,
        Outcome::Fail => VerdictKind::NotReproduced,
        Outcome::Undecided => VerdictKind::Inconclusive,
    };
    Verdict { kind, sentence: capitalised(sentence) }
}

/// The row of a statement among the key figures.
pub(super) fn key_figure(statement: &Statement) -> KeyFigure {
    let Statement { quantity, interval, expected } = statement;
    let answer = Answer::of(interval.clone());
    answer.key_figure(quantity, |i| format!("claim: {}; {} seeds", accepted(*expected), i.n_seeds))
}

/// The accepted values.
fn accepted(expected: Expected) -> String {
    match expected {
        Expected::Near(Equivalence { target, margin }) => {
            format!("{} ± {}", plain(target), plain(margin))
        }
        Expected::Between { least, most } => {
            format!("between {} and {}", plain(least), plain(most))
        }
        Expected::AtLeast(least) => format!("above {}", plain(least)),
        Expected::AtMost(most) => format!("below {}", plain(most)),
    }
}

/// The interval, where there is one that can decide.
fn value(Statement { quantity, interval, .. }: &Statement) -> Result<String, String> {
    let i = interval.as_ref().map_err(|why| format!("{quantity} has no interval: {why}"))?;
    let value = number::with_interval(i.estimate, i.low, i.high);
    if i.n_seeds < Statement::LEAST_SEEDS {
        return Err(format!("{quantity} is {value} from {} seeds, too few", i.n_seeds));
    }
    Ok(value)
}

/// What the interval says of the accepted values.
fn relation(statement: &Statement) -> String {
    let relation = match statement.outcome() {
        Outcome::Pass => "as claimed,",
        Outcome::Fail => "not",
        Outcome::Undecided => "not clearly",
    };
    format!("{relation} {}", accepted(statement.expected))
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
    let mut sentences: Vec<String> = Vec::new();
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for statement in statements {
        let value = match value(statement) {
            Ok(value) => value,
            Err(why) => {
                sentences.push(why);
                continue;
            }
        };
        let (quantity, relation) = (&statement.quantity, relation(statement));
        match groups.iter_mut().find(|(same, _)| *same == relation) {
            Some((_, values)) => values.push(format!("{quantity} {value}")),
            None => groups.push((relation, vec![format!("{quantity} is {value}")])),
        }
    }
    let joined = |values: &[String]| match values {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        one => one.concat(),
    };
    let of_group =
        |(relation, values): &(String, Vec<String>)| format!("{}, {relation}", joined(values));
    sentences.extend(groups.iter().map(of_group));
    sentences
}

/// Without decimals that are zero.
fn plain(value: f64) -> String {
    value.to_string().replace('-', "−")
}

#[cfg(test)]
mod tests {
    use regime_scaling::BootstrapInterval;

    use super::*;

    fn interval(low: f64, high: f64, n_seeds: usize) -> Result<BootstrapInterval, String> {
        Ok(BootstrapInterval {
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

    fn kind(answers: &[Result<BootstrapInterval, String>]) -> VerdictKind {
        let of = |a: &Result<_, _>| Statement::near("p", a.clone(), 1.0, 0.25);
        verdict(&answers.iter().map(of).collect::<Vec<_>>()).kind
    }

    #[test]
    fn one_statement_outside_outweighs_all_others() {
        let (within, outside) = (interval(0.9, 1.2, 5), interval(0.3, 0.6, 5));
        let (straddles, few) = (interval(0.6, 0.9, 5), interval(0.9, 1.2, 2));
        let missing = Err("no run".into());
        assert_eq!(kind(&[within.clone(), within.clone()]), VerdictKind::Reproduced);
        for open in [straddles, few, missing] {
            assert_eq!(kind(&[within.clone(), open.clone()]), VerdictKind::Inconclusive);
            assert_eq!(kind(&[outside.clone(), open]), VerdictKind::NotReproduced);
        }
        assert_eq!(kind(&[]), VerdictKind::Inconclusive);
    }

    #[test]
    fn statements_of_which_the_same_is_true_share_a_sentence() {
        let gap = |what: &str, low, high| Statement::at_least(what, interval(low, high, 5), 0.0);
        let few = Statement::at_least("another gap", interval(0.1, 0.2, 2), 0.0);
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
            Statement::at_least("the gap", interval(0.01, 0.02, 5), 0.0),
            Statement::at_most("the trend", interval(0.1, 0.2, 5), 0.0),
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
