//! finding-5: tables and figures.

use regime_findings::{
    SOFTPLUS,
    finding_5::{OfActivation, OfDepth, Outcome, WINDOW, analyse},
    product,
};
use regime_models::{Activation, NetworkSpec};
use regime_plot::{Axis, Color, Figure, Guide, Series, Style};
use regime_study::Run;

use super::{
    answer::{Answer, key_figure, written},
    series::{Average, MEANS, Value, by_size, with_intervals},
    shown::Shown,
};
use crate::report::{KeyFigure, Table};

pub(super) fn shown(runs: &[Run]) -> Shown {
    let outcome = analyse(runs);
    Shown {
        key_figures: key_figures(&outcome),
        figures: figures(runs, &outcome),
        tables: vec![table(&outcome)],
        notes: Vec::new(),
        outcome: serde_json::json!(outcome),
    }
}

fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows = Vec::new();
    for OfActivation { name, depths, .. } in &outcome.activations {
        for OfDepth { hidden_layers, lazy, .. } in depths {
            let what = format!("The exponent on the lazy side ({name}, L = {hidden_layers})");
            rows.push(key_figure(what, lazy, "reported only; 1 is expected of smooth activations"));
        }
    }
    rows
}

fn table(outcome: &Outcome) -> Table {
    let mut rows = Vec::new();
    for OfActivation { name, depths, .. } in &outcome.activations {
        for of in depths {
            rows.push(vec![
                format!("{name}, L = {}", of.hidden_layers),
                written(&of.a),
                written(&of.windows[0]),
                written(&of.windows[1]),
                format!("{:.2}", of.homogeneous),
                written(&of.width_less_alpha),
            ]);
        }
    }
    Table {
        caption: "The exponent a by depth: by the rule, without either end of its window, and in theory for \
                  homogeneous nets without biases. Last, the exponent in √h minus that in α"
            .into(),
        header: [
            "networks",
            "a (the rule)",
            "without the largest √h·α",
            "without the smallest √h·α",
            "homogeneous",
            "a' − a",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    }
}

fn figures(runs: &[Run], outcome: &Outcome) -> Vec<Figure> {
    let mut series: Vec<Series> =
        outcome.activations.iter().enumerate().map(depth_series).collect();
    if let Some(first) = outcome.activations.first() {
        let theory = first.depths.iter().map(|of| (of.hidden_layers as f64, of.homogeneous));
        series.push(Series {
            style: Style::Line,
            color: Color::Ink,
            ..Series::new("homogeneous nets, theory", theory.collect())
        });
    }
    let mut figures = vec![Figure {
        id: "exponent-by-depth".into(),
        title: "The exponent a against the depth".into(),
        caption: "‖ΔΘ‖ ∼ (√h·α)⁻ᵃ on the feature side; bars are 95 % intervals over training sets. The line is \
                  2 − 2/(L + 1), which theory gives for homogeneous networks without biases."
            .into(),
        x: Axis::count("hidden layers L"),
        y: Axis::linear("a"),
        map: None,
        series,
        guides: vec![Guide::HorizontalLevel { y: 2.0, label: "a = 2".into() }],
    }];
    for activation in [Activation::Relu, SOFTPLUS] {
        let series = curves(runs, activation);
        figures.push(Figure {
            id: format!("kernel-change-{}", activation.name().to_lowercase()),
            title: format!("The final change of the kernel, {}", activation.name()),
            caption: format!(
                "‖Θ − Θ₀‖/‖Θ₀‖ on points outside the training sets at the end of training, all widths. {MEANS}"
            ),
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
    let at = |of: &OfDepth| (of.hidden_layers as f64, of.a.clone());
    let all: Vec<(f64, Answer)> = of.depths.iter().map(at).collect();
    Series { color: Color::Category(index), ..with_intervals(of.name, &all) }
}

/// One series per depth: geometric means.
fn curves(runs: &[Run], activation: Activation) -> Vec<Series> {
    by_size(runs, "L", Average::Geometric, |run| {
        let NetworkSpec::Dense(net) = run.spec.network else { return None };
        let y = run.converged().and_then(|r| r.kernel_change()).filter(|&c| c > 0.0);
        (net.activation == activation).then(|| Value {
            size: net.hidden_layers,
            x: product(&run.spec),
            y,
        })
    })
}

/// Guides of slope −2 near the feature side and −1 near the lazy side.
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
