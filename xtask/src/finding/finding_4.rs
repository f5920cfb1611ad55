//! finding-4: the time `t₁ ∼ √h·α` until which the dynamics is linear.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, section 4.

mod told;

#[cfg(test)]
mod tests;

use regime_scaling::{
    BootstrapConfig, BootstrapInterval, bootstrap, fit_line, mean, mean_interval,
};
use regime_train::Moment;
use serde::Serialize;

use self::told::{figures, in_window, key_figures, sensitivity};
use super::{
    Finding, Run, Settings, Study,
    answer::Answer,
    curves::{Place, Sample, endings, values},
    grids::{PROTOCOL, feature_grid},
    kernel_path::kernel_path,
    statement::{Statement, verdict},
};
use crate::study::{RunRecord, RunSpec};

/// `√h·α` up to which a run counts as one of the feature side: about a decade below the
/// border, where the kernel changes by more than its own norm.
const WINDOW: f64 = 1.0;

/// Other windows, to see what the choice does.
const OTHER_WINDOWS: [f64; 3] = [0.3, 3.0, 6.0];

/// The part of `t₁` in which the growth of `F` is looked at.
const EARLY: f64 = 0.3;

/// Mean square deviation below which logarithms differ only by rounding.
const LEAST_SPREAD: f64 = 1e-12;

/// How far an exponent may be from 1: it is then farther from ½ than from 1.
const MARGIN: f64 = 0.2;

pub(crate) struct Finding4;

impl Finding for Finding4 {
    fn name(&self) -> &'static str {
        "finding-4"
    }

    fn title(&self) -> &'static str {
        "In the feature regime the dynamics is linear until t₁ ∼ √h·α"
    }

    fn claim(&self) -> &'static str {
        "In the feature regime there is a time t₁ ∼ √h·α: for t ≪ t₁ the dynamics is linear; at t₁ the \
         output has grown by √h, and the change of the kernel becomes significant."
    }

    fn rule(&self) -> &'static str {
        "t₁ is the time at which the mean loss α²L falls below half its initial value. On the feature \
         side (√h·α ≤ 1, below the border that finding-1 measures) ln t₁ = c + p ln α + q ln √h is \
         fitted to all runs of a seed together; intervals (95 %) come from a bootstrap over seeds. \
         Before t₁ (t ≤ 0.3 t₁) the slope s of ln ‖F‖ against ln t is fitted in each run, which is 1 \
         when the dynamics is linear, and averaged.\n\n\
         Reproduced: p and q lie within 1 ± 0.2 and s within 1 ± 0.2. Not reproduced: one of the \
         intervals lies outside. Inconclusive: neither; an interval that is missing or rests on fewer than three seeds decides \
         nothing. The margin leaves room for corrections at \
         finite width and excludes t₁ ∝ √α, no dependence on the width, and a growth of ‖F‖ that is \
         faster than linear from the start.\n\n\
         The growth of the network's output until t₁ against √h at a fixed √h·α, the exponents of t₂ \
         (all margins reached) and the kernel change at t₁ are reported and do not enter the verdict: \
         the growth follows from what t₁ means (‖F‖ of the order of the margin) up to a factor of \
         order one."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        feature_grid(settings)
    }

    fn study(&self, runs: &[Run]) -> Study {
        let passages = passages(runs);
        let outcome = analyse(&passages);
        let (summary, unconverged) = endings(runs);
        Study {
            verdict: verdict(&outcome.statements()),
            key_figures: key_figures(&outcome),
            figures: figures(&passages).into_iter().chain([kernel_path(runs)]).collect(),
            tables: [Some(sensitivity(&passages)), unconverged].into_iter().flatten().collect(),
            notes: vec![summary, in_window(&passages), PROTOCOL.to_owned()],
            outcome: serde_json::json!(outcome),
        }
    }
}

/// The times of one converged run.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Passage {
    place: Place,
    /// `t₁`.
    half_loss: f64,
    /// `t₂`.
    margins: f64,
    /// Slope of `ln ‖F‖` against `ln t` before `t₁`, where there are enough observations.
    early_slope: Option<f64>,
    /// The same over the last decade of that time only: close to `t = 0` every smooth flow
    /// is linear, and observations are spaced logarithmically.
    last_decade_slope: Option<f64>,
    /// `‖f(t₁)‖/‖f(0)‖` on the training points.
    growth: Option<f64>,
    /// Kernel change just after `t₁`.
    kernel_change: Option<f64>,
}

impl Sample for Passage {
    fn place(&self) -> Place {
        self.place
    }
}

fn passages(runs: &[Run]) -> Vec<Passage> {
    let passage = |run: &Run| {
        let record = run.record.as_ref().ok().filter(|record| record.converged())?;
        let half_loss = record.half_loss_time?;
        Some(Passage {
            place: Place::of(&run.spec),
            half_loss,
            margins: record.margins_time?,
            early_slope: slope(record, 0.0, EARLY * half_loss),
            last_decade_slope: slope(record, 0.1 * EARLY * half_loss, EARLY * half_loss),
            growth: growth(record),
            kernel_change: record.kernel_change_at_half_loss().filter(|&change| change > 0.0),
        })
    };
    runs.iter().filter_map(passage).collect()
}

/// Slope of `ln ‖F‖` against `ln t` for times in `(after, until]`.
fn slope(record: &RunRecord, after: f64, until: f64) -> Option<f64> {
    let path = record.path.iter().map(|m| &m.training);
    let points: Vec<(f64, f64)> = path
        .filter(|o| o.t > after && o.t <= until && o.output_rms > 0.0)
        .map(|o| (o.t.ln(), o.output_rms.ln()))
        .collect();
    if points.len() < 3 {
        return None;
    }
    fit_line(&points).ok().map(|line| line.slope)
}

