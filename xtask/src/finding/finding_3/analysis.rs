//! Fluctuations over initialisations, and what an ensemble gains.

use regime_plot::number;
use regime_scaling::{
    BootstrapConfig, BootstrapError, BootstrapInterval, LocalExponent, Mean, Pairing, Statement,
    bootstrap, bootstrap_groups, difference_of_means, fit_power_law, local_exponents, mean,
    mean_interval,
};
use regime_study::curves::values;
use serde::Serialize;

use super::nets::{FEWEST_NETS, Group, Net, groups};
use crate::{
    finding::{answer::Answer, statement::verdict},
    report::VerdictKind,
};

/// The claimed exponent of Var F against h.
pub(super) const CLAIM: f64 = -1.0;

/// What the exponent may be off. It leaves room for corrections at finite h, and excludes by
/// a distance −½ and −1½ as well as 0, no fall at all.
pub(super) const MARGIN: f64 = 0.35;

/// Widths below which a power law is not a finding.
pub(super) const FEWEST_WIDTHS: usize = 3;

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// At the small √h·α.
    pub(super) feature: Regime,
    /// At the large √h·α.
    pub(super) lazy: Regime,
}

/// One regime.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Regime {
    /// The widths with enough nets, in increasing order.
    pub(super) widths: Vec<AtWidth>,
    /// The other widths and their numbers of nets.
    pub(super) left_out: Vec<(usize, usize)>,
    /// Exponent of Var against h, over seeds.
    pub(super) exponent: Answer<BootstrapInterval>,
    /// Slopes of Var between neighbouring widths.
    pub(super) local_exponents: Vec<LocalExponent>,
    /// Mean error of single nets at the smallest width minus that at the largest, over seeds.
    pub(super) trend: Answer<BootstrapInterval>,
    /// Mean error of single nets at the largest width minus that of the ensemble at the
    /// moderate one, over test points.
    pub(super) largest_against_ensemble: Answer<BootstrapInterval>,
    /// The same with other choices.
    pub(super) sensitivity: Vec<Variant>,
}

/// One width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct AtWidth {
    pub(super) width: usize,
    pub(super) n_nets: usize,
    /// Mean over test points of the variance of F over seeds.
    pub(super) variance: f64,
    /// Its interval over seeds.
    pub(super) variance_interval: Answer<BootstrapInterval>,
    /// Test error of single nets.
    pub(super) single_error: Mean,
    /// Test error of the sign of the mean of F.
    pub(super) ensemble_error: f64,
    /// The former minus the latter, over test points.
    pub(super) gain: Answer<BootstrapInterval>,
    /// The width at which single nets are as good as the ensemble; `None` beyond the
    /// widths measured.
    pub(super) as_good_as: Option<f64>,
}

/// The estimates with another choice of widths or seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Variant {
    pub(super) change: &'static str,
    pub(super) exponent: Answer<BootstrapInterval>,
    /// At the moderate width, where the choice concerns the seeds.
    pub(super) gain: Option<Answer<BootstrapInterval>>,
}

impl Outcome {
    pub(super) fn regimes(&self) -> [(&'static str, &Regime); 2] {
        [("feature", &self.feature), ("lazy", &self.lazy)]
    }
}

pub(super) fn analyse(nets: &[Net]) -> Outcome {
    let of = |lazy: bool| {
        let here: Vec<&Net> = nets.iter().filter(|net| net.lazy == lazy).collect();
        Regime::new(&here)
    };
    Outcome { feature: of(false), lazy: of(true) }
}

impl Group {
    pub(super) fn gain(&self) -> Answer<BootstrapInterval> {
        mean_difference(&self.single_wrong, &self.ensemble_wrong)
    }

