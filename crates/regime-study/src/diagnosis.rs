//! The diagnosis of a setting: is it lazy or does it learn features, and where is the border.
//!
//! The setting of a spec is trained at its own α and at α one and two decades to either side.
//! The border α* is the α at which the kernel change at the end falls below
//! [`KERNEL_CHANGE_AT_BORDER`].

use regime_scaling::{CrossingPolicy, Scales, crossing};
use serde::Serialize;

use crate::{outcome::Run, spec::RunSpec};

/// The kernel change `‖Θ − Θ₀‖/‖Θ₀‖` that counts as the border between the regimes.
pub const KERNEL_CHANGE_AT_BORDER: f64 = 1.0;

/// Factors by which α is varied.
const FACTORS: [f64; 5] = [1e-2, 1e-1, 1.0, 1e1, 1e2];

/// Number of kernel points if the spec has none. A diagnosis needs kernel points.
const KERNEL_POINTS: usize = 100;

/// On which side of the border a setting lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regime {
    /// The kernel changes by less than at the border.
    Lazy,
    /// The kernel changes by more than at the border.
    FeatureLearning,
    /// The kernel change at this α is not known.
    Undecided,
}

/// The diagnosis of a setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The side of the border.
    pub regime: Regime,
    /// Whether the kernel change is within a factor of three of its value at the border.
    pub near_the_border: bool,
    /// α of the setting, in the convention of the paper.
    pub alpha: f64,
    /// `‖Θ − Θ₀‖/‖Θ₀‖` at the end, at this α.
    pub kernel_change: Option<f64>,
    /// The kernel change at which the border lies.
    pub level: f64,
    /// Where the border lies.
    #[serde(flatten)]
    pub border: Border,
}

/// Where the border lies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Border {
    /// At this α*, in the convention of the paper.
    #[serde(rename = "border")]
    At(f64),
    /// Why it was not found.
    #[serde(rename = "no_border")]
    NotFound(String),
}

impl Diagnosis {
    /// The runs that a diagnosis needs: the setting at its own α and at α one and two decades
    /// to either side, without frozen kernels and with kernel points.
    pub fn runs_of(setting: &RunSpec) -> [RunSpec; 5] {
        let mut spec = setting.clone();
        if spec.data.n_kernel == 0 {
            spec.data.n_kernel = KERNEL_POINTS;
        }
        spec.frozen.clear();
        FACTORS.map(|factor| RunSpec { alpha: spec.alpha * factor, ..spec.clone() })
    }

    /// The diagnosis of the setting at `alpha` from runs that differ in α. Runs that did not
    /// converge are left out.
    pub fn of_runs(alpha: f64, runs: &[Run]) -> Self {
        let point = |run: &Run| Some((run.spec.alpha, run.converged()?.kernel_change()?));
        Self::of_curve(alpha, &runs.iter().filter_map(point).collect::<Vec<_>>())
    }

    /// The diagnosis of the setting at `alpha` from a curve of the kernel change against α.
    pub fn of_curve(alpha: f64, curve: &[(f64, f64)]) -> Self {
        let level = KERNEL_CHANGE_AT_BORDER;
        let kernel_change = curve.iter().find(|(a, _)| *a == alpha).map(|&(_, change)| change);
        let border = match crossing(curve, level, Scales::LOG_LOG, CrossingPolicy::default()) {
            Ok(found) => Border::At(found.x),
            Err(why) => Border::NotFound(why.to_string()),
        };
        let regime = match kernel_change {
            Some(change) if change > level => Regime::FeatureLearning,
            Some(_) => Regime::Lazy,
            None => Regime::Undecided,
        };
        let near = |change: f64| (change / level).ln().abs() < 3f64.ln();
        let near_the_border = kernel_change.is_some_and(near);
        Self { regime, near_the_border, alpha, kernel_change, level, border }
    }
}
