use super::{analysis::*, *};
use crate::report::{Verdict, VerdictKind};
use regime_study::curves::{Place, Point, Sample};

fn kind(outcome: &Outcome) -> VerdictKind {
    verdict(&[statement(outcome.kernel.exponent.clone())]).kind
}

/// A grid of records in which the border lies at `h^exponent` and which
/// scatter by a few percent from seed to seed.
fn synthetic(exponent: f64, seeds: u64) -> Vec<Point> {
    let mut points = Vec::new();
    for width in [32usize, 64, 128, 256] {
        for k in -12..=12 {
            for seed in 0..seeds {
                let alpha = 10f64.powf(f64::from(k) / 4.0);
                let x = alpha * (width as f64).powf(-exponent);
                let wiggle = ((seed * 31 + width as u64 * 17 + (k + 20) as u64 * 7) % 11) as f64;
                let noise = 1.0 + 0.02 * (wiggle - 5.0);
                let kernel_change = noise * 2.0 * x.powf(-0.8) / (1.0 + x.powf(0.2));
                let test_error = 0.05 + 0.03 * x / (1.0 + x) + 1e-3 * wiggle;
                points.push(Point {
                    place: Place { width, alpha, seed },
                    kernel_change,
                    test_error,
                });
            }
        }
    }
    points
}

#[test]
fn a_border_at_the_inverse_root_of_the_width_is_reproduced() {
    let outcome = analyse(&synthetic(-0.5, 5));
    let exponent = outcome.kernel.exponent.found().unwrap();
    assert!((exponent.estimate + 0.5).abs() < 0.02, "{exponent:?}");
    assert_eq!(kind(&outcome), VerdictKind::Reproduced);
    let test_error = outcome.test_error.exponent.found().unwrap();
    assert!((test_error.estimate + 0.5).abs() < 0.05, "{test_error:?}");
    let (collapse, _) = outcome.collapse.found().unwrap();
    assert!((collapse.exponent - 0.5).abs() < 0.03, "{collapse:?}");
}

#[test]
fn a_border_that_does_not_move_is_not_reproduced() {
    assert_eq!(kind(&analyse(&synthetic(0.0, 5))), VerdictKind::NotReproduced);
    assert_eq!(kind(&analyse(&synthetic(-1.0, 5))), VerdictKind::NotReproduced);
}

#[test]
fn an_exponent_at_the_edge_of_the_margin_is_inconclusive() {
    assert_eq!(kind(&analyse(&synthetic(-0.25, 5))), VerdictKind::Inconclusive);
}

#[test]
fn too_few_seeds_or_no_runs_are_inconclusive() {
    assert_eq!(kind(&analyse(&synthetic(-0.5, 2))), VerdictKind::Inconclusive);
    for points in [synthetic(-0.5, 1), Vec::new()] {
        let outcome = analyse(&points);
        let Verdict { kind, sentence } = verdict(&[statement(outcome.kernel.exponent.clone())]);
        assert_eq!(kind, VerdictKind::Inconclusive, "{sentence}");
        assert!(sentence.contains("no interval"));
        // Nothing to report must not fail either.
        assert_eq!(figures(&points, &outcome).len(), 5);
        table(&outcome);
        sensitivity(&points);
        key_figures(&outcome);
    }
}

#[test]
fn a_seed_with_one_border_is_not_counted() {
    // Of the seeds 2 to 4 one width is left.
    let points: Vec<Point> =
        synthetic(-0.5, 5).into_iter().filter(|p| p.seed() < 2 || p.width() == 64).collect();
    let outcome = analyse(&points);
    assert_eq!(outcome.kernel.exponent.found().unwrap().n_seeds, 2);
    assert_eq!(kind(&outcome), VerdictKind::Inconclusive);
    assert!(outcome.notes().iter().any(|note| note.starts_with("3 of 5 seeds have α*")));
}

#[test]
fn the_choices_of_the_analysis_do_not_move_a_clear_border() {
    let table = sensitivity(&synthetic(-0.5, 6));
    assert_eq!(table.rows.len(), 6);
    assert!(table.rows.iter().all(|row| row[1] == "reproduced"), "{table:?}");
    let table = sensitivity(&synthetic(0.0, 6));
    assert!(table.rows.iter().all(|row| row[1] == "not reproduced"), "{table:?}");
}

#[test]
fn curves_that_never_cross_are_inconclusive_and_say_so() {
    let lazy: Vec<Point> =
        synthetic(-0.5, 5).into_iter().filter(|p| p.kernel_change < 0.5).collect();
    let outcome = analyse(&lazy);
    assert_eq!(kind(&outcome), VerdictKind::Inconclusive);
    assert!(outcome.notes().iter().any(|note| note.contains("No α* from the kernel change")));
}

#[test]
fn a_test_error_without_a_gap_has_no_border() {
    let flat: Vec<Point> = synthetic(-0.5, 5)
        .into_iter()
        .map(|p| Point { test_error: 0.07 + 1e-3 * (p.seed() as f64 - 2.0) * p.alpha().ln(), ..p })
        .collect();
    let outcome = analyse(&flat);
    assert!(outcome.test_error.exponent.found().is_none());
    assert_eq!(kind(&outcome), VerdictKind::Reproduced);
}
