//! Notes, tables and figures.

use regime_plot::{Axis, Color, Figure, Guide, Interval, Series, Style, number};
use regime_study::curves::{Point, Sample};

use super::analysis::{Choice, Frozen, OfWidth, Outcome, RULE, Setting, statements};
use crate::{
    finding::{
        answer::Answer,
        series::test_errors,
        statement::{key_figure, verdict},
    },
    report::{KeyFigure, Table},
};

pub(super) fn key_figures(setups: &[Setting; 2]) -> Vec<KeyFigure> {
    let mut rows: Vec<KeyFigure> = statements(setups).iter().map(key_figure).collect();
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
    pub(super) fn notes(&self) -> Vec<String> {
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

    pub(super) fn table(&self) -> Table {
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

    pub(super) fn figures(&self, frozen: &[Frozen]) -> Vec<Figure> {
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
                series: test_errors(points),
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
pub(super) fn sensitivity(setups: &[Setting; 2]) -> Table {
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
