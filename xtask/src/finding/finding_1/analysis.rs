//! Where the regimes meet, and how that depends on the width.

use regime_plot::number;
use regime_scaling::{
    BootstrapConfig, BootstrapInterval, Collapse, CollapseConfig, Crossing, CrossingPolicy,
    Direction, Drift, LocalExponent, Pairing, Scale, Scales, Statement, bootstrap,
    collapse_interval, crossing, difference_of_means, exponent_drift, exponent_interval,
    fit_power_law, local_exponents, mean, rescale,
};
use regime_study::{
    KERNEL_CHANGE_AT_BORDER,
    curves::{Point, Sample, by_seed, values},
};
use serde::Serialize;

use crate::finding::answer::Answer;

/// The claimed exponent of α* against h.
pub(super) const CLAIM: f64 = -0.5;

/// How far from it still is nearer to it than to 0 (no dependence on the width) or to −1.
pub(super) const MARGIN: f64 = 0.25;

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// α* from the kernel change.
    pub(super) kernel: Border,
    /// α* from the rescaled test error.
    pub(super) test_error: Border,
    /// The exponent b for which the kernel change collapses against h^b·α.
    pub(super) collapse: Answer<(Collapse, BootstrapInterval)>,
}

/// Where the regimes meet, by one observable.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Border {
    /// α* per width, the mean curve over seeds crossing the level.
    pub(super) crossings: Vec<(usize, Answer<f64>)>,
    /// α* per seed and width, where the observable is good enough for it.
    pub(super) per_seed: Vec<Vec<(usize, f64)>>,
    /// Exponent of α* against h, over seeds.
    pub(super) exponent: Answer<BootstrapInterval>,
    /// Slopes between neighbouring widths.
    pub(super) local_exponents: Vec<LocalExponent>,
    /// What leaving out the smallest width does.
    pub(super) drift: Option<Drift>,
}

pub(super) fn analyse(points: &[Point]) -> Outcome {
    let kernel_curves = by_seed(points, |p| p.kernel_change);
    let collapse_config = CollapseConfig { y_scale: Scale::Log, ..CollapseConfig::default() };
    // The collapse interpolates every curve in every resample: fewer suffice.
    let resampling = BootstrapConfig { resamples: 200, ..BootstrapConfig::default() };
    let collapse =
        collapse_interval(&kernel_curves, Pairing::Paired, &collapse_config, &resampling);
    Outcome {
        kernel: kernel_border(points, KERNEL_CHANGE_AT_BORDER),
        test_error: test_error_border(points),
        collapse: Answer::of(collapse),
    }
}

/// Where the kernel change falls through a level.
pub(super) fn kernel_border(points: &[Point], level: f64) -> Border {
    let at_level = |curve: &[(f64, f64)]| -> Result<Crossing, String> {
        let found = crossing(curve, level, Scales::LOG_LOG, CrossingPolicy::default())
            .map_err(|e| e.to_string())?;
        match found.direction {
            Direction::Falling => Ok(found),
            Direction::Rising => Err("the kernel change rises with α".into()),
        }
    };
    let per_seed: Vec<Vec<(usize, f64)>> = by_seed(points, |p| p.kernel_change)
        .iter()
        .map(|curves| {
            let found = |curve: &regime_scaling::Curve| {
                Some((curve.size as usize, at_level(&curve.points).ok()?.x))
            };
            curves.iter().filter_map(found).collect()
        })
        .collect();
    let crossings = mean_crossings(
        points,
        |p| p.kernel_change.ln(),
        |curve| {
            let back: Vec<(f64, f64)> = curve.iter().map(|&(x, y)| (x, y.exp())).collect();
            at_level(&back)
        },
    );
    // A seed with a border at one width says nothing of p, and would be counted as one that does.
    let seeds: Vec<Vec<(f64, f64)>> = per_seed
        .iter()
        .filter(|seed| seed.len() > 1)
        .map(|seed| seed.iter().map(|&(h, alpha)| (h as f64, alpha)).collect())
        .collect();
    let exponent = exponent_interval(&seeds, Pairing::Paired, &BootstrapConfig::default());
    Border::new(crossings, per_seed, Answer::of(exponent))
}

