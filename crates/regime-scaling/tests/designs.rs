//! Coverage of nominal 95 % intervals of the exponent if seeds lack points.
//!
//! This command prints the tables in the documentation of `exponent_interval`:
//! `cargo test -p regime-scaling --release --test designs -- --ignored --nocapture`.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use regime_scaling::{BootstrapConfig, BootstrapError, ExponentError, Pairing, exponent_interval};

const TRUTH: f64 = -0.5;

/// The noise of `ln y`.
#[derive(Debug, Clone, Copy)]
enum Noise {
    /// σ = 0.1 at all x, and a random prefactor per seed.
    Equal,
    /// σ from 0.02 at the smallest x to 0.3 at the fourth x and above, and a random
    /// prefactor per seed.
    Rising,
    /// σ from 0.3 at the smallest x to 0.02 at the fourth x and above, and a random
    /// prefactor per seed.
    Falling,
    /// A random exponent per seed, and `Equal` with σ = 0.02.
    Tilted,
}

const PAIRED: [Noise; 4] = [Noise::Equal, Noise::Rising, Noise::Falling, Noise::Tilted];
const INDEPENDENT: [Noise; 3] = [Noise::Equal, Noise::Rising, Noise::Falling];

/// A design: the positions of its x, seed by seed, on the grid 100, 200, 400, ….
type Design = Vec<Vec<usize>>;

/// A whole seed: four x.
fn whole() -> Vec<usize> {
    (0..4).collect()
}

/// A half-empty seed: two neighbouring x, which depend on the seed.
fn half(seed: usize) -> Vec<usize> {
    vec![seed % 3, seed % 3 + 1]
}

/// A long seed: twice as many x as a whole seed.
fn long() -> Vec<usize> {
    (0..8).collect()
}

/// `n` seeds, of which the first `k` are `first` and the others `rest`.
fn split(n: usize, k: usize, first: Vec<usize>, rest: impl Fn(usize) -> Vec<usize>) -> Design {
    (0..n).map(|seed| if seed < k { first.clone() } else { rest(seed) }).collect()
}

/// The design that is an error for few seeds.
const DOMINATED: &str = "one with twice the x, others half-empty";

/// The designs of `n` paired seeds.
fn paired_designs(n: usize) -> Vec<(&'static str, Design)> {
    let mut designs = vec![
        ("whole", split(n, n, whole(), half)),
        ("each lacks one x", split(n, 0, vec![], |s| (0..4).filter(|i| *i != s % 4).collect())),
        ("one half-empty", split(n, n - 1, whole(), half)),
        ("one whole, others half-empty", split(n, 1, whole(), half)),
        ("one with twice the x", split(n, 1, long(), |_| whole())),
        (DOMINATED, split(n, 1, long(), half)),
    ];
    if n > 2 {
        designs.push(("two whole, others half-empty", split(n, 2, whole(), half)));
        designs.push(("two whole, others the two lowest x", split(n, 2, whole(), |_| half(0))));
        designs.push(("two whole, others the two highest x", split(n, 2, whole(), |_| half(2))));
        designs.push(("two whole, others one point", split(n, 2, whole(), |s| vec![s % 4])));
        designs.push(("two whole, others empty", split(n, 2, whole(), |_| vec![])));
    }
    designs
}

/// Numbers of independent points at successive x.
const GROUPS: [&[usize]; 11] = [
    &[2, 2, 2, 2],
    &[3, 3, 3, 3],
    &[5, 5, 5, 5],
    &[8, 8, 8, 8],
    &[5, 5, 4, 3],
    &[4, 5, 5, 4],
    &[3, 8, 8, 3],
    &[8, 3, 3, 8],
    &[8, 2, 2, 8],
    &[5, 2, 5, 5, 5],
    &[3, 8],
];

/// Numbers of independent points that have no interval.
const REFUSED_GROUPS: [&[usize]; 5] =
    [&[5, 5, 5, 2], &[2, 3, 5, 8], &[2, 8, 8, 2], &[2, 8], &[5, 5, 5, 1]];

/// Seed `s` of a design of independent points has the x with more than `s` points.
fn of_groups(sizes: &[usize]) -> Design {
    let most = sizes.iter().copied().max().unwrap_or(0);
    (0..most).map(|s| (0..sizes.len()).filter(|&i| sizes[i] > s).collect()).collect()
}

