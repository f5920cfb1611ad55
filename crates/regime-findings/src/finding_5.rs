//! finding-5: how far the kernel finally moves on the feature side, `‖ΔΘ‖ ∼ (√h·α)⁻ᵃ`.

use regime_data::DataSpec;
use regime_models::{Activation, NetworkSpec};
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Pairing, Statement, exponent_interval, mean_interval,
    slopes_interval,
};
use regime_study::{Run, RunSpec, curves::values};
use serde::Serialize;

use crate::{
    finding::Finding,
    places::mean_logarithms,
    replica::{SetKey, distinct, training_set},
    settings::{Profile, Settings},
    setup::{SOFTPLUS, Setup, product},
};

/// See the [module](self).
pub struct Finding5;

/// The largest `√h·α` in the fit: at least two decades below the border that finding-1 measures,
/// where the power law holds.
pub const WINDOW: f64 = 0.1;

/// The smallest `√h·α` at which a run is lazy.
pub const LAZY: f64 = 1e3;

/// The value that `a` of the deepest networks exceeds if it tends to 2: the middle between 2 and 1,
/// the exponent of a kernel that barely moves.
pub const MIN_DEEPEST: f64 = 1.5;

/// The value below which every `a` lies.
pub const LIMIT: f64 = 2.0;

/// How far the exponent in √h may be from that in α: a quarter of the way to a kernel change that
/// depends on α alone.
pub const SAME: f64 = 0.4;

/// The theoretical `a` of a homogeneous network without biases, with `L` hidden layers:
/// `2 − 2/(L + 1)`.
///
/// # Reference
/// It follows from arXiv 2410.04642.
pub fn of_homogeneous_nets(hidden_layers: usize) -> f64 {
    2.0 - 2.0 / (hidden_layers as f64 + 1.0)
}

impl Finding for Finding5 {
    fn name(&self) -> &'static str {
        "finding-5"
    }

    fn title(&self) -> &'static str {
        "Finally ‖ΔΘ‖ ∼ (√h·α)⁻ᵃ, with a below 2 and closer to it the deeper the network"
    }

    fn claim(&self) -> &'static str {
        "On the feature side the kernel finally changes as ‖ΔΘ‖ ∼ (√h·α)⁻ᵃ, for ReLU and softplus; \
         a < 2, and a → 2 with depth."
    }

    fn place_in_paper(&self) -> &'static str {
        "the end of its abstract; section 4, the kernel's change against √h·α for several depths"
    }

    fn rule(&self) -> &'static str {
        "For every activation and depth, a is minus the exponent of the final kernel change \
         ‖Θ − Θ₀‖/‖Θ₀‖, on points outside the training set, against √h·α, fitted over √h·α ≤ 0.1 at one \
         width with a common slope for all training sets. All of this is asked of ReLU and of softplus.\n\n\
         a < 2: for every depth a has to be below 2, without a margin. \
         a → 2: the a of the deepest networks has to be above 1½, nearer to 2 than to 1, and above that of \
         the shallowest. \
         √h·α: where the width varies too, ln ‖ΔΘ‖ = c − a ln α − a' ln √h is fitted, and a' − a, averaged \
         over the depths that have two widths, has to be 0 to within 0.4. The margin is about a quarter of \
         the way to a kernel change that depends on α alone (a' = 0), or on h·α (a' = 2a).\n\n\
         What theory gives for homogeneous networks without biases, 2 − 2/(L + 1), is drawn beside the \
         measured a and enters no rule."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let shape = Shape::of(settings.profile);
        let mut specs = Vec::new();
        for activation in [Activation::Relu, SOFTPLUS] {
            for &(hidden_layers, nets, wide) in shape.depths {
                let setup = Setup { hidden_layers, activation, ..shape.setup.clone() };
                let mut place = |width: usize, product: f64, nets: u64| {
                    for replica in setup.replicas(settings) {
                        for net in 0..nets {
                            specs.push(setup.run(settings, (width, product), replica, net));
                        }
                    }
                };
                for &product in &shape.products {
                    place(shape.width, product, nets);
                }
                for &product in shape.products.iter().rev().take(2).filter(|_| wide.is_some()) {
                    place(wide.unwrap_or(shape.width), product, 1);
                }
                place(shape.width, shape.lazy[0], 1);
                place(shape.width, shape.lazy[1], 1);
            }
        }
        specs
    }

    fn cell(&self, spec: &RunSpec) -> Option<String> {
        let NetworkSpec::Dense(net) = spec.network else { return None };
        let (name, depth, h) = (net.activation.name(), net.hidden_layers, net.width);
        (product(spec) <= WINDOW)
            .then(|| format!("{name}, L = {depth}, h = {h}, √h·α = {}", product(spec)))
    }

    fn statements(&self, runs: &[Run]) -> Vec<Statement> {
        analyse(runs).statements()
    }
}

