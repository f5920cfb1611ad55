//! finding-1: `α* = 1/√h` separates the lazy from the feature-learning regime.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 3.1 and figures 1
//! and 2.

use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Collapse, CollapseConfig, Crossing, CrossingPolicy,
    Direction, Drift, LocalExponent, Pairing, Scale, Scales, bootstrap, collapse_interval,
    crossing, difference_of_means, exponent_drift, exponent_interval, fit_power_law,
    local_exponents, mean, rescale,
};
use serde::Serialize;

use super::{
    Finding, KERNEL_CHANGE_AT_BORDER, Run, Settings, Study,
    answer::Answer,
    curves::{
        Average, Point, Sample, by_seed, converged, endings, geometric_centre, series_by_width,
        values,
    },
    gram::gram_figures,
    grids::{PROTOCOL, border_grid},
    phase_diagram::phase_diagram,
    statement::{Statement, verdict},
};
use crate::{
    figure::{Axis, Color, Figure, Guide, Interval, Series, Style, number},
    report::{KeyFigure, Table},
    study::RunSpec,
};

/// The claimed exponent of α* against h.
const CLAIM: f64 = -0.5;

/// How far from it still is nearer to it than to 0 (no dependence on the width) or to −1.
const MARGIN: f64 = 0.25;

pub(crate) struct Finding1;

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

    fn rule(&self) -> &'static str {
        "For every width h and seed, α* is the α at which the kernel change ‖Θ − Θ₀‖/‖Θ₀‖ at the \
         end of training, on points outside the training set, falls through 1 (on the \
         monotone curve closest to the runs, interpolated in logarithms). The exponent p of α* ∝ hᵖ is fitted with a common slope for all seeds (a seed with α* at fewer than two widths does not enter); its \
         95 % interval comes from a bootstrap over seeds.\n\n\
         Reproduced: the interval lies within −½ ± ¼, so p is nearer to −½ than to 0, a border \
         that does not depend on the width, and than to −1. Not reproduced: the interval lies \
         outside −½ ± ¼. Inconclusive: it does neither, there is none, or it rests on fewer than three seeds. The margin is wide \
         because widths are finite: corrections to the power law are expected at the small ones, \
         and how the local exponent drifts with h is reported beside it, as is whether the \
         interval contains −½ itself.\n\n\
         The same is measured on the test error, rescaled to 0 at the two smallest and 1 at the \
         two largest α, where it crosses ½, provided that the two plateaus can be told apart; it \
         is reported beside the verdict and does not enter it."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        border_grid(settings)
    }

    fn study(&self, runs: &[Run]) -> Study {
        let points = converged(runs);
        let outcome = analyse(&points);
        let (summary, unconverged) = endings(runs);
        let mut notes = vec![summary, PROTOCOL.to_owned()];
        notes.extend(outcome.notes());
        Study {
            verdict: verdict(&[statement(outcome.kernel.exponent.clone())]),
            key_figures: key_figures(&outcome),
            figures: [figures(&points, &outcome), gram_figures(runs)].concat(),
            tables: [Some(table(&outcome)), Some(sensitivity(&points)), unconverged]
                .into_iter()
                .flatten()
                .collect(),
            notes,
            outcome: serde_json::json!(outcome),
        }
    }
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outcome {
    /// α* from the kernel change.
    kernel: Border,
    /// α* from the rescaled test error.
    test_error: Border,
    /// The exponent b for which the kernel change collapses against h^b·α.
    collapse: Answer<(Collapse, BootstrapInterval)>,
}

/// Where the regimes meet, by one observable.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Border {
    /// α* per width, the mean curve over seeds crossing the level.
    crossings: Vec<(usize, Answer<f64>)>,
    /// α* per seed and width, where the observable is good enough for it.
    per_seed: Vec<Vec<(usize, f64)>>,
    /// Exponent of α* against h, over seeds.
    exponent: Answer<BootstrapInterval>,
    /// Slopes between neighbouring widths.
    local_exponents: Vec<LocalExponent>,
    /// What leaving out the smallest width does.
    drift: Option<Drift>,
}

