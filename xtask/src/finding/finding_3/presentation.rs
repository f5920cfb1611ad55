//! Notes, tables and figures.

use regime_plot::{Axis, Color, Figure, Guide, Interval, Series, number};
use regime_scaling::{BootstrapInterval, Mean};

use super::analysis::{AtWidth, CLAIM, Outcome, Regime, Variant, statements, verdict_of};
use crate::{
    finding::{answer::Answer, series::geometric_centre, statement::verdict},
    report::{KeyFigure, Table, VerdictKind},
};

impl Outcome {
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = [
            "F is compared as it is, without normalisation: in both regimes training ends when \
             every margin y·F ≥ 1 is reached, so that outputs are of the order of the margin in \
             the feature regime too.",
            "All nets learn the same training set: Var holds the fluctuations over initial \
             weights alone. The output at the start is subtracted and adds nothing to it.",
            "The regime is set by √h·α, far from the border on either side; the kernel change is \
             not measured in these runs. The profiles smoke and laptop take √h·α = 10⁻¹ and 10⁴, \
             less extreme than the 10⁻² and 10⁶ of the paper, and fewer points.",
            "Intervals of gains come from the test points, for the nets as they are; how much they \
             depend on the nets is seen from the two halves of the seeds.",
        ]
        .map(String::from)
        .to_vec();
        for (name, regime) in self.regimes() {
            for (width, n_nets) in &regime.left_out {
                notes.push(format!(
                    "Left out of the {name} regime: h = {width}, with {n_nets} converged nets."
                ));
            }
            if let Answer::Missing(why) = &regime.trend {
                notes.push(format!("No trend of the error with h in the {name} regime: {why}."));
            }
        }
        notes
    }
}

pub(super) fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows = Vec::new();
    let mut row = |name: String, answer: &Answer<BootstrapInterval>, note: String| {
        rows.push(answer.key_figure(name, |_| note));
    };
    for (name, regime) in outcome.regimes() {
        let half = regime.exponent.found().map_or(String::new(), |p| {
            let half = number::with_interval(0.5 * p.estimate, 0.5 * p.low, 0.5 * p.high);
            format!(
                "; half of it, the exponent of δF: {half}, claim −½; at least {} seeds",
                p.n_seeds
            )
        });
        row(
            format!("exponent of Var F against h, {name} regime"),
            &regime.exponent,
            format!("claim −1{half}"),
        );
        if let Some(at) = regime.moderate() {
            let as_good = match at.as_good_as {
                Some(h) => format!("as good as one net of h = {}", number::significant(h, 2)),
                None => "better than one net of any width measured".into(),
            };
            row(
                format!("gain of the ensemble at h = {}, {name} regime", at.width),
                &at.gain,
                format!("mean test error of {} nets minus their ensemble's; {as_good}", at.n_nets),
            );
        }
        row(
            format!("single nets, smallest minus largest h, {name} regime"),
            &regime.trend,
            "in test error; positive if it falls with h".into(),
        );
        row(
            format!("largest single nets minus moderate ensemble, {name} regime"),
            &regime.largest_against_ensemble,
            "in test error; 0 where the gain is the same, positive if the ensemble is better"
                .into(),
        );
    }
    rows
}

pub(super) fn table(outcome: &Outcome) -> Table {
    let row = |name: &str, regime: &Regime, at: &AtWidth| {
        let beyond = || {
            let last = regime.widths.last();
            last.map_or("none".into(), |last| format!("> {}", last.width))
        };
        let variance = match &at.variance_interval {
            Answer::Found(i) => number::with_interval(i.estimate, i.low, i.high),
            Answer::Missing(_) => number::significant(at.variance, 3),
        };
        let error = at
            .single_error
            .std_error
            .map_or(String::new(), |e| format!(" ± {}", number::significant(e, 2)));
        vec![
            name.to_owned(),
            at.width.to_string(),
            at.n_nets.to_string(),
            variance,
            format!("{}{error}", number::significant(at.single_error.mean, 3)),
            number::significant(at.ensemble_error, 3),
            at.gain.written(),
            at.as_good_as.map_or_else(beyond, |h| number::significant(h, 2)),
        ]
    };
    let rows = outcome
        .regimes()
        .into_iter()
        .flat_map(|(name, regime)| regime.widths.iter().map(move |at| row(name, regime, at)));
    Table {
        caption: "Fluctuations over seeds and test errors (± one standard error)".into(),
        header: [
            "regime",
            "h",
            "nets",
            "Var F",
            "error of single nets",
            "error of the ensemble",
            "gain",
            "h of a single net as good",
        ]
        .map(String::from)
        .to_vec(),
        rows: rows.collect(),
    }
}

