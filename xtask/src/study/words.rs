//! A verdict in words.

use regime_findings::{
    Finding, Incomplete, Judgement, MIN_COMPLETE, Settings, Undecided, training_sets,
};
use regime_plot::number;
use regime_scaling::{Equivalence, Expected, Levels, Outcome, Statement};

use crate::report::{KeyFigure, Verdict};

/// The verdict with its reason in plain words.
pub(super) fn verdict(
    finding: &dyn Finding,
    judgement: &Judgement,
    (settings, looks): (&Settings, usize),
) -> Verdict {
    Verdict { kind: judgement.outcome, sentence: sentence(finding, judgement, settings, looks) }
}

fn sentence(
    finding: &dyn Finding,
    judgement: &Judgement,
    settings: &Settings,
    looks: usize,
) -> String {
    let Judgement { statements, levels, incomplete, .. } = judgement;
    let of = |outcome: Outcome| -> Vec<&Statement> {
        statements.iter().filter(|s| s.outcome(*levels) == outcome).collect()
    };
    let (hold, fail, open) = (of(Outcome::Pass), of(Outcome::Fail), of(Outcome::Undecided));
    match judgement.undecided_because {
        Some(Undecided::TooSmall) => {
            return "The profile smoke shows that everything works; it is too small to decide."
                .into();
        }
        Some(Undecided::MissingRuns) => {
            let too_few = |of: &&Incomplete| (of.usable as f64) < MIN_COMPLETE * of.asked as f64;
            let cells: Vec<&Incomplete> = incomplete.iter().filter(too_few).collect();
            let first = cells.first().map_or(String::new(), |of| incomplete_cell(of));
            let more = match cells.len() {
                0 | 1 => String::new(),
                n => format!(" ({} cells of the grid in all)", n),
            };
            return format!("Too many runs are missing to decide: {first}{more}.");
        }
        Some(Undecided::MissingRunsMatter) => {
            return "Runs are missing. Without the training sets that lack them, the verdict is \
                    different or cannot be reached."
                .into();
        }
        None => {}
    }
    if !fail.is_empty() {
        let reasons: Vec<String> = fail.iter().map(|s| reason(s)).collect();
        return capitalised(format!("{}.", reasons.join("; ")));
    }
    if open.is_empty() {
        return match statements.len() {
            1 => capitalised(format!("{}, as claimed.", value(&statements[0]))),
            n => format!("All {n} parts of the claim hold."),
        };
    }
    let reasons: Vec<String> = open.iter().map(|s| reason(s)).collect();
    let holding = match hold.len() {
        0 => String::new(),
        1 => format!("One part of {} holds. ", statements.len()),
        n => format!("{n} parts of {} hold. ", statements.len()),
    };
    let few = open.iter().all(|s| s.interval.is_err()) && training_sets(settings) < 3;
    let more = match judgement.sets_needed {
        _ if few => " At least three training sets are needed.".into(),
        // Judging the same training sets again would raise the error rate.
        Some(n) => format!(
            " If the estimates stay where they are, {n} training sets decide: `cargo xtask reproduce {} \
             --seeds {n} --seed-offset {} --data-seed {}` for fresh ones{}.",
            finding.name(),
            settings.seed_offset + 200,
            settings.data_seed + 20,
            if looks == 1 { ", or `--until-decided`" } else { "" },
        ),
        None => " More training sets would not decide it: an estimate lies too close to the edge of the \
                 accepted range, or is missing."
            .into(),
    };
    format!("{holding}Open: {}.{more}", reasons.join("; "))
}

/// One line about a cell of the grid that lacks runs.
pub(super) fn incomplete(of: &Incomplete) -> String {
    format!("Missing runs: {}.", incomplete_cell(of))
}

fn incomplete_cell(Incomplete { cell, asked, usable, reasons }: &Incomplete) -> String {
    format!("{} of {asked} at {cell} ({})", asked - usable, reasons.join("; "))
}

/// How the parts of a claim are judged, and from how many training sets.
pub(super) fn levels(judgement: &Judgement, looks: usize) -> String {
    let Levels { support, refute } = judgement.levels;
    let percent = |level: f64| {
        let text = format!("{:.2}", 100.0 * level);
        format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
    };
    let sets = judgement.statements.iter().filter_map(|s| Some(s.interval.as_ref().ok()?.n_seeds));
    let sets =
        sets.min().map_or(String::new(), |n| format!(" Intervals rest on {n} training sets."));
    let looked = if looks > 1 {
        format!(", so that {looks} looks keep the error rate")
    } else {
        String::new()
    };
    format!(
        "The intervals shown are of 95 %. A part of the claim holds when its interval of {} lies within what is \
         accepted, and is refuted when that of {} lies outside{looked}; otherwise it is open.{sets}",
        percent(support),
        percent(refute)
    )
}

