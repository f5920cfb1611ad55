//! The truth of simulated records.

/// The truth of simulated records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// Everything is as the paper says.
    Holds,
    /// One part of the claim lies at the edge of what its margin accepts, the rest as the paper says.
    BarelyHolds,
    /// The same part lies just beyond that edge.
    BarelyFails,
    /// The same part is far off.
    ClearlyFails,
}

impl Truth {
    /// All truths.
    pub const ALL: [Self; 4] =
        [Self::Holds, Self::BarelyHolds, Self::BarelyFails, Self::ClearlyFails];

    /// A description of the truth.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "as the paper says",
            Self::BarelyHolds => "barely within a margin",
            Self::BarelyFails => "barely beyond a margin",
            Self::ClearlyFails => "clearly beyond a margin",
        }
    }

    /// Whether the claim holds.
    pub fn holds(self) -> bool {
        matches!(self, Self::Holds | Self::BarelyHolds)
    }

    /// The value at 0, 0.98, 1.02 or 2 times the distance from `right` to `edge`, in the order of
    /// [`Self::ALL`].
    pub(crate) fn value(self, right: f64, edge: f64) -> f64 {
        let beyond = |part: f64| right + part * (edge - right);
        match self {
            Self::Holds => right,
            Self::BarelyHolds => beyond(0.98),
            Self::BarelyFails => beyond(1.02),
            Self::ClearlyFails => beyond(2.0),
        }
    }
}
