//! Comparison of measured exponents with their expected values: pass, fail or
//! undecided, with the numbers.

use std::fmt;

use crate::bootstrap::{BootstrapConfig, BootstrapInterval, Pairing};
use crate::expected::Expected;
use crate::exponent::{ExponentError, exponent_interval};
use crate::outcome::Outcome;
use crate::power_law::{exponent_drift, fit_power_law};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One measured value of a quantity, at one step of the run of one seed and one width
/// (or another size whose exponents are measured).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The name of the quantity.
    pub quantity: String,
    /// The step of the measurement.
    pub step: usize,
    /// The size, positive.
    pub width: f64,
    /// The seed of the replica.
    pub seed: u64,
    /// The value. A value that is not finite is allowed: it makes the claim fail.
    pub value: f64,
}

/// The expected exponent of one quantity at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExponentClaim {
    /// The name of the quantity.
    pub quantity: String,
    /// The step.
    pub step: usize,
    /// Its expected exponent.
    pub expected: Expected,
}

/// Why an exponent has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum NoInterval {
    /// There is no sample of the quantity at the step.
    #[error("no samples")]
    NoSamples,
    /// A value is infinite or not a number.
    #[error("{value} at width {width}, seed {seed}")]
    NotFinite {
        /// The value.
        value: f64,
        /// Its width.
        width: f64,
        /// Its seed.
        seed: u64,
    },
    /// The exponent could not be fitted.
    #[error(transparent)]
    Exponent(#[from] ExponentError),
}

/// A claim with its measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedExponent {
    /// The claim.
    pub claim: ExponentClaim,
    /// The exponent fitted to all points; `None` without a fit.
    pub exponent: Option<f64>,
    /// Its interval, or why it has no interval.
    pub interval: Result<BootstrapInterval, NoInterval>,
    /// The change of the exponent when the smallest width is left out. It measures
    /// corrections to scaling, which the interval does not include.
    pub drift: Option<f64>,
    /// Number of different widths.
    pub n_widths: usize,
    /// Whether the claim holds. If a value is not finite, the claim fails; without an
    /// interval for another reason, it is undecided.
    pub outcome: Outcome,
}

/// Claims with their measurements. [`Display`](fmt::Display) writes a table.
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentCheck {
    /// The rows, in the order of the claims.
    pub rows: Vec<CheckedExponent>,
}

impl ExponentCheck {
    /// The joint outcome: fail if any claim fails; otherwise undecided if any claim is
    /// undecided or if there are no claims; otherwise pass.
    pub fn outcome(&self) -> Outcome {
        Outcome::of_all(self.rows.iter().map(|row| row.outcome))
    }

    /// The number of claims with this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }
}

/// Fits the exponent against the width of every quantity in `claims`, and compares it
/// with the expected exponent.
///
/// Each claim is judged by its own interval at the level of `config`. Samples that no
/// claim names are ignored. Use [`Pairing::Independent`] if the weights at different
/// widths are independent; see [`exponent_interval`].
///
/// ```
/// use regime_scaling::{
///     BootstrapConfig, Equivalence, Expected, ExponentClaim, Outcome, Pairing, Sample,
///     check_exponents,
/// };
///
/// let mut samples = Vec::new();
/// for width in [64.0, 128.0, 256.0_f64] {
///     for seed in 0..4 {
///         let noise = 1.0 + 0.02 * ((seed as f64 + width).sin());
///         let value = noise / width.sqrt();
///         samples.push(Sample { quantity: "change".into(), step: 1, width, seed, value });
///     }
/// }
/// let claim = |target| ExponentClaim {
///     quantity: "change".into(),
///     step: 1,
///     expected: Expected::Near(Equivalence { target, margin: 0.1 }),
/// };
/// let config = BootstrapConfig::default();
/// let lazy = check_exponents(&samples, &[claim(-0.5)], Pairing::Independent, &config);
/// assert_eq!(lazy.outcome(), Outcome::Pass);
/// let rich = check_exponents(&samples, &[claim(0.0)], Pairing::Independent, &config);
/// assert_eq!(rich.outcome(), Outcome::Fail);
/// assert!(rich.to_string().contains("FAIL"));
/// ```
pub fn check_exponents(
    samples: &[Sample],
    claims: &[ExponentClaim],
    pairing: Pairing,
    config: &BootstrapConfig,
) -> ExponentCheck {
    let row = |claim: &ExponentClaim| checked(claim, samples, pairing, config);
    ExponentCheck { rows: claims.iter().map(row).collect() }
}

