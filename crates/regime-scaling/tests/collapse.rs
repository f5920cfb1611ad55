//! Collapses of synthetic families `y = g(h^b·x)` with known `b`.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use regime_scaling::{
    BootstrapConfig, BootstrapError, Collapse, CollapseConfig, CollapseError, Curve, Pairing,
    Scale, collapse, collapse_interval, collapse_quality, log_spaced,
};

const SIZES: [f64; 4] = [100.0, 200.0, 400.0, 800.0];

fn sigmoid(u: f64) -> f64 {
    1.0 / (1.0 + u)
}

/// Curves `g(h^b·x)` with noise, on a grid whose centre is near their middle.
fn family(b: f64, sigma: f64, n: usize, rng: &mut ChaCha8Rng) -> Vec<Curve> {
    let centre = 300f64.powf(-b);
    let grid = log_spaced(1e-3 * centre, 1e3 * centre, n).unwrap();
    let mut curve = |&size: &f64| {
        let noisy = |&x: &f64| {
            let gauss: f64 = StandardNormal.sample(rng);
            (x, sigmoid(f64::powf(size, b) * x) + sigma * gauss)
        };
        Curve { size, points: grid.iter().map(noisy).collect() }
    };
    SIZES.iter().map(&mut curve).collect()
}

fn best(curves: &[Curve]) -> Collapse {
    collapse(curves, &CollapseConfig::default()).unwrap()
}

#[test]
fn known_exponents_are_recovered() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for b in [0.0, 0.3, 0.5, 1.0] {
        let clean = best(&family(b, 0.0, 31, &mut rng));
        assert!((clean.exponent - b).abs() < 0.01, "{b}: {clean:?}");
        assert!(clean.quality < 1e-3);
        let noisy = best(&family(b, 0.01, 31, &mut rng));
        assert!((noisy.exponent - b).abs() < 0.05, "{b}: {noisy:?}");
    }
}

#[test]
fn the_true_exponent_has_the_best_quality() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let found = best(&family(0.5, 0.01, 31, &mut rng));
    let (at_half, at_zero) = (found.quality_at_reference.unwrap(), found.quality_at_zero.unwrap());
    assert!(found.quality <= at_half && 5.0 * at_half < at_zero);
}

/// Two straight lines `y = ln x + b·ln h`. Against `h^e·x`, they differ by
/// `(b − e)·ln h`.
#[test]
fn quality_has_its_closed_form() {
    let points = |offset: f64| -> Vec<(f64, f64)> {
        (0..5).map(|i| (f64::exp(i as f64), i as f64 + offset)).collect()
    };
    let e = std::f64::consts::E;
    let curves = [Curve { size: 1.0, points: points(0.0) }, Curve { size: e, points: points(0.7) }];
    // At exponent 0 every point is compared and differs by 0.7. The ordinates of each
    // curve are 0..4 (variance 2), and the means of the curves are ±0.35 from the common
    // mean.
    let quality = collapse_quality(&curves, 0.0, &CollapseConfig::default()).unwrap().unwrap();
    assert!((quality - 0.49 / (2.0 * (2.0 + 0.35 * 0.35))).abs() < 1e-12);
    let perfect = collapse_quality(&curves, 0.7, &CollapseConfig::default()).unwrap().unwrap();
    assert!(perfect < 1e-20);
    // The curves do not overlap if the shift exceeds their length.
    assert_eq!(collapse_quality(&curves, 9.0, &CollapseConfig::default()), Ok(None));
}

#[test]
fn units_do_not_change_a_collapse() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let curves = family(0.5, 0.02, 21, &mut rng);
    let scaled: Vec<Curve> = curves
        .iter()
        .map(|c| Curve {
            size: 17.0 * c.size,
            points: c.points.iter().map(|&(x, y)| (1e4 * x, 250.0 * y - 3.0)).collect(),
        })
        .collect();
    let (a, b) = (best(&curves), best(&scaled));
    assert!((a.exponent - b.exponent).abs() < 1e-4);
    assert!((a.quality / b.quality - 1.0).abs() < 1e-4);
}

