//! finding-3: outputs fluctuate over initialisations as `1/√h` in both regimes, so that
//! networks get better with h, and so does an average over an ensemble.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, its section on fluctuations and
//! ensembles.

mod nets;
mod told;

#[cfg(test)]
mod tests;

use regime_data::DataSpec;
use regime_scaling::{
    BootstrapConfig, BootstrapError, BootstrapInterval, LocalExponent, Mean, Pairing, bootstrap,
    bootstrap_groups, difference_of_means, fit_power_law, local_exponents, mean, mean_interval,
};
use serde::Serialize;

use self::{
    nets::{Group, Net, groups, nets},
    told::{figures, key_figures, sensitivity_table, table},
};
use super::{
    Finding, Profile, Run, Settings, Study,
    answer::Answer,
    curves::{endings, values},
    grids::{PROTOCOL, Setup},
    statement::{Statement, verdict},
};
use crate::{figure::number, report::VerdictKind, study::RunSpec};

/// The claimed exponent of Var F against h.
const CLAIM: f64 = -1.0;

/// What the exponent may be off. It leaves room for corrections at finite h, and excludes by
/// a distance −½ and −1½ as well as 0, no fall at all.
const MARGIN: f64 = 0.35;

/// The value of √h·α that divides the two regimes of the grid, which are decades from it.
const BORDER: f64 = 1.0;

/// Nets at one width below which the spread over seeds says nothing.
const FEWEST_NETS: usize = 3;

/// Widths below which a power law is not a finding.
const FEWEST_WIDTHS: usize = 3;

pub(crate) struct Finding3;

impl Finding for Finding3 {
    fn name(&self) -> &'static str {
        "finding-3"
    }

    fn title(&self) -> &'static str {
        "Outputs fluctuate over initialisations as 1/√h, and ensembles remove it"
    }

    fn claim(&self) -> &'static str {
        "In both regimes the output fluctuates over initial weights by δF ∝ 1/√h. This is why \
         performance grows with h; averaging an ensemble of networks of moderate h gives the same \
         gain."
    }

    fn rule(&self) -> &'static str {
        "Var is the mean over test points of the unbiased variance over seeds of F at the end of \
         training, at a small and at a large √h·α. The exponent p of Var ∝ hᵖ is fitted over the \
         widths; its 95 % interval comes from a bootstrap over the seeds of every width, in which \
         Var is the mean of ½(Fᵢ − Fⱼ)² over pairs of different seeds, so that a seed drawn twice \
         does not look like two that agree. The ensemble of a width is the sign of the mean of F \
         over all its seeds (0 is an error); its gain is the mean test error of its nets minus its \
         own, with a 95 % interval from a bootstrap over test points, paired, for the nets as they \
         are.\n\n\
         Reproduced: in both regimes the interval of p lies within −1 ± 0.35, and the gain at a \
         moderate width, the second smallest, has an interval above 0. Not reproduced: in either \
         regime the interval of p lies outside −1 ± 0.35 or that of the gain below 0. \
         Inconclusive: anything else. A width needs three converged nets, and p three widths.\n\n\
         The margin is wide because widths are finite, where corrections to the power law are \
         expected, and because a variance from few seeds is uncertain; yet it excludes p = 0, no \
         fall, p = −½ and p = −1½. In terms of δF it is −½ ± 0.175. That the error falls with \
         h, and which width of a single net is as good as an ensemble, is reported beside the \
         verdict and does not enter it."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let usual = Setup::of(settings.profile);
        let (widths, products, seeds, n_train, n_test): (&[usize], [f64; 2], u64, usize, usize) =
            match settings.profile {
                Profile::Smoke => (&[16, 32, 64], [1e-1, 1e4], 6, 100, 500),
                Profile::Laptop => (&[32, 64, 128, 256], [1e-1, 1e4], 8, 500, 2000),
                Profile::Paper => (
                    &[50, 71, 100, 141, 200, 283, 400, 566, 800],
                    [1e-2, 1e6],
                    26,
                    usual.data.n_train,
                    50_000,
                ),
            };
        let data = DataSpec { n_train, n_test, n_kernel: 0, ..usual.data.clone() };
        let setup = Setup { data, ..usual };
        let seeds = settings.seeds.unwrap_or(seeds);
        let mut specs = Vec::new();
        for product in products {
            for &width in widths {
                let alpha = product / (width as f64).sqrt();
                specs.extend((0..seeds).map(|seed| RunSpec {
                    outputs_kept: n_test,
                    ..setup.run(settings, width, alpha, seed)
                }));
            }
        }
        specs
    }

    fn study(&self, runs: &[Run]) -> Study {
        let nets = nets(runs);
        let outcome = analyse(&nets);
        let (summary, unconverged) = endings(runs);
        let mut notes = vec![summary, PROTOCOL.to_owned()];
        let converged =
            runs.iter().filter(|run| run.record.as_ref().is_ok_and(|r| r.converged())).count();
        if converged > nets.len() {
            let lost = converged - nets.len();
            notes.push(format!("{lost} converged runs left no outputs on the common test points."));
        }
        notes.extend(outcome.notes());
        let tables = [Some(table(&outcome)), Some(sensitivity_table(&outcome)), unconverged];
        Study {
            verdict: verdict(&statements(&outcome)),
            key_figures: key_figures(&outcome),
            figures: figures(&outcome),
            tables: tables.into_iter().flatten().collect(),
            notes,
            outcome: serde_json::json!(outcome),
        }
    }
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Outcome {
    /// At the small √h·α.
    feature: Regime,
    /// At the large √h·α.
    lazy: Regime,
}