/// The grid of a profile.
struct Shape {
    setup: Setup,
    /// Hidden layers, networks per training set, and the second width, if any.
    depths: &'static [(usize, u64, Option<usize>)],
    width: usize,
    /// In increasing order.
    products: Vec<f64>,
    lazy: [f64; 2],
}

impl Shape {
    fn of(profile: Profile) -> Self {
        let powers = |list: &[f64]| list.iter().map(|k| 10f64.powf(*k)).collect::<Vec<f64>>();
        let usual = Setup::of(profile);
        let (depths, width, products, n_train): (&'static [_], usize, _, usize) = match profile {
            Profile::Smoke => {
                (&[(2, 1, Some(64)), (3, 1, Some(64))], 32, powers(&[-2.0, -1.5, -1.0]), 60)
            }
            Profile::Laptop => (
                &[(2, 1, Some(256)), (3, 1, Some(256)), (5, 2, Some(256)), (8, 2, None)],
                64,
                powers(&[-2.5, -2.0, -1.5, -1.0]),
                250,
            ),
            Profile::Paper => (
                &[(2, 1, Some(800)), (3, 1, Some(800)), (5, 1, Some(800)), (8, 1, Some(800))],
                200,
                powers(&[-3.0, -2.5, -2.0, -1.5, -1.0]),
                5000,
            ),
        };
        let data = DataSpec { n_train, n_test: usual.data.n_test.min(200), ..usual.data.clone() };
        let setup = Setup { data, ..usual };
        Self { setup, depths, width, products, lazy: [1e3, 1e4] }
    }
}

/// The final kernel change of one run that ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Whether the activation is ReLU; otherwise it is softplus.
    pub relu: bool,
    /// Hidden layers `L`.
    pub hidden_layers: usize,
    /// Its training set.
    pub set: SetKey,
    /// Width `h`.
    pub width: usize,
    /// `√h·α`.
    pub product: f64,
    /// `‖Θ − Θ₀‖/‖Θ₀‖` at the end.
    pub kernel_change: f64,
}

/// The final kernel changes of the runs that ended.
pub fn changes(runs: &[Run]) -> Vec<Change> {
    let change = |run: &Run| {
        let NetworkSpec::Dense(net) = run.spec.network else { return None };
        let record = run.record.as_ref().ok().filter(|record| record.reached_requested_end())?;
        Some(Change {
            relu: net.activation == Activation::Relu,
            hidden_layers: net.hidden_layers,
            set: training_set(&run.spec),
            width: net.width,
            product: product(&run.spec),
            kernel_change: record.kernel_change().filter(|&change| change > 0.0)?,
        })
    };
    runs.iter().filter_map(change).collect()
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// ReLU, then softplus.
    pub activations: Vec<OfActivation>,
}

/// The exponents of one activation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfActivation {
    /// Its name.
    pub name: &'static str,
    /// Every depth, in increasing order.
    pub depths: Vec<OfDepth>,
    /// `a` of the deepest minus `a` of the shallowest networks.
    pub increase: Result<BootstrapInterval, String>,
    /// The exponent in √h minus the exponent in α, mean over the depths that have two widths.
    pub width_less_alpha: Result<BootstrapInterval, String>,
}

