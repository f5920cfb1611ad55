//! Shares of a grid.

use std::collections::BTreeMap;

use proptest::prelude::*;
use regime_lab::{ExecError, ParseShareError, RunKey, Share, Spec};
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Orbit {
    n_steps: f64,
    seed: u64,
}

impl Spec for Orbit {
    const KIND: &'static str = "orbit";
    const VERSION: u32 = 1;

    fn cost(&self) -> f64 {
        self.n_steps
    }
}

fn orbit((n_steps, seed): (u32, u64)) -> Orbit {
    Orbit { n_steps: f64::from(n_steps), seed }
}

fn shares(specs: &[Orbit], n: usize) -> Vec<Vec<Orbit>> {
    (1..=n).map(|k| Share::new(k, n).unwrap().of(specs).unwrap()).collect()
}

proptest! {
    #[test]
    fn every_run_is_in_one_share_and_shares_are_balanced(
        runs in prop::collection::vec((0..40_u32, 0..4_u64), 0..30),
        n in 1..9_usize,
    ) {
        let specs: Vec<Orbit> = runs.into_iter().map(orbit).collect();
        let shares = shares(&specs, n);
        let mut counts = BTreeMap::new();
        for run in shares.iter().flatten() {
            *counts.entry(RunKey::of(run).unwrap()).or_insert(0) += 1;
        }
        for spec in &specs {
            prop_assert_eq!(counts.get(&RunKey::of(spec).unwrap()), Some(&1));
        }
        // Costs are small whole numbers, so that sums are exact.
        let loads = shares.iter().map(|share| share.iter().map(Spec::cost).sum::<f64>());
        let (min, max) = loads.fold((f64::INFINITY, 0.0_f64), |(a, b), x| (a.min(x), b.max(x)));
        let costliest = specs.iter().map(Spec::cost).fold(0.0, f64::max);
        prop_assert!(max - min <= costliest, "{} to {}, costliest {}", min, max, costliest);
    }
}

#[test]
fn runs_of_cost_zero_are_distributed_by_number() {
    let specs: Vec<Orbit> = (0..10).map(|seed| orbit((0, seed))).collect();
    let sizes: Vec<usize> = shares(&specs, 4).iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 2, 2]);
    assert_eq!(Share::WHOLE.of(&[specs.clone(), specs.clone()].concat()).unwrap(), specs);
    let sizes: Vec<usize> = shares(&specs[..2], 4).iter().map(Vec::len).collect();
    assert_eq!(sizes, [1, 1, 0, 0]);
}

#[test]
fn a_share_is_written_as_a_fraction() {
    for text in ["1/1", "2/5", "20/20"] {
        assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
    }
    for text in ["", "3", "0/3", "4/3", "1/0", "-1/3", "1/2/3", "a/b"] {
        assert_eq!(text.parse::<Share>(), Err(ParseShareError(text.into())));
    }
}

#[test]
fn the_error_names_a_spec_without_a_key() {
    let specs = [orbit((1, 0)), Orbit { n_steps: f64::NAN, seed: 0 }];
    let error = Share::new(1, 2).unwrap().of(&specs).unwrap_err();
    assert!(matches!(error, ExecError::Spec { index: 1, .. }), "{error}");
}