/// The amplitude of a power law that is not flat determines the exponent of its
/// collapse: here `y = (h^{1/2}·x)^{−2}`.
#[test]
fn power_laws_collapse_on_a_logarithmic_ordinate() {
    let grid = log_spaced(1e-2, 1e2, 15).unwrap();
    let curve = |size: f64| Curve {
        size,
        points: grid.iter().map(|&x| (x, 1.0 / (size * x * x))).collect(),
    };
    let config = CollapseConfig { y_scale: Scale::Log, ..Default::default() };
    let found = collapse(&SIZES.map(curve), &config).unwrap();
    assert!((found.exponent - 0.5).abs() < 1e-5 && found.quality < 1e-10);
}

#[test]
fn exponents_without_overlap_are_ignored() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let curves = family(0.5, 0.01, 31, &mut rng);
    let wide = CollapseConfig { bracket: (-20.0, 20.0), n_grid: 401, ..Default::default() };
    assert!((collapse(&curves, &wide).unwrap().exponent - 0.5).abs() < 0.05);
    let apart = CollapseConfig { bracket: (15.0, 20.0), ..Default::default() };
    assert_eq!(collapse(&curves, &apart), Err(CollapseError::NoOverlap));
}

#[test]
fn curves_that_cannot_be_collapsed_are_errors() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let curves = family(1.0, 0.0, 21, &mut rng);
    let config = CollapseConfig::default();
    let short = CollapseConfig { bracket: (0.0, 0.5), ..config };
    assert!(matches!(collapse(&curves, &short), Err(CollapseError::AtEdge { .. })));
    assert_eq!(collapse(&curves[..1], &config), Err(CollapseError::TooFewSizes { found: 1 }));
    let flat = |size| Curve { size, points: vec![(1.0, 0.1), (2.0, 0.1)] };
    assert_eq!(collapse(&[flat(1.0), flat(2.0)], &config), Err(CollapseError::Flat));
    let bad = CollapseConfig { n_grid: 2, ..config };
    assert!(matches!(collapse(&curves, &bad), Err(CollapseError::BadConfig { n_grid: 2, .. })));
    assert_eq!(
        collapse(&[flat(1.0), flat(0.0)], &config),
        Err(CollapseError::BadSize { curve: 1, size: 0.0 })
    );
    let mut nan = curves;
    nan[2].points[3].1 = f64::NAN;
    let found = collapse(&nan, &config);
    assert!(matches!(found, Err(CollapseError::BadPoint { curve: 2, index: 3, .. })));
}

#[test]
fn intervals_cover_the_exponent() {
    const TRIALS: u64 = 300;
    let config = CollapseConfig { bracket: (-0.5, 1.5), n_grid: 21, ..Default::default() };
    for pairing in [Pairing::Paired, Pairing::Independent] {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let hits = (0..TRIALS).filter(|&rng_seed| {
            let seeds: Vec<_> = (0..5).map(|_| family(0.5, 0.03, 13, &mut rng)).collect();
            let resampling = BootstrapConfig { resamples: 100, rng_seed, ..Default::default() };
            let (best, interval) =
                collapse_interval(&seeds, pairing, &config, &resampling).unwrap();
            assert_eq!(best.exponent, interval.estimate);
            interval.contains(0.5)
        });
        let found = hits.count() as f64 / TRIALS as f64;
        assert!((0.95..=0.99).contains(&found), "{pairing:?}: {found}");
    }
}

#[test]
fn one_seed_has_a_collapse_but_no_interval() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let seeds = [family(0.5, 0.03, 13, &mut rng)];
    let (config, resampling) = (CollapseConfig::default(), BootstrapConfig::default());
    assert!(collapse(&seeds[0], &config).is_ok());
    assert_eq!(
        collapse_interval(&seeds, Pairing::Paired, &config, &resampling),
        Err(BootstrapError::TooFewSeeds { group: 0, n_seeds: 1 }.into())
    );
}
