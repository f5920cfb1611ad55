//! Differences and ratios of means over seeds.

use crate::bootstrap::{
    BootstrapConfig, BootstrapError, BootstrapInterval, Pairing, bootstrap, bootstrap_groups,
};
use thiserror::Error;

/// Why two samples cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum CompareError {
    /// Paired samples differ in length.
    #[error("{n_a} and {n_b} values cannot be paired")]
    LengthMismatch {
        /// Number of values in the first sample.
        n_a: usize,
        /// Number of values in the second sample.
        n_b: usize,
    },
    /// The bootstrap failed.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
}

/// The difference `mean(a) − mean(b)` with its interval, in the units of the values.
///
/// # Errors
/// [`CompareError::LengthMismatch`] if paired samples differ in length, and the
/// errors of [`bootstrap`] ([`BootstrapError::StatisticFailed`] for values that
/// are not finite).
pub fn difference_of_means(
    a: &[f64],
    b: &[f64],
    pairing: Pairing,
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, CompareError> {
    compare(a, b, pairing, config, |mean_a, mean_b| Some(mean_a - mean_b))
}

/// The ratio `mean(a) / mean(b)` with its interval, for positive means.
///
/// The bootstrap resamples the logarithm of the ratio. The interval of the inverse
/// ratio is therefore the inverse of the interval.
///
/// # Errors
/// Those of [`difference_of_means`]; [`BootstrapError::StatisticFailed`] also
/// if a mean is not positive.
pub fn ratio_of_means(
    a: &[f64],
    b: &[f64],
    pairing: Pairing,
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, CompareError> {
    let log_ratio = |mean_a: f64, mean_b: f64| {
        (mean_a > 0.0 && mean_b > 0.0).then(|| mean_a.ln() - mean_b.ln())
    };
    Ok(compare(a, b, pairing, config, log_ratio)?.exp())
}

fn compare(
    a: &[f64],
    b: &[f64],
    pairing: Pairing,
    config: &BootstrapConfig,
    combine: impl Fn(f64, f64) -> Option<f64>,
) -> Result<BootstrapInterval, CompareError> {
    let mean = |values: &[f64], indices: &[usize]| {
        indices.iter().map(|&i| values[i]).sum::<f64>() / indices.len() as f64
    };
    match pairing {
        Pairing::Paired if a.len() != b.len() => {
            Err(CompareError::LengthMismatch { n_a: a.len(), n_b: b.len() })
        }
        Pairing::Paired => {
            Ok(bootstrap(a.len(), config, |seeds| combine(mean(a, seeds), mean(b, seeds)))?)
        }
        Pairing::Independent => Ok(bootstrap_groups(&[a.len(), b.len()], config, |groups| {
            combine(mean(a, &groups[0]), mean(b, &groups[1]))
        })?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairing_removes_noise_common_to_both_samples() {
        let a = [1.0, 11.0, 21.0, 31.0];
        let b = [0.1, 9.9, 20.0, 30.1];
        let config = BootstrapConfig::default();
        let paired = difference_of_means(&a, &b, Pairing::Paired, &config).unwrap();
        let independent = difference_of_means(&a, &b, Pairing::Independent, &config).unwrap();
        assert!((paired.estimate - 0.975).abs() < 1e-12);
        assert!(paired.low > 0.5 && independent.low < 0.0);
    }

    #[test]
    fn inverse_ratios_have_inverse_intervals() {
        let (a, b) = ([1.0, 1.2, 0.9], [2.0, 2.6, 1.7]);
        let config = BootstrapConfig::default();
        let ratio = ratio_of_means(&a, &b, Pairing::Paired, &config).unwrap();
        let inverse = ratio_of_means(&b, &a, Pairing::Paired, &config).unwrap();
        assert!((ratio.estimate - 3.1 / 6.3).abs() < 1e-14);
        assert!((ratio.low * inverse.high - 1.0).abs() < 1e-12);
        assert!(ratio.low > 0.0);
    }

    #[test]
    fn samples_that_cannot_be_compared_are_errors() {
        let config = BootstrapConfig::default();
        assert_eq!(
            difference_of_means(&[1.0, 2.0], &[1.0], Pairing::Paired, &config),
            Err(CompareError::LengthMismatch { n_a: 2, n_b: 1 })
        );
        assert_eq!(
            difference_of_means(&[1.0, 2.0], &[1.0], Pairing::Independent, &config),
            Err(BootstrapError::TooFewSeeds { group: 1, n_seeds: 1 }.into())
        );
        assert_eq!(
            ratio_of_means(&[1.0, 2.0], &[-1.0, 0.5], Pairing::Paired, &config),
            Err(BootstrapError::StatisticFailed.into())
        );
    }
}
