//! Claims that consist of several statements, each about one quantity.

use crate::bootstrap::BootstrapInterval;
use crate::equivalence::Equivalence;
use crate::expected::Expected;
use crate::outcome::Outcome;
use serde::{Deserialize, Serialize};

/// A quantity with its interval and its expected range.
///
/// A claim is a list of statements; [`judge`] judges it:
///
/// ```
/// use regime_scaling::{BootstrapConfig, Outcome, Statement, judge, mean_interval};
///
/// let gap = mean_interval(&[0.9, 1.1, 1.0, 1.05], &BootstrapConfig::default());
/// let slope = mean_interval(&[0.4, 0.5, 0.6, 0.5], &BootstrapConfig::default());
/// let claim = [
///     Statement::at_least("the gap", gap.map_err(|error| error.to_string()), 0.0),
///     Statement::near("the slope", slope.map_err(|error| error.to_string()), 0.5, 0.25),
/// ];
/// assert_eq!(judge(&claim, 1), Outcome::Pass);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The name of the quantity, as it is written inside a sentence.
    pub quantity: String,
    /// Its interval, or why it has no interval.
    pub interval: Result<BootstrapInterval, String>,
    /// Its expected range.
    pub expected: Expected,
}

impl Statement {
    /// The smallest number of seeds with which an interval can decide a statement.
    pub const MIN_SEEDS: usize = 3;

    /// States that the quantity is `target ± margin`.
    pub fn near(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        target: f64,
        margin: f64,
    ) -> Self {
        let expected = Expected::Near(Equivalence { target, margin });
        Self { quantity: quantity.into(), interval, expected }
    }

    /// States that the quantity is between `least` and `most`.
    pub fn between(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        least: f64,
        most: f64,
    ) -> Self {
        Self { quantity: quantity.into(), interval, expected: Expected::Between { least, most } }
    }

    /// States that the quantity is not below `bound`.
    pub fn at_least(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        bound: f64,
    ) -> Self {
        Self { quantity: quantity.into(), interval, expected: Expected::AtLeast(bound) }
    }

    /// States that the quantity is not above `bound`.
    pub fn at_most(
        quantity: impl Into<String>,
        interval: Result<BootstrapInterval, String>,
        bound: f64,
    ) -> Self {
        Self { quantity: quantity.into(), interval, expected: Expected::AtMost(bound) }
    }

    /// The outcome of the statement at these levels. It is undecided without an interval, and with
    /// an interval from fewer than [`MIN_SEEDS`](Self::MIN_SEEDS) seeds.
    ///
    /// # Reference
    /// Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657: two one-sided tests, each at 5 %,
    /// are equivalent to a 90 % interval within the accepted range.
    pub fn outcome(&self, levels: Levels) -> Outcome {
        let Ok(interval) = &self.interval else { return Outcome::Undecided };
        if interval.n_seeds < Self::MIN_SEEDS {
            return Outcome::Undecided;
        }
        let at = |level: f64| {
            let interval = interval.at_level(level);
            self.expected.judge(interval.low, interval.high)
        };
        match (at(levels.support), at(levels.refute)) {
            (Outcome::Pass, _) => Outcome::Pass,
            (_, Outcome::Fail) => Outcome::Fail,
            _ => Outcome::Undecided,
        }
    }
}

/// The largest number of seeds considered.
const MAX_SEEDS: usize = 10_000;

impl Statement {
    /// The smallest number of seeds that would decide the statement at these levels, if the
    /// estimate stays the same and the standard error falls as `1/√n`. `None` without an interval,
    /// and if ten thousand seeds would not be enough.
    pub fn seeds_needed(&self, levels: Levels) -> Option<usize> {
        let now = self.interval.as_ref().ok()?;
        let of = now.n_seeds.max(1);
        let decides = |n: usize| {
            let scale = (of as f64 / n as f64).sqrt();
            // Degrees of freedom grow with the number of seeds.
            let degrees = now.degrees_of_freedom * (n as f64 - 1.0) / (of as f64 - 1.0).max(1.0);
            let then = BootstrapInterval {
                std_error: now.std_error * scale,
                degrees_of_freedom: degrees.max(1.0),
                n_seeds: n,
                ..*now
            };
            let statement = Self { interval: Ok(then), ..self.clone() };
            statement.outcome(levels) != Outcome::Undecided
        };
        let (mut low, mut high) = (Self::MIN_SEEDS - 1, of.max(Self::MIN_SEEDS));
        while !decides(high) {
            (low, high) = (high, 2 * high);
            if high > MAX_SEEDS {
                return None;
            }
        }
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if decides(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }
}

/// The levels of the intervals by which the statements of one claim are judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Levels {
    /// A statement holds if its interval of this level lies inside the expected range.
    pub support: f64,
    /// A statement is refuted if its interval of this level lies outside the expected range.
    pub refute: f64,
}