    pub(super) fn at_width(&self, single: &[(f64, f64)]) -> AtWidth {
        let all: Vec<usize> = (0..self.n_nets()).collect();
        let log_variance = |drawn: &[usize]| self.variance(drawn).filter(|&v| v > 0.0).map(f64::ln);
        let interval = bootstrap(self.n_nets(), &BootstrapConfig::default(), log_variance);
        let ensemble_error = mean(&self.ensemble_wrong).map_or(f64::NAN, |m| m.mean);
        AtWidth {
            width: self.width,
            n_nets: self.n_nets(),
            variance: self.variance(&all).unwrap_or(f64::NAN),
            variance_interval: Answer::of(interval.map(BootstrapInterval::exp)),
            single_error: self.single_error,
            ensemble_error,
            gain: self.gain(),
            as_good_as: width_as_good(single, ensemble_error),
        }
    }
}

/// The mean of `a − b` over test points, resampled in pairs.
pub(super) fn mean_difference(a: &[f64], b: &[f64]) -> Answer<BootstrapInterval> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let found = mean_interval(&differences, &BootstrapConfig::default());
    // The library speaks of seeds, but these are points.
    Answer::of(found.map_err(|error| match error {
        BootstrapError::NoSpread { estimate } => {
            format!("the difference is {} on every test point", number::significant(estimate, 3))
        }
        BootstrapError::TooFewSeeds { n_seeds, .. } => format!("only {n_seeds} test point(s)"),
        other => other.to_string(),
    }))
}

/// Where a curve (h, error), in increasing h, first comes down to `error`, interpolated in
/// ln h.
pub(super) fn width_as_good(curve: &[(f64, f64)], error: f64) -> Option<f64> {
    let index = curve.iter().position(|&(_, e)| e <= error)?;
    let (h, e) = curve[index];
    let Some(before) = index.checked_sub(1) else { return Some(h) };
    let (h_before, e_before) = curve[before];
    let part = (e_before - error) / (e_before - e);
    Some(h_before * (h / h_before).powf(part))
}

/// What cannot be said from so many widths.
pub(super) fn too_few(widths: usize) -> Answer<BootstrapInterval> {
    Answer::Missing(format!(
        "{widths} widths with at least {FEWEST_NETS} converged nets, where {FEWEST_WIDTHS} are \
         needed"
    ))
}

/// The exponent of the variance against h.
pub(super) fn exponent(groups: &[Group]) -> Answer<BootstrapInterval> {
    if groups.len() < FEWEST_WIDTHS {
        return too_few(groups.len());
    }
    let sizes: Vec<usize> = groups.iter().map(Group::n_nets).collect();
    Answer::of(bootstrap_groups(&sizes, &BootstrapConfig::default(), |drawn| {
        let point = |(group, drawn): (&Group, &Vec<usize>)| {
            Some((group.width as f64, group.variance(drawn)?))
        };
        let points: Option<Vec<(f64, f64)>> = groups.iter().zip(drawn).map(point).collect();
        Some(fit_power_law(&points?).ok()?.exponent)
    }))
}

impl Regime {
    pub(super) fn new(nets: &[&Net]) -> Self {
        let groups = groups(nets);
        let enough = groups.len() >= FEWEST_WIDTHS;
        let single: Vec<(f64, f64)> =
            groups.iter().map(|g| (g.width as f64, g.single_error.mean)).collect();
        let widths: Vec<AtWidth> = groups.iter().map(|group| group.at_width(&single)).collect();
        let variances: Vec<(f64, f64)> =
            widths.iter().map(|at| (at.width as f64, at.variance)).collect();
        let count = |width: usize| nets.iter().filter(|net| net.width == width).count();
        let left_out = values(nets, |net| net.width)
            .into_iter()
            .filter(|&width| groups.iter().all(|group| group.width != width))
            .map(|width| (width, count(width)))
            .collect();
        let (trend, largest_against_ensemble) = match (&groups[..], groups.last()) {
            ([first, moderate, ..], Some(last)) if enough => (
                Answer::of(difference_of_means(
                    &first.errors,
                    &last.errors,
                    Pairing::Independent,
                    &BootstrapConfig::default(),
                )),
                mean_difference(&last.single_wrong, &moderate.ensemble_wrong),
            ),
            _ => (too_few(groups.len()), too_few(groups.len())),
        };
        Self {
            left_out,
            exponent: exponent(&groups),
            local_exponents: local_exponents(&variances).unwrap_or_default(),
            trend,
            largest_against_ensemble,
            sensitivity: sensitivity(nets, &groups),
            widths,
        }
    }