fn analyse(points: &[Point]) -> Outcome {
    let kernel_curves = by_seed(points, |p| p.kernel_change);
    let collapse_config = CollapseConfig { y_scale: Scale::Log, ..CollapseConfig::default() };
    // The collapse interpolates every curve in every resample: fewer suffice.
    let resampling = BootstrapConfig { resamples: 200, ..BootstrapConfig::default() };
    let collapse =
        collapse_interval(&kernel_curves, Pairing::Paired, &collapse_config, &resampling);
    Outcome {
        kernel: kernel_border(points, KERNEL_CHANGE_AT_BORDER),
        test_error: test_error_border(points),
        collapse: Answer::of(collapse),
    }
}

/// Where the kernel change falls through a level.
fn kernel_border(points: &[Point], level: f64) -> Border {
    let at_level = |curve: &[(f64, f64)]| -> Result<Crossing, String> {
        let found = crossing(curve, level, Scales::LOG_LOG, CrossingPolicy::default())
            .map_err(|e| e.to_string())?;
        match found.direction {
            Direction::Falling => Ok(found),
            Direction::Rising => Err("the kernel change rises with α".into()),
        }
    };
    let per_seed: Vec<Vec<(usize, f64)>> = by_seed(points, |p| p.kernel_change)
        .iter()
        .map(|curves| {
            let found = |curve: &regime_scaling::Curve| {
                Some((curve.size as usize, at_level(&curve.points).ok()?.x))
            };
            curves.iter().filter_map(found).collect()
        })
        .collect();
    let crossings = mean_crossings(
        points,
        |p| p.kernel_change.ln(),
        |curve| {
            let back: Vec<(f64, f64)> = curve.iter().map(|&(x, y)| (x, y.exp())).collect();
            at_level(&back)
        },
    );
    // A seed with a border at one width says nothing of p, and would be counted as one that does.
    let seeds: Vec<Vec<(f64, f64)>> = per_seed
        .iter()
        .filter(|seed| seed.len() > 1)
        .map(|seed| seed.iter().map(|&(h, alpha)| (h as f64, alpha)).collect())
        .collect();
    let exponent = exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default());
    Border::new(crossings, per_seed, Answer::of(exponent))
}

fn test_error_border(points: &[Point]) -> Border {
    let mut crossings = mean_crossings(
        points,
        |p| p.test_error,
        |curve| half_way(curve).map_err(|e| e.to_string()),
    );
    // Half-way between two plateaus that cannot be told apart is nowhere.
    let mut indistinct = None;
    for (width, answer) in &mut crossings {
        if let Some(why) = plateaus_overlap(points, *width) {
            let why = format!("the plateaus of the test error cannot be told apart ({why})");
            indistinct.get_or_insert_with(|| format!("at h = {width} {why}"));
            *answer = Answer::Missing(why);
        }
    }
    let seeds = values(points, |p| p.seed());
    let exponent = match indistinct {
        Some(why) => Answer::Missing(why),
        None => Answer::of(bootstrap(seeds.len(), &BootstrapConfig::default(), |indices| {
            // A seed that is drawn twice counts twice.
            let drawn: Vec<Point> = indices
                .iter()
                .map(|&i| seeds[i])
                .flat_map(|seed| points.iter().filter(move |p| p.seed() == seed).copied())
                .collect();
            let crossings = mean_crossings(&drawn, |p| p.test_error, half_way);
            let pairs: Option<Vec<(f64, f64)>> =
                crossings.iter().map(|(h, answer)| Some((*h as f64, *answer.found()?))).collect();
            Some(fit_power_law(&pairs?).ok()?.exponent)
        })),
    };
    Border::new(crossings, Vec::new(), exponent)
}

/// Where the curve of a test error, rescaled between its two plateaus, crosses ½.
fn half_way(curve: &[(f64, f64)]) -> Result<Crossing, String> {
    let (low, high) = plateaus(curve).ok_or("fewer than four values of α")?;
    let errors: Vec<f64> = curve.iter().map(|&(_, y)| y).collect();
    let rescaled = rescale(&errors, low, high).map_err(|e| e.to_string())?;
    let curve: Vec<(f64, f64)> = curve.iter().map(|&(x, _)| x).zip(rescaled).collect();
    crossing(&curve, 0.5, Scales::LOG_X, CrossingPolicy::default()).map_err(|e| e.to_string())
}

/// Means over the two smallest and the two largest α of a sorted curve.
fn plateaus(curve: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = curve.len();
    (n >= 4).then(|| (0.5 * (curve[0].1 + curve[1].1), 0.5 * (curve[n - 2].1 + curve[n - 1].1)))
}

