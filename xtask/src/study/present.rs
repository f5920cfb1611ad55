//! From runs to the content of a report.

use regime_findings::{Finding, Judgement, PROTOCOL, Settings, verdict};
use regime_plot::Figure;
use regime_study::Run;

use super::{
    endings::endings, finding_1, finding_2, finding_3, finding_4, finding_5, words, work::work,
};
use crate::report::{KeyFigure, Table, Verdict};

/// The result of the runs for a claim.
#[derive(Debug, Clone)]
pub(crate) struct Study {
    /// The verdict by the rule.
    pub(crate) verdict: Verdict,
    /// The statements from which the verdict follows.
    pub(crate) judgement: Judgement,
    /// Every number of the analysis, for `outcome.json`.
    pub(crate) outcome: serde_json::Value,
    /// Every part of the claim, then other numbers.
    pub(crate) key_figures: Vec<KeyFigure>,
    /// In the order of the report.
    pub(crate) figures: Vec<Figure>,
    /// In the order of the report.
    pub(crate) tables: Vec<Table>,
    /// Further facts for the reader.
    pub(crate) notes: Vec<String>,
}

/// Analyses the runs of a finding. Never fails: a quantity that cannot be determined is reported as such.
pub(crate) fn study(
    finding: &dyn Finding,
    runs: &[Run],
    settings: &Settings,
    looks: usize,
) -> Study {
    let judgement = verdict(finding, runs, settings.profile, looks);
    let shown = match finding.name() {
        "finding-1" => finding_1::shown(runs),
        "finding-2" => finding_2::shown(runs),
        "finding-3" => finding_3::shown(runs),
        "finding-4" => finding_4::shown(runs),
        _ => finding_5::shown(runs),
    };
    let (summary, not_ended) = endings(runs);
    let mut notes = vec![words::levels(&judgement, looks), summary, PROTOCOL.to_owned()];
    notes.extend(judgement.incomplete.iter().map(words::incomplete));
    notes.extend(shown.notes);
    let key_figures = judgement.statements.iter().map(|s| words::key_figure(s, judgement.levels));
    Study {
        verdict: words::verdict(finding, &judgement, (settings, looks)),
        outcome: shown.outcome,
        key_figures: key_figures.chain(shown.key_figures).collect(),
        figures: shown.figures,
        tables: shown.tables.into_iter().chain(not_ended).chain(work(runs)).collect(),
        notes,
        judgement,
    }
}

#[cfg(test)]
mod tests {
    use regime_findings::{
        FINDINGS, Profile,
        simulate::{Truth, simulated},
    };
    use regime_scaling::Outcome;
    use regime_study::NoRecord;

    use super::*;

    /// A study of simulated runs, of which one in `every` is missing.
    fn studied(finding: &dyn Finding, every: usize) -> Study {
        let settings = Settings::of(Profile::Laptop);
        let specs = finding.grid(&settings);
        let mut runs = simulated(finding, &specs, Truth::Holds, 5);
        for run in runs.iter_mut().step_by(every) {
            run.record = Err(NoRecord::Failed("out of memory".into()));
        }
        study(finding, &runs, &settings, 1)
    }

    #[test]
    fn every_part_of_a_claim_is_among_the_key_figures() {
        for finding in FINDINGS {
            let study = studied(*finding, usize::MAX);
            // One missing run may leave the verdict open, but does not refute the claim.
            assert_ne!(study.verdict.kind, Outcome::Fail, "{}", finding.name());
            for (figure, statement) in study.key_figures.iter().zip(&study.judgement.statements) {
                let (name, quantity) =
                    (figure.name.to_lowercase(), statement.quantity.to_lowercase());
                assert_eq!(name, quantity);
                assert!(figure.note.starts_with("claim: "), "{}", figure.note);
                assert!(!figure.interval.is_empty(), "{}: {}", finding.name(), figure.name);
            }
            assert!(study.figures.iter().all(|figure| !figure.caption.is_empty()));
            assert!(study.notes.iter().any(|note| note.starts_with("Missing runs: 1 of ")));
        }
    }

    #[test]
    fn a_grid_without_a_record_is_shown_too() {
        for finding in FINDINGS {
            let study = studied(*finding, 1);
            assert_eq!(study.verdict.kind, Outcome::Undecided);
            assert!(study.verdict.sentence.contains("out of memory"), "{}", study.verdict.sentence);
            assert!(!study.figures.is_empty());
        }
    }
}
