//! finding-2: does feature learning outperform lazy learning, and does the gap shrink
//! with the width?
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 3.2.

use regime_data::{DataSpec, InputSpec};
use regime_models::{ConvolutionalSpec, NetworkSpec};
use regime_scaling::{BootstrapConfig, BootstrapInterval, fit_line, mean, mean_interval};
use regime_train::{Loss, StochasticSpec};
use serde::Serialize;

use super::{
    Finding, KERNEL_CHANGE_AT_BORDER, Profile, Run, Settings, Study,
    answer::Answer,
    curves::{Average, Point, Sample, converged, endings, series_by_width, values},
    grids::{LAPTOP_WIDTHS, PROTOCOL, Setup, border_grid, flow},
    statement::{Statement, verdict},
};
use crate::{
    figure::{Axis, Color, Figure, Guide, Interval, Series, Style, number},
    report::{KeyFigure, Table},
    study::{Dynamics, Ending, FrozenKernel, FrozenLearning, RunSpec},
};

/// The largest values of α that make the lazy side.
const LAZY_ALPHAS: usize = 2;

/// The gap that counts as one: two test points in a thousand. The paper calls smaller ones
/// hardly detectable.
const LEAST_GAP: f64 = 0.002;

pub(crate) struct Finding2;

impl Finding for Finding2 {
    fn name(&self) -> &'static str {
        "finding-2"
    }

    fn title(&self) -> &'static str {
        "Feature learning outperforms lazy learning; the gap shrinks with the width"
    }

    fn claim(&self) -> &'static str {
        "Feature learning outperforms lazy learning in setups (A) and (B); the gap shrinks with h, hardly \
         detectable asymptotically in (A), still large in (B)."
    }

    fn rule(&self) -> &'static str {
        "The gap at a width is the test error on the lazy side, averaged over the two largest α, as \
         far as the kernel changes by less than its norm there, less that at the best α of the \
         feature side, where it changes by more. The best α of a seed is chosen by the mean test error of the other seeds, so \
         that the choice does not flatter the gap. The gap is averaged over the widths, and its trend is \
         its slope against ln h, seed by seed; intervals (95 %) come from a bootstrap over seeds. Setup \
         (A) are fully connected nets on ten principal components, (B) convolutional nets on images.\n\n\
         Reproduced: the gaps in (A) and in (B) lie above 0.002, and the trend in (A) below 0. Not \
         reproduced: a gap lies below 0.002, or the trend above 0. Inconclusive: neither; an interval that is missing or rests \
         on fewer than three seeds decides nothing. 0.002, two test \
         points in a thousand, is there so that no gap at all can be found: no interval lies at a point. \
         The trend in (B), where the paper finds the gap still large at its widths, is reported only.\n\n\
         The paper's later version finds the opposite for fully connected nets on other data; how the \
         gap depends on how it is taken is in a table. In the profiles smoke and laptop the nets of (B) \
         follow the full-batch flow; in paper they are trained with stochastic gradients, as there."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let mut specs = border_grid(settings);
        let (widths, alpha, seeds): (&[usize], f64, u64) = match settings.profile {
            Profile::Smoke => (&[32], 0.1, 1),
            Profile::Laptop => (&LAPTOP_WIDTHS, 1.0, 2),
            Profile::Paper => (&[100, 200, 400, 800], 0.1, 3),
        };
        let setup = Setup::of(settings.profile);
        for &width in widths {
            for seed in 0..seeds.min(settings.seeds.unwrap_or(seeds)) {
                let run = setup.run(settings, width, alpha, seed);
                let mut frozen = vec![FrozenKernel::Initial, FrozenKernel::End];
                // Neither the width nor the seed has a part in it.
                if (width, seed) == (widths[0], 0) {
                    frozen.push(FrozenKernel::InfiniteWidth);
                }
                specs.push(RunSpec { frozen, ..run });
            }
        }
        specs.extend(convolutional_grid(settings));
        specs
    }

    fn study(&self, runs: &[Run]) -> Study {
        let (with_kernels, of_grid): (Vec<Run>, Vec<Run>) =
            runs.iter().cloned().partition(|run| !run.spec.frozen.is_empty());
        let (images, components): (Vec<Run>, Vec<Run>) =
            of_grid.into_iter().partition(|run| is_convolutional(&run.spec));
        let setups = [("A", converged(&components)), ("B", converged(&images))]
            .map(|(name, points)| Setting::new(name, points, RULE));
        let frozen = frozen(&with_kernels);
        let (summary, unconverged) = endings(runs);
        let mut notes = vec![summary, PROTOCOL.to_owned()];
        if images.iter().any(|run| matches!(run.spec.dynamics, Dynamics::Stochastic(_))) {
            notes.push(
                "In setup (B) the nets are trained as in the paper: with the hinge, by stochastic gradients \
                 with momentum."
                    .into(),
            );
        }
        notes.extend(setups.iter().flat_map(Setting::notes));
        let told: serde_json::Map<String, serde_json::Value> = setups
            .iter()
            .map(|setup| (format!("setup-{}", setup.name), serde_json::json!(setup.outcome)))
            .chain([("frozen".to_owned(), serde_json::json!(frozen))])
            .collect();
        Study {
            verdict: verdict(&statements(&setups)),
            key_figures: key_figures(&setups),
            figures: setups.iter().flat_map(|setup| setup.figures(&frozen)).collect(),
            tables: setups
                .iter()
                .map(Setting::table)
                .chain([sensitivity(&setups)])
                .chain(unconverged)
                .collect(),
            notes,
            outcome: told.into(),
        }
    }
}

