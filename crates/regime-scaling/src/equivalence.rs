//! The position of an interval relative to a range of agreement.

use serde::{Deserialize, Serialize};

/// A range `target ± margin` that counts as agreement with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// The claimed value.
    pub target: f64,
    /// The largest deviation that counts as agreement; not negative.
    pub margin: f64,
}

/// The position of an interval relative to a range of agreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// Entirely inside: the claim holds to within the margin.
    Within,
    /// Entirely outside: the claim is contradicted.
    Outside,
    /// Partly inside: the measurement does not decide.
    Straddles,
}

impl Equivalence {
    /// Places the closed interval `[low, high]`.
    ///
    /// An invalid interval (NaN, `low > high`) or range (a negative margin) gives
    /// [`Placement::Straddles`].
    ///
    /// ```
    /// use regime_scaling::{Equivalence, Placement};
    /// let half = Equivalence { target: -0.5, margin: 0.1 };
    /// assert_eq!(half.place(-0.54, -0.45), Placement::Within);
    /// assert_eq!(half.place(-0.54, -0.35), Placement::Straddles);
    /// assert_eq!(half.place(-0.12, 0.03), Placement::Outside);
    /// ```
    ///
    /// # Reference
    /// Equivalence testing by confidence intervals: Schuirmann, J. Pharmacokinet.
    /// Biopharm. 15 (1987) 657.
    pub fn place(&self, low: f64, high: f64) -> Placement {
        Placement::of([low, high], [self.target - self.margin, self.target + self.margin])
    }
}

impl Placement {
    /// Places a closed interval relative to a closed range.
    pub(crate) fn of([low, high]: [f64; 2], [bottom, top]: [f64; 2]) -> Self {
        if !(low <= high && bottom <= top) {
            Self::Straddles
        } else if bottom <= low && high <= top {
            Self::Within
        } else if high < bottom || top < low {
            Self::Outside
        } else {
            Self::Straddles
        }
    }
}
