//! finding-3: tables and figures.

use regime_findings::finding_3::{AtWidth, CLAIM, ENSEMBLE, Outcome, Regime, analyse};
use regime_plot::{Axis, Color, Figure, Guide, Series, Style, number};
use regime_study::Run;

use super::{
    answer::{Answer, key_figure, written},
    series::{geometric_centre, with_intervals},
    shown::Shown,
};
use crate::report::{KeyFigure, Table};

pub(super) fn shown(runs: &[Run]) -> Shown {
    let outcome = analyse(runs);
    Shown {
        key_figures: key_figures(&outcome),
        figures: figures(&outcome),
        tables: vec![table(&outcome)],
        notes: vec![
            "F is compared as it is, without normalisation: in both regimes training ends when every margin \
             y·F ≥ 1 is reached, so that outputs are of the order of the margin in the feature regime too."
                .into(),
        ],
        outcome: serde_json::json!(outcome),
    }
}

fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows = Vec::new();
    for (name, regime) in outcome.regimes() {
        let what = format!("The exponent of the amplitude against h, {name} regime");
        rows.push(key_figure(what, &regime.exponents[2], "reported only"));
        if let Ok(p) = &regime.exponents[0] {
            let what = format!("Half of the exponent of Var F, that of δF, {name} regime");
            let interval = Some((0.5 * p.low, 0.5 * p.high));
            rows.push(KeyFigure::new(what, 0.5 * p.estimate, interval, "the paper: −½"));
        }
    }
    rows
}

fn table(outcome: &Outcome) -> Table {
    let row = |name: &str, at: &AtWidth| {
        let mut row = vec![name.to_owned(), at.width.to_string(), at.nets.to_string()];
        row.extend(at.variances.iter().map(written));
        row.extend([written(&at.single), written(&at.ensemble)]);
        row
    };
    let rows = outcome
        .regimes()
        .into_iter()
        .flat_map(|(name, regime)| regime.widths.iter().map(move |at| row(name, at)));
    Table {
        caption: format!(
            "Fluctuations over initial weights, and test errors of single nets and of ensembles of {ENSEMBLE} \
             (95 % intervals over training sets and, for errors, test points)"
        ),
        header: [
            "regime",
            "h",
            "nets per training set",
            "Var F",
            "shape",
            "amplitude",
            "error of single nets",
            "error of ensembles",
        ]
        .map(String::from)
        .to_vec(),
        rows: rows.collect(),
    }
}

/// A curve over the widths with its intervals.
fn curve(label: String, color: Color, regime: &Regime, of: impl Fn(&AtWidth) -> &Answer) -> Series {
    let at = |at: &AtWidth| (at.width as f64, of(at).clone());
    let all: Vec<(f64, Answer)> = regime.widths.iter().map(at).collect();
    Series { color, ..with_intervals(label, &all) }
}

fn figures(outcome: &Outcome) -> Vec<Figure> {
    let mut variances = Vec::new();
    let mut guides = Vec::new();
    let mut errors = Vec::new();
    for (index, (name, regime)) in outcome.regimes().into_iter().enumerate() {
        let total =
            curve(format!("{name}, total"), Color::Category(index), regime, |at| &at.variances[0]);
        let ends = total.points.first().zip(total.points.last()).map(|(a, b)| (a.0, b.0));
        if let Some((through, range)) = geometric_centre(&total.points).zip(ends) {
            guides.push(Guide::Slope { slope: CLAIM, through, range, label: "slope −1".into() });
        }
        variances.push(total);
        for (k, part) in [(1, "shape"), (2, "amplitude")] {
            variances.push(Series {
                style: Style::Line,
                ..curve(format!("{name}, {part}"), Color::Category(index), regime, |at| {
                    &at.variances[k]
                })
            });
        }
        errors.push(curve(format!("{name}, single"), Color::Category(2 * index), regime, |at| {
            &at.single
        }));
        let ensembles = format!("{name}, ensembles");
        errors.push(curve(ensembles, Color::Category(2 * index + 1), regime, |at| &at.ensemble));
    }
    let products: Vec<String> = outcome
        .regimes()
        .map(|(name, regime)| format!("{name}: √h·α = {}", number::significant(regime.product, 2)))
        .to_vec();
    let products = products.join(", ");
    vec![
        Figure {
            id: "variance".into(),
            title: "Fluctuations of the output over initial weights, against the width".into(),
            caption: format!(
                "Variance of F at the end of training, averaged over test points and training sets, and its \
                 parts ({products}). Bars are 95 % intervals over training sets; dashed: the claim."
            ),
            x: Axis::log("width h"),
            y: Axis::log("Var F"),
            map: None,
            series: variances,
            guides,
        },
        Figure {
            id: "error-against-width".into(),
            title: format!("Test errors of single nets and of ensembles of {ENSEMBLE}"),
            caption: format!(
                "{products}. An ensemble is the sign of the mean of F over {ENSEMBLE} nets of one training set. \
                 Bars are 95 % intervals over training sets and test points."
            ),
            x: Axis::log("width h"),
            y: Axis::linear("test error"),
            map: None,
            series: errors,
            guides: Vec::new(),
        },
    ]
}
