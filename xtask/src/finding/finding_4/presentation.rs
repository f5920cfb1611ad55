//! Tables and figures.

use regime_plot::{Axis, Figure, Guide, Interval, Series};
use regime_scaling::{BootstrapInterval, mean};
use regime_study::curves::{Sample, values};

use super::analysis::{
    Exponents, OTHER_WINDOWS, Outcome, Passage, WINDOW, of_feature_side, within,
};
use crate::{
    finding::{
        answer::Answer,
        series::{Average, geometric_centre, series_by_width},
        statement::{key_figure, verdict},
    },
    report::{KeyFigure, Table},
};

pub(super) fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows: Vec<KeyFigure> = outcome.statements().iter().map(key_figure).collect();
    let mut row = |name: &str, answer: &Answer<BootstrapInterval>, note: &str| {
        if let Some(i) = answer.found() {
            rows.push(KeyFigure::new(name, i.estimate, Some((i.low, i.high)), note));
        }
    };
    let growth = "the paper: 1; follows from the meaning of t₁";
    row(
        "exponent in √h of the growth of f until t₁, at fixed √h·α",
        &outcome.growth_at_fixed_product,
        growth,
    );
    row("exponent of that growth in α", &outcome.growth.alpha, "at fixed h");
    row(
        "slope of ‖F‖ over the last decade before 0.3 t₁",
        &outcome.last_decade_slope,
        "1 is linear; s also rests on much earlier times, at which any smooth flow is linear",
    );
    row("exponent of t₂ in α", &outcome.margins.alpha, "t₂: all margins reached");
    row("exponent of t₂ in √h", &outcome.margins.root_width, "t₂: all margins reached");
    rows
}

/// How many values of α each width has on the feature side.
pub(super) fn in_window(passages: &[Passage]) -> String {
    let feature = within(passages, WINDOW);
    let of_width = |width: usize| {
        let here: Vec<Passage> = feature.iter().filter(|p| p.width() == width).copied().collect();
        format!("{} at h = {width}", values(&here, |p| p.alpha()).len())
    };
    let counts: Vec<String> = values(&feature, |p| p.width()).into_iter().map(of_width).collect();
    if counts.is_empty() {
        return format!("No converged run has √h·α ≤ {WINDOW}.");
    }
    let counts = counts.join(", ");
    format!("Values of α with √h·α ≤ {WINDOW}: {counts}. p rests on widths with more than one.")
}

/// How the exponents of `t₁` and the verdict depend on what enters.
pub(super) fn sensitivity(passages: &[Passage]) -> Table {
    let first_width = values(passages, |p| p.width()).first().copied();
    let half = values(passages, |p| p.seed()).len().div_ceil(2) as u64;
    let feature = within(passages, WINDOW);
    let mut choices = vec![(format!("√h·α ≤ {WINDOW} (the rule)"), feature.clone())];
    choices.extend(OTHER_WINDOWS.map(|w| (format!("√h·α ≤ {w}"), within(passages, w))));
    let wider = feature.iter().filter(|p| Some(p.width()) != first_width).copied().collect();
    choices.push(("without the smallest width".into(), wider));
    let fewer = feature.iter().filter(|p| p.seed() < half).copied().collect();
    choices.push(("the first half of the seeds".into(), fewer));
    // Closer to t₁, where a flow is linear only if its kernel stands still.
    let late = |p: &Passage| Passage { early_slope: p.last_decade_slope, ..*p };
    choices
        .push(("s from the last decade before 0.3 t₁".into(), feature.iter().map(late).collect()));
    let row = |(name, chosen): (String, Vec<Passage>)| {
        let runs = chosen.len().to_string();
        let outcome = of_feature_side(&chosen);
        let verdict = verdict(&outcome.statements()).kind;
        let Exponents { alpha: p, root_width: q } = &outcome.half_loss;
        let s = &outcome.early_slope;
        vec![name, verdict.words().to_owned(), runs, p.written(), q.written(), s.written()]
    };
    Table {
        caption: "What the choices of the analysis do to the exponents of t₁, the early slope and the verdict".into(),
        header: ["choice", "verdict", "number", "p, in α", "q, in √h", "s"]
            .map(String::from)
            .to_vec(),
        rows: choices.into_iter().map(row).collect(),
    }
}

