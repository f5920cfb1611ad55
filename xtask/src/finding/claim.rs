//! What a finding is: a claim, its grid, its rule, and what its runs say.

use regime_models::Precision;
use regime_plot::Figure;
use regime_study::{BackendName, DeviceName, Run, RunSpec};

use crate::report::{KeyFigure, Table, Verdict};

/// One claim of the paper and how it is measured.
pub(crate) trait Finding: Sync {
    /// The name on the command line, such as `finding-1`.
    fn name(&self) -> &'static str;

    /// What is examined, in a few words.
    fn title(&self) -> &'static str;

    /// The claim as its authors make it.
    fn claim(&self) -> &'static str;

    /// Who claims it, and where.
    fn source(&self) -> &'static str {
        "Geiger, Spigler, Jacot, Wyart, “Disentangling feature and lazy learning in deep neural \
         networks: an empirical study”, arXiv 1906.08034 v1 (2019)"
    }

    /// How the verdict follows from the numbers.
    fn rule(&self) -> &'static str;

    /// The runs to make, in the order in which they are reported.
    fn grid(&self, settings: &Settings) -> Vec<RunSpec>;

    /// What the runs say. Never fails: what cannot be determined is said so.
    fn study(&self, runs: &[Run]) -> Study;
}

/// What the user may choose about a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// How much to compute.
    pub(crate) profile: Profile,
    /// Element type of all tensors.
    pub(crate) precision: Precision,
    /// Where tensors live.
    pub(crate) backend: BackendName,
    /// On which device.
    pub(crate) device: DeviceName,
    /// Number of seeds instead of the profile's own.
    pub(crate) seeds: Option<u64>,
    /// The integrator's tolerance instead of the profile's own.
    pub(crate) tolerance: Option<f64>,
}

#[cfg(test)]
impl Settings {
    /// A profile's grid with one seed.
    pub(super) fn one_seed(profile: Profile) -> Self {
        Self {
            profile,
            precision: Precision::default(),
            backend: BackendName::default(),
            device: DeviceName::default(),
            seeds: Some(1),
            tolerance: None,
        }
    }
}

/// How much to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// A minute: that everything works.
    Smoke,
    /// Minutes on a laptop: a verdict.
    Laptop,
    /// The sizes, grids and seeds of the paper.
    Paper,
}

impl Profile {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Smoke, Self::Laptop, Self::Paper];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Laptop => "laptop",
            Self::Paper => "paper",
        }
    }
}

/// What the runs say about a claim.
#[derive(Debug, Clone)]
pub(crate) struct Study {
    /// By the rule.
    pub(crate) verdict: Verdict,
    /// Every number of the analysis, for `outcome.json`.
    pub(crate) outcome: serde_json::Value,
    /// The numbers that matter most.
    pub(crate) key_figures: Vec<KeyFigure>,
    /// In the order of the report.
    pub(crate) figures: Vec<Figure>,
    /// In the order of the report.
    pub(crate) tables: Vec<Table>,
    /// What a reader has to know besides.
    pub(crate) notes: Vec<String>,
}
