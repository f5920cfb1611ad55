//! finding-1: tables and figures.

use regime_findings::{
    finding_1::{BorderAt, CLAIM, ErrorBorder, Outcome, analyse, error_border},
    product,
};
use regime_models::NetworkSpec;
use regime_plot::{Axis, Color, Figure, Guide, Interval, Series, Style, number};
use regime_scaling::{BootstrapInterval, fit_power_law};
use regime_study::{KERNEL_CHANGE_AT_BORDER, Run, curves::converged};

use super::{
    answer::{Answer, written},
    gram::gram_figures,
    phase_diagram::phase_diagram,
    series::{Average, MEANS, Value, by_size, geometric_centre, with_intervals},
    shown::Shown,
};
use crate::report::{KeyFigure, Table};

pub(super) fn shown(runs: &[Run]) -> Shown {
    let (outcome, error) = (analyse(runs), error_border(runs));
    let mut numbers = serde_json::json!(outcome);
    numbers["border_of_the_test_error"] = serde_json::json!(error);
    Shown {
        key_figures: key_figures(&outcome, &error),
        figures: [figures(runs, &outcome), gram_figures(runs)].concat(),
        tables: vec![borders(&outcome), sensitivity(&outcome)],
        notes: Vec::new(),
        outcome: numbers,
    }
}

fn key_figures(outcome: &Outcome, error: &ErrorBorder) -> Vec<KeyFigure> {
    let mut rows = Vec::new();
    if let Some(border) = outcome.border() {
        rows.push(KeyFigure::new("√h·α*, geometric mean over the widths", border, None, ""));
    }
    if let Some([limit, slope]) = outcome.finite_width {
        let note = format!("slope against 1/√h: {}", number::significant(slope, 2));
        rows.push(KeyFigure::new("√h·α* extrapolated to h → ∞", limit, None, note));
    }
    if let Ok((collapse, _)) = &outcome.collapse {
        let quality = |q: Option<f64>| q.map_or("none".into(), |q| number::significant(q, 2));
        let note = format!(
            "mean squared deviation relative to the spread; at b = ½ {}, without rescaling {}",
            quality(collapse.quality_at_reference),
            quality(collapse.quality_at_zero),
        );
        rows.push(KeyFigure::new("Quality of the best collapse", collapse.quality, None, note));
    }
    let borders = error
        .borders
        .iter()
        .filter_map(|(h, alpha)| Some((*h as f64).sqrt() * alpha.as_ref().ok()?));
    let borders: Vec<String> = borders.map(|product| number::significant(product, 2)).collect();
    let name = "Exponent of the α* at which the test error is half-way between the regimes";
    rows.push(match &error.exponent {
        Ok(exponent) => {
            let note = format!("reported, not in the rule; √h·α* is {}", borders.join(", "));
            KeyFigure::new(name, exponent.estimate, Some((exponent.low, exponent.high)), note)
        }
        Err(why) => KeyFigure {
            name: name.into(),
            value: "none".into(),
            interval: String::new(),
            note: format!("reported, not in the rule: {why}"),
        },
    });
    rows
}

fn borders(outcome: &Outcome) -> Table {
    let rows = outcome.borders.iter().map(|border| {
        let h = border.width as f64;
        let alpha = border.log_alpha.clone().map(BootstrapInterval::exp);
        let product =
            alpha.as_ref().map_or("none".into(), |i| number::significant(i.estimate * h.sqrt(), 3));
        let local = outcome.local_exponents.iter().find(|l| l.x_low == h);
        let local = local.map_or(String::new(), |l| number::fixed(l.exponent, 2));
        vec![border.width.to_string(), written(&alpha), product, local]
    });
    Table {
        caption:
            "The border between the regimes, where the kernel change is 1 (95 % intervals over \
                  training sets)"
                .into(),
        header: ["h", "α*", "√h·α*", "exponent to the next width"].map(String::from).to_vec(),
        rows: rows.collect(),
    }
}

fn sensitivity(outcome: &Outcome) -> Table {
    let row = |(choice, p): &(&str, _)| vec![(*choice).to_owned(), written(p)];
    Table {
        caption: "The exponent p under other choices of the analysis".into(),
        header: ["choice", "p"].map(String::from).to_vec(),
        rows: outcome.sensitivity.iter().map(row).collect(),
    }
}