fn is_convolutional(spec: &RunSpec) -> bool {
    matches!(spec.network, NetworkSpec::Convolutional(_))
}

/// Setup (B): convolutional nets on images.
fn convolutional_grid(settings: &Settings) -> Vec<RunSpec> {
    let setup = Setup::of(settings.profile);
    let (widths, alphas, seeds, n_train): (&[usize], &[f64], u64, usize) = match settings.profile {
        Profile::Smoke => (&[4], &[1.0, 1e3, 1e4], 3, 40),
        // As far as the paper goes.
        Profile::Laptop => (&[6, 12], &[0.1, 1.0, 1e2], 4, 250),
        Profile::Paper => {
            (&[10, 20, 40, 80, 159], &[1e-2, 1e-1, 1.0, 10.0, 46.0, 1e2], 5, setup.data.n_train)
        }
    };
    let data = DataSpec {
        inputs: InputSpec { pca: None, ..InputSpec::default() },
        n_train,
        n_test: setup.data.n_test.min(10_000),
        n_kernel: 50,
        ..setup.data.clone()
    };
    let (loss, dynamics) = match settings.profile {
        Profile::Paper => (Loss::Hinge, Dynamics::Stochastic(StochasticSpec::default())),
        _ => {
            let tolerance = settings.tolerance.or(Some(0.03));
            (Loss::SoftHinge { beta: 20.0 }, flow(&Settings { tolerance, ..*settings }))
        }
    };
    let setup = Setup { data, ..setup };
    let mut specs = Vec::new();
    for &width in widths {
        let network = NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(width));
        for &alpha in alphas {
            for seed in 0..settings.seeds.unwrap_or(seeds) {
                let run = setup.run(settings, width, alpha, seed);
                specs.push(RunSpec { network, loss, dynamics, ..run });
            }
        }
    }
    specs
}

/// One setup: its records, and what they say.
struct Setting {
    name: &'static str,
    points: Vec<Point>,
    outcome: Outcome,
}

/// How the two sides are taken.
#[derive(Debug, Clone, Copy)]
struct Choice {
    /// The best α of a seed is chosen by the other seeds.
    by_other_seeds: bool,
    /// The largest α that make the lazy side.
    lazy_alphas: usize,
}

