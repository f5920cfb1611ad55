//! Notes, tables and figures.

use regime_plot::{Axis, Color, Figure, Guide, Interval, Series, Style, number};
use regime_scaling::{fit_power_law, mean};
use regime_study::{
    KERNEL_CHANGE_AT_BORDER,
    curves::{Point, Sample},
};

use super::analysis::{Border, CLAIM, Outcome, kernel_border, statement};
use crate::{
    finding::{
        answer::Answer,
        phase_diagram::phase_diagram,
        series::{Average, geometric_centre, series_by_width, test_errors},
        statement::verdict,
    },
    report::{KeyFigure, Table},
};

impl Outcome {
    pub(super) fn notes(&self) -> Vec<String> {
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

pub(super) fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
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

pub(super) fn table(outcome: &Outcome) -> Table {
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
pub(super) fn sensitivity(points: &[Point]) -> Table {
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

pub(super) fn figures(points: &[Point], outcome: &Outcome) -> Vec<Figure> {
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
            series: test_errors(points),
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
