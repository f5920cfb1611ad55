//! Exponents of the final kernel change, by activation and depth.

use regime_models::{Activation, NetworkSpec};
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Pairing, Statement, exponent_interval, fit_power_law,
    mean_interval,
};
use regime_study::{
    Run,
    curves::{Place, Sample, values},
};
use serde::Serialize;

use crate::finding::answer::Answer;

/// The smooth activation of the paper.
pub(super) const SOFTPLUS: Activation = Activation::Softplus { beta: 5.0 };

/// `√h·α` up to which a run enters the fit: two decades and more below the border that
/// finding-1 measures, where the power law has set in.
pub(super) const WINDOW: f64 = 0.1;

/// Other windows, to see what the choice does.
pub(super) const OTHER_WINDOWS: [(f64, f64); 3] = [(0.0, 0.02), (0.005, WINDOW), (0.0, 1.0)];

/// `√h·α` from which on a run is lazy.
pub(super) const LAZY: f64 = 1e3;

/// What `a` of the deepest networks exceeds if it tends to 2: nearer to it than to 1, by which a
/// kernel moves that hardly does.
pub(super) const LEAST_DEEPEST: f64 = 1.5;

/// How far above 2 an interval may reach: curves that bend towards their power law have
/// local exponents a little off it at any finite √h·α.
pub(super) const MARGIN: f64 = 0.15;

/// The final kernel change of one converged run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    pub(super) relu: bool,
    pub(super) hidden_layers: usize,
    pub(super) place: Place,
    pub(super) kernel_change: f64,
}

impl Sample for Change {
    fn place(&self) -> Place {
        self.place
    }
}

pub(super) fn changes(runs: &[Run]) -> Vec<Change> {
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
pub(super) fn depths_asked(runs: &[Run]) -> Vec<usize> {
    let depth = |run: &Run| {
        let NetworkSpec::Dense(net) = run.spec.network else { return None };
        Some(net.hidden_layers)
    };
    let all: Vec<usize> = runs.iter().filter_map(depth).collect();
    values(&all, |&depth| depth)
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    pub(super) activations: Vec<OfActivation>,
}

/// The exponents of one activation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OfActivation {
    pub(super) name: &'static str,
    /// `a` for every depth, in increasing order.
    pub(super) feature: Vec<(usize, Answer<BootstrapInterval>)>,
    /// `a` of the deepest less that of the shallowest networks.
    pub(super) difference: Answer<BootstrapInterval>,
    /// The same exponent on the lazy side, for every depth.
    pub(super) lazy: Vec<(usize, Answer<BootstrapInterval>)>,
}

pub(super) fn name(relu: bool) -> &'static str {
    if relu { Activation::Relu.name() } else { SOFTPLUS.name() }
}

pub(super) fn analyse(changes: &[Change], depths: &[usize]) -> Outcome {
    analyse_in(changes, depths, (0.0, WINDOW))
}

/// A depth that was asked for and left nothing has no interval, so that it keeps the claim
/// open; left out, it would let the others decide.
pub(super) fn analyse_in(changes: &[Change], depths: &[usize], window: (f64, f64)) -> Outcome {
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
pub(super) fn by_seed(
    changes: &[Change],
    depth: usize,
    (least, most): (f64, f64),
) -> Vec<Vec<(f64, f64)>> {
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
pub(super) fn exponent(
    changes: &[Change],
    depth: usize,
    window: (f64, f64),
) -> Answer<BootstrapInterval> {
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
pub(super) fn difference(
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
    /// The statements of the rule of finding-5.
    pub(super) fn statements(&self) -> Vec<Statement> {
        let mut statements = Vec::new();
        for OfActivation { name, feature, difference, .. } in &self.activations {
            let (deepest, others) = match feature.split_last() {
                Some((deepest, others)) => (Some(deepest), others),
                None => (None, &feature[..]),
            };
            let what = |depth: &usize| format!("a ({name}, L = {depth})");
            for (depth, a) in others {
                statements.push(Statement::at_most(what(depth), a.clone().result(), 2.0 + MARGIN));
            }
            if let Some((depth, a)) = deepest {
                let (least, most) = (LEAST_DEEPEST, 2.0 + MARGIN);
                statements.push(Statement::between(what(depth), a.clone().result(), least, most));
            }
            let what = format!("the increase d of a with depth ({name})");
            statements.push(Statement::at_least(what, difference.clone().result(), 0.0));
        }
        statements
    }
}
