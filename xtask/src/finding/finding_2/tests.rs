use super::{analysis::*, *};
use crate::report::VerdictKind;
use regime_study::curves::{Place, Point, Sample, values};

/// A number between −1 and 1 that looks random.
fn scatter(of: [u64; 3]) -> f64 {
    let mixed = of.iter().fold(7u64, |state, part| {
        let state = (state ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    });
    2.0 * ((mixed >> 11) as f64 / (1u64 << 53) as f64) - 1.0
}

/// Records with this gap at a width, up to a scatter of `noise`.
fn synthetic(gap: impl Fn(f64) -> f64, noise: f64, seeds: u64) -> Vec<Point> {
    let mut points = Vec::new();
    for width in [32usize, 64, 128, 256] {
        for k in -2..=4 {
            for seed in 0..seeds {
                let alpha = 10f64.powi(k);
                let wiggle = 5.0 * scatter([seed, width as u64, (k + 20) as u64]);
                let lazy = alpha > 10.0;
                let best = if k == 0 { 0.0 } else { 0.001 };
                let error = if lazy { 0.08 } else { 0.08 - gap(width as f64) + best };
                points.push(Point {
                    place: Place { width, alpha, seed },
                    kernel_change: 20.0 / alpha,
                    test_error: error + 0.2 * noise * wiggle,
                });
            }
        }
    }
    points
}

/// Setup (A) with these records, and (B) with a large gap.
fn setups(points: &[Point]) -> [Setting; 2] {
    let seeds = values(points, |p| p.seed()).len() as u64;
    let large = synthetic(|_| 0.03, 1e-3, seeds);
    [("A", points.to_vec()), ("B", large)].map(|(name, points)| Setting::new(name, points, RULE))
}

fn analyse(points: &[Point]) -> Outcome {
    analyse_by(points, RULE)
}

fn kind(points: &[Point]) -> VerdictKind {
    verdict(&statements(&setups(points))).kind
}

#[test]
fn a_gap_that_shrinks_is_reproduced() {
    let points = synthetic(|h| 0.1 / h.sqrt(), 1e-3, 6);
    let outcome = analyse(&points);
    assert_eq!(kind(&points), VerdictKind::Reproduced, "{outcome:?}");
    assert_eq!(outcome.per_width[0].alphas, [1.0]);
    let gap = outcome.per_width[0].gap.found().unwrap();
    assert!((gap.estimate - 0.1 / 32f64.sqrt()).abs() < 1e-3, "{gap:?}");
}

#[test]
fn how_a_clear_gap_is_taken_does_not_matter_and_seeds_left_out_are_told() {
    let points = synthetic(|h| 0.1 / h.sqrt(), 1e-3, 8);
    let table = sensitivity(&setups(&points));
    assert!(table.rows.iter().all(|row| row[1] == "reproduced"), "{table:?}");
    // Seed 0 has left one width only.
    let some: Vec<Point> = points.into_iter().filter(|p| p.seed() > 0 || p.width() == 64).collect();
    let setting = Setting::new("A", some, RULE);
    assert_eq!(setting.outcome.gap.found().unwrap().n_seeds, 7);
    assert!(setting.notes().iter().any(|note| note.starts_with("Seeds without a gap at")));
}

#[test]
fn gaps_that_grow_no_gap_and_a_negative_one_are_not() {
    for gap in [(|h: f64| 1e-3 * h.sqrt()) as fn(f64) -> f64, |_| 0.0, |h| -0.1 / h.sqrt()] {
        assert_eq!(kind(&synthetic(gap, 1e-3, 6)), VerdictKind::NotReproduced);
    }
}

#[test]
fn no_gap_in_one_setup_is_enough() {
    let [good, mut other] = setups(&synthetic(|h| 0.1 / h.sqrt(), 1e-3, 6));
    other.outcome = analyse(&synthetic(|_| -0.01, 1e-3, 6));
    let verdict = verdict(&statements(&[good, other]));
    assert_eq!(verdict.kind, VerdictKind::NotReproduced);
    assert!(verdict.sentence.starts_with("The gap in (B) is"), "{}", verdict.sentence);
}

#[test]
fn choosing_on_the_same_seeds_flatters_the_gap() {
    let points = synthetic(|_| 0.0, 1e-2, 6);
    let same = analyse_by(&points, Choice { by_other_seeds: false, ..RULE });
    let other = analyse(&points);
    let gap = |outcome: &Outcome| outcome.gap.found().unwrap().estimate;
    assert!(gap(&same) >= gap(&other));
}

#[test]
fn noise_too_few_seeds_and_no_runs_are_inconclusive() {
    // As large as the least gap, and lost in the noise.
    assert_eq!(kind(&synthetic(|_| LEAST_GAP, 2e-2, 6)), VerdictKind::Inconclusive);
    for points in [synthetic(|h| 0.1 / h.sqrt(), 1e-3, 2), synthetic(|_| 0.01, 1e-3, 1), Vec::new()]
    {
        let setups = setups(&points);
        assert_eq!(verdict(&statements(&setups)).kind, VerdictKind::Inconclusive);
        for setup in &setups {
            assert_eq!(setup.figures(&[]).len(), 3);
            setup.table();
        }
        sensitivity(&setups);
        key_figures(&setups);
    }
}
