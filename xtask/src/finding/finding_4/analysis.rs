//! Times, slopes and growth on the feature side.

use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Statement, bootstrap, fit_line, mean, mean_interval,
};
use regime_study::{
    Run, RunRecord,
    curves::{Place, Sample, values},
};
use regime_train::Moment;
use serde::Serialize;

use crate::finding::answer::Answer;

/// `√h·α` up to which a run counts as one of the feature side: about a decade below the
/// border, where the kernel changes by more than its own norm.
pub(super) const WINDOW: f64 = 1.0;

/// Other windows, to see what the choice does.
pub(super) const OTHER_WINDOWS: [f64; 3] = [0.3, 3.0, 6.0];

/// The part of `t₁` in which the growth of `F` is looked at.
pub(super) const EARLY: f64 = 0.3;

/// Mean square deviation below which logarithms differ only by rounding.
pub(super) const LEAST_SPREAD: f64 = 1e-12;

/// How far an exponent may be from 1: it is then farther from ½ than from 1.
pub(super) const MARGIN: f64 = 0.2;

/// The times of one converged run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Passage {
    pub(super) place: Place,
    /// `t₁`.
    pub(super) half_loss: f64,
    /// `t₂`.
    pub(super) margins: f64,
    /// Slope of `ln ‖F‖` against `ln t` before `t₁`, where there are enough observations.
    pub(super) early_slope: Option<f64>,
    /// The same over the last decade of that time only: close to `t = 0` every smooth flow
    /// is linear, and observations are spaced logarithmically.
    pub(super) last_decade_slope: Option<f64>,
    /// `‖f(t₁)‖/‖f(0)‖` on the training points.
    pub(super) growth: Option<f64>,
    /// Kernel change just after `t₁`.
    pub(super) kernel_change: Option<f64>,
}

impl Sample for Passage {
    fn place(&self) -> Place {
        self.place
    }
}

pub(super) fn passages(runs: &[Run]) -> Vec<Passage> {
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
pub(super) fn slope(record: &RunRecord, after: f64, until: f64) -> Option<f64> {
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

pub(super) fn growth(record: &RunRecord) -> Option<f64> {
    let rms = |moment: Moment| {
        let found = record.path.iter().find(|m| m.training.moment == moment)?;
        Some(found.training.network_rms)
    };
    Some(rms(Moment::HalfLoss)? / rms(Moment::Start)?).filter(|g| g.is_finite() && *g > 0.0)
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// `t₁` against α and √h.
    pub(super) half_loss: Exponents,
    /// `t₂` against α and √h.
    pub(super) margins: Exponents,
    /// Mean slope of `ln ‖F‖` against `ln t` before `t₁`.
    pub(super) early_slope: Answer<BootstrapInterval>,
    /// The same over the last decade of that time.
    pub(super) last_decade_slope: Answer<BootstrapInterval>,
    /// Growth of the output until `t₁` against α and √h.
    pub(super) growth: Exponents,
    /// The exponent of that growth in √h at fixed √h·α: `q − p`.
    pub(super) growth_at_fixed_product: Answer<BootstrapInterval>,
}

/// Exponents in α and in √h.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Exponents {
    pub(super) alpha: Answer<BootstrapInterval>,
    pub(super) root_width: Answer<BootstrapInterval>,
}

pub(super) fn analyse(passages: &[Passage]) -> Outcome {
    of_feature_side(&within(passages, WINDOW))
}

pub(super) fn of_feature_side(feature: &[Passage]) -> Outcome {
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

pub(super) fn within(passages: &[Passage], window: f64) -> Vec<Passage> {
    passages.iter().filter(|p| p.root_width_alpha() <= window).copied().collect()
}

/// Points `(ln α, ln √h, ln y)`, seed by seed.
pub(super) fn logarithms(
    passages: &[Passage],
    y: &dyn Fn(&Passage) -> Option<f64>,
) -> Vec<Vec<[f64; 3]>> {
    let of_seed = |seed: u64| {
        let points = passages.iter().filter(|p| p.seed() == seed);
        points
            .filter_map(|p| Some([p.alpha().ln(), 0.5 * (p.width() as f64).ln(), y(p)?.ln()]))
            .collect()
    };
    values(passages, |p| p.seed()).into_iter().map(of_seed).collect()
}

/// A combination of both exponents, with its interval over seeds.
pub(super) fn exponent(
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
pub(super) fn plane(points: &[[f64; 3]]) -> [Option<f64>; 2] {
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
pub(super) fn mean_over_seeds(
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
    /// The statements of the rule of finding-4.
    pub(super) fn statements(&self) -> [Statement; 3] {
        let Exponents { alpha, root_width } = self.half_loss.clone();
        let early_slope = self.early_slope.clone().result();
        [
            Statement::near("the exponent p of t₁ in α", alpha.result(), 1.0, MARGIN),
            Statement::near("the exponent q of t₁ in √h", root_width.result(), 1.0, MARGIN),
            Statement::near("the slope s of ‖F‖ before t₁", early_slope, 1.0, MARGIN),
        ]
    }
}
