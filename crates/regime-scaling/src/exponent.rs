//! The exponent of a power law measured with several seeds.

#[cfg(doc)]
use crate::bootstrap::bootstrap;
use crate::bootstrap::{
    BootstrapConfig, BootstrapError, BootstrapInterval, Pairing, bootstrap_groups,
};
use crate::informative::informative;
use crate::line::FitError;
use crate::power_law::logarithms;
use crate::summary::mean_interval;
use thiserror::Error;

/// Why an exponent has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum ExponentError {
    /// A seed has a point that is not positive and finite.
    #[error("seed {seed}: {source}")]
    BadPoint {
        /// Position of the seed in the input.
        seed: usize,
        /// The error of its point.
        source: FitError,
    },
    /// One seed holds nearly all the information on the exponent. The other seeds do
    /// not measure the spread over seeds.
    #[error(
        "seed {seed} holds {:.1} % of the information on the exponent: above {:.0} %, the other \
         seeds do not measure the spread over seeds",
        100.0 * share,
        100.0 * MAX_SHARE_OF_A_SEED
    )]
    OneSeedDominates {
        /// Position of the seed in the input.
        seed: usize,
        /// Its share of `Σ_s S_xx(s)`.
        share: f64,
    },
    /// One x has only two points, other x have more, and the exponent depends on this
    /// x. Two points do not measure the noise at this x well enough.
    #[error(
        "x = {x} has 2 points, and {:.0} % of the variance of the exponent comes from there: \
         it needs at least 3, because other x have up to {most}",
        100.0 * share
    )]
    InfluentialPair {
        /// The x of the two points.
        x: f64,
        /// Its share of the variance of the exponent if the noise is the same
        /// at all points.
        share: f64,
        /// The largest number of points at one x.
        most: usize,
    },
    /// The bootstrap failed.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

/// Largest share of `Σ_s S_xx(s)` that one seed may have.
const MAX_SHARE_OF_A_SEED: f64 = 0.95;

/// Largest share of the variance that an x with two points may have if other x
/// have more points.
const MAX_SHARE_OF_A_PAIR: f64 = 0.1;

