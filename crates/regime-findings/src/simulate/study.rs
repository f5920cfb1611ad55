//! The records of a whole study.

use regime_study::{Run, RunSpec};

use super::{
    border::Border, depth::Depth, fluctuations::Fluctuations, gap::Gap, passage::Passage,
    truth::Truth,
};
use crate::finding::Finding;

/// The records that runs of these specs would give under this truth: known exponents, with noise
/// like that of real runs.
pub fn simulated(finding: &dyn Finding, specs: &[RunSpec], truth: Truth, seed: u64) -> Vec<Run> {
    match finding.name() {
        "finding-1" => Border::of(truth).simulated(specs, seed),
        "finding-2" => Gap::of(truth).simulated(specs, seed),
        "finding-3" => Fluctuations::of(truth).simulated(specs, seed),
        "finding-4" => Passage::of(truth).simulated(specs, seed),
        _ => Depth::of(truth).simulated(specs, seed),
    }
}
