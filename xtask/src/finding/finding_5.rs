//! finding-5: how far the kernel finally moves on the feature side, `‖ΔΘ‖ ∼ (√h·α)⁻ᵃ`.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 4 and the figures of the
//! kernel's change against √h·α for several depths.

use std::cmp::Ordering;

use regime_data::DataSpec;
use regime_models::{Activation, NetworkSpec};
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Pairing, exponent_interval, fit_power_law, local_exponents,
    mean_interval,
};
use serde::Serialize;

use super::{
    Finding, Profile, Run, Settings, Study,
    answer::Answer,
    curves::{Average, Place, Sample, endings, series_by, values},
    grids::{PROTOCOL, Setup},
    statement::{Statement, verdict},
};
use crate::{
    figure::{Axis, Color, Figure, Guide, Interval, Series, number},
    report::{KeyFigure, Table},
    study::RunSpec,
};

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

fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows: Vec<KeyFigure> = outcome.statements().iter().map(Statement::key_figure).collect();
    for OfActivation { name, feature, lazy, .. } in &outcome.activations {
        if let Some((depth, Answer::Found(i))) = feature.last() {
            let what = format!("2 − a for {name}, L = {depth}");
            let ends = (2.0 - i.high, 2.0 - i.low);
            rows.push(KeyFigure::new(what, 2.0 - i.estimate, Some(ends), "claim: small"));
        }
        for (depth, answer) in lazy {
            if let Answer::Found(i) = answer {
                let what = format!("the exponent on the lazy side for {name}, L = {depth}");
                let note = "1 is expected of smooth activations";
                rows.push(KeyFigure::new(what, i.estimate, Some((i.low, i.high)), note));
            }
        }
    }
    rows
}

/// An estimate by the rule, in other windows, and from fewer runs.
fn variants(
    what: String,
    all: &[Change],
    fewer: &[Change],
    estimate: impl Fn(&[Change], (f64, f64)) -> Answer<BootstrapInterval>,
) -> Vec<String> {
    let cell = |changes: &[Change], window: (f64, f64)| estimate(changes, window).written();
    let mut row = vec![what, cell(all, (0.0, WINDOW))];
    row.extend(OTHER_WINDOWS.map(|window| cell(all, window)));
    row.push(cell(fewer, (0.0, WINDOW)));
    row
}

/// How `a`, `d` and the verdict depend on the window of the fit and on the seeds.
fn sensitivity(changes: &[Change], asked: &[usize]) -> Table {
    let half = values(changes, |c| c.seed()).len().div_ceil(2) as u64;
    let fewer: Vec<Change> = changes.iter().filter(|c| c.seed() < half).copied().collect();
    let mut rows = Vec::new();
    for relu in [true, false] {
        let of = |all: &[Change]| -> Vec<Change> {
            all.iter().filter(|c| c.relu == relu).copied().collect()
        };
        let (all, fewer) = (of(changes), of(&fewer));
        for &depth in asked {
            let what = format!("{}, L = {depth}", name(relu));
            let a = |changes: &[Change], window: (f64, f64)| exponent(changes, depth, window);
            rows.push(variants(what, &all, &fewer, a));
        }
        let d = |changes: &[Change], window: (f64, f64)| difference(changes, asked, window);
        rows.push(variants(format!("{}, d", name(relu)), &all, &fewer, d));
    }
    let kind = |changes: &[Change], window: (f64, f64)| {
        let statements = analyse_in(changes, asked, window).statements();
        verdict(&statements).kind.words().to_owned()
    };
    let mut verdicts = vec!["verdict".to_owned(), kind(changes, (0.0, WINDOW))];
    verdicts.extend(OTHER_WINDOWS.map(|window| kind(changes, window)));
    verdicts.push(kind(&fewer, (0.0, WINDOW)));
    rows.push(verdicts);
    let window = |(least, most): (f64, f64)| match least.total_cmp(&0.0) {
        Ordering::Greater => format!("{least} ≤ √h·α ≤ {most}"),
        _ => format!("√h·α ≤ {most}"),
    };
    let mut header = vec!["networks".to_owned(), format!("√h·α ≤ {WINDOW} (the rule)")];
    header.extend(OTHER_WINDOWS.map(window));
    header.push("half of the seeds".into());
    Table {
        caption:
            "The exponent a, its increase d with depth, and the verdict, by the window of the fit"
                .into(),
        header,
        rows,
    }
}

