//! What is true in simulated records.

/// What is true in simulated records.
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
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Holds, Self::BarelyHolds, Self::BarelyFails, Self::ClearlyFails];

    /// In words.
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

    /// A value that is right, or lies within or beyond an edge by this part of the distance between the
    /// two, or at twice that distance.
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