const RULE: Choice = Choice { by_other_seeds: true, lazy_alphas: LAZY_ALPHAS };

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Outcome {
    /// The gap, averaged over widths.
    gap: Answer<BootstrapInterval>,
    /// Its slope against ln h.
    trend: Answer<BootstrapInterval>,
    /// Seeds without a gap at every width.
    seeds_left_out: usize,
    per_width: Vec<OfWidth>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct OfWidth {
    width: usize,
    gap: Answer<BootstrapInterval>,
    /// Mean errors of the two sides.
    sides: Option<[f64; 2]>,
    /// The α that seeds had chosen for them.
    alphas: Vec<f64>,
}

/// Both sides of one seed at one width.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sides {
    seed: u64,
    alpha: f64,
    feature: f64,
    lazy: f64,
}

fn analyse_by(points: &[Point], choice: Choice) -> Outcome {
    let widths = values(points, |p| p.width());
    let sides: Vec<(usize, Vec<Sides>)> =
        widths.iter().map(|&width| (width, sides(points, width, choice))).collect();
    // Seeds that have a gap at every width.
    let all = values(points, |p| p.seed());
    let seeds: Vec<u64> = all
        .iter()
        .copied()
        .filter(|seed| sides.iter().all(|(_, of)| of.iter().any(|s| s.seed == *seed)))
        .collect();
    let gaps = |seed: u64| -> Vec<(f64, f64)> {
        let of_width = |(width, sides): &(usize, Vec<Sides>)| {
            let side = sides.iter().find(|s| s.seed == seed)?;
            Some(((*width as f64).ln(), side.lazy - side.feature))
        };
        sides.iter().filter_map(of_width).collect()
    };
    let average = |of_seed: &dyn Fn(u64) -> Option<f64>| {
        let each: Vec<f64> = seeds.iter().filter_map(|&seed| of_seed(seed)).collect();
        Answer::of(mean_interval(&each, &BootstrapConfig::default()))
    };
    let level =
        |seed: u64| mean(&gaps(seed).iter().map(|g| g.1).collect::<Vec<_>>()).map(|m| m.mean);
    Outcome {
        gap: average(&level),
        trend: average(&|seed| fit_line(&gaps(seed)).ok().map(|line| line.slope)),
        seeds_left_out: all.len() - seeds.len(),
        per_width: sides.iter().map(|(width, sides)| of_width(*width, sides)).collect(),
    }
}

fn of_width(width: usize, sides: &[Sides]) -> OfWidth {
    let gaps: Vec<f64> = sides.iter().map(|s| s.lazy - s.feature).collect();
    let mean_of =
        |side: fn(&Sides) -> f64| mean(&sides.iter().map(side).collect::<Vec<_>>()).map(|m| m.mean);
    let gap = match sides.len() {
        0 => Answer::Missing("one of the sides has no run".into()),
        _ => Answer::of(mean_interval(&gaps, &BootstrapConfig::default())),
    };
    OfWidth {
        width,
        gap,
        sides: mean_of(|s| s.feature).zip(mean_of(|s| s.lazy)).map(|(f, l)| [f, l]),
        alphas: values(sides, |s| s.alpha),
    }
}

