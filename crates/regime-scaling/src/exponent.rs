//! The exponent of a power law measured with several seeds.

use crate::bootstrap::{
    BootstrapConfig, BootstrapError, BootstrapInterval, Pairing, bootstrap, bootstrap_groups,
};
use crate::line::FitError;
use crate::power_law::logarithms;
use thiserror::Error;

/// Why an exponent has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum ExponentError {
    /// A seed holds a point that no power law can have.
    #[error("seed {seed}: {source}")]
    BadPoint {
        /// Position of the seed in the input.
        seed: usize,
        /// What is wrong with its point.
        source: FitError,
    },
    /// The bootstrap has no answer.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

/// The exponent of `y` against `x` and its interval over seeds.
///
/// `seeds[s]` holds the points `(x, y)` of seed `s`; seeds may lack some x.
/// - [`Pairing::Paired`]: every seed has its own prefactor and all share one
///   exponent; seeds are resampled as wholes. A seed with one point says
///   nothing about the exponent. Noise common to all x of a seed cancels.
/// - [`Pairing::Independent`]: all points with the same x form a group, of at
///   least two points, that is resampled for itself; one prefactor is fitted.
///
/// The two estimates agree, and agree with
/// [`fit_power_law`](crate::fit_power_law) on all points, when every seed has
/// every x. The interval describes the noise over seeds, not the systematic
/// error of assuming a pure power law: for that see
/// [`exponent_drift`](crate::exponent_drift).
///
/// # Errors
/// [`ExponentError::BadPoint`] for a point that is not positive and finite, and
/// the errors of [`bootstrap`], where [`BootstrapError::StatisticFailed`] means
/// that there are fewer than two different x.
///
/// # Reference
/// Paired: `p = Σ_s S_xy(s) / Σ_s S_xx(s)` with the centred sums over the points
/// `(ln x, ln y)` of seed `s` (the within estimator of panel data).
/// Independent: least squares over all points.
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
    Ok(match pairing {
        Pairing::Paired => paired(&logs, config),
        Pairing::Independent => independent(logs.concat(), config),
    }?)
}

fn paired(
    seeds: &[Vec<(f64, f64)>],
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, BootstrapError> {
    let sums: Vec<_> = seeds.iter().map(|points| centred_sums(points)).collect();
    bootstrap(seeds.len(), config, |indices| {
        let (sxx, sxy) = indices.iter().fold((0.0, 0.0), |total, &seed| {
            let (sxx, sxy) = sums[seed];
            (total.0 + sxx, total.1 + sxy)
        });
        (sxx > 0.0).then(|| sxy / sxx)
    })
}

fn independent(
    mut points: Vec<(f64, f64)>,
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, BootstrapError> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups: Vec<&[(f64, f64)]> = points.chunk_by(|a, b| a.0 == b.0).collect();
    let sizes: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let mut drawn = Vec::with_capacity(points.len());
    bootstrap_groups(&sizes, config, |indices| {
        drawn.clear();
        for (group, chosen) in groups.iter().zip(indices) {
            drawn.extend(chosen.iter().map(|&i| group[i]));
        }
        let (sxx, sxy) = centred_sums(&drawn);
        (sxx > 0.0).then(|| sxy / sxx)
    })
}

/// `(S_xx, S_xy)` about the means; zero for a single abscissa.
fn centred_sums(points: &[(f64, f64)]) -> (f64, f64) {
    if points.iter().all(|p| p.0 == points[0].0) {
        return (0.0, 0.0);
    }
    let n = points.len() as f64;
    let x_mean = points.iter().map(|p| p.0).sum::<f64>() / n;
    let y_mean = points.iter().map(|p| p.1).sum::<f64>() / n;
    points.iter().fold((0.0, 0.0), |(sxx, sxy), &(x, y)| {
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

    /// A seed lacking its largest x, and far above the others, must not bend a
    /// paired exponent.
    #[test]
    fn a_seed_keeps_its_own_prefactor() {
        let mut seeds = seeds();
        seeds[0] = vec![(1.0, 1000.0), (2.0, 2010.0)];
        let interval =
            exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default()).unwrap();
        assert!((interval.estimate - 1.0).abs() < 0.1);
    }

    #[test]
    fn a_bad_point_is_traced_to_its_seed() {
        let mut seeds = seeds();
        seeds[2][1].1 = -1.0;
        let source = FitError::NotPositive { axis: Axis::Y, index: 1, value: -1.0 };
        assert_eq!(
            exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default()),
            Err(ExponentError::BadPoint { seed: 2, source })
        );
    }

    #[test]
    fn one_seed_or_one_x_is_not_enough() {
        let config = BootstrapConfig::default();
        for (pairing, group) in [(Pairing::Paired, 0), (Pairing::Independent, 0)] {
            assert_eq!(
                exponent_interval(&seeds()[..1], pairing, &config),
                Err(BootstrapError::TooFewSeeds { group, n_seeds: 1 }.into())
            );
            let flat = vec![vec![(2.0, 1.0)], vec![(2.0, 1.5)]];
            assert_eq!(
                exponent_interval(&flat, pairing, &config),
                Err(BootstrapError::StatisticFailed.into())
            );
        }
    }
}
