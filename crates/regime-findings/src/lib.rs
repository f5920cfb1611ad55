//! The five findings of the paper: what is claimed, which runs are made, and how the verdict follows.
//!
//! Each finding has one file, from [`finding_1`] to [`finding_5`]: the claim, the grid of runs, the
//! rule in words, the numbers of the analysis, and the statements that the rule derives from them.
//! [`verdict`] judges a finding by its rule. [`simulate`] makes records whose truth is known, and
//! [`error_rates`] reports how often the rules err on them. [`protocol`] measures the effect of
//! those choices of the paper that these runs do not follow.
//!
//! The crate makes no runs and draws no figures: `regime-study` makes the runs from the specs of a
//! grid, and `xtask` writes the reports.
//!
//! # What an interval covers
//! An interval covers initial weights, training sets and test points. Each training set has its own
//! networks, with their own initial weights. The training sets of one order of the data, up to
//! eight, are disjoint, and all their networks are judged on the same test points. Training sets
//! are resampled as a whole, with all their networks; test points are resampled as well
//! ([`regime_scaling::bootstrap_crossed`]). Further training sets come from other orders of the
//! same data, with other test points. The spread that those test points add is part of the spread
//! over training sets, and is counted once.
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
//! println!("{}", finding.claim());
//! for statement in &judgement.statements {
//!     match &statement.interval {
//!         Ok(interval) => println!("{}: {interval}", statement.quantity),
//!         Err(reason) => println!("{}: {reason}", statement.quantity),
//!     }
//! }
//! println!("{:?}", judgement.outcome);
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

pub use completeness::{Incomplete, MIN_COMPLETE};
pub use finding::{Finding, SOURCE};
pub use judgement::{Judgement, Undecided, verdict};
pub use registry::FINDINGS;
pub use replica::{SetKey, training_set};
pub use settings::{Profile, Settings};
pub use setup::{PROTOCOL, SOFTPLUS, product, training_sets};
