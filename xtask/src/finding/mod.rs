//! The findings of the paper, one file each.
//!
//! A finding is always of the same shape: a claim (with its source), a grid of
//! runs per profile, an analysis of their records, a verdict by a written rule.
//! To add one, add its file and one line to [`FINDINGS`].

mod answer;
mod curves;
mod finding_1;
mod finding_2;
mod finding_3;
mod finding_4;
mod finding_5;
mod gram;
mod grids;
mod kernel_path;
mod phase_diagram;
mod statement;

use anyhow::bail;
use regime_models::Precision;

use crate::{
    figure::Figure,
    report::{KeyFigure, Table, Verdict},
    study::{BackendName, DeviceName, RunRecord, RunSpec},
};

/// The kernel change that counts as the border between the regimes.
pub(crate) const KERNEL_CHANGE_AT_BORDER: f64 = 1.0;

/// All findings, in their order.
pub(crate) static FINDINGS: &[&dyn Finding] = &[
    &finding_1::Finding1,
    &finding_2::Finding2,
    &finding_3::Finding3,
    &finding_4::Finding4,
    &finding_5::Finding5,
];

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
    fn one_seed(profile: Profile) -> Self {
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

/// A run that was asked for and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// What was asked for.
    pub(crate) spec: RunSpec,
    /// What remains, or why there is nothing.
    pub(crate) record: Result<RunRecord, NoRecord>,
}

/// Why there is no record of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRecord {
    /// It was tried.
    #[error("{0}")]
    Failed(String),
    /// There is none in the store: it was not made, or an attempt left nothing.
    #[error("no record in the store")]
    Missing,
}

impl NoRecord {
    /// In a word.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Missing => "missing",
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

/// The findings a name stands for: one, or all.
///
/// # Errors
/// One line that lists what exists.
pub(crate) fn find(name: &str) -> anyhow::Result<Vec<&'static dyn Finding>> {
    if name == "all" {
        return Ok(FINDINGS.to_vec());
    }
    match FINDINGS.iter().find(|finding| finding.name() == name) {
        Some(finding) => Ok(vec![*finding]),
        None => {
            let known: Vec<&str> = FINDINGS.iter().map(|finding| finding.name()).collect();
            bail!("there is no finding '{name}': choose {} or all", known.join(", "))
        }
    }
}