/// Why the plateaus of one width are not different, if they are not: the interval
/// of their difference, paired over seeds, contains 0 or does not exist.
fn plateaus_overlap(points: &[Point], width: usize) -> Option<String> {
    let mut low = Vec::new();
    let mut high = Vec::new();
    for curves in by_seed(points, |p| p.test_error) {
        let mut curve = curves.into_iter().find(|c| c.size == width as f64)?.points;
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some((feature, lazy)) = plateaus(&curve) else { continue };
        low.push(feature);
        high.push(lazy);
    }
    match difference_of_means(&high, &low, Pairing::Paired, &BootstrapConfig::default()) {
        Ok(gap) if gap.contains(0.0) => Some(format!(
            "lazy minus feature {}",
            number::with_interval(gap.estimate, gap.low, gap.high)
        )),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

/// Per width, the crossing of the mean of `y` over seeds, by `cross`.
fn mean_crossings(
    points: &[Point],
    y: impl Fn(&Point) -> f64,
    cross: impl Fn(&[(f64, f64)]) -> Result<Crossing, String>,
) -> Vec<(usize, Answer<f64>)> {
    let one = |width: usize| {
        let here: Vec<Point> = points.iter().filter(|p| p.width() == width).copied().collect();
        let curve: Vec<(f64, f64)> = values(&here, |p| p.alpha())
            .into_iter()
            .filter_map(|alpha| {
                let at = here.iter().filter(|p| p.alpha() == alpha);
                let values: Vec<f64> = at.map(&y).collect();
                Some((alpha, mean(&values)?.mean))
            })
            .collect();
        (width, Answer::of(cross(&curve).map(|found| found.x)))
    };
    values(points, |p| p.width()).into_iter().map(one).collect()
}

impl Border {
    fn new(
        crossings: Vec<(usize, Answer<f64>)>,
        per_seed: Vec<Vec<(usize, f64)>>,
        exponent: Answer<BootstrapInterval>,
    ) -> Self {
        let found: Vec<(f64, f64)> = crossings
            .iter()
            .filter_map(|(h, answer)| Some((*h as f64, *answer.found()?)))
            .collect();
        Self {
            local_exponents: local_exponents(&found).unwrap_or_default(),
            drift: exponent_drift(&found).ok(),
            crossings,
            per_seed,
            exponent,
        }
    }

    /// The crossings that exist, as points (h, α*).
    fn found(&self) -> Vec<(f64, f64)> {
        let pair = |(h, answer): &(usize, Answer<f64>)| Some((*h as f64, *answer.found()?));
        self.crossings.iter().filter_map(pair).collect()
    }
}

/// See [`Finding1::rule`].
fn statement(exponent: Answer<BootstrapInterval>) -> Statement {
    Statement::near("the exponent p of α* ∝ hᵖ", exponent, CLAIM, MARGIN)
}

impl Outcome {
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Answer::Missing(why) = &self.test_error.exponent {
            notes.push(format!("No exponent from the test error: {why}."));
        }
        if let Answer::Missing(why) = &self.collapse {
            notes.push(format!("No best collapse: {why}."));
        }
        for (name, border) in [("kernel change", &self.kernel), ("test error", &self.test_error)] {
            for (width, answer) in &border.crossings {
                if let Answer::Missing(why) = answer {
                    notes.push(format!("No α* from the {name} at h = {width}: {why}."));
                }
            }
        }
        let seeds = self.kernel.per_seed.len();
        let without = self.kernel.per_seed.iter().filter(|seed| seed.len() < 2).count();
        if without > 0 {
            notes.push(format!(
                "{without} of {seeds} seeds have α* from the kernel change at fewer than two \
                 widths and do not enter p."
            ));
        }
        notes
    }
}

fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let exponent = |name: &str, border: &Border| {
        border.exponent.key_figure(name, |i| {
            let contains = if i.contains(CLAIM) { "contains" } else { "does not contain" };
            format!("claim −½, which the interval {contains}; {} seeds", i.n_seeds)
        })
    };
    let mut rows = vec![
        exponent("exponent of α* against h, from the kernel change", &outcome.kernel),
        exponent("exponent of α* against h, from the test error", &outcome.test_error),
    ];
    if let Some((collapse, interval)) = outcome.collapse.found() {
        let quality = |q: Option<f64>| q.map_or("none".into(), |q| number::significant(q, 2));
        rows.push(KeyFigure::new(
            "best collapse of the kernel change against hᵇ·α, b",
            collapse.exponent,
            Some((interval.low, interval.high)),
            format!(
                "claim ½; mean squared deviation relative to the spread {}, at b = ½ {}, without \
                 rescaling {}",
                number::significant(collapse.quality, 2),
                quality(collapse.quality_at_reference),
                quality(collapse.quality_at_zero),
            ),
        ));
    }
    if let Some(drift) = &outcome.kernel.drift {
        rows.push(KeyFigure::new(
            "the same exponent without the smallest width",
            drift.without_smallest.exponent,
            None,
            "from the mean curves; shows the drift with h",
        ));
    }
    rows
}

