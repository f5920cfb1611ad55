//! A finding: a claim, a grid of runs, and a rule.

use regime_scaling::Statement;
use regime_study::{Run, RunRecord, RunSpec};

use crate::settings::Settings;

/// One claim of the paper and how it is judged.
pub trait Finding: Sync {
    /// The name on the command line, such as `finding-1`.
    fn name(&self) -> &'static str;

    /// The subject, in a few words.
    fn title(&self) -> &'static str;

    /// The claim, as the authors state it.
    fn claim(&self) -> &'static str;

    /// Where the paper makes the claim.
    fn place_in_paper(&self) -> &'static str;

    /// How the verdict follows from the numbers, in plain words. Blank lines separate paragraphs.
    fn rule(&self) -> &'static str;

    /// The runs to make, in the order in which they are reported.
    fn grid(&self, settings: &Settings) -> Vec<RunSpec>;

    /// Whether the analysis can use a record: the run reached the end that its spec requests, and
    /// the record has all data that the rule uses.
    fn usable(&self, record: &RunRecord) -> bool {
        record.reached_requested_end() && record.kernel_change().is_some_and(|change| change > 0.0)
    }

    /// The cell of the grid to which a run belongs, in words. The runs of a cell differ only in
    /// training set and initial weights. `None` for runs that the rule does not use.
    fn cell(&self, spec: &RunSpec) -> Option<String>;

    /// One statement for each part of the claim, from the runs.
    fn statements(&self, runs: &[Run]) -> Vec<Statement>;
}

/// The paper that makes the claims.
pub const SOURCE: &str = "Geiger, Spigler, Jacot, Wyart, “Disentangling feature and lazy learning in deep \
    neural networks: an empirical study”, arXiv 1906.08034 v1 (2019)";
