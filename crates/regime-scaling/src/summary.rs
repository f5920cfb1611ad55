//! Means, spreads and medians of a few numbers.

use serde::{Deserialize, Serialize};

use crate::bootstrap::{BootstrapConfig, BootstrapError, BootstrapInterval, bootstrap};

/// A mean over replicas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Its standard error, `√(variance/n)`; `None` for one value.
    pub std_error: Option<f64>,
    /// Number of values.
    pub n: usize,
}

/// The mean of the values with its standard error; `None` without values.
pub fn mean(values: &[f64]) -> Option<Mean> {
    let n = values.len();
    (n > 0).then(|| Mean {
        mean: values.iter().sum::<f64>() / n as f64,
        std_error: sample_variance(values).map(|v| (v / n as f64).sqrt()),
        n,
    })
}

/// The mean of one value per replica, with its interval.
///
/// # Errors
/// Those of [`bootstrap`].
pub fn mean_interval(
    values: &[f64],
    config: &BootstrapConfig,
) -> Result<BootstrapInterval, BootstrapError> {
    bootstrap(values.len(), config, |drawn| {
        Some(drawn.iter().map(|&i| values[i]).sum::<f64>() / drawn.len() as f64)
    })
}

/// The unbiased variance `Σ(v − v̄)²/(n − 1)`; `None` below two values.
pub fn sample_variance(values: &[f64]) -> Option<f64> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    (n > 1).then(|| values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64)
}

/// The median: the middle value, or the mean of the two middle ones. `None`
/// without values or if one is NaN.
pub fn median(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    Some(match sorted.len() % 2 {
        1 => sorted[middle],
        _ => 0.5 * sorted[middle - 1] + 0.5 * sorted[middle],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        let m = mean(&values).unwrap();
        assert_eq!((m.mean, m.n), (5.0, 8));
        assert!((m.std_error.unwrap() - (32.0f64 / 7.0 / 8.0).sqrt()).abs() < 1e-15);
        assert_eq!(median(&values), Some(4.5));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    }

    /// The classical t interval, up to the noise of resampling.
    #[test]
    fn a_mean_has_the_classical_interval() {
        let values = [1.0, 4.0, 2.0, 8.0, 5.0];
        let config = BootstrapConfig { resamples: 50_000, ..Default::default() };
        let interval = mean_interval(&values, &config).unwrap();
        assert_eq!((interval.estimate, interval.n_seeds), (4.0, 5));
        let half_width = 2.776_445 * mean(&values).unwrap().std_error.unwrap();
        assert!(((interval.high - 4.0) / half_width - 1.0).abs() < 0.02, "{interval:?}");
        assert!(matches!(
            mean_interval(&[1.0], &config),
            Err(BootstrapError::TooFewSeeds { n_seeds: 1, .. })
        ));
    }

    #[test]
    fn few_values() {
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[3.0]), Some(Mean { mean: 3.0, std_error: None, n: 1 }));
        assert_eq!(sample_variance(&[3.0]), None);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[1.0, f64::NAN]), None);
    }
}