    /// The second smallest width.
    pub(super) fn moderate(&self) -> Option<&AtWidth> {
        self.widths.get(1)
    }

    /// The gain of the ensemble at that width.
    pub(super) fn gain(&self) -> Answer<BootstrapInterval> {
        let missing = || Answer::Missing("there is none of moderate width".into());
        self.moderate().map_or_else(missing, |at| at.gain.clone())
    }

    /// The measured (h, Var).
    pub(super) fn variances(&self) -> Vec<(f64, f64)> {
        self.widths.iter().map(|at| (at.width as f64, at.variance)).collect()
    }
}

/// The estimates without a width at either end and from either half of the seeds.
pub(super) fn sensitivity(nets: &[&Net], all: &[Group]) -> Vec<Variant> {
    let without = |change: &'static str, groups: Option<&[Group]>| Variant {
        change,
        exponent: exponent(groups.unwrap_or_default()),
        gain: None,
    };
    let seeds = values(nets, |net| net.seed);
    let middle = seeds.get(seeds.len() / 2).copied().unwrap_or(0);
    let half = |change: &'static str, first: bool| {
        let chosen: Vec<&Net> =
            nets.iter().copied().filter(|net| (net.seed < middle) == first).collect();
        let groups = groups(&chosen);
        let moderate = all.get(1).and_then(|m| groups.iter().find(|g| g.width == m.width));
        let none = || Answer::Missing(format!("fewer than {FEWEST_NETS} nets"));
        Variant {
            change,
            exponent: exponent(&groups),
            gain: Some(moderate.map_or_else(none, Group::gain)),
        }
    };
    vec![
        without("without the smallest width", all.get(1..)),
        without("without the largest width", all.get(..all.len().saturating_sub(1))),
        half("first half of the seeds", true),
        half("second half of the seeds", false),
    ]
}

/// The statements of the rule of finding-3.
pub(super) fn statements(outcome: &Outcome) -> Vec<Statement> {
    let of = |(name, regime): (&'static str, &Regime)| {
        let ensemble = match regime.moderate() {
            Some(at) => format!("of {} nets at h = {} ", at.n_nets, at.width),
            None => String::new(),
        };
        about(name, &ensemble, regime.exponent.clone(), regime.gain())
    };
    outcome.regimes().into_iter().flat_map(of).collect()
}

/// What is stated of one regime.
pub(super) fn about(
    name: &str,
    ensemble: &str,
    exponent: Answer<BootstrapInterval>,
    gain: Answer<BootstrapInterval>,
) -> [Statement; 2] {
    let what = format!("the exponent of Var against h in the {name} regime");
    [
        Statement::near(what, exponent.result(), CLAIM, MARGIN),
        Statement::at_least(
            format!("the gain of the ensemble {ensemble}in the {name} regime"),
            gain.result(),
            0.0,
        ),
    ]
}

/// The verdict with another choice of widths or seeds, made in both regimes.
pub(super) fn verdict_of(outcome: &Outcome, choice: usize) -> VerdictKind {
    let of = |(name, regime): (&'static str, &Regime)| {
        let Variant { exponent, gain, .. } = &regime.sensitivity[choice];
        let gain = gain.clone().unwrap_or_else(|| regime.gain());
        about(name, "", exponent.clone(), gain)
    };
    let statements: Vec<Statement> = outcome.regimes().into_iter().flat_map(of).collect();
    verdict(&statements).kind
}