fn figures(runs: &[Run], outcome: &Outcome) -> Vec<Figure> {
    let dense = |run: &Run| matches!(run.spec.network, NetworkSpec::Dense(_));
    let of = |x: fn(&Run) -> f64, y: fn(&Run) -> Option<f64>, average: Average| {
        by_size(runs, "h", average, |run| {
            dense(run).then(|| Value { size: run.spec.network.width(), x: x(run), y: y(run) })
        })
    };
    let change = |run: &Run| run.converged()?.kernel_change().filter(|&c| c > 0.0);
    let error = |run: &Run| run.converged()?.test_error();
    let root = |run: &Run| product(&run.spec);
    let level = || Guide::HorizontalLevel {
        y: KERNEL_CHANGE_AT_BORDER,
        label: "the border: kernel change 1".into(),
    };
    let collapsed = of(root, change, Average::Geometric);
    let lazy = lazy_guide(&collapsed);
    vec![
        Figure {
            id: "alpha-star".into(),
            title: "The border α* between the regimes, against the width".into(),
            caption: "α at which the final kernel change falls through 1: mean over training sets with its \
                      95 % interval; the band shows the interval of the slope p. Dashed, through the geometric mean \
                      of the points: the claimed slope, and no dependence on the width."
                .into(),
            x: Axis::log("width h"),
            y: Axis::log("α*"),
            map: None,
            series: border_series(outcome),
            guides: border_guides(outcome),
        },
        finite_width(outcome),
        Figure {
            id: "kernel-change".into(),
            title: "How much the tangent kernel has changed by the end of training".into(),
            caption: format!("‖Θ − Θ₀‖/‖Θ₀‖ on points outside the training sets, against α. {MEANS}"),
            x: Axis::log("α"),
            y: Axis::log("kernel change"),
            map: None,
            series: of(|run| run.spec.alpha, change, Average::Geometric),
            guides: vec![level()],
        },
        Figure {
            id: "kernel-change-collapsed".into(),
            title: "The same against √h·α".into(),
            caption: format!(
                "If the claim holds, the curves of all widths collapse. {MEANS} The guide is the change of a \
                 perfectly lazy kernel, ‖ΔΘ‖ ∝ 1/α."
            ),
            x: Axis::log("√h·α"),
            y: Axis::log("kernel change"),
            map: None,
            series: collapsed,
            guides: [Some(level()), lazy].into_iter().flatten().collect(),
        },
        Figure {
            id: "test-error".into(),
            title: "Test error against √h·α".into(),
            caption: format!("At the end of training, when every margin is reached. {MEANS}"),
            x: Axis::log("√h·α"),
            y: Axis::linear("test error"),
            map: None,
            series: of(root, error, Average::Arithmetic),
            guides: outcome
                .border()
                .map(|x| Guide::VerticalLevel { x, label: "kernel change 1".into() })
                .into_iter()
                .collect(),
        },
        Figure {
            id: "margins-time".into(),
            title: "The time t₂ at which all margins are reached".into(),
            caption: format!("Training ends there. {MEANS}"),
            x: Axis::log("√h·α"),
            y: Axis::log("t₂"),
            map: None,
            series: of(root, |run| run.converged()?.t2, Average::Geometric),
            guides: Vec::new(),
        },
        phase_diagram(&converged(runs)),
    ]
}

/// √h·α* against 1/√h, in which the limit h → ∞ is at 0.
fn finite_width(outcome: &Outcome) -> Figure {
    let at = |(h, alpha): &(f64, Answer)| {
        let root = h.sqrt();
        let times = |i: BootstrapInterval| BootstrapInterval {
            estimate: i.estimate * root,
            low: i.low * root,
            high: i.high * root,
            ..i
        };
        (1.0 / root, alpha.clone().map(times))
    };
    let products: Vec<(f64, Answer)> = borders_at(outcome).iter().map(at).collect();
    let measured = Series { style: Style::Points, ..with_intervals("measured", &products) };
    let line = outcome.finite_width.map(|[limit, slope]| {
        let last = products.iter().map(|p| p.0).fold(0.0, f64::max);
        Series {
            style: Style::Line,
            color: Color::Ink,
            ..Series::new("line to h → ∞", vec![(0.0, limit), (last, limit + slope * last)])
        }
    });
    Figure {
        id: "finite-width".into(),
        title: "The border at finite width".into(),
        caption: "√h·α* against 1/√h, with 95 % intervals over training sets. If the claim holds, the \
                  points tend to a constant as 1/√h goes to 0; the slope is the correction at finite width."
            .into(),
        x: Axis::linear("1/√h"),
        y: Axis::linear("√h·α*"),
        map: None,
        series: std::iter::once(measured).chain(line).collect(),
        guides: Vec::new(),
    }
}

/// Slope −1 through the last point of the last curve, over its last two decades.
fn lazy_guide(series: &[Series]) -> Option<Guide> {
    let &(x, y) = series.last()?.points.last()?;
    let range = (x * 1e-2, x);
    Some(Guide::Slope { slope: -1.0, through: (x, 0.5 * y), range, label: "slope −1".into() })
}

/// α* of every width.
fn borders_at(outcome: &Outcome) -> Vec<(f64, Answer)> {
    let at = |b: &BorderAt| (b.width as f64, b.log_alpha.clone().map(BootstrapInterval::exp));
    outcome.borders.iter().map(at).collect()
}

fn border_series(outcome: &Outcome) -> Vec<Series> {
    let measured =
        Series { style: Style::Points, ..with_intervals("measured", &borders_at(outcome)) };
    let points = measured.points.clone();
    // Lines with the slopes at the ends of the interval, through the centre of the points.
    let between = |h: f64, through: (f64, f64)| {
        let p = outcome.exponent.as_ref().ok()?;
        let ends = [p.low, p.high].map(|slope| through.1 * (h / through.0).powf(slope));
        Some(Interval { x: h, low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) })
    };
    let fit = fit_power_law(&points).ok().map(|fit| Series {
        band: geometric_centre(&points).map_or(Vec::new(), |through| {
            points.iter().filter_map(|&(h, _)| between(h, through)).collect()
        }),
        style: Style::Line,
        color: Color::Ink,
        ..Series::new(
            format!("fit, slope {}", number::fixed(fit.exponent, 2)),
            points.iter().map(|&(h, _)| (h, fit.value_at(h))).collect(),
        )
    });
    std::iter::once(measured).chain(fit).collect()
}

fn border_guides(outcome: &Outcome) -> Vec<Guide> {
    let points = with_intervals("", &borders_at(outcome)).points;
    let Some((h, alpha)) = geometric_centre(&points) else { return Vec::new() };
    let first = points.first().map_or(h, |p| p.0);
    let last = points.last().map_or(h, |p| p.0);
    let guide = |slope: f64, label: &str| Guide::Slope {
        slope,
        through: (h, alpha),
        range: (first, last),
        label: label.into(),
    };
    vec![guide(CLAIM, "slope −1/2"), guide(0.0, "slope 0")]
}
