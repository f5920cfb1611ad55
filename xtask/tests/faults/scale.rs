//! How often each fault is tried.

/// The reduced form for every commit, or the whole form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Few tries.
    Reduced,
    /// All tries: `REGIME_FAULTS=whole`.
    Whole,
}

impl Scale {
    /// The form that the user chose.
    pub(crate) fn chosen() -> Self {
        match std::env::var("REGIME_FAULTS").as_deref() {
            Ok("whole") => Self::Whole,
            Err(_) => Self::Reduced,
            Ok(other) => panic!("REGIME_FAULTS={other}: the only choice is whole"),
        }
    }

    /// The number of tries in the two forms.
    pub(crate) fn times(self, reduced: usize, whole: usize) -> usize {
        match self {
            Self::Reduced => reduced,
            Self::Whole => whole,
        }
    }
}
