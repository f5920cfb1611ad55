//! Power laws, crossovers and collapses, with uncertainty.
//!
//! This crate does the last step of a numerical experiment: from numbers measured at
//! several sizes and with several seeds, it computes an exponent, its interval, and a
//! verdict on a claim. Seeds are independent, points are not: every interval here comes
//! from resampling the seeds.
//!
//! The crate is *not* a general statistics library and does not depend on networks. It
//! uses no file, no clock and no global random generator: equal input and an equal
//! random seed give equal intervals.
//!
//! # Where to start
//! - An exponent: [`fit_power_law`] for points, [`exponent_interval`] for seeds.
//!   Whether the exponent is constant: [`local_exponents`], [`exponent_drift`].
//! - Exponents in two quantities: [`slopes_interval`].
//! - A crossover: [`crossing`], of values that [`rescale`] maps between plateaus.
//! - The collapse of several curves onto one: [`collapse`], [`collapse_interval`].
//! - The comparison of two samples: [`difference_of_means`], [`ratio_of_means`].
//! - Another statistic of seeds: [`bootstrap`] with a closure, or [`bootstrap_crossed`] over
//!   networks and test points. Their documentation gives the measured coverage of the intervals.
//! - A verdict: [`Equivalence`], [`Expected`]; on a claim of several [`Statement`]s: [`judge`];
//!   on many exponents: [`check_exponents`].
//!
//! # Example
//! The crossover `α*` of a curve `g(√h·α)` scales as `h^{−1/2}`:
//! ```
//! use regime_scaling::{
//!     BootstrapConfig, CrossingPolicy, Equivalence, Pairing, Placement, Scales, crossing,
//!     exponent_interval, log_spaced,
//! };
//!
//! let mut seeds = Vec::new();
//! for noise in [0.02, -0.03, 0.05, 0.01, -0.04] {
//!     let mut crossings = Vec::new();
//!     for h in [100.0, 200.0, 400.0, 800.0_f64] {
//!         let scale = h.sqrt() * (1.0 + noise * h.ln());
//!         let curve: Vec<(f64, f64)> = log_spaced(1e-3, 1e2, 16)?
//!             .into_iter()
//!             .map(|alpha| (alpha, 1.0 / (1.0 + scale * alpha)))
//!             .collect();
//!         let found = crossing(&curve, 0.5, Scales::LOG_X, CrossingPolicy::default())?;
//!         crossings.push((h, found.x));
//!     }
//!     seeds.push(crossings);
//! }
//! let exponent = exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default())?;
//! println!("exponent of the crossover: {exponent}");
//! let claim = Equivalence { target: -0.5, margin: 0.1 };
//! assert_eq!(claim.place(exponent.low, exponent.high), Placement::Within);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bootstrap;
mod check;
mod claim;
mod collapse;
mod compare;
mod crossed;
mod crossing;
mod display;
mod equivalence;
mod expected;
mod exponent;
mod grid;
mod informative;
mod isotonic;
mod line;
mod minimise;
mod number;
mod outcome;
mod plane;
mod power_law;
mod rescale;
mod samples;
mod scale;
mod student_t;
mod summary;

pub use bootstrap::{
    BootstrapConfig, BootstrapError, BootstrapInterval, MAX_FAILED_FRACTION, Pairing, bootstrap,
    bootstrap_groups,
};
pub use check::{
    CheckedExponent, ExponentCheck, ExponentClaim, NoInterval, Sample, check_exponents,
};
pub use claim::{Levels, Statement, judge};
pub use collapse::{
    Collapse, CollapseConfig, CollapseError, Curve, collapse, collapse_interval, collapse_quality,
};
pub use compare::{CompareError, difference_of_means, ratio_of_means};
pub use crossed::bootstrap_crossed;
pub use crossing::{Crossing, CrossingError, CrossingPolicy, Direction, crossing};
pub use equivalence::{Equivalence, Placement};
pub use expected::Expected;
pub use exponent::{ExponentError, exponent_interval};
pub use grid::{GridError, decade_grid, log_spaced};
pub use line::{FitError, Line, fit_line, fit_line_weighted};
pub use outcome::Outcome;
pub use plane::slopes_interval;
pub use power_law::{
    Drift, LocalExponent, PowerLaw, exponent_drift, fit_power_law, fit_power_law_weighted,
    local_exponents,
};
pub use rescale::{PlateauError, rescale};
pub use scale::{Axis, Scale, Scales};
pub use summary::{Mean, mean, mean_interval, median, sample_variance};
