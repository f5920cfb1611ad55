use rand::{SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, StandardNormal};
use regime_scaling::{BootstrapInterval, sample_variance};

use super::{
    analysis::*,
    nets::{BORDER, Group, Net, groups},
    *,
};
use crate::report::{Verdict, VerdictKind};

const POINTS: u64 = 600;

/// A number in [0, 1) that looks random (the mixing of splitmix64).
fn scattered(key: u64) -> f64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

/// Nets with the mean margin `margin(u)` on the point at `u` between 0 and 1, and
/// fluctuations about it whose variance is `0.09·(h/32)^exponent`.
fn synthetic(exponent: f64, seeds: u64, margin: fn(f64) -> f64) -> Vec<Net> {
    let mut nets = Vec::new();
    for lazy in [false, true] {
        for width in [32usize, 64, 128, 256] {
            let deviation = 0.3 * (width as f64 / 32.0).powf(0.5 * exponent);
            for seed in 0..seeds {
                let label = |point: u64| -> i8 { if point.is_multiple_of(2) { 1 } else { -1 } };
                let output = |point: u64| {
                    let key = (u64::from(lazy) * 1000 + width as u64) * 1000 + seed;
                    let noise = 3f64.sqrt() * (2.0 * scattered(key * POINTS + point) - 1.0);
                    let margin = margin((point as f64 + 0.5) / POINTS as f64);
                    f64::from(label(point)) * margin + deviation * noise
                };
                let outputs = (0..POINTS).map(output).collect();
                let labels = (0..POINTS).map(label).collect();
                nets.push(Net::new(lazy, width, seed, outputs, labels));
            }
        }
    }
    nets
}

/// Most points are right in the mean, many of them barely: averaging helps.
fn barely_right(u: f64) -> f64 {
    2.0 * u - 0.05
}

/// Whatever the fluctuations, every net errs on the same points.
fn decided(u: f64) -> f64 {
    if u < 0.1 { -1.0 } else { 1.0 }
}

fn gain(regime: &Regime) -> &BootstrapInterval {
    regime.moderate().unwrap().gain.found().unwrap()
}

fn kind(nets: &[Net]) -> VerdictKind {
    verdict(&statements(&analyse(nets))).kind
}

#[test]
fn variances_like_1_over_h_and_a_better_ensemble_are_reproduced() {
    let outcome = analyse(&synthetic(-1.0, 8, barely_right));
    for (_, regime) in outcome.regimes() {
        let p = regime.exponent.found().unwrap();
        assert!((p.estimate + 1.0).abs() < 0.1, "{p:?}");
        assert!(gain(regime).low > 0.0);
        assert!(regime.trend.found().unwrap().low > 0.0);
        // One net as good as the ensemble is wider than the nets of the ensemble.
        assert!(regime.moderate().unwrap().as_good_as.is_none_or(|h| h > 64.0));
        assert_eq!(regime.sensitivity.len(), 4);
        assert!(regime.sensitivity.iter().all(|variant| variant.exponent.found().is_some()));
    }
    let Verdict { kind, sentence } = verdict(&statements(&outcome));
    assert_eq!(kind, VerdictKind::Reproduced, "{sentence}");
    assert_eq!(table(&outcome).rows.len(), 8);
    let choices = sensitivity_table(&outcome);
    assert!(choices.rows.iter().all(|row| row[1] == "reproduced"), "{choices:?}");
    assert_eq!(key_figures(&outcome).len(), 8);
}

#[test]
fn variances_that_do_not_fall_or_fall_faster_are_not_reproduced() {
    for exponent in [0.0, -0.5, -2.0] {
        let nets = synthetic(exponent, 8, barely_right);
        assert_eq!(kind(&nets), VerdictKind::NotReproduced, "{exponent}");
    }
}

/// Outputs fluctuate in few directions that all test points share, of falling weight, as
/// those of networks do.
#[test]
fn intervals_of_the_exponent_cover_as_they_say() {
    const DIRECTIONS: usize = 20;
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut normal = move || -> f64 { StandardNormal.sample(&mut rng) };
    let features: Vec<[f64; DIRECTIONS]> =
        (0..40).map(|_| std::array::from_fn(|k| normal() / ((k + 1) as f64).sqrt())).collect();
    for seeds in [5, 10] {
        let mut hits = 0;
        for _ in 0..500 {
            let mut nets = Vec::new();
            for width in [32usize, 64, 128, 256] {
                for seed in 0..seeds {
                    let drawn: [f64; DIRECTIONS] = std::array::from_fn(|_| normal());
                    let output = |x: &[f64; DIRECTIONS]| {
                        let sum: f64 = x.iter().zip(&drawn).map(|(x, d)| x * d).sum();
                        sum / (width as f64).sqrt()
                    };
                    let outputs = features.iter().map(output).collect();
                    nets.push(Net::new(false, width, seed, outputs, vec![1; features.len()]));
                }
            }
            let groups = groups(&nets.iter().collect::<Vec<_>>());
            hits += usize::from(exponent(&groups).found().unwrap().contains(-1.0));
        }
        let found = hits as f64 / 500.0;
        assert!((0.90..=0.99).contains(&found), "{seeds} seeds: {found}");
    }
}