fn draw(
    design: &Design,
    noise: Noise,
    pairing: Pairing,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<(f64, f64)>> {
    let mut gauss = || -> f64 { StandardNormal.sample(rng) };
    let sigma = [0.02, 0.05, 0.1, 0.3];
    let mut seed = |positions: &Vec<usize>| {
        let (prefactor, tilt) = match pairing {
            Pairing::Paired => (gauss(), 0.1 * gauss()),
            Pairing::Independent => (0.0, 0.0),
        };
        let mut point = |&i: &usize| {
            let x = 100.0 * f64::powi(2.0, i as i32);
            let deviation = match noise {
                Noise::Equal => 0.1 * gauss(),
                Noise::Rising => sigma[i.min(3)] * gauss(),
                Noise::Falling => sigma[3 - i.min(3)] * gauss(),
                Noise::Tilted => 0.02 * gauss() + tilt * x.ln(),
            };
            (x, (TRUTH * x.ln() + prefactor + deviation).exp())
        };
        positions.iter().map(&mut point).collect()
    };
    design.iter().map(&mut seed).collect()
}

/// Fraction of the trials whose interval contains the truth, or the error of an interval.
fn coverage(
    design: &Design,
    noise: Noise,
    pairing: Pairing,
    trials: u64,
    resamples: usize,
) -> Result<f64, ExponentError> {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_127);
    let mut hits = 0;
    for rng_seed in 0..trials {
        let seeds = draw(design, noise, pairing, &mut rng);
        let config = BootstrapConfig { resamples, rng_seed, ..Default::default() };
        let interval = exponent_interval(&seeds, pairing, &config)?;
        hits += u64::from(interval.contains(TRUTH));
    }
    Ok(hits as f64 / trials as f64)
}

/// The coverage from 500 trials and 200 resamples, to ± 3 % (three standard deviations).
fn quick(design: &Design, noise: Noise, pairing: Pairing) -> f64 {
    coverage(design, noise, pairing, 500, 200).unwrap()
}

#[test]
fn paired_seeds_that_lack_points_cover() {
    for n in [2, 3, 5, 8] {
        for (name, design) in paired_designs(n) {
            if name == DOMINATED && n < 8 {
                continue;
            }
            for noise in PAIRED {
                let found = quick(&design, noise, Pairing::Paired);
                let label = format!("{n} seeds, {name}, {noise:?}: {found}");
                assert!((0.92..=0.995).contains(&found), "{label}");
            }
        }
    }
}

#[test]
fn a_seed_that_dominates_few_others_is_an_error() {
    for n in [2, 3, 5] {
        let design = split(n, 1, long(), half);
        let found = coverage(&design, Noise::Equal, Pairing::Paired, 1, 200);
        assert!(matches!(found, Err(ExponentError::OneSeedDominates { seed: 0, .. })), "{found:?}");
    }
}

#[test]
fn unequal_groups_of_independent_points_cover() {
    for sizes in GROUPS {
        for noise in INDEPENDENT {
            let found = quick(&of_groups(sizes), noise, Pairing::Independent);
            // Two points at each x, the smallest number possible, are known to cover less.
            let least = if sizes.iter().all(|&n| n == 2) { 0.89 } else { 0.91 };
            assert!((least..=0.99).contains(&found), "{sizes:?}, {noise:?}: {found}");
        }
    }
}

#[test]
fn two_independent_points_at_the_end_of_larger_groups_are_an_error() {
    for sizes in REFUSED_GROUPS {
        let found = coverage(&of_groups(sizes), Noise::Equal, Pairing::Independent, 1, 200);
        let named = match found {
            Err(ExponentError::InfluentialPair { .. }) => sizes.contains(&2),
            Err(ExponentError::Bootstrap(BootstrapError::TooFewSeeds { group, n_seeds: 1 })) => {
                sizes[group] == 1
            }
            _ => false,
        };
        assert!(named, "{sizes:?}: {found:?}");
    }
}

/// Callers recompute an interval at another level from its fields.
#[test]
fn an_interval_has_its_standard_error_and_degrees_of_freedom() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (name, design) in paired_designs(5).into_iter().filter(|(name, _)| *name != DOMINATED) {
        let seeds = draw(&design, Noise::Equal, Pairing::Paired, &mut rng);
        let at = |level| {
            let config = BootstrapConfig { level, ..Default::default() };
            exponent_interval(&seeds, Pairing::Paired, &config).unwrap()
        };
        let (wide, narrow) = (at(0.95), at(0.5));
        assert_eq!(wide.degrees_of_freedom.round() as usize + 1, wide.n_seeds, "{name}");
        assert_eq!(wide.degrees_of_freedom, narrow.degrees_of_freedom, "{name}");
        assert_eq!(wide.std_error, narrow.std_error, "{name}");
        // Quantiles of Student's t at 95 % for one to four degrees of freedom.
        let t = [12.706_2, 4.302_65, 3.182_45, 2.776_45][wide.n_seeds - 2];
        let half_width = 0.5 * (wide.high - wide.low);
        assert!((half_width / (t * wide.std_error) - 1.0).abs() < 1e-4, "{name}");
    }
}

#[test]
#[ignore = "prints the tables of the documentation"]
fn tables() {
    const TRIALS: u64 = 4000;
    let cell = |found: Result<f64, ExponentError>| match found {
        Ok(found) => format!("{:.1}", 100.0 * found),
        Err(why) => why.to_string(),
    };
    for n in [2, 3, 5, 8] {
        for (name, design) in paired_designs(n) {
            let row =
                PAIRED.map(|noise| cell(coverage(&design, noise, Pairing::Paired, TRIALS, 1000)));
            println!("{n} | {name} | {}", row.join(" | "));
        }
    }
    for sizes in GROUPS.into_iter().chain(REFUSED_GROUPS) {
        let design = of_groups(sizes);
        let row = INDEPENDENT
            .map(|noise| cell(coverage(&design, noise, Pairing::Independent, TRIALS, 400)));
        println!("{sizes:?} | {}", row.join(" | "));
    }
}