fn checked(
    claim: &ExponentClaim,
    samples: &[Sample],
    pairing: Pairing,
    config: &BootstrapConfig,
) -> CheckedExponent {
    let mut named: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.step == claim.step && sample.quantity == claim.quantity)
        .collect();
    named.sort_by_key(|sample| sample.seed);
    let mut widths: Vec<f64> = named.iter().map(|sample| sample.width).collect();
    widths.sort_by(f64::total_cmp);
    widths.dedup();

    let points: Vec<(f64, f64)> = named.iter().map(|s| (s.width, s.value)).collect();
    let interval = match named.iter().find(|sample| !sample.value.is_finite()) {
        _ if named.is_empty() => Err(NoInterval::NoSamples),
        Some(&&Sample { value, width, seed, .. }) => {
            Err(NoInterval::NotFinite { value, width, seed })
        }
        None => {
            let seeds: Vec<Vec<(f64, f64)>> = named
                .chunk_by(|a, b| a.seed == b.seed)
                .map(|of_seed| of_seed.iter().map(|s| (s.width, s.value)).collect())
                .collect();
            exponent_interval(&seeds, pairing, config).map_err(NoInterval::from)
        }
    };
    let outcome = match interval {
        Ok(interval) => claim.expected.judge(interval.low, interval.high),
        Err(NoInterval::NotFinite { .. }) => Outcome::Fail,
        Err(_) => Outcome::Undecided,
    };
    CheckedExponent {
        claim: claim.clone(),
        exponent: fit_power_law(&points).ok().map(|fit| fit.exponent),
        interval,
        drift: exponent_drift(&points).ok().map(|drift| drift.change),
        n_widths: widths.len(),
        outcome,
    }
}

impl ExponentCheck {
    /// The rows of a table for people; the first row is the head.
    pub fn table(&self) -> Vec<[String; 7]> {
        let percent = self.rows.iter().find_map(|row| Some(100.0 * row.interval.ok()?.level));
        let interval = format!("{:.0} % interval", percent.unwrap_or(95.0));
        let head = ["quantity", "step", "exponent", &interval, "drift", "expected", ""];
        let mut lines = vec![head.map(String::from)];
        let number = |value: Option<f64>| value.map_or("–".into(), |v| format!("{v:+.3}"));
        for row in &self.rows {
            let interval = match row.interval {
                Ok(interval) => format!("[{:+.3}, {:+.3}]", interval.low, interval.high),
                Err(_) => "–".into(),
            };
            let outcome = match row.interval {
                Ok(_) => row.outcome.word().into(),
                Err(why) => format!("{}: {why}", row.outcome.word()),
            };
            lines.push([
                row.claim.quantity.clone(),
                row.claim.step.to_string(),
                number(row.exponent),
                interval,
                number(row.drift),
                row.claim.expected.to_string(),
                outcome,
            ]);
        }
        lines
    }
}

impl fmt::Display for ExponentCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.table();
        let widths: [usize; 7] = std::array::from_fn(|column| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
        });
        for (index, line) in lines.iter().enumerate() {
            let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            let text = cells.collect::<Vec<_>>().join("  ");
            let end = if index + 1 < lines.len() { "\n" } else { "" };
            write!(f, "{}{end}", text.trim_end())?;
        }
        Ok(())
    }
}