/// Both sides at a width, for every seed that has them.
fn sides(points: &[Point], width: usize, choice: Choice) -> Vec<Sides> {
    let here: Vec<&Point> = points.iter().filter(|p| p.width() == width).collect();
    let alphas = values(&here, |p| p.alpha());
    let moves = |alpha: f64| {
        let at = here.iter().filter(|p| p.alpha() == alpha);
        let logs: Vec<f64> = at.map(|p| p.kernel_change.ln()).collect();
        mean(&logs).is_some_and(|m| m.mean.exp() >= KERNEL_CHANGE_AT_BORDER)
    };
    let feature: Vec<f64> = alphas.iter().copied().filter(|&alpha| moves(alpha)).collect();
    let lazy: Vec<f64> = alphas
        .iter()
        .rev()
        .take(choice.lazy_alphas)
        .copied()
        .filter(|&alpha| !moves(alpha))
        .collect();
    let error_of = |alpha: f64, enters: &dyn Fn(u64) -> bool| {
        let at = here.iter().filter(|p| p.alpha() == alpha && enters(p.seed()));
        mean(&at.map(|p| p.test_error).collect::<Vec<_>>()).map(|m| m.mean)
    };
    let of_seed = |seed: u64| {
        let chooses = |other: u64| !choice.by_other_seeds || other != seed;
        let judged = feature.iter().filter_map(|&alpha| Some((alpha, error_of(alpha, &chooses)?)));
        let (alpha, _) = judged.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let own = |other: u64| other == seed;
        let lazy: Vec<f64> = lazy.iter().filter_map(|&alpha| error_of(alpha, &own)).collect();
        Some(Sides { seed, alpha, feature: error_of(alpha, &own)?, lazy: mean(&lazy)?.mean })
    };
    values(&here, |p| p.seed()).into_iter().filter_map(of_seed).collect()
}

/// The test error of one kernel, frozen, at one width.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Frozen {
    kernel: String,
    width: usize,
    /// Mean over seeds.
    test_error: f64,
    /// The smallest and the largest of the seeds.
    range: [f64; 2],
}

fn frozen(runs: &[Run]) -> Vec<Frozen> {
    let mut found: Vec<(FrozenKernel, usize, f64)> = Vec::new();
    for run in runs {
        let Some(record) = run.record.as_ref().ok().filter(|r| r.converged()) else { continue };
        for of in &record.frozen {
            if let FrozenLearning::Learnt { test_error, ending: Ending::Converged, .. } =
                &of.learning
            {
                found.push((of.kernel, run.spec.network.width(), *test_error));
            }
        }
    }
    let mut all = Vec::new();
    let widths = values(&found, |f| f.1);
    for kernel in [FrozenKernel::Initial, FrozenKernel::End, FrozenKernel::InfiniteWidth] {
        for &width in &widths {
            // That of infinite width is the same beside every width.
            let belongs = |f: &&(FrozenKernel, usize, f64)| {
                f.0 == kernel && (f.1 == width || kernel == FrozenKernel::InfiniteWidth)
            };
            let errors: Vec<f64> = found.iter().filter(belongs).map(|f| f.2).collect();
            if errors.is_empty() {
                continue;
            }
            let test_error = mean(&errors).expect("there are some").mean;
            let range = [f64::min as fn(f64, f64) -> f64, f64::max]
                .map(|pick| errors.iter().copied().fold(test_error, pick));
            all.push(Frozen { kernel: kernel.name(), width, test_error, range });
        }
    }
    all
}

/// See [`Finding2::rule`].
fn statements(setups: &[Setting; 2]) -> Vec<Statement> {
    let [a, b] = setups;
    let gap = |setup: &Setting| {
        let what = format!("the gap in ({})", setup.name);
        Statement::above(what, setup.outcome.gap.clone(), LEAST_GAP)
    };
    let trend =
        Statement::below("the trend of the gap in (A) against ln h", a.outcome.trend.clone(), 0.0);
    vec![gap(a), trend, gap(b)]
}

fn key_figures(setups: &[Setting; 2]) -> Vec<KeyFigure> {
    let mut rows: Vec<KeyFigure> = statements(setups).iter().map(Statement::key_figure).collect();
    for Setting { name, outcome, .. } in setups {
        if let Some(OfWidth { width, gap: Answer::Found(i), .. }) = outcome.per_width.last() {
            let what = format!("the gap at the largest width in ({name}), h = {width}");
            let note = "the paper: hardly detectable in the end in (A), still large in (B)";
            rows.push(KeyFigure::new(what, i.estimate, Some((i.low, i.high)), note));
        }
    }
    if let Answer::Found(i) = &setups[1].outcome.trend {
        let what = "trend of the gap in ln h in (B)";
        rows.push(KeyFigure::new(what, i.estimate, Some((i.low, i.high)), "reported only"));
    }
    rows
}