/// The row of a statement among the key figures.
pub(super) fn key_figure(statement: &Statement, levels: Levels) -> KeyFigure {
    let Statement { quantity, interval, expected } = statement;
    let holds = match statement.outcome(levels) {
        Outcome::Pass => "holds",
        Outcome::Fail => "does not hold",
        Outcome::Undecided => "open",
    };
    let note = format!("claim: {}; {holds}", accepted(*expected));
    match interval {
        Ok(i) => {
            KeyFigure::new(capitalised(quantity.clone()), i.estimate, Some((i.low, i.high)), note)
        }
        Err(why) => KeyFigure {
            name: capitalised(quantity.clone()),
            value: "none".into(),
            interval: String::new(),
            note: format!("{note}: {why}"),
        },
    }
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

/// The quantity with its interval.
fn value(Statement { quantity, interval, .. }: &Statement) -> String {
    match interval {
        Ok(i) => format!("{quantity} is {}", number::with_interval(i.estimate, i.low, i.high)),
        Err(why) => format!("{quantity} cannot be determined ({why})"),
    }
}

/// The quantity and its accepted values.
fn reason(statement: &Statement) -> String {
    let few = match &statement.interval {
        Ok(i) if i.n_seeds < Statement::MIN_SEEDS => {
            format!(" from {} training sets, too few,", i.n_seeds)
        }
        _ => String::new(),
    };
    format!("{}{few} and has to be {}", value(statement), accepted(statement.expected))
}

/// Capitalises a sentence, unless it begins with a symbol of one letter.
fn capitalised(sentence: String) -> String {
    let mut letters = sentence.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_alphabetic() => {
            first.to_uppercase().chain(sentence.chars().skip(1)).collect()
        }
        _ => sentence,
    }
}

/// A number with few decimals and without trailing zeros.
fn plain(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    let text = if (rounded * 100.0).fract().abs() > 1e-9 && rounded.abs() >= 0.1 {
        format!("{rounded:.3}")
    } else {
        rounded.to_string()
    };
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use regime_findings::{FINDINGS, Profile};
    use regime_scaling::BootstrapInterval;

    use super::*;

    fn statement(quantity: &str, estimate: f64, n_seeds: usize) -> Statement {
        let interval = BootstrapInterval {
            estimate,
            low: estimate - 0.1,
            high: estimate + 0.1,
            level: 0.95,
            std_error: 0.04,
            degrees_of_freedom: 7.0,
            n_seeds,
            n_resamples: 1000,
            n_failed: 0,
        };
        Statement::near(quantity, Ok(interval), 1.0, 0.25)
    }

    fn judgement(statements: Vec<Statement>) -> Judgement {
        let levels = Levels::of(0.05, statements.len(), 1);
        Judgement {
            outcome: regime_scaling::judge(&statements, 1),
            undecided_because: None,
            sets_needed: Some(20),
            statements,
            levels,
            incomplete: Vec::new(),
        }
    }

    fn said(judgement: &Judgement) -> (Outcome, String) {
        let settings = Settings::of(Profile::Laptop);
        let Verdict { kind, sentence } = verdict(FINDINGS[2], judgement, (&settings, 1));
        (kind, sentence)
    }

    #[test]
    fn a_claim_that_holds_gives_one_sentence() {
        let of = judgement(vec![statement("p", 1.0, 8), statement("q", 1.1, 8)]);
        assert_eq!(said(&of), (Outcome::Pass, "All 2 parts of the claim hold.".into()));
    }

    #[test]
    fn a_failed_part_is_given_with_its_accepted_values() {
        let of = judgement(vec![statement("p", 1.0, 8), statement("the slope", 1.6, 8)]);
        let sentence = "The slope is 1.60 [1.50, 1.70] and has to be 1 ± 0.25.";
        assert_eq!(said(&of), (Outcome::Fail, sentence.into()));
    }

    #[test]
    fn an_open_part_is_given_with_the_training_sets_needed() {
        let of = judgement(vec![statement("p", 1.0, 8), statement("the slope", 1.22, 8)]);
        let (kind, sentence) = said(&of);
        assert_eq!(kind, Outcome::Undecided);
        assert!(
            sentence.starts_with("One part of 2 holds. Open: the slope is 1.22 "),
            "{sentence}"
        );
        let fresh = "`cargo xtask reproduce finding-3 --seeds 20 --seed-offset 200 --data-seed 20`";
        assert!(sentence.contains(fresh), "{sentence}");
        let few = judgement(vec![statement("p", 1.0, 2)]);
        assert!(said(&few).1.contains("from 2 training sets, too few"));
    }

    #[test]
    fn missing_runs_are_named() {
        let mut of = judgement(vec![statement("p", 1.0, 8)]);
        of.undecided_because = Some(Undecided::MissingRuns);
        let reasons = vec!["diverged".to_owned()];
        of.incomplete =
            vec![Incomplete {
                cell: "h = 32, √h·α = 0.1".into(), asked: 8, usable: 7, reasons
            }];
        let sentence = said(&of).1;
        assert!(sentence.contains("1 of 8 at h = 32, √h·α = 0.1 (diverged)"), "{sentence}");
    }

    #[test]
    fn the_profile_smoke_says_that_it_is_too_small() {
        let mut of = judgement(vec![statement("p", 1.0, 8)]);
        of.undecided_because = Some(Undecided::TooSmall);
        assert!(said(&of).1.contains("too small to decide"));
    }

    #[test]
    fn the_levels_are_reported() {
        let said = levels(&judgement(vec![statement("p", 1.0, 8); 14]), 1);
        assert!(said.contains("interval of 90 % lies") && said.contains("that of 99.64"), "{said}");
        assert!(said.ends_with("Intervals rest on 8 training sets."), "{said}");
    }

    #[test]
    fn numbers_are_written_plainly() {
        assert_eq!([0.12, -0.5, 2.0, 0.0075].map(plain), ["0.12", "−0.5", "2", "0.0075"]);
        assert_eq!(plain(3f64.ln()), "1.099");
    }
}
