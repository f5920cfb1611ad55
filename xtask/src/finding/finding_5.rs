//! finding-5: how far the kernel finally moves on the feature side, `‖ΔΘ‖ ∼ (√h·α)⁻ᵃ`.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 4 and the figures of the
//! kernel's change against √h·α for several depths.

mod told;

#[cfg(test)]
mod tests;

use regime_data::DataSpec;
use regime_models::{Activation, NetworkSpec};
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Pairing, exponent_interval, fit_power_law, mean_interval,
};
use serde::Serialize;

use self::told::{figures, key_figures, local, sensitivity};
use super::{
    Finding, Profile, Run, Settings, Study,
    answer::Answer,
    curves::{Place, Sample, endings, values},
    grids::{PROTOCOL, Setup},
    statement::{Statement, verdict},
};
use crate::study::RunSpec;

/// The smooth activation of the paper.
const SOFTPLUS: Activation = Activation::Softplus { beta: 5.0 };

/// `√h·α` up to which a run enters the fit: two decades and more below the border that
/// finding-1 measures, where the power law has set in.
const WINDOW: f64 = 0.1;

/// Other windows, to see what the choice does.
const OTHER_WINDOWS: [(f64, f64); 3] = [(0.0, 0.02), (0.005, WINDOW), (0.0, 1.0)];

/// `√h·α` from which on a run is lazy.
const LAZY: f64 = 1e3;

/// What `a` of the deepest networks exceeds if it tends to 2: nearer to it than to 1, by which a
/// kernel moves that hardly does.
const LEAST_DEEPEST: f64 = 1.5;

/// How far above 2 an interval may reach: curves that bend towards their power law have
/// local exponents a little off it at any finite √h·α.
const MARGIN: f64 = 0.15;

pub(crate) struct Finding5;

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

    fn rule(&self) -> &'static str {
        "For every activation and depth, a is minus the exponent of the final kernel change \
         ‖Θ − Θ₀‖/‖Θ₀‖, on points outside the training set, against √h·α, fitted over √h·α ≤ 0.1 with \
         a common slope for all seeds; intervals (95 %) come from a bootstrap over seeds. d is the \
         difference of a between the deepest and the shallowest networks, on the same seeds.\n\n\
         Reproduced: for both activations every a lies below 2 + 0.15, that of the deepest networks also \
         above 1½, and d above 0. Not reproduced: some a lies above 2 + 0.15, one of the deepest below \
         1½, or some d below 0. Inconclusive: neither; an interval that is missing or \
         rests on fewer than three seeds decides nothing. The window lies two decades and more below the \
         border of finding-1, where the power law has set in. The margin is there because curves that \
         bend towards a power law have local exponents a little off it; 1½ is nearer to 2 than to 1, by \
         which a kernel changes that hardly does. How a, d and the verdict change with the window is in a \
         table.\n\n\
         How far the deepest networks are from 2, and the exponent on the lazy side (√h·α ≥ 1000, where \
         1 is expected of smooth activations), are reported and do not enter the verdict."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let powers = |list: &[f64]| list.iter().map(|k| 10f64.powf(*k)).collect::<Vec<f64>>();
        let setup = Setup::of(settings.profile);
        let (depths, width, products, seeds, data): (&[usize], usize, _, u64, DataSpec) =
            match settings.profile {
                Profile::Smoke => (
                    &[2, 3],
                    32,
                    powers(&[-2.5, -2.0, -1.5, -1.0, 3.0, 4.0]),
                    3,
                    DataSpec { n_train: 100, n_test: 200, n_kernel: 50, ..setup.data.clone() },
                ),
                Profile::Laptop => (
                    &[2, 3, 5],
                    64,
                    powers(&[-3.0, -2.5, -2.0, -1.5, -1.0, 0.0, 3.0, 4.0, 5.0]),
                    4,
                    DataSpec { n_train: 500, n_test: 1000, ..setup.data.clone() },
                ),
                Profile::Paper => (
                    &[2, 3, 5, 8],
                    200,
                    powers(&[-3.0, -2.5, -2.0, -1.5, -1.0, -0.5, 0.0, 3.0, 4.0, 5.0]),
                    10,
                    setup.data.clone(),
                ),
            };
        let mut specs = Vec::new();
        for activation in [Activation::Relu, SOFTPLUS] {
            for &hidden_layers in depths {
                let setup =
                    Setup { data: data.clone(), hidden_layers, activation, ..setup.clone() };
                for &product in &products {
                    let alpha = product / (width as f64).sqrt();
                    let seeds = 0..settings.seeds.unwrap_or(seeds);
                    specs.extend(seeds.map(|seed| setup.run(settings, width, alpha, seed)));
                }
            }
        }
        specs
    }

    fn study(&self, runs: &[Run]) -> Study {
        let changes = changes(runs);
        let depths = depths_asked(runs);
        let outcome = analyse(&changes, &depths);
        let (summary, unconverged) = endings(runs);
        Study {
            verdict: verdict(&outcome.statements()),
            key_figures: key_figures(&outcome),
            figures: figures(&changes, &outcome),
            tables: [Some(sensitivity(&changes, &depths)), Some(local(&changes)), unconverged]
                .into_iter()
                .flatten()
                .collect(),
            notes: vec![summary, PROTOCOL.to_owned()],
            outcome: serde_json::json!(outcome),
        }
    }
}

/// The final kernel change of one converged run.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Change {
    relu: bool,
    hidden_layers: usize,
    place: Place,
    kernel_change: f64,
}