fn growth(record: &RunRecord) -> Option<f64> {
    let rms = |moment: Moment| {
        let found = record.path.iter().find(|m| m.training.moment == moment)?;
        Some(found.training.network_rms)
    };
    Some(rms(Moment::HalfLoss)? / rms(Moment::Start)?).filter(|g| g.is_finite() && *g > 0.0)
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Outcome {
    /// `t₁` against α and √h.
    half_loss: Exponents,
    /// `t₂` against α and √h.
    margins: Exponents,
    /// Mean slope of `ln ‖F‖` against `ln t` before `t₁`.
    early_slope: Answer<BootstrapInterval>,
    /// The same over the last decade of that time.
    last_decade_slope: Answer<BootstrapInterval>,
    /// Growth of the output until `t₁` against α and √h.
    growth: Exponents,
    /// The exponent of that growth in √h at fixed √h·α: `q − p`.
    growth_at_fixed_product: Answer<BootstrapInterval>,
}

/// Exponents in α and in √h.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Exponents {
    alpha: Answer<BootstrapInterval>,
    root_width: Answer<BootstrapInterval>,
}

fn analyse(passages: &[Passage]) -> Outcome {
    of_feature_side(&within(passages, WINDOW))
}

fn of_feature_side(feature: &[Passage]) -> Outcome {
    let of = |y: &dyn Fn(&Passage) -> Option<f64>| {
        let seeds = logarithms(feature, y);
        Exponents { alpha: exponent(&seeds, |[p, _]| p), root_width: exponent(&seeds, |[_, q]| q) }
    };
    let growth = |p: &Passage| p.growth;
    Outcome {
        half_loss: of(&|p| Some(p.half_loss)),
        margins: of(&|p| Some(p.margins)),
        early_slope: mean_over_seeds(feature, |p| p.early_slope),
        last_decade_slope: mean_over_seeds(feature, |p| p.last_decade_slope),
        growth: of(&growth),
        growth_at_fixed_product: exponent(&logarithms(feature, &growth), |[p, q]| Some(q? - p?)),
    }
}

fn within(passages: &[Passage], window: f64) -> Vec<Passage> {
    passages.iter().filter(|p| p.root_width_alpha() <= window).copied().collect()
}

/// Points `(ln α, ln √h, ln y)`, seed by seed.
fn logarithms(passages: &[Passage], y: &dyn Fn(&Passage) -> Option<f64>) -> Vec<Vec<[f64; 3]>> {
    let of_seed = |seed: u64| {
        let points = passages.iter().filter(|p| p.seed() == seed);
        points
            .filter_map(|p| Some([p.alpha().ln(), 0.5 * (p.width() as f64).ln(), y(p)?.ln()]))
            .collect()
    };
    values(passages, |p| p.seed()).into_iter().map(of_seed).collect()
}

/// A combination of both exponents, with its interval over seeds.
fn exponent(
    seeds: &[Vec<[f64; 3]>],
    combine: impl Fn([Option<f64>; 2]) -> Option<f64>,
) -> Answer<BootstrapInterval> {
    let found = bootstrap(seeds.len(), &BootstrapConfig::default(), |drawn| {
        let points: Vec<[f64; 3]> =
            drawn.iter().flat_map(|&seed| seeds[seed].iter().copied()).collect();
        combine(plane(&points))
    });
    Answer::of(found)
}

/// Slopes of the least-squares plane. In a direction in which the points do not differ
/// there is none, and the other one is then that of a line.
fn plane(points: &[[f64; 3]]) -> [Option<f64>; 2] {
    let n = points.len() as f64;
    let centre = [0, 1, 2].map(|k| points.iter().map(|p| p[k]).sum::<f64>() / n);
    let s = |j: usize, k: usize| {
        points.iter().map(|p| (p[j] - centre[j]) * (p[k] - centre[k])).sum::<f64>()
    };
    let (xx, xy, yy) = (s(0, 0), s(0, 1), s(1, 1));
    let (xz, yz) = (s(0, 2), s(1, 2));
    // The determinant alone does not tell: of equal α it is small, but so are its terms.
    match (xx > LEAST_SPREAD * n, yy > LEAST_SPREAD * n) {
        (false, false) => [None, None],
        (true, false) => [Some(xz / xx), None],
        (false, true) => [None, Some(yz / yy)],
        (true, true) => {
            let determinant = xx * yy - xy * xy;
            if determinant <= 1e-9 * xx * yy {
                return [None, None];
            }
            let p = (xz * yy - yz * xy) / determinant;
            let q = (yz * xx - xz * xy) / determinant;
            [Some(p), Some(q)]
        }
    }
}

/// The mean over seeds of the mean over a seed's runs.
fn mean_over_seeds(
    passages: &[Passage],
    y: impl Fn(&Passage) -> Option<f64>,
) -> Answer<BootstrapInterval> {
    let of_seed = |seed: u64| {
        let values: Vec<f64> =
            passages.iter().filter(|p| p.seed() == seed).filter_map(&y).collect();
        mean(&values).map(|m| m.mean)
    };
    let seeds: Vec<f64> = values(passages, |p| p.seed()).into_iter().filter_map(of_seed).collect();
    Answer::of(mean_interval(&seeds, &BootstrapConfig::default()))
}

impl Outcome {
    /// See [`Finding4::rule`].
    fn statements(&self) -> [Statement; 3] {
        let Exponents { alpha, root_width } = self.half_loss.clone();
        [
            Statement::near("the exponent p of t₁ in α", alpha, 1.0, MARGIN),
            Statement::near("the exponent q of t₁ in √h", root_width, 1.0, MARGIN),
            Statement::near("the slope s of ‖F‖ before t₁", self.early_slope.clone(), 1.0, MARGIN),
        ]
    }
}