impl Setting {
    fn new(name: &'static str, points: Vec<Point>, choice: Choice) -> Self {
        Self { name, outcome: analyse_by(&points, choice), points }
    }

    fn notes(&self) -> Vec<String> {
        let missing = |of: &OfWidth| match &of.gap {
            Answer::Missing(why) => {
                Some(format!("No gap at h = {} in ({}): {why}.", of.width, self.name))
            }
            Answer::Found(_) => None,
        };
        let mut notes: Vec<String> = self.outcome.per_width.iter().filter_map(missing).collect();
        let left_out = self.outcome.seeds_left_out;
        if left_out > 0 {
            notes.push(format!(
                "Seeds without a gap at some width in ({}), which do not enter: {left_out}.",
                self.name
            ));
        }
        notes
    }

    fn table(&self) -> Table {
        let row = |of: &OfWidth| {
            let side = |k: usize| of.sides.map_or("none".into(), |s| number::fixed(s[k], 4));
            let alphas: Vec<String> =
                of.alphas.iter().map(|&a| number::significant(a, 2)).collect();
            vec![of.width.to_string(), alphas.join(", "), side(0), side(1), of.gap.written()]
        };
        Table {
            caption: format!("Both sides in setup ({}), width by width", self.name),
            header: ["h", "best α", "error, feature side", "error, lazy side", "gap"]
                .map(String::from)
                .to_vec(),
            rows: self.outcome.per_width.iter().map(row).collect(),
        }
    }

    fn figures(&self, frozen: &[Frozen]) -> Vec<Figure> {
        let Self { name, points, outcome } = self;
        let id = |what: &str| format!("{what}-{}", name.to_lowercase());
        let gaps = outcome.per_width.iter();
        let gaps = gaps.filter_map(|of| Some((of.width as f64, of.gap.found()?)));
        let bars = gaps.clone().map(|(x, i)| Interval { x, low: i.low, high: i.high }).collect();
        let frozen = if *name == "A" { frozen } else { &[] };
        vec![
            Figure {
                id: id("test-error"),
                title: format!("Test error against √h·α in setup ({name})"),
                caption: "At the end of training. Mean over seeds; bands show one standard error."
                    .into(),
                x: Axis::log("√h·α"),
                y: Axis::linear("test error"),
                map: None,
                series: series_by_width(
                    points,
                    Sample::root_width_alpha,
                    |p| p.test_error,
                    Average::Arithmetic,
                ),
                guides: Vec::new(),
            },
            Figure {
                id: id("gap"),
                title: format!("The gap between lazy and feature learning in setup ({name})"),
                caption: "Test error on the lazy side less that at the best α of the feature side; bars are \
                          95 % intervals over seeds. Above 0 feature learning is better."
                    .into(),
                x: Axis::log("width h"),
                y: Axis::linear("gap in test error"),
                map: None,
                series: vec![Series {
                    error_bars: bars,
                    ..Series::new("gap", gaps.map(|(x, i)| (x, i.estimate)).collect())
                }],
                guides: vec![Guide::HorizontalLevel { y: 0.0, label: "no gap".into() }],
            },
            Figure {
                id: id("sides"),
                title: format!("Test errors on both sides in setup ({name})"),
                caption: if frozen.is_empty() {
                    "Means over seeds.".into()
                } else {
                    "Means over seeds. Kernels frozen as they were at the beginning and at the end of \
                     training at one small α, and that of infinite width, learn the same points by the \
                     same flow; bars are the range of their seeds."
                        .into()
                },
                x: Axis::log("width h"),
                y: Axis::linear("test error"),
                map: None,
                series: sides_series(outcome, frozen),
                guides: Vec::new(),
            },
        ]
    }
}