fn table(outcome: &Outcome) -> Table {
    let cell = |answer: Option<&Answer<f64>>| match answer.and_then(Answer::found) {
        Some(&value) => number::significant(value, 3),
        None => "none".into(),
    };
    let rows = outcome.kernel.crossings.iter().map(|(width, kernel)| {
        let test = outcome.test_error.crossings.iter().find(|(h, _)| h == width).map(|(_, a)| a);
        let root = (*width as f64).sqrt();
        let product = kernel.found().map_or("none".into(), |a| number::significant(a * root, 3));
        let local = outcome.kernel.local_exponents.iter().find(|l| l.x_low == *width as f64);
        let local = local.map_or(String::new(), |l| number::fixed(l.exponent, 2));
        vec![width.to_string(), cell(Some(kernel)), product, local, cell(test)]
    });
    Table {
        caption: "The border between the regimes".into(),
        header: [
            "h",
            "α* (kernel change = 1)",
            "√h·α*",
            "exponent to the next width",
            "α* (rescaled test error = ½)",
        ]
        .map(String::from)
        .to_vec(),
        rows: rows.collect(),
    }
}

/// How p and the verdict depend on what counts as the border, and on what enters.
fn sensitivity(points: &[Point]) -> Table {
    let smallest = points.iter().map(|p| p.width()).min();
    let wider: Vec<Point> =
        points.iter().filter(|p| Some(p.width()) != smallest).copied().collect();
    let [even, odd] = [0, 1].map(|parity| -> Vec<Point> {
        points.iter().filter(|p| p.seed() % 2 == parity).copied().collect()
    });
    let level = KERNEL_CHANGE_AT_BORDER;
    let choices = [
        ("the rule", points, level),
        ("the border at a kernel change of 0.3", points, 0.3),
        ("the border at a kernel change of 3", points, 3.0),
        ("without the smallest width", &wider, level),
        ("even seeds only", &even, level),
        ("odd seeds only", &odd, level),
    ];
    let row = |(name, points, level): (&str, &[Point], f64)| {
        let exponent = kernel_border(points, level).exponent;
        let verdict = verdict(&[statement(exponent.clone())]).kind;
        vec![name.to_owned(), verdict.words().to_owned(), exponent.written()]
    };
    Table {
        caption: "What the choices of the analysis do to p and the verdict".into(),
        header: ["choice", "verdict", "p"].map(String::from).to_vec(),
        rows: choices.into_iter().map(row).collect(),
    }
}

fn figures(points: &[Point], outcome: &Outcome) -> Vec<Figure> {
    let change = |p: &Point| p.kernel_change;
    let level = || Guide::HorizontalLevel {
        y: KERNEL_CHANGE_AT_BORDER,
        label: "the border: kernel change 1".into(),
    };
    let band = "Mean over seeds; bands show one standard error.";
    let collapsed = series_by_width(points, Sample::root_width_alpha, change, Average::Geometric);
    let lazy_guide = lazy_guide(&collapsed);
    vec![
        Figure {
            id: "alpha-star".into(),
            title: "Where the regimes meet, against the width".into(),
            caption:
                "α at which the final kernel change falls through 1. Points: the mean curve; bars: \
                      the range of the seeds. Dashed: the claimed slope through the geometric \
                      mean of the points, and no dependence on the width."
                    .into(),
            x: Axis::log("width h"),
            y: Axis::log("α*"),
            map: None,
            series: border_series(&outcome.kernel),
            guides: border_guides(&outcome.kernel),
        },
        Figure {
            id: "kernel-change".into(),
            title: "How much the tangent kernel has changed by the end of training".into(),
            caption: format!("‖Θ − Θ₀‖/‖Θ₀‖ on points outside the training set, against α. {band}"),
            x: Axis::log("α"),
            y: Axis::log("kernel change"),
            map: None,
            series: series_by_width(points, |p| p.alpha(), change, Average::Geometric),
            guides: vec![level()],
        },
        Figure {
            id: "kernel-change-collapsed".into(),
            title: "The same against √h·α".into(),
            caption: format!(
                "If the claim holds, the curves of all widths fall on one. {band} The guide is \
                 what a perfectly lazy kernel would do, ‖ΔΘ‖ ∝ 1/α."
            ),
            x: Axis::log("√h·α"),
            y: Axis::log("kernel change"),
            map: None,
            series: collapsed,
            guides: [Some(level()), lazy_guide].into_iter().flatten().collect(),
        },
        Figure {
            id: "test-error".into(),
            title: "Test error against √h·α".into(),
            caption: format!("At the end of training, when every margin is reached. {band}"),
            x: Axis::log("√h·α"),
            y: Axis::linear("test error"),
            map: None,
            series: series_by_width(
                points,
                Sample::root_width_alpha,
                |p| p.test_error,
                Average::Arithmetic,
            ),
            guides: border_mark(&outcome.kernel).into_iter().collect(),
        },
        phase_diagram(points),
    ]
}