pub(super) fn sensitivity_table(outcome: &Outcome) -> Table {
    let regimes = outcome.regimes().map(|(_, regime)| regime);
    let row = |choice: &str, kind: VerdictKind, cells: &dyn Fn(&Regime) -> [String; 2]| {
        let cells = regimes.iter().flat_map(|regime| cells(regime));
        [choice, kind.words()].map(String::from).into_iter().chain(cells).collect()
    };
    let rule = verdict(&statements(outcome)).kind;
    let mut rows =
        vec![row("the rule", rule, &|r: &Regime| [r.exponent.written(), r.gain().written()])];
    for (choice, Variant { change, .. }) in outcome.feature.sensitivity.iter().enumerate() {
        rows.push(row(change, verdict_of(outcome, choice), &|regime: &Regime| {
            let Variant { exponent, gain, .. } = &regime.sensitivity[choice];
            [exponent.written(), gain.as_ref().map_or("the same".into(), Answer::written)]
        }));
    }
    Table {
        caption:
            "How the verdict, the exponents of Var and the gains at the moderate width depend \
                  on the widths and seeds"
                .into(),
        header: [
            "choice",
            "verdict",
            "exponent, feature",
            "gain, feature",
            "exponent, lazy",
            "gain, lazy",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    }
}

pub(super) fn figures(outcome: &Outcome) -> Vec<Figure> {
    let regimes = outcome.regimes();
    let bars = |regime: &Regime| -> Vec<Interval> {
        let bar = |at: &AtWidth| {
            let i = at.variance_interval.found()?;
            Some(Interval { x: at.width as f64, low: i.low, high: i.high })
        };
        regime.widths.iter().filter_map(bar).collect()
    };
    let series = regimes.iter().enumerate().map(|(index, (name, regime))| Series {
        error_bars: bars(regime),
        color: Color::Category(index),
        ..Series::new(format!("{name} regime"), regime.variances())
    });
    let variance = Figure {
        id: "variance".into(),
        title: "Fluctuations of the output over initialisations".into(),
        caption: "Mean over test points of the variance of F over seeds, at the end of training. \
                  Bars: 95 % intervals over seeds. Dashed: the claimed slope through the geometric \
                  mean of the points."
            .into(),
        x: Axis::log("width h"),
        y: Axis::log("Var F"),
        map: None,
        series: series.collect(),
        guides: regimes.iter().filter_map(|(_, regime)| claimed_slope(regime)).collect(),
    };
    let errors = regimes.iter().map(|(name, regime)| error_figure(name, regime));
    std::iter::once(variance).chain(errors).collect()
}

fn claimed_slope(regime: &Regime) -> Option<Guide> {
    let points = regime.variances();
    Some(Guide::Slope {
        slope: CLAIM,
        through: geometric_centre(&points)?,
        range: (points.first()?.0, points.last()?.0),
        label: "slope −1".into(),
    })
}

fn error_figure(name: &str, regime: &Regime) -> Figure {
    let band = |at: &AtWidth| {
        let Mean { mean, std_error, .. } = at.single_error;
        let e = std_error?;
        Some(Interval { x: at.width as f64, low: mean - e, high: mean + e })
    };
    let points = |error: fn(&AtWidth) -> f64| -> Vec<(f64, f64)> {
        regime.widths.iter().map(|at| (at.width as f64, error(at))).collect()
    };
    Figure {
        id: format!("test-error-{name}"),
        title: format!("Test error of single nets and of their ensemble, {name} regime"),
        caption: "Single nets: mean over seeds with a band of one standard error. Ensemble: the \
                  sign of the mean of F over all seeds of a width."
            .into(),
        x: Axis::log("width h"),
        y: Axis::linear("test error"),
        map: None,
        series: vec![
            Series {
                band: regime.widths.iter().filter_map(band).collect(),
                ..Series::new("single nets", points(|at| at.single_error.mean))
            },
            Series {
                color: Color::Category(1),
                ..Series::new("ensemble", points(|at| at.ensemble_error))
            },
        ],
        guides: Vec::new(),
    }
}