/// The exponents of one depth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfDepth {
    /// Hidden layers `L`.
    pub hidden_layers: usize,
    /// `a` at the width that has every √h·α.
    pub a: Result<BootstrapInterval, String>,
    /// The same without the largest and without the smallest √h·α.
    pub windows: [Result<BootstrapInterval, String>; 2],
    /// The exponent in √h minus the exponent in α.
    pub width_less_alpha: Result<BootstrapInterval, String>,
    /// The exponent on the lazy side.
    pub lazy: Result<BootstrapInterval, String>,
    /// The theoretical `a` of homogeneous networks without biases.
    pub homogeneous: f64,
}

/// Analyses the runs of the grid. A requested depth without results has no interval, so the claim
/// stays undecided.
pub fn analyse(runs: &[Run]) -> Outcome {
    let changes = changes(runs);
    let depth = |run: &Run| match run.spec.network {
        NetworkSpec::Dense(net) => Some(net.hidden_layers),
        _ => None,
    };
    let all: Vec<usize> = runs.iter().filter_map(depth).collect();
    let depths = values(&all, |&depth| depth);
    let of = |relu: bool| {
        let here: Vec<Change> = changes.iter().filter(|c| c.relu == relu).copied().collect();
        OfActivation::of(
            if relu { Activation::Relu.name() } else { SOFTPLUS.name() },
            &here,
            &depths,
        )
    };
    Outcome { activations: vec![of(true), of(false)] }
}

impl OfActivation {
    fn of(name: &'static str, changes: &[Change], depths: &[usize]) -> Self {
        let of_depth = |&hidden_layers: &usize| {
            let here: Vec<Change> =
                changes.iter().filter(|c| c.hidden_layers == hidden_layers).copied().collect();
            OfDepth::of(hidden_layers, &here)
        };
        let at = |depth: Option<&usize>| -> Vec<Change> {
            changes.iter().filter(|c| Some(&c.hidden_layers) == depth).copied().collect()
        };
        let (first, last) = (at(depths.first()), at(depths.last()));
        let increase = if depths.len() < 2 {
            Err("all networks have one depth".into())
        } else {
            difference(&slopes(&last), &slopes(&first))
        };
        Self {
            name,
            depths: depths.iter().map(of_depth).collect(),
            increase,
            width_less_alpha: width_less_alpha(changes, depths),
        }
    }
}

impl OfDepth {
    fn of(hidden_layers: usize, changes: &[Change]) -> Self {
        let least = changes.iter().map(|c| c.product).fold(f64::INFINITY, f64::min);
        Self {
            hidden_layers,
            a: exponent(&of_main_width(changes), [0.0, WINDOW]),
            windows: [
                exponent(&of_main_width(changes), [0.0, 0.4 * WINDOW]),
                exponent(&of_main_width(changes), [2.5 * least, WINDOW]),
            ],
            width_less_alpha: width_less_alpha(changes, &[hidden_layers]),
            lazy: exponent(changes, [LAZY, f64::INFINITY]),
            homogeneous: of_homogeneous_nets(hidden_layers),
        }
    }
}

/// The changes at the width with the most values of √h·α.
fn of_main_width(changes: &[Change]) -> Vec<Change> {
    let products = |width: usize| {
        let here: Vec<f64> =
            changes.iter().filter(|c| c.width == width).map(|c| c.product).collect();
        values(&here, |&x| x).len()
    };
    // `max_by_key` returns the last maximum: with `rev`, the smallest such width.
    let main = values(changes, |c| c.width).into_iter().rev().max_by_key(|&width| products(width));
    changes.iter().filter(|c| Some(c.width) == main).copied().collect()
}

/// The geometric mean of the change over the networks of a training set, at every place in a
/// window: `(√h·α, √h, change)`.
fn places(changes: &[Change], set: SetKey, [least, most]: [f64; 2]) -> Vec<(f64, f64, f64)> {
    let here: Vec<&Change> = changes
        .iter()
        .filter(|c| c.set == set && c.product >= least && c.product <= most)
        .collect();
    mean_logarithms(&here, |c| (c.product, c.width), |c| Some(c.kernel_change))
        .into_iter()
        .map(|(product, width, log)| (product, (width as f64).sqrt(), log.exp()))
        .collect()
}