pub(super) fn test_error_border(points: &[Point]) -> Border {
    let mut crossings = mean_crossings(
        points,
        |p| p.test_error,
        |curve| half_way(curve).map_err(|e| e.to_string()),
    );
    // Half-way between two plateaus that cannot be distinguished is nowhere.
    let mut indistinct = None;
    for (width, answer) in &mut crossings {
        if let Some(why) = plateaus_overlap(points, *width) {
            let why = format!("the plateaus of the test error cannot be distinguished ({why})");
            indistinct.get_or_insert_with(|| format!("at h = {width} {why}"));
            *answer = Answer::Missing(why);
        }
    }
    let seeds = values(points, |p| p.seed());
    let exponent = match indistinct {
        Some(why) => Answer::Missing(why),
        None => Answer::of(bootstrap(seeds.len(), &BootstrapConfig::default(), |indices| {
            // A seed that is drawn twice counts twice.
            let drawn: Vec<Point> = indices
                .iter()
                .map(|&i| seeds[i])
                .flat_map(|seed| points.iter().filter(move |p| p.seed() == seed).copied())
                .collect();
            let crossings = mean_crossings(&drawn, |p| p.test_error, half_way);
            let pairs: Option<Vec<(f64, f64)>> =
                crossings.iter().map(|(h, answer)| Some((*h as f64, *answer.found()?))).collect();
            Some(fit_power_law(&pairs?).ok()?.exponent)
        })),
    };
    Border::new(crossings, Vec::new(), exponent)
}

/// Where the curve of a test error, rescaled between its two plateaus, crosses ½.
pub(super) fn half_way(curve: &[(f64, f64)]) -> Result<Crossing, String> {
    let (low, high) = plateaus(curve).ok_or("fewer than four values of α")?;
    let errors: Vec<f64> = curve.iter().map(|&(_, y)| y).collect();
    let rescaled = rescale(&errors, low, high).map_err(|e| e.to_string())?;
    let curve: Vec<(f64, f64)> = curve.iter().map(|&(x, _)| x).zip(rescaled).collect();
    crossing(&curve, 0.5, Scales::LOG_X, CrossingPolicy::default()).map_err(|e| e.to_string())
}

/// Means over the two smallest and the two largest α of a sorted curve.
pub(super) fn plateaus(curve: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = curve.len();
    (n >= 4).then(|| (0.5 * (curve[0].1 + curve[1].1), 0.5 * (curve[n - 2].1 + curve[n - 1].1)))
}

/// Why the plateaus of one width are not different, if they are not: the interval
/// of their difference, paired over seeds, contains 0 or does not exist.
pub(super) fn plateaus_overlap(points: &[Point], width: usize) -> Option<String> {
    let mut low = Vec::new();
    let mut high = Vec::new();
    for curves in by_seed(points, |p| p.test_error) {
        let mut curve = curves.into_iter().find(|c| c.size == width as f64)?.points;
        curve.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some((feature, lazy)) = plateaus(&curve) else { continue };
        low.push(feature);
        high.push(lazy);
    }
    match difference_of_means(&high, &low, Pairing::Paired, &BootstrapConfig::default()) {
        Ok(gap) if gap.contains(0.0) => Some(format!(
            "lazy minus feature {}",
            number::with_interval(gap.estimate, gap.low, gap.high)
        )),
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    }
}

/// Per width, the crossing of the mean of `y` over seeds, by `cross`.
pub(super) fn mean_crossings(
    points: &[Point],
    y: impl Fn(&Point) -> f64,
    cross: impl Fn(&[(f64, f64)]) -> Result<Crossing, String>,
) -> Vec<(usize, Answer<f64>)> {
    let one = |width: usize| {
        let here: Vec<Point> = points.iter().filter(|p| p.width() == width).copied().collect();
        let curve: Vec<(f64, f64)> = values(&here, |p| p.alpha())
            .into_iter()
            .filter_map(|alpha| {
                let at = here.iter().filter(|p| p.alpha() == alpha);
                let values: Vec<f64> = at.map(&y).collect();
                Some((alpha, mean(&values)?.mean))
            })
            .collect();
        (width, Answer::of(cross(&curve).map(|found| found.x)))
    };
    values(points, |p| p.width()).into_iter().map(one).collect()
}

impl Border {
    pub(super) fn new(
        crossings: Vec<(usize, Answer<f64>)>,
        per_seed: Vec<Vec<(usize, f64)>>,
        exponent: Answer<BootstrapInterval>,
    ) -> Self {
        let found: Vec<(f64, f64)> = crossings
            .iter()
            .filter_map(|(h, answer)| Some((*h as f64, *answer.found()?)))
            .collect();
        Self {
            local_exponents: local_exponents(&found).unwrap_or_default(),
            drift: exponent_drift(&found).ok(),
            crossings,
            per_seed,
            exponent,
        }
    }

    /// The crossings that exist, as points (h, α*).
    pub(super) fn found(&self) -> Vec<(f64, f64)> {
        let pair = |(h, answer): &(usize, Answer<f64>)| Some((*h as f64, *answer.found()?));
        self.crossings.iter().filter_map(pair).collect()
    }
}

/// The statements of the rule of finding-1.
pub(super) fn statement(exponent: Answer<BootstrapInterval>) -> Statement {
    Statement::near("the exponent p of α* ∝ hᵖ", exponent.result(), CLAIM, MARGIN)
}
