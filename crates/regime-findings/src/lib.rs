//! The five findings of the paper: what is claimed, which runs are made, and how the verdict follows.
//!
//! One file a finding, from [`finding_1`] to [`finding_5`]: the claim, the grid of runs, the rule in
//! words, the numbers of the analysis, and the statements that the rule makes of them. What they
//! share stands beside them. [`verdict`] judges a finding by its rule; [`simulate`] makes records whose
//! truth is known, and [`error_rates`] says how often the rules err on them. [`protocol`] measures what the
//! choices of the paper that these runs do without would change.
//!
//! It makes no runs and draws no figures: runs are made by `regime-study` from the specs of a
//! grid, and reports are written by `xtask`.
//!
//! # What an interval covers
//! Initial weights, training sets and test points. Every training set is learnt by networks with
//! weights of their own. The training sets of one order of the data, up to eight, have no point in common,
//! and all their networks are judged on the same test points. Training sets are resampled as wholes,
//! with all their networks, and test points beside them ([`regime_scaling::bootstrap_crossed`]).
//! Further training sets come from other orders of the same data, with other test points; what test points
//! then add to the spread is part of the spread over training sets, and is counted once.
//!
//! # Example
//! The verdict on simulated records in which the claim holds:
//! ```
//! use regime_findings::{FINDINGS, Profile, Settings, simulate::{Truth, simulated}, verdict};
//! use regime_scaling::Outcome;
//!
//! let finding = FINDINGS[3];
//! let specs = finding.grid(&Settings::of(Profile::Laptop));
//! let runs = simulated(finding, &specs, Truth::Holds, 1);
//! let judgement = verdict(finding, &runs, Profile::Laptop, 1);
//! assert_eq!(judgement.outcome, Outcome::Pass);
//! ```

mod blocks;
mod completeness;
pub mod error_rates;
mod finding;
pub mod finding_1;
pub mod finding_2;
pub mod finding_3;
pub mod finding_4;
pub mod finding_5;
mod judgement;
mod places;
pub mod protocol;
mod regime_grid;
mod registry;
mod replica;
mod settings;
mod setup;
pub mod simulate;

pub use completeness::{Incomplete, LEAST_COMPLETE};
pub use finding::{Finding, SOURCE};
pub use judgement::{Judgement, Undecided, verdict};
pub use registry::FINDINGS;
pub use replica::{SetKey, training_set};
pub use settings::{Profile, Settings};
pub use setup::{PROTOCOL, SOFTPLUS, product, training_sets};