pub(super) fn figures(passages: &[Passage]) -> Vec<Figure> {
    let band = "Mean over seeds; bands show one standard error.";
    let against_product = |y: &dyn Fn(&Passage) -> Option<f64>| {
        let there: Vec<Passage> = passages.iter().filter(|p| y(p).is_some()).copied().collect();
        let y = |p: &Passage| y(p).expect("filtered");
        series_by_width(&there, Sample::root_width_alpha, y, Average::Geometric)
    };
    let figure =
        |id: &str, title: &str, caption: String, label: &str, series: Vec<Series>, guides| Figure {
            id: id.into(),
            title: title.into(),
            caption,
            x: Axis::log("√h·α"),
            y: Axis::log(label),
            map: None,
            series,
            guides,
        };
    let half_loss = against_product(&|p| Some(p.half_loss));
    let guide = slope_one(&half_loss);
    let border = || Guide::VerticalLevel { x: WINDOW, label: "end of the window".into() };
    vec![
        figure(
            "half-loss-time",
            "The time t₁ at which the loss has halved",
            format!("If the claim holds, curves of all widths fall on one of slope 1. {band}"),
            "t₁",
            half_loss,
            guide.into_iter().chain([border()]).collect(),
        ),
        figure(
            "margins-time",
            "The time t₂ at which all margins are reached",
            band.into(),
            "t₂",
            against_product(&|p| Some(p.margins)),
            vec![border()],
        ),
        figure(
            "growth",
            "How much the network's output has grown at t₁",
            format!("‖f(t₁)‖/‖f(0)‖ on the training points. {band}"),
            "growth of f",
            against_product(&|p| p.growth),
            vec![border()],
        ),
        growth_against_width(passages),
        figure(
            "kernel-change-at-half-loss",
            "How much the kernel has changed at t₁",
            format!("‖Θ(t₁) − Θ₀‖/‖Θ₀‖ on points outside the training set. {band}"),
            "kernel change at t₁",
            against_product(&|p| p.kernel_change),
            vec![border(), Guide::HorizontalLevel { y: 1.0, label: "kernel change 1".into() }],
        ),
    ]
}

/// The growth until `t₁` at `√h·α = 1` against √h: that of every run of the feature side times its
/// `√h·α`, for at a fixed width it is as `1/α`.
fn growth_against_width(passages: &[Passage]) -> Figure {
    let feature = within(passages, WINDOW);
    let seeds = values(&feature, |p| p.seed());
    // One number per seed: its runs are no independent ones.
    let scaled = |width: usize| -> Vec<f64> {
        let of_seed = |&seed: &u64| {
            let runs = feature.iter().filter(|p| p.width() == width && p.seed() == seed);
            let logs: Vec<f64> =
                runs.filter_map(|p| Some((p.growth? * p.root_width_alpha()).ln())).collect();
            Some(mean(&logs)?.mean)
        };
        seeds.iter().filter_map(of_seed).collect()
    };
    let mut points = Vec::new();
    let mut error_bars = Vec::new();
    for width in values(&feature, |p| p.width()) {
        let Some(m) = mean(&scaled(width)) else { continue };
        let x = (width as f64).sqrt();
        points.push((x, m.mean.exp()));
        if let Some(e) = m.std_error {
            error_bars.push(Interval { x, low: (m.mean - e).exp(), high: (m.mean + e).exp() });
        }
    }
    let ends = points.first().zip(points.last()).map(|(first, last)| (first.0, last.0));
    let guide = geometric_centre(&points).zip(ends).map(|(through, range)| Guide::Slope {
        slope: 1.0,
        through,
        range,
        label: "slope 1".into(),
    });
    Figure {
        id: "growth-against-width".into(),
        title: "Growth of the output until t₁, brought to √h·α = 1, against √h".into(),
        caption: "Growth times √h·α, geometric mean over the runs of a width with √h·α ≤ 1; bars \
                  show one standard error over seeds. Dashed: growth by √h, through the geometric mean of the \
                  points."
            .into(),
        x: Axis::log("√h"),
        y: Axis::log("growth of f at √h·α = 1"),
        map: None,
        series: vec![Series { error_bars, ..Series::new("measured", points) }],
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
