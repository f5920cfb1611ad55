//! finding-1: `α* = 1/√h` separates the lazy from the feature-learning regime.

mod error_border;

use regime_models::NetworkSpec;
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Collapse, CollapseConfig, Crossing, CrossingPolicy, Curve,
    Direction, LocalExponent, Pairing, Scale, Scales, Statement, collapse_interval, crossing,
    exponent_interval, fit_line, local_exponents, mean,
};
use regime_study::{KERNEL_CHANGE_AT_BORDER, Run, RunSpec, curves::values};
use serde::Serialize;

use crate::{
    finding::Finding,
    regime_grid::RegimeGrid,
    replica::{SetKey, distinct, training_set},
    settings::Settings,
    setup::product,
};

pub use error_border::{ErrorBorder, error_border};

/// See the [module](self).
pub struct Finding1;

/// The claimed exponent of α* against h. The exponent of the collapse is its negative.
pub const CLAIM: f64 = -0.5;

/// How far an exponent may be from the claimed one.
pub const MARGIN: f64 = 0.14;

impl Finding for Finding1 {
    fn name(&self) -> &'static str {
        "finding-1"
    }

    fn title(&self) -> &'static str {
        "The border between lazy and feature learning lies at α* ∝ 1/√h"
    }

    fn claim(&self) -> &'static str {
        "Networks with F = α(f − f₀) and width h learn lazily for α ≫ α* and learn features for \
         α ≪ α*, where α* = O(1/√h): as functions of √h·α, curves of different widths collapse."
    }

    fn place_in_paper(&self) -> &'static str {
        "point (1) of its abstract; section 3.1, figures 1 and 2"
    }

    fn rule(&self) -> &'static str {
        "The border. For every width h and training set, α* is the α at which the kernel change \
         ‖Θ − Θ₀‖/‖Θ₀‖ at the end of training, on points outside the training set, falls through 1 \
         (on the monotone curve closest to the runs, interpolated in logarithms). The exponent p of \
         α* ∝ hᵖ is fitted with a common slope for all training sets; p has to be −½ to within 0.14.\n\n\
         The collapse. The exponent b is the one for which the curves of the kernel change against \
         hᵇ·α of all widths lie closest to one another; b has to be ½ to within 0.14.\n\n\
         The margin excludes an exponent of 0.35 as well as 0, a border that does not depend on the \
         width. How √h·α* changes with 1/√h, the correction at finite width, is reported beside it."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let grid = RegimeGrid::of(settings.profile);
        grid.runs(settings, &grid.products, |_, _| 1)
    }

    fn cell(&self, spec: &RunSpec) -> Option<String> {
        Some(format!("h = {}, √h·α = {}", spec.network.width(), product(spec)))
    }

    fn statements(&self, runs: &[Run]) -> Vec<Statement> {
        analyse(runs).statements()
    }
}

/// The final kernel change of one run of setup (A).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Its training set.
    pub set: SetKey,
    /// Width `h`.
    pub width: usize,
    /// `√h·α`.
    pub product: f64,
    /// `‖Θ − Θ₀‖/‖Θ₀‖` at the end.
    pub kernel_change: f64,
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Exponent of α* against h, over training sets.
    pub exponent: Result<BootstrapInterval, String>,
    /// The exponent b for which the curves collapse, with its quality.
    pub collapse: Result<(Collapse, BootstrapInterval), String>,
    /// The border of every width.
    pub borders: Vec<BorderAt>,
    /// Slopes of α* between neighbouring widths.
    pub local_exponents: Vec<LocalExponent>,
    /// `√h·α*` at `h → ∞` and its slope against `1/√h`, from the means over training sets.
    pub finite_width: Option<[f64; 2]>,
    /// The exponent with other choices.
    pub sensitivity: Vec<(&'static str, Result<BootstrapInterval, String>)>,
}

/// The border of one width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BorderAt {
    /// Width `h`.
    pub width: usize,
    /// α* of every training set that has one.
    pub alpha: Vec<f64>,
    /// Mean of `ln α*` over training sets, with its interval.
    pub log_alpha: Result<BootstrapInterval, String>,
}

/// The final kernel changes of the dense networks, from runs that ended.
pub fn changes(runs: &[Run]) -> Vec<Change> {
    let change = |run: &Run| {
        let NetworkSpec::Dense(_) = run.spec.network else { return None };
        let record = run.record.as_ref().ok().filter(|record| record.reached_requested_end())?;
        Some(Change {
            set: training_set(&run.spec),
            width: run.spec.network.width(),
            product: product(&run.spec),
            kernel_change: record.kernel_change().filter(|&change| change > 0.0)?,
        })
    };
    runs.iter().filter_map(change).collect()
}

