//! What a finding is: a claim, a grid of runs, and a rule.

use regime_models::Precision;
use regime_scaling::Statement;
use regime_study::{BackendName, DeviceName, Run, RunRecord, RunSpec};

use crate::{setup::Setup, simulate::Truth};

/// One claim of the paper and how it is judged.
pub trait Finding: Sync {
    /// The name on the command line, such as `finding-1`.
    fn name(&self) -> &'static str;

    /// What is examined, in a few words.
    fn title(&self) -> &'static str;

    /// The claim as its authors make it.
    fn claim(&self) -> &'static str;

    /// Where the paper says and shows it.
    fn place_in_paper(&self) -> &'static str;

    /// How the verdict follows from the numbers, in plain words. Blank lines separate paragraphs.
    fn rule(&self) -> &'static str;

    /// The runs to make, in the order in which they are reported.
    fn grid(&self, settings: &Settings) -> Vec<RunSpec>;

    /// Whether the analysis can use a record: it came to the end that its spec asks for, and holds all
    /// that the rule looks at.
    fn usable(&self, record: &RunRecord) -> bool {
        record.came_to_its_end() && record.kernel_change().is_some_and(|change| change > 0.0)
    }

    /// The cell of the grid to which a run belongs, in words: runs that differ in nothing but
    /// training set and initial weights. `None` for runs that are no part of the rule.
    fn cell(&self, spec: &RunSpec) -> Option<String>;

    /// What the runs say of every part of the claim.
    fn statements(&self, runs: &[Run]) -> Vec<Statement>;

    /// Records as runs of these specs would leave them if this were the truth: known exponents, with
    /// noise like that of real runs.
    fn simulated(&self, specs: &[RunSpec], truth: Truth, seed: u64) -> Vec<Run>;
}

/// Who claims it, and where.
pub const SOURCE: &str = "Geiger, Spigler, Jacot, Wyart, “Disentangling feature and lazy learning in deep \
    neural networks: an empirical study”, arXiv 1906.08034 v1 (2019)";

/// What the user may choose about a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How much to compute.
    pub profile: Profile,
    /// Element type of all tensors.
    pub precision: Precision,
    /// Where tensors live.
    pub backend: BackendName,
    /// On which device.
    pub device: DeviceName,
    /// Number of training sets, each with its own initial weights, instead of the profile's own.
    pub seeds: Option<u64>,
    /// How many times the profile's own number of training sets, where `seeds` is `None`; at least 1.
    pub rounds: u64,
    /// The first seed of initial weights; the others follow.
    pub seed_offset: u64,
    /// The seed of the order of the data, which decides training and test sets.
    pub data_seed: u64,
    /// The integrator's tolerance instead of the profile's own.
    pub tolerance: Option<f64>,
}

impl Settings {
    /// A profile as it is, in float64 on the default backend.
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

    /// Number of training sets where this is the usual one.
    pub(crate) fn sets(&self, usual: u64) -> u64 {
        self.seeds.unwrap_or(self.rounds * usual)
    }

    /// Number of training sets in setup (A): the user's, or the profile's own.
    pub fn training_sets(&self) -> u64 {
        self.sets(Setup::of(self.profile).sets)
    }
}

/// How much to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// A minute: shows that everything works; too small to decide anything.
    Smoke,
    /// Minutes on a laptop: a verdict.
    Laptop,
    /// The sizes and the choices of the paper.
    Paper,
}

impl Profile {
    /// All of them.
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
