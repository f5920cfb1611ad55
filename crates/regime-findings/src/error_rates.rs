//! How often the rules err, on simulated studies.

use rayon::prelude::*;
use regime_scaling::Outcome;
use regime_study::Run;
use serde::Serialize;

use crate::{
    finding::Finding,
    judgement::verdict,
    replica::{SetKey, distinct, training_set},
    settings::{Profile, Settings},
    simulate::{Truth, simulated},
};

/// Verdicts of a finding on many simulated studies of one truth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rates {
    /// Number of studies.
    pub studies: u64,
    /// Number of studies in which the claim was reproduced.
    pub reproduced: u64,
    /// Number of studies in which it was not reproduced; the others are undecided.
    pub not_reproduced: u64,
}

impl Rates {
    /// The fraction of the studies whose verdict is wrong: reproduced where the claim does not
    /// hold, or not reproduced where it does.
    pub fn wrong(&self, truth: Truth) -> f64 {
        let wrong = if truth.holds() { self.not_reproduced } else { self.reproduced };
        wrong as f64 / self.studies as f64
    }

    /// The fraction of the studies whose verdict is right.
    pub fn right(&self, truth: Truth) -> f64 {
        let right = if truth.holds() { self.reproduced } else { self.not_reproduced };
        right as f64 / self.studies as f64
    }
}

/// Judges a finding on `studies` simulated studies of its default grid. The same `seed` gives the
/// same rates.
pub fn error_rates(finding: &dyn Finding, truth: Truth, studies: u64, seed: u64) -> Rates {
    rates(studies, |study| {
        let settings = Settings::of(Profile::Laptop);
        let runs = simulated(finding, &finding.grid(&settings), truth, of_study(seed, study));
        verdict(finding, &runs, Profile::Laptop, 1).outcome
    })
}

/// As [`error_rates`], but adds training sets until the verdict is decided, as `--until-decided`
/// does: 1, 2, … up to `looks` times the number of the profile.
pub fn error_rates_until_decided(
    finding: &dyn Finding,
    truth: Truth,
    looks: usize,
    studies: u64,
    seed: u64,
) -> Rates {
    rates(studies, |study| {
        let settings = Settings { rounds: looks as u64, ..Settings::of(Profile::Laptop) };
        let all = simulated(finding, &finding.grid(&settings), truth, of_study(seed, study));
        for look in 1..=looks {
            let settings = Settings { rounds: look as u64, ..settings };
            let specs = finding.grid(&settings);
            let sets: Vec<SetKey> = distinct(&specs, training_set);
            let runs: Vec<Run> =
                all.iter().filter(|run| sets.contains(&training_set(&run.spec))).cloned().collect();
            let outcome = verdict(finding, &runs, Profile::Laptop, looks).outcome;
            if outcome != Outcome::Undecided {
                return outcome;
            }
        }
        Outcome::Undecided
    })
}

fn of_study(seed: u64, study: u64) -> u64 {
    seed.wrapping_mul(1_000_003).wrapping_add(study)
}

fn rates(studies: u64, judged: impl Fn(u64) -> Outcome + Sync) -> Rates {
    let outcomes: Vec<Outcome> = (0..studies).into_par_iter().map(&judged).collect();
    let count = |of: Outcome| outcomes.iter().filter(|&&outcome| outcome == of).count() as u64;
    Rates { studies, reproduced: count(Outcome::Pass), not_reproduced: count(Outcome::Fail) }
}
