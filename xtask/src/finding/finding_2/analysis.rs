//! Test errors of both regimes, their gap, and its trend with the width.

use regime_models::NetworkSpec;
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Statement, fit_line, mean, mean_interval,
};
use regime_study::{
    Ending, FrozenKernel, FrozenLearning, KERNEL_CHANGE_AT_BORDER, Run, RunSpec,
    curves::{Point, Sample, values},
};
use serde::Serialize;

use crate::finding::answer::Answer;

/// The largest values of α that make the lazy side.
pub(super) const LAZY_ALPHAS: usize = 2;

/// The gap that counts as one: two test points in a thousand. The paper calls smaller ones
/// hardly detectable.
pub(super) const LEAST_GAP: f64 = 0.002;

pub(super) fn is_convolutional(spec: &RunSpec) -> bool {
    matches!(spec.network, NetworkSpec::Convolutional(_))
}

/// One setup: its records, and what they say.
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) points: Vec<Point>,
    pub(super) outcome: Outcome,
}

impl Setting {
    pub(super) fn new(name: &'static str, points: Vec<Point>, choice: Choice) -> Self {
        Self { name, outcome: analyse_by(&points, choice), points }
    }
}

/// How the two sides are taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    /// The best α of a seed is chosen by the other seeds.
    pub(super) by_other_seeds: bool,
    /// The largest α that make the lazy side.
    pub(super) lazy_alphas: usize,
}

pub(super) const RULE: Choice = Choice { by_other_seeds: true, lazy_alphas: LAZY_ALPHAS };

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// The gap, averaged over widths.
    pub(super) gap: Answer<BootstrapInterval>,
    /// Its slope against ln h.
    pub(super) trend: Answer<BootstrapInterval>,
    /// Seeds without a gap at every width.
    pub(super) seeds_left_out: usize,
    pub(super) per_width: Vec<OfWidth>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OfWidth {
    pub(super) width: usize,
    pub(super) gap: Answer<BootstrapInterval>,
    /// Mean errors of the two sides.
    pub(super) sides: Option<[f64; 2]>,
    /// The α that seeds had chosen for them.
    pub(super) alphas: Vec<f64>,
}

/// Both sides of one seed at one width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sides {
    pub(super) seed: u64,
    pub(super) alpha: f64,
    pub(super) feature: f64,
    pub(super) lazy: f64,
}

pub(super) fn analyse_by(points: &[Point], choice: Choice) -> Outcome {
    let widths = values(points, |p| p.width());
    let sides: Vec<(usize, Vec<Sides>)> =
        widths.iter().map(|&width| (width, sides(points, width, choice))).collect();
    // Seeds that have a gap at every width.
    let all = values(points, |p| p.seed());
    let seeds: Vec<u64> = all
        .iter()
        .copied()
        .filter(|seed| sides.iter().all(|(_, of)| of.iter().any(|s| s.seed == *seed)))
        .collect();
    let gaps = |seed: u64| -> Vec<(f64, f64)> {
        let of_width = |(width, sides): &(usize, Vec<Sides>)| {
            let side = sides.iter().find(|s| s.seed == seed)?;
            Some(((*width as f64).ln(), side.lazy - side.feature))
        };
        sides.iter().filter_map(of_width).collect()
    };
    let average = |of_seed: &dyn Fn(u64) -> Option<f64>| {
        let each: Vec<f64> = seeds.iter().filter_map(|&seed| of_seed(seed)).collect();
        Answer::of(mean_interval(&each, &BootstrapConfig::default()))
    };
    let level =
        |seed: u64| mean(&gaps(seed).iter().map(|g| g.1).collect::<Vec<_>>()).map(|m| m.mean);
    Outcome {
        gap: average(&level),
        trend: average(&|seed| fit_line(&gaps(seed)).ok().map(|line| line.slope)),
        seeds_left_out: all.len() - seeds.len(),
        per_width: sides.iter().map(|(width, sides)| of_width(*width, sides)).collect(),
    }
}

pub(super) fn of_width(width: usize, sides: &[Sides]) -> OfWidth {
    let gaps: Vec<f64> = sides.iter().map(|s| s.lazy - s.feature).collect();
    let mean_of =
        |side: fn(&Sides) -> f64| mean(&sides.iter().map(side).collect::<Vec<_>>()).map(|m| m.mean);
    let gap = match sides.len() {
        0 => Answer::Missing("one of the sides has no run".into()),
        _ => Answer::of(mean_interval(&gaps, &BootstrapConfig::default())),
    };
    OfWidth {
        width,
        gap,
        sides: mean_of(|s| s.feature).zip(mean_of(|s| s.lazy)).map(|(f, l)| [f, l]),
        alphas: values(sides, |s| s.alpha),
    }
}

