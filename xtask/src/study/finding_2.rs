//! finding-2: tables and figures.

use regime_findings::finding_2::{ErrorAt, Frozen, GapAt, Gaps, LARGE, Outcome, analyse};
use regime_plot::{Axis, Color, Figure, Guide, Series, Style, number, position};
use regime_scaling::mean;
use regime_study::{Run, curves::values};

use super::{
    answer::{Answer, key_figure, written},
    series::with_intervals,
    shown::Shown,
};
use crate::report::{KeyFigure, Table};

pub(super) fn shown(runs: &[Run]) -> Shown {
    let outcome = analyse(runs);
    let setups = [("A", &outcome.a), ("B", &outcome.b)];
    let mut tables: Vec<Table> = setups.iter().map(|(name, gaps)| sides(name, gaps)).collect();
    tables.push(flattered(&setups));
    if !outcome.stochastic[0].per_width.is_empty() {
        tables.push(stochastic_and_flow(&outcome));
    }
    let mut figures: Vec<Figure> = Vec::new();
    for (name, gaps) in setups {
        let frozen: &[Frozen] = if name == "A" { &outcome.frozen } else { &[] };
        figures.extend([errors(name, gaps), gap(name, gaps), both_sides(name, gaps, frozen)]);
    }
    Shown {
        key_figures: key_figures(&outcome),
        figures,
        tables,
        notes: Vec::new(),
        outcome: serde_json::json!(outcome),
    }
}

fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows =
        vec![key_figure("Slope of the gap in (B) against ln h", &outcome.b.trend, "reported only")];
    let ways = ["by stochastic gradients and momentum", "by the flow on the same hundred images"];
    for (gaps, way) in outcome.stochastic.iter().zip(ways) {
        if let Some(GapAt { width, gap, .. }) = gaps.per_width.first() {
            let name = format!("The gap in (B) at h = {width}, {way}");
            rows.push(key_figure(name, gap, "reported only"));
        }
    }
    rows
}

fn sides(name: &str, gaps: &Gaps) -> Table {
    let row = |of: &GapAt| {
        let side = |k: usize| of.sides.map_or("none".into(), |s| number::fixed(s[k], 4));
        let alphas: Vec<String> = of.alphas.iter().map(|&a| number::significant(a, 2)).collect();
        vec![of.width.to_string(), alphas.join(", "), side(0), side(1), written(&of.gap)]
    };
    Table {
        caption: format!(
            "Both sides in setup ({name}), width by width; 95 % intervals over training sets and test points"
        ),
        header: ["h", "best α", "error, feature side", "error, lazy side", "gap"]
            .map(String::from)
            .to_vec(),
        rows: gaps.per_width.iter().map(row).collect(),
    }
}

fn flattered(setups: &[(&str, &Gaps)]) -> Table {
    let mut rows = Vec::new();
    for (name, gaps) in setups {
        let [gap, trend] = &gaps.flattered;
        let row = |choice: &str, gap: &Answer, trend: &Answer| {
            vec![format!("({name}), {choice}"), written(gap), written(trend)]
        };
        rows.push(row("the rule", &gaps.gap, &gaps.trend));
        rows.push(row("best α chosen and judged on the same points", gap, trend));
    }
    Table {
        caption: "The gap if the best α is chosen and judged on the same points".into(),
        header: ["choice", "gap", "slope against ln h"].map(String::from).to_vec(),
        rows,
    }
}

/// Compares stochastic runs with the flow at the same width and α.
fn stochastic_and_flow(outcome: &Outcome) -> Table {
    let flow = |of: &ErrorAt| {
        let same = |e: &&ErrorAt| (e.width, e.alpha) == (of.width, of.alpha);
        outcome.stochastic[1].errors.iter().find(same)
    };
    let change = |of: Option<&ErrorAt>| {
        of.map_or("none".into(), |of| number::significant(of.kernel_change, 2))
    };
    let row = |of: &ErrorAt| {
        vec![
            of.width.to_string(),
            number::significant(of.alpha, 2),
            written(&of.error),
            flow(of).map_or("none".into(), |of| written(&of.error)),
            change(Some(of)),
            change(flow(of)),
        ]
    };
    Table {
        caption: "Setup (B) on a hundred images, by stochastic gradients and momentum with the hinge, as in the \
                  paper, and by the flow with the soft hinge"
            .into(),
        header: [
            "h",
            "α",
            "error, stochastic",
            "error, flow",
            "kernel change, stochastic",
            "kernel change, flow",
        ]
        .map(String::from)
        .to_vec(),
        rows: outcome.stochastic[0].errors.iter().map(row).collect(),
    }
}