/// Analyses the runs of the grid.
pub fn analyse(runs: &[Run]) -> Outcome {
    let changes = changes(runs);
    let borders = borders(&changes, KERNEL_CHANGE_AT_BORDER);
    let widths = values(&changes, |c| c.width);
    let at = |&width: &usize| {
        let here = borders.iter().flatten().filter(|b| b.0 == width as f64);
        let alpha: Vec<f64> = here.filter_map(|b| b.1.clone().ok()).collect();
        let logs: Vec<f64> = alpha.iter().map(|a| a.ln()).collect();
        let log_alpha = regime_scaling::mean_interval(&logs, &BootstrapConfig::default());
        BorderAt { width, alpha, log_alpha: log_alpha.map_err(|error| error.to_string()) }
    };
    let at: Vec<BorderAt> = widths.iter().map(at).collect();
    let found: Vec<(f64, f64)> = at
        .iter()
        .filter_map(|b| Some((b.width as f64, b.log_alpha.as_ref().ok()?.estimate.exp())))
        .collect();
    let against_width: Vec<(f64, f64)> =
        found.iter().map(|(h, alpha)| (1.0 / h.sqrt(), h.sqrt() * alpha)).collect();
    Outcome {
        exponent: exponent(&borders),
        collapse: collapse(&changes),
        local_exponents: local_exponents(&found).unwrap_or_default(),
        finite_width: fit_line(&against_width).ok().map(|line| [line.intercept, line.slope]),
        sensitivity: sensitivity(&changes),
        borders: at,
    }
}

/// `(h, α*)` for each training set and width, where α* is the α at which the kernel change falls
/// through `level`, or a message why there is none.
fn borders(changes: &[Change], level: f64) -> Vec<Vec<(f64, Result<f64, String>)>> {
    let widths = values(changes, |c| c.width);
    let border = |set: SetKey, width: usize| -> Result<f64, String> {
        let at = changes.iter().filter(|c| c.set == set && c.width == width);
        let curve: Vec<(f64, f64)> = at.map(|c| (c.product, c.kernel_change)).collect();
        let found: Crossing =
            crossing(&curve, level, Scales::LOG_LOG, CrossingPolicy::default())
                .map_err(|error| format!("a training set has no border at h = {width}: {error}"))?;
        match found.direction {
            Direction::Falling => Ok(found.x / (width as f64).sqrt()),
            Direction::Rising => {
                Err(format!("the kernel change of a training set rises with α at h = {width}"))
            }
        }
    };
    distinct(changes, |c| c.set)
        .into_iter()
        .map(|set| widths.iter().map(|&width| (width as f64, border(set, width))).collect())
        .collect()
}

fn exponent(borders: &[Vec<(f64, Result<f64, String>)>]) -> Result<BootstrapInterval, String> {
    let of_set = |set: &Vec<(f64, Result<f64, String>)>| -> Result<Vec<(f64, f64)>, String> {
        set.iter().map(|(h, alpha)| Ok((*h, alpha.clone()?))).collect()
    };
    let sets: Vec<Vec<(f64, f64)>> = borders.iter().map(of_set).collect::<Result<_, _>>()?;
    exponent_interval(&sets, Pairing::Paired, &BootstrapConfig::default())
        .map_err(|error| error.to_string())
}

fn collapse(changes: &[Change]) -> Result<(Collapse, BootstrapInterval), String> {
    let widths = values(changes, |c| c.width);
    let curve = |set: SetKey, width: usize| Curve {
        size: width as f64,
        points: changes
            .iter()
            .filter(|c| c.set == set && c.width == width)
            .map(|c| (c.product / (width as f64).sqrt(), c.kernel_change))
            .collect(),
    };
    let curves: Vec<Vec<Curve>> = distinct(changes, |c| c.set)
        .into_iter()
        .map(|set| widths.iter().map(|&width| curve(set, width)).collect())
        .collect();
    let config = CollapseConfig { y_scale: Scale::Log, ..CollapseConfig::default() };
    // Fewer resamples, because the collapse interpolates every curve in each of them.
    let resampling = BootstrapConfig { resamples: 200, ..BootstrapConfig::default() };
    collapse_interval(&curves, Pairing::Paired, &config, &resampling)
        .map_err(|error| error.to_string())
}

/// How p depends on the definition of the border, and on the smallest width.
fn sensitivity(changes: &[Change]) -> Vec<(&'static str, Result<BootstrapInterval, String>)> {
    let smallest = changes.iter().map(|c| c.width).min();
    let wider: Vec<Change> =
        changes.iter().filter(|c| Some(c.width) != smallest).copied().collect();
    let of = |changes: &[Change], level: f64| exponent(&borders(changes, level));
    vec![
        ("the rule", of(changes, KERNEL_CHANGE_AT_BORDER)),
        ("the border at a kernel change of 0.3", of(changes, 0.3)),
        ("the border at a kernel change of 3", of(changes, 3.0)),
        ("without the smallest width", of(&wider, KERNEL_CHANGE_AT_BORDER)),
    ]
}

impl Outcome {
    /// The parts of the claim.
    pub fn statements(&self) -> Vec<Statement> {
        let collapse = self.collapse.clone().map(|(_, interval)| interval);
        vec![
            Statement::near("the exponent p of α* ∝ hᵖ", self.exponent.clone(), CLAIM, MARGIN),
            Statement::near(
                "the exponent b of the collapse against hᵇ·α",
                collapse,
                -CLAIM,
                MARGIN,
            ),
        ]
    }

    /// The geometric mean of √h·α* over the widths.
    pub fn border(&self) -> Option<f64> {
        let log =
            |b: &BorderAt| Some(b.log_alpha.as_ref().ok()?.estimate + 0.5 * (b.width as f64).ln());
        mean(&self.borders.iter().filter_map(log).collect::<Vec<_>>()).map(|m| m.mean.exp())
    }
}
