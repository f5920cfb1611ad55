//! Tables and figures.

use std::cmp::Ordering;

use regime_plot::{Axis, Color, Figure, Guide, Interval, Series, number};
use regime_scaling::{BootstrapInterval, local_exponents};
use regime_study::curves::{Sample, values};

use super::analysis::{
    Change, OTHER_WINDOWS, OfActivation, Outcome, WINDOW, analyse_in, difference, exponent, name,
};
use crate::{
    finding::{
        answer::Answer,
        series::{Average, series_by},
        statement::{key_figure, verdict},
    },
    report::{KeyFigure, Table},
};

pub(super) fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows: Vec<KeyFigure> = outcome.statements().iter().map(key_figure).collect();
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
pub(super) fn sensitivity(changes: &[Change], asked: &[usize]) -> Table {
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

pub(super) fn figures(changes: &[Change], outcome: &Outcome) -> Vec<Figure> {
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
pub(super) fn curves(changes: &[Change]) -> Vec<Series> {
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

/// `a` between neighbouring `√h·α`, from the means over seeds: does it bend?
pub(super) fn local(changes: &[Change]) -> Table {
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