/// The exponent of `y` against `x` and its interval over seeds.
///
/// `seeds[s]` holds the points `(x, y)` of seed `s`; seeds may lack some x.
/// - [`Pairing::Paired`]: every seed is fitted separately, with its own prefactor,
///   and the estimate is the mean of the exponents. Noise common to all x of a seed
///   cancels. Seeds with fewer than two different x are left out. Seeds with little
///   information are also left out if they would make the interval longer.
/// - [`Pairing::Independent`]: all points with the same x form a group of at least
///   two points. Each group is resampled separately, and one prefactor is fitted.
///
/// If every seed has every x, the two estimates agree with each other and with
/// [`fit_power_law`](crate::fit_power_law) on all points. The interval describes the
/// noise over seeds, not the systematic error of assuming a pure power law: for that
/// error, see [`exponent_drift`](crate::exponent_drift).
///
/// `n_seeds` of the interval is the number of seeds used; for independent points, it
/// is the number of points in the smallest group.
///
/// # Measured coverage
/// The tables show how often, in per cent, nominal 95 % intervals contain the exponent
/// if seeds lack points (4000 trials, so ± 0.3; `tests/designs.rs` prints them). A
/// whole seed has four x, each twice the previous one; a half-empty seed has two
/// neighbours of these. Each range spans four kinds of Gaussian noise, all with a random
/// prefactor per seed: `σ = 0.1` at all x; σ that rises with x from 0.02 to 0.3; σ that
/// falls with x from 0.3 to 0.02; and `σ = 0.02` with a random exponent per seed.
///
/// | paired seeds                            | 2         | 3         | 5         | 8         |
/// |-----------------------------------------|-----------|-----------|-----------|-----------|
/// | whole                                   | 94.8–95.4 | 94.7–95.1 | 95.0–95.2 | 94.5–95.2 |
/// | each lacks one x                        | 95.2–96.4 | 94.8–96.6 | 95.4–96.4 | 95.0–96.2 |
/// | one half-empty                          | 94.9–97.1 | 95.1–97.8 | 94.8–95.3 | 94.8–95.2 |
/// | one whole, others half-empty            | 94.9–97.1 | 95.2–97.8 | 95.1–97.0 | 95.0–97.0 |
/// | one with twice the x                    | 95.3–98.0 | 94.9–98.1 | 95.0–96.5 | 94.4–95.0 |
/// | one with twice the x, others half-empty | refused   | refused   | refused   | 94.8–97.5 |
/// | two whole, others half-empty            |           | 95.1–97.8 | 95.5–97.5 | 94.5–97.3 |
/// | two whole, others the two lowest x      |           | 95.1–97.8 | 95.5–97.2 | 94.5–95.3 |
/// | two whole, others the two highest x     |           | 95.1–97.8 | 95.3–97.3 | 94.5–95.5 |
/// | two whole, others one point             |           | 94.5–95.5 | 94.6–95.2 | 94.5–94.8 |
/// | two whole, others empty                 |           | 94.7–95.3 | 94.5–95.1 | 94.5–95.0 |
///
/// Designs of few, very different seeds exceed 95 %: their intervals are longer than
/// necessary. One fit with a prefactor per seed, which weights seeds by their `S_xx`,
/// was measured for comparison. Its intervals are up to 30 % shorter for unequal seeds,
/// but contain the exponent in 84 to 100 % of the trials.
///
/// For independent points, by kind of noise:
///
/// | independent points at each x  | equal   | rising  | falling |
/// |-------------------------------|---------|---------|---------|
/// | 2, 2, 2, 2                    | 97.6    | 93.1    | 91.7    |
/// | 3, 3, 3, 3                    | 96.0    | 93.8    | 93.2    |
/// | 5, 5, 5, 5                    | 95.5    | 95.0    | 94.4    |
/// | 8, 8, 8, 8                    | 95.7    | 95.5    | 94.3    |
/// | 5, 5, 4, 3                    | 94.7    | 92.6    | 95.0    |
/// | 4, 5, 5, 4                    | 95.3    | 94.6    | 94.1    |
/// | 3, 8, 8, 3                    | 95.3    | 93.0    | 93.2    |
/// | 8, 3, 3, 8                    | 94.9    | 94.8    | 94.3    |
/// | 8, 2, 2, 8                    | 94.9    | 94.6    | 94.8    |
/// | 5, 2, 5, 5, 5                 | 95.3    | 95.0    | 94.5    |
/// | 3, 8                          | 94.5    | 95.9    | 92.8    |
/// | 5, 5, 5, 2                    | refused | refused | refused |
/// | 2, 3, 5, 8                    | refused | refused | refused |
/// | 2, 8, 8, 2                    | refused | refused | refused |
/// | 2, 8                          | refused | refused | refused |
/// | 5, 5, 5, 1                    | refused | refused | refused |
///
/// Without the refusal, the four refused designs with two points at an x would
/// have 88 to 95 %. Among the accepted designs, two points at each x have the worst
/// coverage.
///
/// # Errors
/// [`ExponentError::BadPoint`] for a point that is not positive and finite,
/// [`ExponentError::OneSeedDominates`] and [`ExponentError::InfluentialPair`]
/// for designs whose intervals do not reach their nominal level, and the errors of
/// [`bootstrap`]. Of these, [`BootstrapError::TooFewSeeds`] counts paired seeds
/// with two or more different x, and [`BootstrapError::StatisticFailed`] means
/// that independent points have fewer than two different x.
///
/// # Reference
/// Paired: `p = Σ_s p_s / k` over `k` seeds, with `p_s = S_xy(s)/S_xx(s)` from
/// the centred sums over the points `(ln x, ln y)` of seed `s`, and Student's
/// quantile for `k − 1` degrees of freedom. If the `p_s` are Gaussian with any
/// variances, an interval of nominal level 92 % or more has at least this coverage:
/// Bakirov & Székely, J. Math. Sci. 139 (2006) 6497; Ibragimov & Müller, J. Bus. Econ.
/// Stat. 28 (2010) 453. The seeds are the `k` with the largest `S_xx`, where `k`
/// minimises `t_{k−1}² · Σ_s 1/S_xx(s) / k²`, with `t` at 95 %. This expression is
/// proportional to the expected squared length if the noise is the same at all points.
///
/// Independent: least squares over all points. If the noise is the same at all points,
/// the `n_g` points at `x_g` contribute the share `n_g (ln x_g − m)² / S_xx` of the
/// variance of the exponent, where `m` is the mean of all `ln x`.
pub fn exponent_interval<S: AsRef<[(f64, f64)]>>(
    seeds: &[S],
    pairing: Pairing,
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, ExponentError> {
    let mut logs = Vec::with_capacity(seeds.len());
    for (seed, points) in seeds.iter().enumerate() {
        let of_seed = logarithms(points.as_ref());
        logs.push(of_seed.map_err(|source| ExponentError::BadPoint { seed, source })?);
    }
    match pairing {
        Pairing::Paired => paired(&logs, config),
        Pairing::Independent => {
            let mut xs = seeds.iter().flat_map(|points| points.as_ref().iter().map(|p| p.0));
            independent(logs.concat(), config, |log_x| xs.find(|x| x.ln() == log_x))
        }
    }
}

fn paired(
    seeds: &[Vec<(f64, f64)>],
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, ExponentError> {
    let sums: Vec<(f64, f64)> = seeds.iter().map(|points| centred_sums(points)).collect();
    let sxx: Vec<f64> = sums.iter().map(|sums| sums.0).collect();
    let chosen = informative(&sxx);
    if chosen.len() < 2 {
        let n_seeds = chosen.len();
        return Err(BootstrapError::TooFewSeeds { group: 0, n_seeds }.into());
    }
    let total: f64 = sxx.iter().sum();
    for (seed, sxx) in sxx.iter().enumerate() {
        let share = sxx / total;
        if share > MAX_SHARE_OF_A_SEED {
            return Err(ExponentError::OneSeedDominates { seed, share });
        }
    }
    let exponents: Vec<f64> = chosen.iter().map(|&seed| sums[seed].1 / sums[seed].0).collect();
    Ok(mean_interval(&exponents, config)?)
}

fn independent(
    mut points: Vec<(f64, f64)>,
    config: &BootstrapConfig,
    sampled: impl FnMut(f64) -> Option<f64>,
) -> Result<BootstrapInterval, ExponentError> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups: Vec<&[(f64, f64)]> = points.chunk_by(|a, b| a.0 == b.0).collect();
    let sizes: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    check_pairs(&groups, sampled)?;
    let mut drawn = Vec::with_capacity(points.len());
    Ok(bootstrap_groups(&sizes, config, |indices| {
        drawn.clear();
        for (group, chosen) in groups.iter().zip(indices) {
            drawn.extend(chosen.iter().map(|&i| group[i]));
        }
        let (sxx, sxy) = centred_sums(&drawn);
        (sxx > 0.0).then(|| sxy / sxx)
    })?)
}

/// Returns an error for a group of two points, next to larger groups, on which the
/// exponent depends. `sampled` gives the x of a logarithm.
fn check_pairs(
    groups: &[&[(f64, f64)]],
    mut sampled: impl FnMut(f64) -> Option<f64>,
) -> Result<(), ExponentError> {
    let most = groups.iter().map(|group| group.len()).max().unwrap_or(0);
    // A group of one point is an error of the bootstrap.
    if most <= 2 || groups.len() < 2 || groups.iter().any(|group| group.len() < 2) {
        return Ok(());
    }
    let total: f64 = groups.iter().map(|group| group.len() as f64).sum();
    let sum = |of: &dyn Fn(f64) -> f64| -> f64 {
        groups.iter().map(|group| group.len() as f64 * of(group[0].0)).sum()
    };
    let mean = sum(&|x| x) / total;
    let sxx = sum(&|x| (x - mean).powi(2));
    for group in groups.iter().filter(|group| group.len() == 2) {
        let log_x = group[0].0;
        let share = 2.0 * (log_x - mean).powi(2) / sxx;
        if share > MAX_SHARE_OF_A_PAIR {
            let x = sampled(log_x).unwrap_or_else(|| log_x.exp());
            return Err(ExponentError::InfluentialPair { x, share, most });
        }
    }
    Ok(())
}

/// `(S_xx, S_xy)` about the means; zero for a single abscissa.
fn centred_sums(points: &[(f64, f64)]) -> (f64, f64) {
    if points.iter().all(|p| p.0 == points[0].0) {
        return (0.0, 0.0);
    }
    let n = points.len() as f64;
    // Relative to the first point, so that differences of close x keep their digits.
    let shifted = || points.iter().map(|p| (p.0 - points[0].0, p.1 - points[0].1));
    let x_mean = shifted().map(|p| p.0).sum::<f64>() / n;
    let y_mean = shifted().map(|p| p.1).sum::<f64>() / n;
    shifted().fold((0.0, 0.0), |(sxx, sxy), (x, y)| {
        (sxx + (x - x_mean).powi(2), sxy + (x - x_mean) * (y - y_mean))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power_law::fit_power_law;
    use crate::scale::Axis;

    fn seeds() -> Vec<Vec<(f64, f64)>> {
        vec![
            vec![(1.0, 1.1), (2.0, 1.9), (4.0, 4.2)],
            vec![(1.0, 0.8), (2.0, 2.3), (4.0, 4.0)],
            vec![(1.0, 1.0), (2.0, 2.1), (4.0, 3.5)],
        ]
    }

    #[test]
    fn both_pairings_agree_with_the_plain_fit_on_complete_data() {
        let config = BootstrapConfig::default();
        let plain = fit_power_law(&seeds().concat()).unwrap().exponent;
        for pairing in [Pairing::Paired, Pairing::Independent] {
            let interval = exponent_interval(&seeds(), pairing, &config).unwrap();
            assert!((interval.estimate - plain).abs() < 1e-14);
            assert!(interval.contains(plain));
        }
    }

    /// A seed that lacks the largest x and has a much larger prefactor does not change a
    /// paired exponent much.
    #[test]
    fn each_seed_has_its_own_prefactor() {
        let mut seeds = seeds();
        seeds[0] = vec![(1.0, 1000.0), (2.0, 2010.0)];
        let interval =
            exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default()).unwrap();
        assert!((interval.estimate - 1.0).abs() < 0.1);
    }

    #[test]
    fn an_invalid_point_is_reported_with_its_seed() {
        let mut seeds = seeds();
        seeds[2][1].1 = -1.0;
        let source = FitError::NotPositive { axis: Axis::Y, index: 1, value: -1.0 };
        assert_eq!(
            exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default()),
            Err(ExponentError::BadPoint { seed: 2, source })
        );
    }

    /// With equal `S_xx`, the mean of the exponents equals the fit with a prefactor per
    /// seed, for every resample.
    #[test]
    fn whole_seeds_have_the_interval_of_one_fit() {
        let config = BootstrapConfig::default();
        let sums: Vec<(f64, f64)> =
            seeds().iter().map(|seed| centred_sums(&logarithms(seed).unwrap())).collect();
        let one_fit = crate::bootstrap::bootstrap(3, &config, |drawn| {
            let total =
                |of: fn(&(f64, f64)) -> f64| drawn.iter().map(|&s| of(&sums[s])).sum::<f64>();
            Some(total(|s| s.1) / total(|s| s.0))
        })
        .unwrap();
        let found = exponent_interval(&seeds(), Pairing::Paired, &config).unwrap();
        for (a, b) in [
            (found.estimate, one_fit.estimate),
            (found.low, one_fit.low),
            (found.high, one_fit.high),
            (found.std_error, one_fit.std_error),
        ] {
            assert!((a - b).abs() < 1e-12, "{found:?} and {one_fit:?}");
        }
    }

    /// Seeds without two x do not change the interval at all.
    #[test]
    fn seeds_without_two_x_are_not_counted() {
        let config = BootstrapConfig::default();
        let whole = exponent_interval(&seeds(), Pairing::Paired, &config).unwrap();
        let mut seeds = seeds();
        seeds.insert(0, vec![]);
        seeds.insert(2, vec![(4.0, 9.0)]);
        seeds.push(vec![(2.0, 1.0), (2.0, 5.0)]);
        assert_eq!(exponent_interval(&seeds, Pairing::Paired, &config), Ok(whole));
        assert_eq!((whole.n_seeds, whole.degrees_of_freedom), (3, 2.0));
        // An invalid point in such a seed is still an error, with the index of the seed.
        seeds[2][0].1 = 0.0;
        let source = FitError::NotPositive { axis: Axis::Y, index: 0, value: 0.0 };
        assert_eq!(
            exponent_interval(&seeds, Pairing::Paired, &config),
            Err(ExponentError::BadPoint { seed: 2, source })
        );
    }

    #[test]
    fn one_seed_or_one_x_is_not_enough() {
        let config = BootstrapConfig::default();
        for pairing in [Pairing::Paired, Pairing::Independent] {
            assert_eq!(
                exponent_interval(&seeds()[..1], pairing, &config),
                Err(BootstrapError::TooFewSeeds { group: 0, n_seeds: 1 }.into())
            );
        }
        let flat = vec![vec![(2.0, 1.0)], vec![(2.0, 1.5)]];
        assert_eq!(
            exponent_interval(&flat, Pairing::Paired, &config),
            Err(BootstrapError::TooFewSeeds { group: 0, n_seeds: 0 }.into())
        );
        assert_eq!(
            exponent_interval(&flat, Pairing::Independent, &config),
            Err(BootstrapError::StatisticFailed.into())
        );
    }

    #[test]
    fn one_dominant_seed_is_an_error() {
        let long = [1.0, 10.0, 100.0, 1000.0].map(|x| (x, x)).to_vec();
        let short = vec![(1.0, 1.1), (2.0, 1.9)];
        let found = exponent_interval(
            &[short.clone(), long, short],
            Pairing::Paired,
            &BootstrapConfig::default(),
        );
        let Err(ExponentError::OneSeedDominates { seed: 1, share }) = found else {
            panic!("{found:?}")
        };
        assert!(share > 0.95 && share < 1.0);
        let text = found.unwrap_err().to_string();
        assert!(text.starts_with("seed 1 holds 98.2 % of the information"), "{text}");
    }

    #[test]
    fn a_decisive_pair_among_larger_groups_is_an_error() {
        let mut seeds = seeds();
        seeds[0].pop();
        let config = BootstrapConfig::default();
        let found = exponent_interval(&seeds, Pairing::Independent, &config);
        let Err(ExponentError::InfluentialPair { x: 4.0, share, most: 3 }) = found else {
            panic!("{found:?}")
        };
        assert!(share > 0.5);
        let text = found.unwrap_err().to_string();
        assert!(text.starts_with("x = 4 has 2 points, and 5"), "{text}");
        // In the middle, the pair has little influence on the exponent.
        seeds[0] = vec![(1.0, 1.1), (4.0, 4.2)];
        assert!(exponent_interval(&seeds, Pairing::Independent, &config).is_ok());
    }
}