#[test]
fn two_widths_decide_nothing_in_the_table_of_choices_either() {
    let mut nets = synthetic(-1.0, 8, barely_right);
    nets.retain(|net| net.width <= 128);
    let outcome = analyse(&nets);
    assert_eq!(verdict(&statements(&outcome)).kind, VerdictKind::Reproduced);
    let rows = sensitivity_table(&outcome).rows;
    assert_eq!(rows[1][..3], ["without the smallest width", "inconclusive", "none"]);
}

#[test]
fn one_regime_that_disagrees_is_enough() {
    let mut nets = synthetic(-1.0, 8, barely_right);
    nets.retain(|net| !net.lazy);
    nets.extend(synthetic(0.0, 8, barely_right).into_iter().filter(|net| net.lazy));
    assert_eq!(kind(&nets), VerdictKind::NotReproduced);
    nets.retain(|net| !net.lazy);
    assert_eq!(kind(&nets), VerdictKind::Inconclusive);
}

#[test]
fn an_ensemble_that_is_worse_is_not_reproduced() {
    let nets = synthetic(-1.0, 8, |u| -barely_right(u));
    let outcome = analyse(&nets);
    let p = outcome.lazy.exponent.found().unwrap();
    assert!(CLAIM - MARGIN < p.low && p.high < CLAIM + MARGIN, "{p:?}");
    assert!(gain(&outcome.lazy).high < 0.0);
    assert_eq!(verdict(&statements(&outcome)).kind, VerdictKind::NotReproduced);
}

#[test]
fn an_ensemble_that_errs_like_its_nets_is_inconclusive() {
    let outcome = analyse(&synthetic(-1.0, 8, decided));
    let Verdict { kind, sentence } = verdict(&statements(&outcome));
    assert_eq!(kind, VerdictKind::Inconclusive, "{sentence}");
    assert!(sentence.contains("on every test point"), "{sentence}");
}

#[test]
fn too_few_seeds_or_no_runs_are_inconclusive() {
    for seeds in [0, 1, 2] {
        let outcome = analyse(&synthetic(-1.0, seeds, barely_right));
        let Verdict { kind, sentence } = verdict(&statements(&outcome));
        assert_eq!(kind, VerdictKind::Inconclusive, "{sentence}");
        assert!(sentence.contains("no interval"), "{sentence}");
        // Nothing to report must not fail either.
        assert_eq!(figures(&outcome).len(), 3);
        assert!(table(&outcome).rows.is_empty());
        assert_eq!(sensitivity_table(&outcome).rows.len(), 5);
        key_figures(&outcome);
        let left_out = if seeds == 0 { 0 } else { 4 };
        assert_eq!(outcome.feature.left_out.len(), left_out);
    }
    assert_eq!(Finding3.study(&[]).verdict.kind, VerdictKind::Inconclusive);
}

#[test]
fn pairs_give_the_unbiased_variance_and_duplicates_do_not_lower_it() {
    let nets = synthetic(-1.0, 5, barely_right);
    let here: Vec<&Net> = nets.iter().filter(|net| net.lazy && net.width == 64).collect();
    let group = Group::new(64, &here).unwrap();
    let at = |point: usize| {
        let outputs: Vec<f64> = here.iter().map(|net| net.outputs[point]).collect();
        sample_variance(&outputs).unwrap()
    };
    let expected = (0..POINTS as usize).map(at).sum::<f64>() / POINTS as f64;
    let found = group.variance(&[0, 1, 2, 3, 4]).unwrap();
    assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    assert_eq!(group.variance(&[1, 3, 3]), group.variance(&[1, 3]));
    assert_eq!(group.variance(&[2, 2, 2, 2, 2]), None);
}

#[test]
fn an_output_of_zero_is_wrong() {
    let net = Net::new(false, 8, 0, vec![0.0, 1.0, -1.0, -1.0], vec![1, 1, 1, -1]);
    assert_eq!(net.test_error, 0.5);
}

#[test]
fn the_width_as_good_is_interpolated_in_logarithms() {
    let curve = [(32.0, 0.10), (64.0, 0.08), (128.0, 0.06)];
    let found = width_as_good(&curve, 0.07).unwrap();
    assert!((found - 8192f64.sqrt()).abs() < 1e-6, "{found}");
    assert_eq!(width_as_good(&curve, 0.2), Some(32.0));
    assert_eq!(width_as_good(&curve, 0.01), None);
    assert_eq!(width_as_good(&[], 0.01), None);
}

#[test]
fn every_grid_holds_both_regimes_and_keeps_all_outputs() {
    for profile in Profile::ALL {
        let grid = Finding3.grid(&Settings::one_seed(profile));
        let lazy = grid.iter().filter(|spec| spec.alpha > BORDER).count();
        assert_eq!(2 * lazy, grid.len());
        for spec in &grid {
            assert_eq!(spec.outputs_kept, spec.data.n_test);
            spec.check().unwrap();
        }
    }
}