impl Levels {
    /// The levels for a claim of `statements` statements that is judged `looks` times. The
    /// probability that the claim is wrongly accepted is at most `error`, and so is the
    /// probability that it is wrongly refuted.
    ///
    /// A claim holds if all its statements hold, so each statement may be tested at the full
    /// `error` (the intersection–union test). One statement is enough to refute a claim, so `error`
    /// is divided among the statements. It is also divided among the looks (Bonferroni).
    ///
    /// ```
    /// use regime_scaling::Levels;
    /// let once = Levels::of(0.05, 2, 1);
    /// assert!((once.support - 0.9).abs() < 1e-12 && (once.refute - 0.975).abs() < 1e-12);
    /// ```
    pub fn of(error: f64, statements: usize, looks: usize) -> Self {
        let of_look = error / looks.max(1) as f64;
        Self { support: 1.0 - 2.0 * of_look, refute: 1.0 - of_look / statements.max(1) as f64 }
    }
}

/// The outcome of a claim that consists of these statements, with an error probability of 5 %
/// each way. `looks` is the largest number of times that the claim is judged while seeds are added.
pub fn judge(statements: &[Statement], looks: usize) -> Outcome {
    let levels = Levels::of(0.05, statements.len(), looks);
    Outcome::of_all(statements.iter().map(|statement| statement.outcome(levels)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An interval from the ends of its 90 % interval.
    fn interval(low: f64, high: f64, n_seeds: usize) -> Result<BootstrapInterval, String> {
        Ok(BootstrapInterval {
            estimate: 0.5 * (low + high),
            low,
            high,
            level: 0.9,
            // The quantile of Student's t with 4 degrees of freedom.
            std_error: 0.5 * (high - low) / 2.131_846_786,
            degrees_of_freedom: 4.0,
            n_seeds,
            n_resamples: 1000,
            n_failed: 0,
        })
    }

    fn outcome(intervals: &[Result<BootstrapInterval, String>]) -> Outcome {
        let of = |i: &Result<_, _>| Statement::near("p", i.clone(), 1.0, 0.25);
        judge(&intervals.iter().map(of).collect::<Vec<_>>(), 1)
    }

    #[test]
    fn one_refuted_statement_refutes_the_claim() {
        let (within, outside) = (interval(0.9, 1.2, 5), interval(0.35, 0.45, 5));
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
    fn too_few_seeds_leave_a_claim_undecided() {
        assert_eq!(outcome(&[interval(0.35, 0.45, 2)]), Outcome::Undecided);
        assert_eq!(outcome(&[interval(0.35, 0.45, 3)]), Outcome::Fail);
    }

    #[test]
    fn each_form_has_its_range() {
        let above = interval(0.1, 0.2, 5);
        let once = |statement: Statement| judge(&[statement], 1);
        assert_eq!(once(Statement::at_least("gap", above.clone(), 0.0)), Outcome::Pass);
        assert_eq!(once(Statement::at_most("gap", above.clone(), 0.0)), Outcome::Fail);
        assert_eq!(once(Statement::between("gap", above.clone(), 0.0, 1.0)), Outcome::Pass);
        assert_eq!(once(Statement::between("gap", above, 0.15, 1.0)), Outcome::Undecided);
    }

    #[test]
    fn an_open_statement_needs_more_seeds() {
        let levels = Levels::of(0.05, 1, 1);
        let open = Statement::near("p", interval(0.9, 1.4, 5), 1.0, 0.25);
        assert_eq!(open.outcome(levels), Outcome::Undecided);
        let needed = open.seeds_needed(levels).unwrap();
        assert!((15..40).contains(&needed), "{needed}");
        let decided = Statement::near("p", interval(0.9, 1.2, 5), 1.0, 0.25);
        assert!(decided.seeds_needed(levels).unwrap() <= 5);
        // An estimate at the edge of the range is never decided.
        let never = Statement::near("p", interval(1.0, 1.5, 5), 1.0, 0.25);
        assert_eq!(never.seeds_needed(levels), None);
        assert_eq!(Statement::at_least("p", Err("none".into()), 0.0).seeds_needed(levels), None);
    }

    /// A 90 % interval inside the range is enough to hold. The interval that refutes gets longer
    /// with the number of statements and of looks.
    #[test]
    fn more_statements_and_looks_make_a_claim_harder_to_refute() {
        let outside = Statement::near("p", interval(1.3, 1.6, 5), 1.0, 0.25);
        let within = Statement::near("q", interval(0.8, 1.2, 5), 1.0, 0.25);
        assert_eq!(judge(std::slice::from_ref(&outside), 1), Outcome::Fail);
        let many: Vec<Statement> =
            std::iter::once(outside).chain(std::iter::repeat_n(within.clone(), 20)).collect();
        assert_eq!(judge(&many, 1), Outcome::Undecided);
        assert_eq!(judge(std::slice::from_ref(&within), 1), Outcome::Pass);
        assert_eq!(judge(&[within], 10), Outcome::Undecided);
    }
}