/// How the gaps and the verdict depend on how they are taken.
fn sensitivity(setups: &[Setting; 2]) -> Table {
    let any: fn(&Point, usize) -> bool = |_, _| true;
    let choices = [
        ("the rule", any, RULE),
        ("without the smallest width", |p, smallest| p.width() > smallest, RULE),
        ("best α chosen on the same seeds", any, Choice { by_other_seeds: false, ..RULE }),
        ("lazy side: the largest α only", any, Choice { lazy_alphas: 1, ..RULE }),
        ("even seeds only", |p, _| p.seed() % 2 == 0, RULE),
        ("odd seeds only", |p, _| p.seed() % 2 == 1, RULE),
    ];
    let row = |(taken, enters, choice): (&str, fn(&Point, usize) -> bool, Choice)| {
        let other = setups.each_ref().map(|setup| {
            let smallest = setup.points.iter().map(|p| p.width()).min().unwrap_or(0);
            let points = setup.points.iter().filter(|p| enters(p, smallest)).copied().collect();
            Setting::new(setup.name, points, choice)
        });
        let [a, b] = other.each_ref().map(|setup| &setup.outcome);
        let verdict = verdict(&statements(&other)).kind;
        let cells = [a.gap.written(), a.trend.written(), b.gap.written(), b.trend.written()];
        [taken, verdict.words()].map(String::from).into_iter().chain(cells).collect()
    };
    Table {
        caption: "The gaps and the verdict by how they are taken".into(),
        header: [
            "taken",
            "verdict",
            "gap in (A)",
            "trend in ln h in (A)",
            "gap in (B)",
            "trend in (B)",
        ]
        .map(String::from)
        .to_vec(),
        rows: choices.into_iter().map(row).collect(),
    }
}