/// `a` between neighbouring `√h·α`, from the means over seeds: does it bend?
fn local(changes: &[Change]) -> Table {
    let mut starts = values(changes, Change::root_width_alpha);
    // From the last there is nowhere to go.
    starts.pop();
    let mut rows = Vec::new();
    for relu in [true, false] {
        let here: Vec<Change> = changes.iter().filter(|c| c.relu == relu).copied().collect();
        for series in curves(&here) {
            let found = local_exponents(&series.points).unwrap_or_default();
            let between = |x: &f64| {
                let local = found.iter().find(|local| local.x_low == *x);
                local.map_or(String::new(), |local| number::fixed(-local.exponent, 2))
            };
            let mut row = vec![format!("{}, {}", name(relu), series.label)];
            row.extend(starts.iter().map(between));
            rows.push(row);
        }
    }
    let mut header = vec!["networks".to_owned()];
    header.extend(starts.iter().map(|&x| format!("from {}", number::significant(x, 2))));
    let caption = "Local exponents: a from one √h·α to the next".into();
    Table { caption, header, rows }
}

fn figures(changes: &[Change], outcome: &Outcome) -> Vec<Figure> {
    let mut figures = vec![Figure {
        id: "exponent-by-depth".into(),
        title: "The exponent a against the depth".into(),
        caption: "‖ΔΘ‖ ∼ (√h·α)⁻ᵃ on the feature side; bars are 95 % intervals over seeds.".into(),
        x: Axis::count("hidden layers L"),
        y: Axis::linear("a"),
        map: None,
        series: outcome.activations.iter().enumerate().map(depth_series).collect(),
        guides: vec![Guide::HorizontalLevel { y: 2.0, label: "a = 2".into() }],
    }];
    for relu in [true, false] {
        let here: Vec<Change> = changes.iter().filter(|c| c.relu == relu).copied().collect();
        let series = curves(&here);
        figures.push(Figure {
            id: format!("kernel-change-{}", name(relu).to_lowercase()),
            title: format!("The final change of the kernel, {}", name(relu)),
            caption:
                "‖Θ − Θ₀‖/‖Θ₀‖ on points outside the training set at the end of training. Mean \
                      over seeds; bands show one standard error."
                    .into(),
            x: Axis::log("√h·α"),
            y: Axis::log("kernel change"),
            guides: guides(&series),
            map: None,
            series,
        });
    }
    figures
}

fn depth_series((index, of): (usize, &OfActivation)) -> Series {
    let found = of.feature.iter().filter_map(|(depth, a)| Some((*depth as f64, a.found()?)));
    let bars = found.clone().map(|(x, i)| Interval { x, low: i.low, high: i.high }).collect();
    Series {
        error_bars: bars,
        color: Color::Category(index),
        ..Series::new(of.name, found.map(|(x, i)| (x, i.estimate)).collect())
    }
}

/// One series per depth: geometric means over seeds.
fn curves(changes: &[Change]) -> Vec<Series> {
    let depth = |c: &Change| c.hidden_layers;
    let y = |c: &Change| c.kernel_change;
    series_by(changes, (depth, "L"), Change::root_width_alpha, y, Average::Geometric)
}