/// The geometric mean of √h·α* over the widths.
fn border_mark(border: &Border) -> Option<Guide> {
    let logs: Vec<f64> = border.found().iter().map(|(h, alpha)| (h.sqrt() * alpha).ln()).collect();
    let x = mean(&logs)?.mean.exp();
    Some(Guide::VerticalLevel { x, label: "kernel change 1".into() })
}

/// Slope −1 through the last point of the last curve, over its last two decades.
fn lazy_guide(series: &[Series]) -> Option<Guide> {
    let &(x, y) = series.last()?.points.last()?;
    let range = (x * 1e-2, x);
    Some(Guide::Slope { slope: -1.0, through: (x, 0.5 * y), range, label: "slope −1".into() })
}

fn border_series(border: &Border) -> Vec<Series> {
    let seeds: Vec<(f64, f64)> =
        border.per_seed.iter().flatten().map(|&(h, alpha)| (h as f64, alpha)).collect();
    let spread = |&(h, _): &(f64, f64)| {
        let here = seeds.iter().filter(|p| p.0 == h).map(|p| p.1);
        let (low, high) = here.fold((f64::INFINITY, 0.0f64), |(l, u), a| (l.min(a), u.max(a)));
        (low <= high).then_some(Interval { x: h, low, high })
    };
    let found = border.found();
    let measured = Series {
        error_bars: found.iter().filter_map(spread).collect(),
        style: Style::Points,
        color: Color::Category(0),
        ..Series::new("measured, range of seeds", found.clone())
    };
    let fit = fit_power_law(&found).ok().map(|fit| Series {
        style: Style::Line,
        color: Color::Ink,
        ..Series::new(
            format!("fit, slope {}", number::fixed(fit.exponent, 2)),
            found.iter().map(|&(h, _)| (h, fit.value_at(h))).collect(),
        )
    });
    [Some(measured), fit].into_iter().flatten().collect()
}

