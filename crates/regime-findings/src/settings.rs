//! The user's choices for a grid.

use regime_models::Precision;
use regime_study::{BackendName, DeviceName};

/// The user's choices for a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much to compute.
    pub profile: Profile,
    /// Element type of all tensors.
    pub precision: Precision,
    /// The tensor backend.
    pub backend: BackendName,
    /// The device of the backend.
    pub device: DeviceName,
    /// Number of training sets, each with its own initial weights; `None` for the profile's number.
    pub seeds: Option<u64>,
    /// Factor for the profile's number of training sets, where `seeds` is `None`; at least 1.
    pub rounds: u64,
    /// The first seed of initial weights; the others follow.
    pub seed_offset: u64,
    /// The seed of the order of the data, which decides training and test sets.
    pub data_seed: u64,
    /// The integrator's tolerance; `None` for the profile's tolerance.
    pub tolerance: Option<f64>,
}

impl Settings {
    /// The defaults of a profile, in float64 on the default backend.
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            precision: Precision::default(),
            backend: BackendName::default(),
            device: DeviceName::default(),
            seeds: None,
            rounds: 1,
            seed_offset: 0,
            data_seed: 0,
            tolerance: None,
        }
    }

    /// Number of training sets, where the profile has `usual`.
    pub(crate) fn sets(&self, usual: u64) -> u64 {
        self.seeds.unwrap_or(self.rounds * usual)
    }
}

/// How much to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A minute: a check that everything works, too small for a verdict.
    Smoke,
    /// Minutes on a laptop: a verdict.
    Laptop,
    /// The sizes and the choices of the paper.
    Paper,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Smoke, Self::Laptop, Self::Paper];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Laptop => "laptop",
            Self::Paper => "paper",
        }
    }
}
