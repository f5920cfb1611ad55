//! The expected range of a quantity.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::equivalence::{Equivalence, Placement};
use crate::outcome::Outcome;

/// The expected range of a quantity, such as an exponent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// A target value, up to a margin.
    Near(Equivalence),
    /// Within a closed range.
    Between {
        /// The lower end.
        least: f64,
        /// The upper end.
        most: f64,
    },
    /// Not less than a bound.
    AtLeast(f64),
    /// Not more than a bound.
    AtMost(f64),
}

impl Expected {
    /// Judges a closed interval `[low, high]` of the quantity.
    ///
    /// An invalid interval (NaN, `low > high`) or range (a negative margin,
    /// `least > most`) gives [`Outcome::Undecided`].
    ///
    /// ```
    /// use regime_scaling::{Equivalence, Expected, Outcome};
    /// let flat = Expected::Near(Equivalence { target: 0.0, margin: 0.1 });
    /// assert_eq!(flat.judge(-0.05, 0.02), Outcome::Pass);
    /// assert_eq!(flat.judge(-0.05, 0.2), Outcome::Undecided);
    /// assert_eq!(Expected::AtMost(0.1).judge(-2.0, 0.0), Outcome::Pass);
    /// assert_eq!(Expected::AtMost(0.1).judge(0.9, 1.1), Outcome::Fail);
    /// assert_eq!(Expected::AtLeast(0.0).judge(0.01, 0.02), Outcome::Pass);
    /// ```
    pub fn judge(self, low: f64, high: f64) -> Outcome {
        let placement = match self {
            Self::Near(range) => range.place(low, high),
            Self::Between { least, most } => Placement::of([low, high], [least, most]),
            Self::AtLeast(bound) => Placement::of([low, high], [bound, f64::INFINITY]),
            Self::AtMost(bound) => Placement::of([low, high], [f64::NEG_INFINITY, bound]),
        };
        match placement {
            Placement::Within => Outcome::Pass,
            Placement::Outside => Outcome::Fail,
            Placement::Straddles => Outcome::Undecided,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Near(Equivalence { target, margin }) => write!(f, "{target:+.2} ± {margin:.2}"),
            Self::Between { least, most } => write!(f, "{least:+.2} to {most:+.2}"),
            Self::AtLeast(bound) => write!(f, "at least {bound:+.2}"),
            Self::AtMost(bound) => write!(f, "at most {bound:+.2}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: Expected = Expected::Near(Equivalence { target: 1.0, margin: 0.25 });
    const BETWEEN: Expected = Expected::Between { least: 0.75, most: 1.25 };

    #[test]
    fn near_and_between_are_the_same_range() {
        for (low, high, outcome) in [
            (0.75, 1.25, Outcome::Pass),
            (0.9, 1.2, Outcome::Pass),
            (0.6, 0.9, Outcome::Undecided),
            (0.0, 2.0, Outcome::Undecided),
            (0.3, 0.6, Outcome::Fail),
            (1.3, 1.6, Outcome::Fail),
        ] {
            assert_eq!(NEAR.judge(low, high), outcome, "[{low}, {high}]");
            assert_eq!(BETWEEN.judge(low, high), outcome, "[{low}, {high}]");
        }
    }

    #[test]
    fn bounds_have_one_end() {
        for (low, high, least, most) in [
            (0.1, 0.2, Outcome::Pass, Outcome::Fail),
            (-0.2, -0.1, Outcome::Fail, Outcome::Pass),
            (-0.1, 0.1, Outcome::Undecided, Outcome::Undecided),
            (0.1, f64::INFINITY, Outcome::Pass, Outcome::Fail),
        ] {
            assert_eq!(Expected::AtLeast(0.0).judge(low, high), least, "[{low}, {high}]");
            assert_eq!(Expected::AtMost(0.0).judge(low, high), most, "[{low}, {high}]");
        }
    }

    #[test]
    fn invalid_intervals_and_ranges_are_undecided() {
        for expected in [NEAR, BETWEEN, Expected::AtLeast(0.0), Expected::AtMost(0.0)] {
            for (low, high) in [(f64::NAN, 1.0), (1.0, f64::NAN), (2.0, 1.0)] {
                assert_eq!(expected.judge(low, high), Outcome::Undecided, "{expected}");
            }
        }
        let reversed = Expected::Between { least: 1.0, most: 0.0 };
        assert_eq!(reversed.judge(2.0, 3.0), Outcome::Undecided);
    }

    #[test]
    fn written_with_signs() {
        assert_eq!(NEAR.to_string(), "+1.00 ± 0.25");
        assert_eq!(BETWEEN.to_string(), "+0.75 to +1.25");
        assert_eq!(Expected::AtLeast(0.0).to_string(), "at least +0.00");
        assert_eq!(Expected::AtMost(-0.5).to_string(), "at most -0.50");
    }
}
