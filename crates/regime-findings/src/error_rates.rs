//! How often the rules err, on simulated studies.

use rayon::prelude::*;
use regime_scaling::Outcome;
use serde::Serialize;

use crate::{
    finding::{Finding, Profile, Settings},
    judgement::verdict,
    simulate::Truth,
};

/// Verdicts of a finding on many simulated studies of one truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Studies.
    pub studies: u64,
    /// Those in which the claim was reproduced.
    pub reproduced: u64,
    /// Those in which it was not reproduced; the others are undecided.
    pub not_reproduced: u64,
}

impl Rates {
    /// The part of the studies whose verdict is wrong: reproduced where the claim does not hold, or
    /// not reproduced where it does.
    pub fn wrong(&self, truth: Truth) -> f64 {
        let wrong = if truth.holds() { self.not_reproduced } else { self.reproduced };
        wrong as f64 / self.studies as f64
    }

    /// The part of the studies that were decided rightly.
    pub fn right(&self, truth: Truth) -> f64 {
        let right = if truth.holds() { self.reproduced } else { self.not_reproduced };
        right as f64 / self.studies as f64
    }
}

/// Judges a finding on so many simulated studies of its default grid. The same `seed` gives the
/// same rates.
pub fn error_rates(finding: &dyn Finding, truth: Truth, studies: u64, seed: u64) -> Rates {
    let specs = finding.grid(&Settings::of(Profile::Laptop));
    let of_study = |study: u64| {
        let runs = finding.simulated(&specs, truth, seed.wrapping_mul(1_000_003) + study);
        verdict(finding, &runs, Profile::Laptop, 1).outcome
    };
    let outcomes: Vec<Outcome> = (0..studies).into_par_iter().map(of_study).collect();
    let count = |of: Outcome| outcomes.iter().filter(|&&outcome| outcome == of).count() as u64;
    Rates { studies, reproduced: count(Outcome::Pass), not_reproduced: count(Outcome::Fail) }
}