/// `a` with its interval over training sets.
fn exponent(changes: &[Change], window: [f64; 2]) -> Result<BootstrapInterval, String> {
    let sets: Vec<Vec<(f64, f64)>> = distinct(changes, |c| c.set)
        .into_iter()
        .map(|set| places(changes, set, window).iter().map(|p| (p.0, p.2)).collect::<Vec<_>>())
        .filter(|points| points.len() > 1)
        .collect();
    let found = exponent_interval(&sets, Pairing::Paired, &BootstrapConfig::default());
    let minus = |i: BootstrapInterval| BootstrapInterval {
        estimate: -i.estimate,
        low: -i.high,
        high: -i.low,
        ..i
    };
    found.map(minus).map_err(|error| error.to_string())
}

/// `a` of every training set that has one.
fn slopes(changes: &[Change]) -> Vec<(SetKey, f64)> {
    let main = of_main_width(changes);
    let slope = |set: SetKey| {
        let points: Vec<(f64, f64)> =
            places(&main, set, [0.0, WINDOW]).iter().map(|p| (p.0, p.2)).collect();
        Some((set, -regime_scaling::fit_power_law(&points).ok()?.exponent))
    };
    distinct(&main, |c| c.set).into_iter().filter_map(slope).collect()
}

/// The mean difference over the training sets that have both.
fn difference(a: &[(SetKey, f64)], b: &[(SetKey, f64)]) -> Result<BootstrapInterval, String> {
    let pair = |&(set, a): &(SetKey, f64)| Some(a - b.iter().find(|of| of.0 == set)?.1);
    let each: Vec<f64> = a.iter().filter_map(pair).collect();
    mean_interval(&each, &BootstrapConfig::default()).map_err(|error| error.to_string())
}

/// The exponent in √h minus the exponent in α where both vary, mean over depths.
///
/// With `x = √h·α`, `ln ΔΘ = c − a ln x − (a' − a) ln √h`.
fn width_less_alpha(changes: &[Change], depths: &[usize]) -> Result<BootstrapInterval, String> {
    // Every depth has its own constant; a training set is resampled with all its depths.
    let of_depth = |set: SetKey, depth: usize| -> Vec<[f64; 3]> {
        let here: Vec<Change> =
            changes.iter().filter(|c| c.hidden_layers == depth).copied().collect();
        let both: Vec<Change> = here
            .iter()
            .filter(|c| here.iter().any(|o| o.product == c.product && o.width != c.width))
            .copied()
            .collect();
        let points: Vec<[f64; 3]> = places(&both, set, [0.0, WINDOW])
            .iter()
            .map(|&(x, root_width, change)| [x.ln(), root_width.ln(), change.ln()])
            .collect();
        let centre =
            [0, 1, 2].map(|k| points.iter().map(|p| p[k]).sum::<f64>() / points.len() as f64);
        points.iter().map(|p| [0, 1, 2].map(|k| p[k] - centre[k])).collect()
    };
    let sets: Vec<Vec<[f64; 3]>> = distinct(changes, |c| c.set)
        .into_iter()
        .map(|set| depths.iter().flat_map(|&depth| of_depth(set, depth)).collect::<Vec<_>>())
        .filter(|points| !points.is_empty())
        .collect();
    if sets.is_empty() {
        return Err("there is one width only".into());
    }
    slopes_interval(&sets, &BootstrapConfig::default(), |[_, of_width]| Some(-of_width?))
        .map_err(|error| error.to_string())
}

impl Outcome {
    /// The parts of the claim.
    pub fn statements(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for OfActivation { name, depths, increase, width_less_alpha } in &self.activations {
            for OfDepth { hidden_layers, a, .. } in depths {
                let what = format!("a ({name}, L = {hidden_layers})");
                statements.push(Statement::at_most(what, a.clone(), LIMIT));
            }
            if let Some(OfDepth { hidden_layers, a, .. }) = depths.last() {
                let what = format!("a of the deepest networks ({name}, L = {hidden_layers})");
                statements.push(Statement::at_least(what, a.clone(), MIN_DEEPEST));
            }
            let what = format!("the increase of a with depth ({name})");
            statements.push(Statement::at_least(what, increase.clone(), 0.0));
            let what = format!("the exponent in √h less that in α ({name})");
            statements.push(Statement::near(what, width_less_alpha.clone(), 0.0, SAME));
        }
        statements
    }
}