/// One regime.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Regime {
    /// The widths with enough nets, in increasing order.
    widths: Vec<AtWidth>,
    /// The other widths and their numbers of nets.
    left_out: Vec<(usize, usize)>,
    /// Exponent of Var against h, over seeds.
    exponent: Answer<BootstrapInterval>,
    /// Slopes of Var between neighbouring widths.
    local_exponents: Vec<LocalExponent>,
    /// Mean error of single nets at the smallest width minus that at the largest, over seeds.
    trend: Answer<BootstrapInterval>,
    /// Mean error of single nets at the largest width minus that of the ensemble at the
    /// moderate one, over test points.
    largest_against_ensemble: Answer<BootstrapInterval>,
    /// The same with other choices.
    sensitivity: Vec<Variant>,
}

/// One width.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct AtWidth {
    width: usize,
    n_nets: usize,
    /// Mean over test points of the variance of F over seeds.
    variance: f64,
    /// Its interval over seeds.
    variance_interval: Answer<BootstrapInterval>,
    /// Test error of single nets.
    single_error: Mean,
    /// Test error of the sign of the mean of F.
    ensemble_error: f64,
    /// The former minus the latter, over test points.
    gain: Answer<BootstrapInterval>,
    /// The width at which single nets are as good as the ensemble; `None` beyond the
    /// widths measured.
    as_good_as: Option<f64>,
}

/// The estimates with another choice of widths or seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Variant {
    change: &'static str,
    exponent: Answer<BootstrapInterval>,
    /// At the moderate width, where the choice concerns the seeds.
    gain: Option<Answer<BootstrapInterval>>,
}

impl Outcome {
    fn regimes(&self) -> [(&'static str, &Regime); 2] {
        [("feature", &self.feature), ("lazy", &self.lazy)]
    }
}

fn analyse(nets: &[Net]) -> Outcome {
    let of = |lazy: bool| {
        let here: Vec<&Net> = nets.iter().filter(|net| net.lazy == lazy).collect();
        Regime::new(&here)
    };
    Outcome { feature: of(false), lazy: of(true) }
}

impl Group {
    fn gain(&self) -> Answer<BootstrapInterval> {
        mean_difference(&self.single_wrong, &self.ensemble_wrong)
    }

    fn at_width(&self, single: &[(f64, f64)]) -> AtWidth {
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
fn mean_difference(a: &[f64], b: &[f64]) -> Answer<BootstrapInterval> {
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
fn width_as_good(curve: &[(f64, f64)], error: f64) -> Option<f64> {
    let index = curve.iter().position(|&(_, e)| e <= error)?;
    let (h, e) = curve[index];
    let Some(before) = index.checked_sub(1) else { return Some(h) };
    let (h_before, e_before) = curve[before];
    let part = (e_before - error) / (e_before - e);
    Some(h_before * (h / h_before).powf(part))
}

/// What cannot be told from so many widths.
fn too_few(widths: usize) -> Answer<BootstrapInterval> {
    Answer::Missing(format!(
        "{widths} widths with at least {FEWEST_NETS} converged nets, where {FEWEST_WIDTHS} are \
         needed"
    ))
}

/// The exponent of the variance against h.
fn exponent(groups: &[Group]) -> Answer<BootstrapInterval> {
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
    fn new(nets: &[&Net]) -> Self {
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
    fn moderate(&self) -> Option<&AtWidth> {
        self.widths.get(1)
    }

    /// The gain of the ensemble at that width.
    fn gain(&self) -> Answer<BootstrapInterval> {
        let missing = || Answer::Missing("there is none of moderate width".into());
        self.moderate().map_or_else(missing, |at| at.gain.clone())
    }

    /// The measured (h, Var).
    fn variances(&self) -> Vec<(f64, f64)> {
        self.widths.iter().map(|at| (at.width as f64, at.variance)).collect()
    }
}

/// The estimates without a width at either end and from either half of the seeds.
fn sensitivity(nets: &[&Net], all: &[Group]) -> Vec<Variant> {
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

/// See [`Finding3::rule`].
fn statements(outcome: &Outcome) -> Vec<Statement> {
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
fn about(
    name: &str,
    ensemble: &str,
    exponent: Answer<BootstrapInterval>,
    gain: Answer<BootstrapInterval>,
) -> [Statement; 2] {
    let what = format!("the exponent of Var against h in the {name} regime");
    [
        Statement::near(what, exponent, CLAIM, MARGIN),
        Statement::above(
            format!("the gain of the ensemble {ensemble}in the {name} regime"),
            gain,
            0.0,
        ),
    ]
}

/// The verdict with another choice of widths or seeds, made in both regimes.
fn verdict_of(outcome: &Outcome, choice: usize) -> VerdictKind {
    let of = |(name, regime): (&'static str, &Regime)| {
        let Variant { exponent, gain, .. } = &regime.sensitivity[choice];
        let gain = gain.clone().unwrap_or_else(|| regime.gain());
        about(name, "", exponent.clone(), gain)
    };
    let statements: Vec<Statement> = outcome.regimes().into_iter().flat_map(of).collect();
    verdict(&statements).kind
}
