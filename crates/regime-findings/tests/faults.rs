//! With a planted fault a claim is never reproduced, and a large fault refutes it.

use regime_findings::{
    FINDINGS, Judgement, Profile, Settings, Undecided, finding_4,
    simulate::{Border, Depth, Fluctuations, Gap, Passage, Truth, simulated},
    verdict,
};
use regime_scaling::{Outcome, judge};
use regime_study::{NoRecord, Run, RunSpec};

fn grid(finding: usize) -> Vec<RunSpec> {
    FINDINGS[finding - 1].grid(&Settings::of(Profile::Laptop))
}

/// The judgements of three simulated studies.
fn judged(finding: usize, study: impl Fn(&[RunSpec], u64) -> Vec<Run>) -> Vec<Judgement> {
    let specs = grid(finding);
    (0..3)
        .map(|seed| {
            let runs = study(&specs, 7 + seed);
            verdict(FINDINGS[finding - 1], &runs, Profile::Laptop, 1)
        })
        .collect()
}

fn outcomes(judged: &[Judgement]) -> Vec<Outcome> {
    judged.iter().map(|judgement| judgement.outcome).collect()
}

#[test]
fn an_exponent_of_0_35_instead_of_a_half() {
    let border = Border { exponent: -0.35 };
    let found = judged(1, |specs, seed| border.simulated(specs, seed));
    assert!(!outcomes(&found).contains(&Outcome::Pass));
    let border = Border { exponent: 0.0 };
    let found = judged(1, |specs, seed| border.simulated(specs, seed));
    assert_eq!(outcomes(&found), [Outcome::Fail; 3]);
}

#[test]
fn a_gap_of_zero() {
    let gap = Gap { fully: 0.0, trend: 0.0, convolutional: 0.0 };
    let found = judged(2, |specs, seed| gap.simulated(specs, seed));
    assert!(!outcomes(&found).contains(&Outcome::Pass), "{:?}", outcomes(&found));
    // Lazy learning is better, in (A) only.
    let gap = Gap { fully: -0.01, ..Gap::of(Truth::Holds) };
    let found = judged(2, |specs, seed| gap.simulated(specs, seed));
    assert_eq!(outcomes(&found), [Outcome::Fail; 3]);
}

#[test]
fn an_ensemble_that_gains_half() {
    let fluctuations = Fluctuations { shared: 0.5, ..Fluctuations::of(Truth::Holds) };
    let found = judged(3, |specs, seed| fluctuations.simulated(specs, seed));
    assert!(!outcomes(&found).contains(&Outcome::Pass), "{:?}", outcomes(&found));
}

#[test]
fn a_time_that_depends_on_alpha_alone() {
    let passage = Passage { root_width: -1.0, ..Passage::PAPER };
    let found = judged(4, |specs, seed| passage.simulated(specs, seed));
    assert_eq!(outcomes(&found), [Outcome::Fail; 3]);
}

/// The lazy side is a control, on which the rule has to fail.
#[test]
fn the_lazy_side_of_the_grid() {
    let runs = Passage::PAPER.simulated(&grid(4), 1);
    assert_eq!(judge(&finding_4::analyse(&runs).control(), 1), Outcome::Fail);
}

#[test]
fn an_exponent_of_2_1() {
    let found = judged(5, |specs, seed| {
        Depth { shift: 0.25, ..Depth::of(Truth::Holds) }.simulated(specs, seed)
    });
    assert!(!outcomes(&found).contains(&Outcome::Pass), "{:?}", outcomes(&found));
    // A kernel change that depends on α alone.
    let found = judged(5, |specs, seed| {
        Depth { width_less_alpha: -1.5, ..Depth::of(Truth::Holds) }.simulated(specs, seed)
    });
    assert_eq!(outcomes(&found), [Outcome::Fail; 3]);
}

/// Runs that do not end lie at small α.
#[test]
fn a_tenth_of_the_runs_at_small_alpha_missing() {
    for finding in 1..=5 {
        let of = FINDINGS[finding - 1];
        let specs = grid(finding);
        let mut runs = simulated(of, &specs, Truth::Holds, 3);
        assert_eq!(verdict(of, &runs, Profile::Laptop, 1).outcome, Outcome::Pass, "{finding}");
        let smallest = specs.iter().map(RunSpec::sqrt_h_alpha).fold(f64::INFINITY, f64::min);
        let small = runs.iter_mut().filter(|run| run.spec.sqrt_h_alpha() < 1.5 * smallest);
        for run in small.step_by(10) {
            run.record = Err(NoRecord::Failed("no step is small enough".into()));
        }
        let judgement = verdict(of, &runs, Profile::Laptop, 1);
        assert_eq!(judgement.outcome, Outcome::Undecided, "{finding}");
        assert_eq!(judgement.undecided_because, Some(Undecided::MissingRuns), "{finding}");
        assert!(judgement.incomplete[0].reasons[0].contains("no step is small enough"));
    }
}

/// A few missing runs leave a verdict undecided where it depends on their training sets. Here too
/// few training sets are complete.
#[test]
fn missing_runs_that_leave_too_few_complete_training_sets() {
    let of = FINDINGS[2];
    let mut runs = simulated(of, &grid(3), Truth::Holds, 4);
    assert_eq!(verdict(of, &runs, Profile::Laptop, 1).outcome, Outcome::Pass);
    // One missing run of 48 or more at a place: few enough for every cell, but each in another
    // training set.
    let mut cells = std::collections::BTreeSet::new();
    for run in &mut runs {
        let set = run.spec.data.training_set.index;
        let place = (run.spec.network.width(), run.spec.alpha.to_bits());
        let turn = cells.len();
        if turn < 6 && set == turn && cells.insert(place) {
            run.record = Err(NoRecord::Missing);
        }
    }
    let judgement = verdict(of, &runs, Profile::Laptop, 1);
    assert_eq!(judgement.incomplete.len(), 6, "{:?}", judgement.incomplete);
    assert_eq!(judgement.undecided_because, Some(Undecided::MissingRunsMatter));
    assert_eq!(judgement.outcome, Outcome::Undecided);
}

/// A run that ended without the data that the rule uses counts as missing.
#[test]
fn records_that_lack_data_that_the_rule_uses() {
    let of = FINDINGS[1];
    let mut runs = simulated(of, &grid(2), Truth::Holds, 4);
    for run in runs.iter_mut().take(8) {
        run.record.as_mut().unwrap().test_wrong = regime_study::PointSet::default();
    }
    let judgement = verdict(of, &runs, Profile::Laptop, 1);
    assert_eq!(judgement.undecided_because, Some(Undecided::MissingRuns));
    assert!(judgement.incomplete[0].reasons[0].contains("lacks"), "{:?}", judgement.incomplete);
}

#[test]
fn the_profile_smoke_decides_nothing() {
    for of in FINDINGS {
        let specs = of.grid(&Settings::of(Profile::Smoke));
        let runs = simulated(*of, &specs, Truth::Holds, 3);
        let judgement = verdict(*of, &runs, Profile::Smoke, 1);
        assert_eq!(judgement.outcome, Outcome::Undecided);
        assert_eq!(judgement.undecided_because, Some(Undecided::TooSmall));
    }
}