fn sides_series(outcome: &Outcome, frozen: &[Frozen]) -> Vec<Series> {
    let side = |k: usize| -> Vec<(f64, f64)> {
        outcome.per_width.iter().filter_map(|of| Some((of.width as f64, of.sides?[k]))).collect()
    };
    let mut sides = vec![
        Series::new("feature, best α", side(0)),
        Series { color: Color::Category(1), ..Series::new("lazy", side(1)) },
    ];
    let kernels = [("initial", "initial"), ("end", "final"), ("infinite-width", "infinite-width")];
    for (index, (kernel, name)) in kernels.into_iter().enumerate() {
        let of = frozen.iter().filter(|f| f.kernel == kernel);
        let points: Vec<(f64, f64)> = of.clone().map(|f| (f.width as f64, f.test_error)).collect();
        let bar = |f: &Frozen| Interval { x: f.width as f64, low: f.range[0], high: f.range[1] };
        if !points.is_empty() {
            sides.push(Series {
                error_bars: of.map(bar).collect(),
                color: Color::Category(2 + index),
                style: Style::Points,
                ..Series::new(format!("{name} kernel"), points)
            });
        }
    }
    sides
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::curves::Place;
    use crate::report::VerdictKind;

    /// A number between −1 and 1 that looks random.
    fn scatter(of: [u64; 3]) -> f64 {
        let mixed = of.iter().fold(7u64, |state, part| {
            let state = (state ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (state ^ (state >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        });
        2.0 * ((mixed >> 11) as f64 / (1u64 << 53) as f64) - 1.0
    }

    /// Records with this gap at a width, up to a scatter of `noise`.
    fn synthetic(gap: impl Fn(f64) -> f64, noise: f64, seeds: u64) -> Vec<Point> {
        let mut points = Vec::new();
        for width in [32usize, 64, 128, 256] {
            for k in -2..=4 {
                for seed in 0..seeds {
                    let alpha = 10f64.powi(k);
                    let wiggle = 5.0 * scatter([seed, width as u64, (k + 20) as u64]);
                    let lazy = alpha > 10.0;
                    let best = if k == 0 { 0.0 } else { 0.001 };
                    let error = if lazy { 0.08 } else { 0.08 - gap(width as f64) + best };
                    points.push(Point {
                        place: Place { width, alpha, seed },
                        kernel_change: 20.0 / alpha,
                        test_error: error + 0.2 * noise * wiggle,
                    });
                }
            }
        }
        points
    }

    /// Setup (A) with these records, and (B) with a large gap.
    fn setups(points: &[Point]) -> [Setting; 2] {
        let seeds = values(points, |p| p.seed()).len() as u64;
        let large = synthetic(|_| 0.03, 1e-3, seeds);
        [("A", points.to_vec()), ("B", large)]
            .map(|(name, points)| Setting::new(name, points, RULE))
    }

    fn analyse(points: &[Point]) -> Outcome {
        analyse_by(points, RULE)
    }

    fn kind(points: &[Point]) -> VerdictKind {
        verdict(&statements(&setups(points))).kind
    }

    #[test]
    fn a_gap_that_shrinks_is_reproduced() {
        let points = synthetic(|h| 0.1 / h.sqrt(), 1e-3, 6);
        let outcome = analyse(&points);
        assert_eq!(kind(&points), VerdictKind::Reproduced, "{outcome:?}");
        assert_eq!(outcome.per_width[0].alphas, [1.0]);
        let gap = outcome.per_width[0].gap.found().unwrap();
        assert!((gap.estimate - 0.1 / 32f64.sqrt()).abs() < 1e-3, "{gap:?}");
    }

    #[test]
    fn how_a_clear_gap_is_taken_does_not_matter_and_seeds_left_out_are_told() {
        let points = synthetic(|h| 0.1 / h.sqrt(), 1e-3, 8);
        let table = sensitivity(&setups(&points));
        assert!(table.rows.iter().all(|row| row[1] == "reproduced"), "{table:?}");
        // Seed 0 has left one width only.
        let some: Vec<Point> =
            points.into_iter().filter(|p| p.seed() > 0 || p.width() == 64).collect();
        let setting = Setting::new("A", some, RULE);
        assert_eq!(setting.outcome.gap.found().unwrap().n_seeds, 7);
        assert!(setting.notes().iter().any(|note| note.starts_with("Seeds without a gap at")));
    }

    #[test]
    fn gaps_that_grow_no_gap_and_a_negative_one_are_not() {
        for gap in [(|h: f64| 1e-3 * h.sqrt()) as fn(f64) -> f64, |_| 0.0, |h| -0.1 / h.sqrt()] {
            assert_eq!(kind(&synthetic(gap, 1e-3, 6)), VerdictKind::NotReproduced);
        }
    }

    #[test]
    fn no_gap_in_one_setup_is_enough() {
        let [good, mut other] = setups(&synthetic(|h| 0.1 / h.sqrt(), 1e-3, 6));
        other.outcome = analyse(&synthetic(|_| -0.01, 1e-3, 6));
        let verdict = verdict(&statements(&[good, other]));
        assert_eq!(verdict.kind, VerdictKind::NotReproduced);
        assert!(verdict.sentence.starts_with("The gap in (B) is"), "{}", verdict.sentence);
    }

    #[test]
    fn choosing_on_the_same_seeds_flatters_the_gap() {
        let points = synthetic(|_| 0.0, 1e-2, 6);
        let same = analyse_by(&points, Choice { by_other_seeds: false, ..RULE });
        let other = analyse(&points);
        let gap = |outcome: &Outcome| outcome.gap.found().unwrap().estimate;
        assert!(gap(&same) >= gap(&other));
    }

    #[test]
    fn noise_too_few_seeds_and_no_runs_are_inconclusive() {
        // As large as the least gap, and lost in the noise.
        assert_eq!(kind(&synthetic(|_| LEAST_GAP, 2e-2, 6)), VerdictKind::Inconclusive);
        for points in
            [synthetic(|h| 0.1 / h.sqrt(), 1e-3, 2), synthetic(|_| 0.01, 1e-3, 1), Vec::new()]
        {
            let setups = setups(&points);
            assert_eq!(verdict(&statements(&setups)).kind, VerdictKind::Inconclusive);
            for setup in &setups {
                assert_eq!(setup.figures(&[]).len(), 3);
                setup.table();
            }
            sensitivity(&setups);
            key_figures(&setups);
        }
    }
}
