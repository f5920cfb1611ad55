//! finding-4: tables and figures.

use regime_findings::{
    finding_4::{Outcome, Passed, WINDOW, analyse},
    product,
};
use regime_plot::{Axis, Figure, Guide, Series, number};
use regime_scaling::{Levels, Outcome as Decided, judge};
use regime_study::{Run, RunRecord};

use super::{
    answer::{key_figure, written},
    kernel_path::kernel_path,
    series::{Average, MEANS, Value, by_size, geometric_centre},
    shown::Shown,
    words,
};
use crate::report::{KeyFigure, Table};

pub(super) fn shown(runs: &[Run]) -> Shown {
    let outcome = analyse(runs);
    Shown {
        key_figures: vec![kernel_change(&outcome), control_in_words(&outcome)],
        figures: figures(runs),
        tables: vec![times(&outcome), sensitivity(&outcome), control(&outcome)],
        notes: vec!["Runs end at t₁; t₂ is in the report of finding-1.".into()],
        outcome: serde_json::json!(outcome),
    }
}

fn kernel_change(outcome: &Outcome) -> KeyFigure {
    let change =
        outcome.feature.log_kernel_change.clone().map(regime_scaling::BootstrapInterval::exp);
    key_figure(
        "The kernel change at t₁, geometric mean",
        &change,
        "claim: above 3, judged by its logarithm",
    )
}

/// Whether the rule fails on the lazy side, as it must.
fn control_in_words(outcome: &Outcome) -> KeyFigure {
    let fails = judge(&outcome.control(), 1) == Decided::Fail;
    KeyFigure {
        name: "The same rule on the lazy side".into(),
        value: if fails { "does not hold" } else { "is not refuted" }.into(),
        interval: String::new(),
        note: "it must not hold there: f does not grow and the kernel hardly changes (at one √h·α p is open)"
            .into(),
    }
}

fn times(outcome: &Outcome) -> Table {
    let row = |(width, product, log): &(usize, f64, Result<_, String>)| {
        let ratio = log.clone().map(regime_scaling::BootstrapInterval::exp);
        vec![width.to_string(), number::significant(*product, 2), written(&ratio)]
    };
    Table {
        caption: "t₁/(√h·α), geometric mean over networks and training sets; 95 % intervals".into(),
        header: ["h", "√h·α", "t₁/(√h·α)"].map(String::from).to_vec(),
        rows: outcome.places.iter().map(row).collect(),
    }
}

fn sensitivity(outcome: &Outcome) -> Table {
    let row = |(most, [p, r]): &(f64, [Result<_, String>; 2])| {
        vec![format!("√h·α ≤ {}", number::significant(*most, 2)), written(p), written(r)]
    };
    Table {
        caption: "The exponents of t₁ for different ranges of √h·α".into(),
        header: ["runs", "p", "r"].map(String::from).to_vec(),
        rows: outcome.sensitivity.iter().map(row).collect(),
    }
}

fn control(outcome: &Outcome) -> Table {
    let statements = outcome.control();
    let levels = Levels::of(0.05, statements.len(), 1);
    let row = |statement: &regime_scaling::Statement| {
        let KeyFigure { name, value, interval, note } = words::key_figure(statement, levels);
        vec![name, value, interval, note]
    };
    Table {
        caption: "The parts of the claim on the lazy side, as a control: f does not grow there, and the kernel \
                  changes little"
            .into(),
        header: ["quantity", "value", "95 % interval", "claim"].map(String::from).to_vec(),
        rows: statements.iter().map(row).collect(),
    }
}

fn figures(runs: &[Run]) -> Vec<Figure> {
    let of = |y: fn(&Run, &RunRecord) -> Option<f64>| {
        by_size(runs, "h", Average::Geometric, |run| {
            let y = run.record.as_ref().ok().and_then(|record| y(run, record));
            Some(Value { size: run.spec.network.width(), x: product(&run.spec), y })
        })
    };
    let half_loss = of(|_, record| record.t1);
    let guide = slope_one(&half_loss);
    let border = || Guide::VerticalLevel { x: WINDOW, label: "end of the feature side".into() };
    let figure = |id: &str, title: &str, caption: &str, label: &str, series: Vec<Series>| Figure {
        id: id.into(),
        title: title.into(),
        caption: format!("{caption} {MEANS}"),
        x: Axis::log("√h·α"),
        y: Axis::log(label),
        map: None,
        series,
        guides: vec![border()],
    };
    let mut times = figure(
        "half-loss-time",
        "The time t₁ at which the loss has halved",
        "If the claim holds, the curves of all widths collapse, with slope 1 on the feature side.",
        "t₁",
        half_loss,
    );
    times.guides.extend(guide);
    let mut change = figure(
        "kernel-change-at-half-loss",
        "How much the kernel has changed at t₁",
        "‖Θ(t₁) − Θ₀‖/‖Θ₀‖ on points outside the training sets.",
        "kernel change at t₁",
        of(|_, record| record.kernel_change_at_t1().filter(|&c| c > 0.0)),
    );
    change.guides.push(Guide::HorizontalLevel { y: 1.0, label: "kernel change 1".into() });
    vec![times, growth(runs), change, kernel_path(runs)]
}

/// The growth until `t₁` against √h, rescaled to `√h·α = 1`: at a fixed width it is ∝ `1/α`.
fn growth(runs: &[Run]) -> Figure {
    let series = by_size(runs, "", Average::Geometric, |run| {
        let product = product(&run.spec);
        let passed = run.record.as_ref().ok().and_then(Passed::of);
        let y = passed.and_then(|passed| Some(passed.growth? * product));
        let x = (run.spec.network.width() as f64).sqrt();
        (product <= WINDOW).then_some(Value { size: 1, x, y })
    });
    let series: Vec<Series> =
        series.into_iter().map(|s| Series { label: "measured".into(), ..s }).collect();
    let points = series.first().map_or(Vec::new(), |s| s.points.clone());
    let ends = points.first().zip(points.last()).map(|(first, last)| (first.0, last.0));
    let guide = geometric_centre(&points).zip(ends).map(|(through, range)| Guide::Slope {
        slope: 1.0,
        through,
        range,
        label: "slope 1".into(),
    });
    Figure {
        id: "growth-against-width".into(),
        title: "Growth of the output until t₁, rescaled to √h·α = 1, against √h".into(),
        caption: format!(
            "‖f(t₁)‖/‖f(0)‖ on the training points times √h·α, runs with √h·α ≤ 1. {MEANS} Dashed: growth by \
             √h, through the geometric mean of the points."
        ),
        x: Axis::log("√h"),
        y: Axis::log("growth of f at √h·α = 1"),
        map: None,
        series,
        guides: guide.into_iter().collect(),
    }
}

/// Slope 1 through the points of the feature side.
fn slope_one(series: &[Series]) -> Option<Guide> {
    let feature: Vec<(f64, f64)> =
        series.iter().flat_map(|s| &s.points).filter(|p| p.0 <= WINDOW).copied().collect();
    let (x, y) = geometric_centre(&feature)?;
    let ends = feature.iter().map(|p| p.0);
    let range = (ends.clone().fold(f64::INFINITY, f64::min), ends.fold(0.0, f64::max));
    Some(Guide::Slope { slope: 1.0, through: (x, 2.0 * y), range, label: "slope 1".into() })
}