impl Sample for Change {
    fn place(&self) -> Place {
        self.place
    }
}

fn changes(runs: &[Run]) -> Vec<Change> {
    let change = |run: &Run| {
        let NetworkSpec::Dense(net) = run.spec.network else { return None };
        let record = run.record.as_ref().ok().filter(|record| record.converged())?;
        Some(Change {
            relu: net.activation == Activation::Relu,
            hidden_layers: net.hidden_layers,
            place: Place::of(&run.spec),
            kernel_change: record.kernel_change().filter(|&change| change > 0.0)?,
        })
    };
    runs.iter().filter_map(change).collect()
}

/// The depths of the grid, also those of which no run converged.
fn depths_asked(runs: &[Run]) -> Vec<usize> {
    let depth = |run: &Run| {
        let NetworkSpec::Dense(net) = run.spec.network else { return None };
        Some(net.hidden_layers)
    };
    let all: Vec<usize> = runs.iter().filter_map(depth).collect();
    values(&all, |&depth| depth)
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Outcome {
    activations: Vec<OfActivation>,
}

/// The exponents of one activation.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct OfActivation {
    name: &'static str,
    /// `a` for every depth, in increasing order.
    feature: Vec<(usize, Answer<BootstrapInterval>)>,
    /// `a` of the deepest less that of the shallowest networks.
    difference: Answer<BootstrapInterval>,
    /// The same exponent on the lazy side, for every depth.
    lazy: Vec<(usize, Answer<BootstrapInterval>)>,
}

fn name(relu: bool) -> &'static str {
    if relu { Activation::Relu.name() } else { SOFTPLUS.name() }
}

fn analyse(changes: &[Change], depths: &[usize]) -> Outcome {
    analyse_in(changes, depths, (0.0, WINDOW))
}

/// A depth that was asked for and left nothing has no interval, so that it keeps the claim
/// open; left out, it would let the others decide.
fn analyse_in(changes: &[Change], depths: &[usize], window: (f64, f64)) -> Outcome {
    let of = |relu: bool| {
        let here: Vec<Change> = changes.iter().filter(|c| c.relu == relu).copied().collect();
        let each = |window: (f64, f64)| {
            let one = |&depth: &usize| (depth, exponent(&here, depth, window));
            depths.iter().map(one).collect()
        };
        OfActivation {
            name: name(relu),
            feature: each(window),
            difference: difference(&here, depths, window),
            lazy: each((LAZY, f64::INFINITY)),
        }
    };
    Outcome { activations: [true, false].map(of).to_vec() }
}

/// Points `(√h·α, kernel change)` of one depth in a window, seed by seed.
fn by_seed(changes: &[Change], depth: usize, (least, most): (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    // √h·α is a rounded product: let the ends of the window in.
    let inside = |x: f64| x >= least * 0.999 && x <= most * 1.001;
    let of_seed = |seed: u64| {
        let there = changes.iter().filter(|c| c.seed() == seed && c.hidden_layers == depth);
        let points = there.map(|c| (c.root_width_alpha(), c.kernel_change));
        points.filter(|p| inside(p.0)).collect()
    };
    values(changes, |c| c.seed()).into_iter().map(of_seed).collect()
}

/// `a` with its interval over seeds.
fn exponent(changes: &[Change], depth: usize, window: (f64, f64)) -> Answer<BootstrapInterval> {
    // A seed with one point says nothing of a, and would be counted as one that does.
    let mut seeds = by_seed(changes, depth, window);
    seeds.retain(|points| points.len() > 1);
    let found = exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default());
    Answer::of(found.map(|i| BootstrapInterval {
        estimate: -i.estimate,
        low: -i.high,
        high: -i.low,
        ..i
    }))
}

/// `a` of the deepest less that of the shallowest networks, over seeds that have both.
fn difference(
    changes: &[Change],
    depths: &[usize],
    window: (f64, f64),
) -> Answer<BootstrapInterval> {
    let (Some(&first), Some(&last)) = (depths.first(), depths.last()) else {
        return Answer::Missing("there are no runs".into());
    };
    if first == last {
        return Answer::Missing(format!("all networks have {first} hidden layers"));
    }
    let slopes = |depth: usize| -> Vec<Option<f64>> {
        let seeds = by_seed(changes, depth, window);
        let slope = |points: &Vec<(f64, f64)>| Some(fit_power_law(points).ok()?.exponent);
        seeds.iter().map(slope).collect()
    };
    let pairs = slopes(first).into_iter().zip(slopes(last));
    let differences: Vec<f64> = pairs.filter_map(|(a, b)| Some(a? - b?)).collect();
    Answer::of(mean_interval(&differences, &BootstrapConfig::default()))
}

impl Outcome {
    /// See [`Finding5::rule`].
    fn statements(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for OfActivation { name, feature, difference, .. } in &self.activations {
            let (deepest, others) = match feature.split_last() {
                Some((deepest, others)) => (Some(deepest), others),
                None => (None, &feature[..]),
            };
            let what = |depth: &usize| format!("a ({name}, L = {depth})");
            for (depth, a) in others {
                statements.push(Statement::below(what(depth), a.clone(), 2.0 + MARGIN));
            }
            if let Some((depth, a)) = deepest {
                let accepted = (LEAST_DEEPEST, 2.0 + MARGIN);
                statements.push(Statement::between(what(depth), a.clone(), accepted));
            }
            let what = format!("the increase d of a with depth ({name})");
            statements.push(Statement::above(what, difference.clone(), 0.0));
        }
        statements
    }
}
