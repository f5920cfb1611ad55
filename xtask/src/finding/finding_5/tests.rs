use super::{analysis::*, *};
use crate::report::VerdictKind;
use regime_study::curves::{Place, Sample};

/// `(√h·α)^{−a(L)}` with a scatter of some percent, and `1/(√h·α)` on the lazy side.
fn synthetic(a: impl Fn(usize) -> f64, seeds: u64) -> Vec<Change> {
    let mut changes = Vec::new();
    for relu in [true, false] {
        for hidden_layers in [2, 3, 5] {
            for k in [-6, -5, -4, -3, -2, 6, 8] {
                for seed in 0..seeds {
                    let wiggle = ((seed * 31 + hidden_layers as u64 * 17 + (k + 20) as u64 * 7)
                        % 11) as f64
                        - 5.0;
                    let x = 10f64.powf(0.5 * f64::from(k));
                    let power = if x > 1.0 { 1.0 } else { a(hidden_layers) };
                    changes.push(Change {
                        relu,
                        hidden_layers,
                        place: Place { width: 64, alpha: x / 8.0, seed },
                        kernel_change: (1.0 + 0.01 * wiggle) * x.powf(-power),
                    });
                }
            }
        }
    }
    changes
}

const DEPTHS: [usize; 3] = [2, 3, 5];

fn kind(changes: &[Change]) -> VerdictKind {
    verdict(&analyse(changes, &DEPTHS).statements()).kind
}

#[test]
fn exponents_that_rise_towards_two_are_reproduced() {
    let outcome = analyse(&synthetic(|depth| 2.0 - 0.8 / depth as f64, 5), &DEPTHS);
    assert_eq!(verdict(&outcome.statements()).kind, VerdictKind::Reproduced);
    let relu = &outcome.activations[0];
    assert!((relu.feature[0].1.found().unwrap().estimate - 1.6).abs() < 0.02);
    assert!((relu.difference.found().unwrap().estimate - 0.24).abs() < 0.02);
    assert!((relu.lazy[0].1.found().unwrap().estimate - 1.0).abs() < 0.02);
}

#[test]
fn exponents_above_two_and_exponents_that_fall_are_not() {
    assert_eq!(kind(&synthetic(|depth| 2.3 + 0.01 * depth as f64, 5)), VerdictKind::NotReproduced);
    assert_eq!(kind(&synthetic(|depth| 2.0 - 0.1 * depth as f64, 5)), VerdictKind::NotReproduced);
}

#[test]
fn exponents_that_rise_far_below_two_are_not() {
    assert_eq!(kind(&synthetic(|depth| 0.2 + 0.06 * depth as f64, 5)), VerdictKind::NotReproduced);
}

#[test]
fn one_activation_of_which_the_claim_is_false_is_enough() {
    let rising = |depth: usize| 2.0 - 0.8 / depth as f64;
    let mut changes = synthetic(rising, 5);
    let falling = synthetic(|depth| 2.0 - 0.1 * depth as f64, 5);
    changes.retain(|c| c.relu);
    changes.extend(falling.into_iter().filter(|c| !c.relu));
    assert_eq!(kind(&changes), VerdictKind::NotReproduced);
    let table = sensitivity(&changes, &DEPTHS);
    let verdicts = table.rows.last().unwrap();
    assert_eq!(verdicts[..2], ["verdict", "not reproduced"]);
}

#[test]
fn no_trend_and_too_few_seeds_are_inconclusive() {
    assert_eq!(kind(&synthetic(|_| 1.8, 5)), VerdictKind::Inconclusive);
    let rising = |depth: usize| 2.0 - 0.8 / depth as f64;
    for changes in [synthetic(rising, 2), synthetic(rising, 1), Vec::new()] {
        let outcome = analyse(&changes, &DEPTHS);
        assert_eq!(verdict(&outcome.statements()).kind, VerdictKind::Inconclusive);
        assert_eq!(figures(&changes, &outcome).len(), 3);
        sensitivity(&changes, &DEPTHS);
        local(&changes);
        key_figures(&outcome);
    }
}

#[test]
fn a_depth_without_runs_or_with_two_seeds_keeps_the_claim_open() {
    let all = synthetic(|depth| 2.0 - 0.8 / depth as f64, 5);
    for (depth, seeds) in [(5, 0), (3, 0), (3, 2)] {
        let some: Vec<Change> =
            all.iter().filter(|c| c.hidden_layers != depth || c.seed() < seeds).copied().collect();
        assert_eq!(kind(&some), VerdictKind::Inconclusive, "L = {depth}, {seeds} seeds");
    }
}

#[test]
fn local_exponents_are_those_of_the_power_law() {
    let table = local(&synthetic(|_| 1.5, 5));
    assert_eq!((table.rows.len(), table.header.len()), (6, 7));
    let first: f64 = table.rows[0][1].parse().unwrap();
    assert!((first - 1.5).abs() < 0.1, "{first}");
}
