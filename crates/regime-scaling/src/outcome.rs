//! Whether a claim holds.

use serde::{Deserialize, Serialize};

/// Whether a claim holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole interval agrees with the claim.
    Pass,
    /// The whole interval contradicts the claim.
    Fail,
    /// Neither: more seeds or a larger range of widths are needed to decide.
    Undecided,
}

impl Outcome {
    /// The outcome of a claim that consists of several claims: fail if any fails;
    /// otherwise undecided if any is undecided or if there are none; otherwise pass.
    ///
    /// ```
    /// use regime_scaling::Outcome;
    /// assert_eq!(Outcome::of_all([Outcome::Pass, Outcome::Pass]), Outcome::Pass);
    /// assert_eq!(Outcome::of_all([Outcome::Pass, Outcome::Undecided]), Outcome::Undecided);
    /// assert_eq!(Outcome::of_all([Outcome::Fail, Outcome::Undecided]), Outcome::Fail);
    /// assert_eq!(Outcome::of_all([]), Outcome::Undecided);
    /// ```
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let worse = |a, b| match (a, b) {
            (Self::Fail, _) | (_, Self::Fail) => Self::Fail,
            (Self::Undecided, _) | (_, Self::Undecided) => Self::Undecided,
            (Self::Pass, Self::Pass) => Self::Pass,
        };
        outcomes.into_iter().reduce(worse).unwrap_or(Self::Undecided)
    }

    /// The outcome as one word in capitals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Undecided => "UNDECIDED",
        }
    }
}