/// Slope −2 beside the feature side and −1 beside the lazy one.
fn guides(series: &[Series]) -> Vec<Guide> {
    let Some(last) = series.last() else { return Vec::new() };
    let (Some(&first), Some(&end)) = (last.points.first(), last.points.last()) else {
        return Vec::new();
    };
    vec![
        Guide::Slope {
            slope: -2.0,
            through: (first.0, 10.0 * first.1),
            range: (first.0, WINDOW.max(first.0 * 10.0)),
            label: "slope −2".into(),
        },
        Guide::Slope {
            slope: -1.0,
            through: (end.0, 3.0 * end.1),
            range: (0.01 * end.0, end.0),
            label: "slope −1".into(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::VerdictKind;

    /// `(√h·α)^{−a(L)}` with a scatter of some percent, and `1/(√h·α)` on the lazy side.
    fn synthetic(a: impl Fn(usize) -> f64, seeds: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        for relu in [true, false] {
            for hidden_layers in [2, 3, 5] {
                for k in [-6, -5, -4, -3, -2, 6, 8] {
                    for seed in 0..seeds {
                        let wiggle = ((seed * 31 + hidden_layers as u64 * 17 + (k + 20) as u64 * 7)
                            % 11) as f64
                            - 5.0;
                        let x = 10f64.powf(0.5 * f64::from(k));
                        let power = if x > 1.0 { 1.0 } else { a(hidden_layers) };
                        changes.push(Change {
                            relu,
                            hidden_layers,
                            place: Place { width: 64, alpha: x / 8.0, seed },
                            kernel_change: (1.0 + 0.01 * wiggle) * x.powf(-power),
                        });
                    }
                }
            }
        }
        changes
    }

    const DEPTHS: [usize; 3] = [2, 3, 5];

    fn kind(changes: &[Change]) -> VerdictKind {
        verdict(&analyse(changes, &DEPTHS).statements()).kind
    }

    #[test]
    fn exponents_that_rise_towards_two_are_reproduced() {
        let outcome = analyse(&synthetic(|depth| 2.0 - 0.8 / depth as f64, 5), &DEPTHS);
        assert_eq!(verdict(&outcome.statements()).kind, VerdictKind::Reproduced);
        let relu = &outcome.activations[0];
        assert!((relu.feature[0].1.found().unwrap().estimate - 1.6).abs() < 0.02);
        assert!((relu.difference.found().unwrap().estimate - 0.24).abs() < 0.02);
        assert!((relu.lazy[0].1.found().unwrap().estimate - 1.0).abs() < 0.02);
    }

    #[test]
    fn exponents_above_two_and_exponents_that_fall_are_not() {
        assert_eq!(
            kind(&synthetic(|depth| 2.3 + 0.01 * depth as f64, 5)),
            VerdictKind::NotReproduced
        );
        assert_eq!(
            kind(&synthetic(|depth| 2.0 - 0.1 * depth as f64, 5)),
            VerdictKind::NotReproduced
        );
    }

    #[test]
    fn exponents_that_rise_far_below_two_are_not() {
        assert_eq!(
            kind(&synthetic(|depth| 0.2 + 0.06 * depth as f64, 5)),
            VerdictKind::NotReproduced
        );
    }

    #[test]
    fn one_activation_of_which_the_claim_is_false_is_enough() {
        let rising = |depth: usize| 2.0 - 0.8 / depth as f64;
        let mut changes = synthetic(rising, 5);
        let falling = synthetic(|depth| 2.0 - 0.1 * depth as f64, 5);
        changes.retain(|c| c.relu);
        changes.extend(falling.into_iter().filter(|c| !c.relu));
        assert_eq!(kind(&changes), VerdictKind::NotReproduced);
        let table = sensitivity(&changes, &DEPTHS);
        let verdicts = table.rows.last().unwrap();
        assert_eq!(verdicts[..2], ["verdict", "not reproduced"]);
    }

    #[test]
    fn no_trend_and_too_few_seeds_are_inconclusive() {
        assert_eq!(kind(&synthetic(|_| 1.8, 5)), VerdictKind::Inconclusive);
        let rising = |depth: usize| 2.0 - 0.8 / depth as f64;
        for changes in [synthetic(rising, 2), synthetic(rising, 1), Vec::new()] {
            let outcome = analyse(&changes, &DEPTHS);
            assert_eq!(verdict(&outcome.statements()).kind, VerdictKind::Inconclusive);
            assert_eq!(figures(&changes, &outcome).len(), 3);
            sensitivity(&changes, &DEPTHS);
            local(&changes);
            key_figures(&outcome);
        }
    }

    #[test]
    fn a_depth_without_runs_or_with_two_seeds_keeps_the_claim_open() {
        let all = synthetic(|depth| 2.0 - 0.8 / depth as f64, 5);
        for (depth, seeds) in [(5, 0), (3, 0), (3, 2)] {
            let some: Vec<Change> = all
                .iter()
                .filter(|c| c.hidden_layers != depth || c.seed() < seeds)
                .copied()
                .collect();
            assert_eq!(kind(&some), VerdictKind::Inconclusive, "L = {depth}, {seeds} seeds");
        }
    }

    #[test]
    fn local_exponents_are_those_of_the_power_law() {
        let table = local(&synthetic(|_| 1.5, 5));
        assert_eq!((table.rows.len(), table.header.len()), (6, 7));
        let first: f64 = table.rows[0][1].parse().unwrap();
        assert!((first - 1.5).abs() < 0.1, "{first}");
    }
}