/// Both sides at a width, for every seed that has them.
pub(super) fn sides(points: &[Point], width: usize, choice: Choice) -> Vec<Sides> {
    let here: Vec<&Point> = points.iter().filter(|p| p.width() == width).collect();
    let alphas = values(&here, |p| p.alpha());
    let moves = |alpha: f64| {
        let at = here.iter().filter(|p| p.alpha() == alpha);
        let logs: Vec<f64> = at.map(|p| p.kernel_change.ln()).collect();
        mean(&logs).is_some_and(|m| m.mean.exp() >= KERNEL_CHANGE_AT_BORDER)
    };
    let feature: Vec<f64> = alphas.iter().copied().filter(|&alpha| moves(alpha)).collect();
    let lazy: Vec<f64> = alphas
        .iter()
        .rev()
        .take(choice.lazy_alphas)
        .copied()
        .filter(|&alpha| !moves(alpha))
        .collect();
    let error_of = |alpha: f64, enters: &dyn Fn(u64) -> bool| {
        let at = here.iter().filter(|p| p.alpha() == alpha && enters(p.seed()));
        mean(&at.map(|p| p.test_error).collect::<Vec<_>>()).map(|m| m.mean)
    };
    let of_seed = |seed: u64| {
        let chooses = |other: u64| !choice.by_other_seeds || other != seed;
        let judged = feature.iter().filter_map(|&alpha| Some((alpha, error_of(alpha, &chooses)?)));
        let (alpha, _) = judged.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let own = |other: u64| other == seed;
        let lazy: Vec<f64> = lazy.iter().filter_map(|&alpha| error_of(alpha, &own)).collect();
        Some(Sides { seed, alpha, feature: error_of(alpha, &own)?, lazy: mean(&lazy)?.mean })
    };
    values(&here, |p| p.seed()).into_iter().filter_map(of_seed).collect()
}

/// The test error of one kernel, frozen, at one width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Frozen {
    pub(super) kernel: String,
    pub(super) width: usize,
    /// Mean over seeds.
    pub(super) test_error: f64,
    /// The smallest and the largest of the seeds.
    pub(super) range: [f64; 2],
}

pub(super) fn frozen(runs: &[Run]) -> Vec<Frozen> {
    let mut found: Vec<(FrozenKernel, usize, f64)> = Vec::new();
    for run in runs {
        let Some(record) = run.record.as_ref().ok().filter(|r| r.converged()) else { continue };
        for of in &record.frozen {
            if let FrozenLearning::Learnt { test_error, ending: Ending::Converged, .. } =
                &of.learning
            {
                found.push((of.kernel, run.spec.network.width(), *test_error));
            }
        }
    }
    let mut all = Vec::new();
    let widths = values(&found, |f| f.1);
    for kernel in [FrozenKernel::Initial, FrozenKernel::End, FrozenKernel::InfiniteWidth] {
        for &width in &widths {
            // That of infinite width is the same beside every width.
            let belongs = |f: &&(FrozenKernel, usize, f64)| {
                f.0 == kernel && (f.1 == width || kernel == FrozenKernel::InfiniteWidth)
            };
            let errors: Vec<f64> = found.iter().filter(belongs).map(|f| f.2).collect();
            if errors.is_empty() {
                continue;
            }
            let test_error = mean(&errors).expect("there are some").mean;
            let range = [f64::min as fn(f64, f64) -> f64, f64::max]
                .map(|pick| errors.iter().copied().fold(test_error, pick));
            all.push(Frozen { kernel: kernel.name(), width, test_error, range });
        }
    }
    all
}

/// The statements of the rule of finding-2.
pub(super) fn statements(setups: &[Setting; 2]) -> Vec<Statement> {
    let [a, b] = setups;
    let gap = |setup: &Setting| {
        let what = format!("the gap in ({})", setup.name);
        Statement::at_least(what, setup.outcome.gap.clone().result(), LEAST_GAP)
    };
    let trend = a.outcome.trend.clone().result();
    let trend = Statement::at_most("the trend of the gap in (A) against ln h", trend, 0.0);
    vec![gap(a), trend, gap(b)]
}