fn border_guides(border: &Border) -> Vec<Guide> {
    let found = border.found();
    let Some((h, alpha)) = geometric_centre(&found) else { return Vec::new() };
    let first = found.first().map_or(h, |p| p.0);
    let last = found.last().map_or(h, |p| p.0);
    let guide = |slope: f64, label: &str| Guide::Slope {
        slope,
        through: (h, alpha),
        range: (first, last),
        label: label.into(),
    };
    vec![guide(-0.5, "slope −1/2"), guide(0.0, "slope 0")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        finding::curves::Place,
        report::{Verdict, VerdictKind},
    };

    fn kind(outcome: &Outcome) -> VerdictKind {
        verdict(&[statement(outcome.kernel.exponent.clone())]).kind
    }

    /// A grid of records in which the border lies at `h^exponent` and which
    /// scatter by a few percent from seed to seed.
    fn synthetic(exponent: f64, seeds: u64) -> Vec<Point> {
        let mut points = Vec::new();
        for width in [32usize, 64, 128, 256] {
            for k in -12..=12 {
                for seed in 0..seeds {
                    let alpha = 10f64.powf(f64::from(k) / 4.0);
                    let x = alpha * (width as f64).powf(-exponent);
                    let wiggle =
                        ((seed * 31 + width as u64 * 17 + (k + 20) as u64 * 7) % 11) as f64;
                    let noise = 1.0 + 0.02 * (wiggle - 5.0);
                    let kernel_change = noise * 2.0 * x.powf(-0.8) / (1.0 + x.powf(0.2));
                    let test_error = 0.05 + 0.03 * x / (1.0 + x) + 1e-3 * wiggle;
                    points.push(Point {
                        place: Place { width, alpha, seed },
                        kernel_change,
                        test_error,
                    });
                }
            }
        }
        points
    }

    #[test]
    fn a_border_at_the_inverse_root_of_the_width_is_reproduced() {
        let outcome = analyse(&synthetic(-0.5, 5));
        let exponent = outcome.kernel.exponent.found().unwrap();
        assert!((exponent.estimate + 0.5).abs() < 0.02, "{exponent:?}");
        assert_eq!(kind(&outcome), VerdictKind::Reproduced);
        let test_error = outcome.test_error.exponent.found().unwrap();
        assert!((test_error.estimate + 0.5).abs() < 0.05, "{test_error:?}");
        let (collapse, _) = outcome.collapse.found().unwrap();
        assert!((collapse.exponent - 0.5).abs() < 0.03, "{collapse:?}");
    }

    #[test]
    fn a_border_that_does_not_move_is_not_reproduced() {
        assert_eq!(kind(&analyse(&synthetic(0.0, 5))), VerdictKind::NotReproduced);
        assert_eq!(kind(&analyse(&synthetic(-1.0, 5))), VerdictKind::NotReproduced);
    }

    #[test]
    fn an_exponent_at_the_edge_of_the_margin_is_inconclusive() {
        assert_eq!(kind(&analyse(&synthetic(-0.25, 5))), VerdictKind::Inconclusive);
    }

    #[test]
    fn too_few_seeds_or_no_runs_are_inconclusive() {
        assert_eq!(kind(&analyse(&synthetic(-0.5, 2))), VerdictKind::Inconclusive);
        for points in [synthetic(-0.5, 1), Vec::new()] {
            let outcome = analyse(&points);
            let Verdict { kind, sentence } = verdict(&[statement(outcome.kernel.exponent.clone())]);
            assert_eq!(kind, VerdictKind::Inconclusive, "{sentence}");
            assert!(sentence.contains("no interval"));
            // What is told of nothing must not fail either.
            assert_eq!(figures(&points, &outcome).len(), 5);
            table(&outcome);
            sensitivity(&points);
            key_figures(&outcome);
        }
    }

    #[test]
    fn a_seed_with_one_border_is_not_counted() {
        // Of the seeds 2 to 4 one width is left.
        let points: Vec<Point> =
            synthetic(-0.5, 5).into_iter().filter(|p| p.seed() < 2 || p.width() == 64).collect();
        let outcome = analyse(&points);
        assert_eq!(outcome.kernel.exponent.found().unwrap().n_seeds, 2);
        assert_eq!(kind(&outcome), VerdictKind::Inconclusive);
        assert!(outcome.notes().iter().any(|note| note.starts_with("3 of 5 seeds have α*")));
    }

    #[test]
    fn the_choices_of_the_analysis_do_not_move_a_clear_border() {
        let table = sensitivity(&synthetic(-0.5, 6));
        assert_eq!(table.rows.len(), 6);
        assert!(table.rows.iter().all(|row| row[1] == "reproduced"), "{table:?}");
        let table = sensitivity(&synthetic(0.0, 6));
        assert!(table.rows.iter().all(|row| row[1] == "not reproduced"), "{table:?}");
    }

    #[test]
    fn curves_that_never_cross_are_inconclusive_and_say_so() {
        let lazy: Vec<Point> =
            synthetic(-0.5, 5).into_iter().filter(|p| p.kernel_change < 0.5).collect();
        let outcome = analyse(&lazy);
        assert_eq!(kind(&outcome), VerdictKind::Inconclusive);
        assert!(outcome.notes().iter().any(|note| note.contains("No α* from the kernel change")));
    }

    #[test]
    fn a_test_error_without_a_gap_has_no_border() {
        let flat: Vec<Point> = synthetic(-0.5, 5)
            .into_iter()
            .map(|p| Point {
                test_error: 0.07 + 1e-3 * (p.seed() as f64 - 2.0) * p.alpha().ln(),
                ..p
            })
            .collect();
        let outcome = analyse(&flat);
        assert!(outcome.test_error.exponent.found().is_none());
        assert_eq!(kind(&outcome), VerdictKind::Reproduced);
    }
}