fn id(what: &str, name: &str) -> String {
    format!("{what}-{}", name.to_lowercase())
}

fn errors(name: &str, gaps: &Gaps) -> Figure {
    let widths = values(&gaps.errors, |e| e.width);
    let one = |(index, &width): (usize, &usize)| {
        let here = gaps.errors.iter().filter(|e| e.width == width);
        let all: Vec<(f64, Answer)> = here.map(|e| (e.product, e.error.clone())).collect();
        let series = with_intervals(format!("h = {width}"), &all);
        Series {
            color: Color::Ordered(position(index, widths.len())),
            band: series.error_bars.clone(),
            error_bars: Vec::new(),
            ..series
        }
    };
    Figure {
        id: id("test-error", name),
        title: format!("Test error against √h·α in setup ({name})"),
        caption: "At the end of training. Means over training sets and test points; bands are 95 % intervals \
                  over both."
            .into(),
        x: Axis::log("√h·α"),
        y: Axis::linear("test error"),
        map: None,
        series: widths.iter().enumerate().map(one).collect(),
        guides: Vec::new(),
    }
}

fn gap(name: &str, gaps: &Gaps) -> Figure {
    let at = |of: &GapAt| (1.0 / (of.width as f64).sqrt(), of.gap.clone());
    let all: Vec<(f64, Answer)> = gaps.per_width.iter().map(at).collect();
    Figure {
        id: id("gap", name),
        title: format!("The gap between lazy and feature learning in setup ({name})"),
        caption: "Test error on the lazy side minus that at the best α of the feature side, against 1/√h: the limit \
                  of wide nets is on the left. Bars are 95 % intervals over training sets and test points. \
                  Above 0 feature learning is better."
            .into(),
        x: Axis::linear("1/√h"),
        y: Axis::linear("gap in test error"),
        map: None,
        series: vec![with_intervals("gap", &all)],
        guides: vec![
            Guide::HorizontalLevel { y: 0.0, label: "no gap".into() },
            Guide::HorizontalLevel { y: LARGE, label: "a large gap".into() },
        ],
    }
}

fn both_sides(name: &str, gaps: &Gaps, frozen: &[Frozen]) -> Figure {
    let side = |k: usize| -> Vec<(f64, f64)> {
        gaps.per_width.iter().filter_map(|of| Some((of.width as f64, of.sides?[k]))).collect()
    };
    let mut series = vec![
        Series::new("feature, best α", side(0)),
        Series { color: Color::Category(1), ..Series::new("lazy", side(1)) },
    ];
    let kernels = [("initial", "initial"), ("end", "final"), ("infinite-width", "infinite-width")];
    for (index, (kernel, words)) in kernels.into_iter().enumerate() {
        let of = frozen.iter().filter(|f| f.kernel == kernel);
        let points: Vec<(f64, f64)> =
            of.filter_map(|f| Some((f.width as f64, mean(&f.test_errors)?.mean))).collect();
        if !points.is_empty() {
            series.push(Series {
                color: Color::Category(2 + index),
                style: Style::Points,
                ..Series::new(format!("{words} kernel"), points)
            });
        }
    }
    let kernels = if frozen.is_empty() {
        ""
    } else {
        " The frozen kernels are the initial and the final kernel of training at √h·α = 1, and the kernel of \
         infinite width; they are trained on the same points by the same flow (two training sets)."
    };
    Figure {
        id: id("sides", name),
        title: format!("Test errors on both sides in setup ({name})"),
        caption: format!(
            "Means over training sets; the previous figure has the intervals of their difference.{kernels}"
        ),
        x: Axis::log("width h"),
        y: Axis::linear("test error"),
        map: None,
        series,
        guides: Vec::new(),
    }
}
