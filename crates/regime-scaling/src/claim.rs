//! Claims that consist of several statements, each about one quantity.

use crate::bootstrap::BootstrapInterval;
use crate::equivalence::Equivalence;
use crate::expected::Expected;
use crate::outcome::Outcome;

/// A quantity with its interval, and what it is expected to be.
///
/// A claim is a list of statements; [`Outcome::of_all`] judges it:
///
/// ```
/// use regime_scaling::{BootstrapConfig, Outcome, Statement, mean_interval};
///
/// let gap = mean_interval(&[0.9, 1.1, 1.0, 1.05], &BootstrapConfig::default());
/// let slope = mean_interval(&[0.4, 0.5, 0.6, 0.5], &BootstrapConfig::default());
/// let claim = [
///     Statement::at_least("the gap", gap.map_err(|error| error.to_string()), 0.0),
///     Statement::near("the slope", slope.map_err(|error| error.to_string()), 0.5, 0.25),
/// ];
/// assert_eq!(Outcome::of_all(claim.iter().map(Statement::outcome)), Outcome::Pass);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The quantity, as it is named in the middle of a sentence.
    pub quantity: String,
    /// Its interval, or why there is none.
    pub interval: Result<BootstrapInterval, String>,
    /// What it is expected to be.
    pub expected: Expected,
}

impl Statement {
    /// The number of seeds below which an interval decides nothing.
    pub const LEAST_SEEDS: usize = 3;

    /// The quantity is expected to be `target ± margin`.
    pub fn near(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        target: f64,
        margin: f64,
    ) -> Self {
        let expected = Expected::Near(Equivalence { target, margin });
        Self { quantity: quantity.into(), interval, expected }
    }

    /// The quantity is expected to be between `least` and `most`.
    pub fn between(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        least: f64,
        most: f64,
    ) -> Self {
        Self { quantity: quantity.into(), interval, expected: Expected::Between { least, most } }
    }

    /// The quantity is expected not to be below `bound`.
    pub fn at_least(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        bound: f64,
    ) -> Self {
        Self { quantity: quantity.into(), interval, expected: Expected::AtLeast(bound) }
    }

    /// The quantity is expected not to be above `bound`.
    pub fn at_most(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        bound: f64,
    ) -> Self {
        Self { quantity: quantity.into(), interval, expected: Expected::AtMost(bound) }
    }

    /// What the interval says of the statement. Without an interval, and with one from
    /// fewer than [`LEAST_SEEDS`](Self::LEAST_SEEDS) seeds, it is undecided.
    pub fn outcome(&self) -> Outcome {
        match &self.interval {
            Ok(interval) if interval.n_seeds >= Self::LEAST_SEEDS => {
                self.expected.judge(interval.low, interval.high)
            }
            _ => Outcome::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64, n_seeds: usize) -> Result<BootstrapInterval, String> {
        Ok(BootstrapInterval {
            estimate: 0.5 * (low + high),
            low,
            high,
            level: 0.95,
            std_error: 0.1,
            degrees_of_freedom: 4.0,
            n_seeds,
            n_resamples: 1000,
            n_failed: 0,
        })
    }

    fn outcome(intervals: &[Result<BootstrapInterval, String>]) -> Outcome {
        let of = |i: &Result<_, _>| Statement::near("p", i.clone(), 1.0, 0.25).outcome();
        Outcome::of_all(intervals.iter().map(of))
    }

    #[test]
    fn one_statement_outside_outweighs_all_others() {
        let (within, outside) = (interval(0.9, 1.2, 5), interval(0.3, 0.6, 5));
        let (straddles, few) = (interval(0.6, 0.9, 5), interval(0.9, 1.2, 2));
        let missing = Err("no run".into());
        assert_eq!(outcome(&[within.clone(), within.clone()]), Outcome::Pass);
        for open in [straddles, few, missing] {
            assert_eq!(outcome(&[within.clone(), open.clone()]), Outcome::Undecided);
            assert_eq!(outcome(&[outside.clone(), open]), Outcome::Fail);
        }
        assert_eq!(outcome(&[]), Outcome::Undecided);
    }

    #[test]
    fn too_few_seeds_refute_nothing() {
        assert_eq!(outcome(&[interval(0.3, 0.6, 2)]), Outcome::Undecided);
        assert_eq!(outcome(&[interval(0.3, 0.6, 3)]), Outcome::Fail);
    }

    #[test]
    fn each_form_has_its_range() {
        let above = interval(0.1, 0.2, 5);
        assert_eq!(Statement::at_least("gap", above.clone(), 0.0).outcome(), Outcome::Pass);
        assert_eq!(Statement::at_most("gap", above.clone(), 0.0).outcome(), Outcome::Fail);
        assert_eq!(Statement::between("gap", above.clone(), 0.0, 1.0).outcome(), Outcome::Pass);
        assert_eq!(Statement::between("gap", above, 0.15, 1.0).outcome(), Outcome::Undecided);
    }
}
