//! finding-3: outputs fluctuate over initialisations as `1/√h` in both regimes, so that
//! networks get better with h, and so does an average over an ensemble.
//!
//! # Reference
//! Geiger, Spigler, Jacot, Wyart, arXiv 1906.08034 v1, its section on fluctuations and
//! ensembles.

use regime_data::DataSpec;
use regime_scaling::{
    BootstrapConfig, BootstrapError, BootstrapInterval, Equivalence, LocalExponent, Mean, Pairing,
    Placement, bootstrap, bootstrap_groups, difference_of_means, fit_power_law, local_exponents,
    mean, mean_interval,
};
use serde::Serialize;

use super::{
    Finding, Profile, Run, Settings, Study,
    answer::Answer,
    curves::{endings, geometric_centre, values},
    grids::{PROTOCOL, Setup},
};
use crate::{
    figure::{Axis, Color, Figure, Guide, Interval, Series, number},
    report::{KeyFigure, Table, Verdict, VerdictKind},
    study::RunSpec,
};

/// The claimed exponent of Var F against h. The margin leaves room for corrections at
/// finite h, and excludes by a distance −½ and −1½ as well as 0, no fall at all.
const CLAIM: Equivalence = Equivalence { target: -1.0, margin: 0.35 };

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
         training, at a small and at a large √h·α. The exponent p of Var ∝ h^p is fitted over the \
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
            verdict: verdict(&outcome),
            key_figures: key_figures(&outcome),
            figures: figures(&outcome),
            tables: tables.into_iter().flatten().collect(),
            notes,
            outcome: serde_json::json!(outcome),
        }
    }
}

/// What one converged run leaves on the test points.
#[derive(Debug, Clone, PartialEq)]
struct Net {
    /// Whether it belongs to the large √h·α.
    lazy: bool,
    /// Width `h`.
    width: usize,
    /// Seed of the initial weights.
    seed: u64,
    /// `F` at the end.
    outputs: Vec<f64>,
    /// Labels ±1 of the same points.
    labels: Vec<i8>,
    /// Part of these points on the wrong side, the same as for an ensemble.
    test_error: f64,
}

impl Net {
    fn new(lazy: bool, width: usize, seed: u64, outputs: Vec<f64>, labels: Vec<i8>) -> Self {
        let wrong = outputs.iter().zip(&labels).filter(|&(&f, &y)| is_wrong(f, y)).count();
        let test_error = wrong as f64 / outputs.len() as f64;
        Self { lazy, width, seed, outputs, labels, test_error }
    }
}

/// Whether an output is on the wrong side, to which 0 belongs.
fn is_wrong(output: f64, label: i8) -> bool {
    f64::from(label) * output <= 0.0
}

/// The nets of the converged runs that kept their outputs.
fn nets(runs: &[Run]) -> Vec<Net> {
    let net = |run: &Run| {
        let record = run.record.as_ref().ok().filter(|record| record.converged())?;
        let (outputs, labels) = (&record.test_outputs, &record.test_labels);
        let usable = !outputs.is_empty()
            && outputs.len() == labels.len()
            && outputs.iter().all(|output| output.is_finite());
        let width = run.spec.network.width();
        let lazy = run.spec.root_width_alpha() >= BORDER;
        usable.then(|| Net::new(lazy, width, run.spec.seed, outputs.clone(), labels.clone()))
    };
    let mut found: Vec<Net> = runs.iter().filter_map(net).collect();
    // Outputs are compared point by point: on other points they mean nothing.
    if let Some(labels) = found.first().map(|net| net.labels.clone()) {
        found.retain(|net| net.labels == labels);
    }
    found
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Outcome {
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

fn analyse(nets: &[Net]) -> Outcome {
    let of = |lazy: bool| {
        let here: Vec<&Net> = nets.iter().filter(|net| net.lazy == lazy).collect();
        Regime::new(&here)
    };
    Outcome { feature: of(false), lazy: of(true) }
}

/// All nets of one width in one regime.
struct Group {
    width: usize,
    /// Test error of every net.
    errors: Vec<f64>,
    /// Their mean.
    single_error: Mean,
    /// `½⟨(Fᵢ − Fⱼ)²⟩` over test points, for every pair of nets.
    pairs: Vec<Vec<f64>>,
    /// For every test point, the part of the nets that is wrong.
    single_wrong: Vec<f64>,
    /// For every test point, 1 if the ensemble is wrong, otherwise 0.
    ensemble_wrong: Vec<f64>,
}

/// The nets by width, where there are enough.
fn groups(nets: &[&Net]) -> Vec<Group> {
    let one = |width: usize| {
        let here: Vec<&Net> = nets.iter().copied().filter(|net| net.width == width).collect();
        Group::new(width, &here)
    };
    values(nets, |net| net.width).into_iter().filter_map(one).collect()
}

impl Group {
    fn new(width: usize, nets: &[&Net]) -> Option<Self> {
        if nets.len() < FEWEST_NETS {
            return None;
        }
        let errors: Vec<f64> = nets.iter().map(|net| net.test_error).collect();
        let single_error = mean(&errors)?;
        let labels = &nets[0].labels;
        let mut single_wrong = vec![0.0f64; labels.len()];
        let mut sums = vec![0.0f64; labels.len()];
        for net in nets {
            for (point, (&output, &label)) in net.outputs.iter().zip(labels).enumerate() {
                sums[point] += output;
                if is_wrong(output, label) {
                    single_wrong[point] += 1.0;
                }
            }
        }
        // Counted first: all of the nets have to be exactly 1.
        single_wrong.iter_mut().for_each(|wrong| *wrong /= nets.len() as f64);
        let wrong = |(&sum, &label): (&f64, &i8)| if is_wrong(sum, label) { 1.0 } else { 0.0 };
        let ensemble_wrong = sums.iter().zip(labels).map(wrong).collect();
        let row = |a: &&Net| -> Vec<f64> {
            nets.iter().map(|b| half_square(&a.outputs, &b.outputs)).collect()
        };
        let pairs = nets.iter().map(row).collect();
        Some(Self { width, errors, single_error, pairs, single_wrong, ensemble_wrong })
    }

    fn n_nets(&self) -> usize {
        self.errors.len()
    }

    /// The variance over the nets drawn, from the pairs of different ones.
    fn variance(&self, drawn: &[usize]) -> Option<f64> {
        let (mut sum, mut n) = (0.0, 0usize);
        for (place, &i) in drawn.iter().enumerate() {
            for &j in drawn[place + 1..].iter().filter(|&&j| j != i) {
                sum += self.pairs[i][j];
                n += 1;
            }
        }
        (n > 0).then(|| sum / n as f64)
    }

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

/// `½⟨(a − b)²⟩`: its mean over pairs is the unbiased variance.
fn half_square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| 0.5 * (a - b).powi(2)).sum::<f64>() / a.len() as f64
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

/// The exponent of the variance against h.
fn exponent(groups: &[Group]) -> Answer<BootstrapInterval> {
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
        let too_few = || {
            let (found, needed) = (groups.len(), FEWEST_WIDTHS);
            Answer::Missing(format!(
                "{found} widths with at least {FEWEST_NETS} converged nets, where {needed} are \
                 needed"
            ))
        };
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
            _ => (too_few(), too_few()),
        };
        Self {
            left_out,
            exponent: if enough { exponent(&groups) } else { too_few() },
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

    fn gain(&self) -> Option<&BootstrapInterval> {
        self.moderate()?.gain.found()
    }

    fn placement(&self) -> Option<Placement> {
        self.exponent.found().map(|p| CLAIM.place(p.low, p.high))
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
fn verdict(outcome: &Outcome) -> Verdict {
    let holds = |regime: &Regime| {
        regime.placement() == Some(Placement::Within)
            && regime.gain().is_some_and(|gain| gain.low > 0.0)
    };
    let fails = |regime: &Regime| {
        regime.placement() == Some(Placement::Outside)
            || regime.gain().is_some_and(|gain| gain.high < 0.0)
    };
    let regimes = [&outcome.feature, &outcome.lazy];
    let kind = if regimes.into_iter().any(fails) {
        VerdictKind::NotReproduced
    } else if regimes.into_iter().all(holds) {
        VerdictKind::Reproduced
    } else {
        VerdictKind::Inconclusive
    };
    let sentences: Vec<String> =
        outcome.regimes().iter().map(|(name, regime)| sentence(name, regime)).collect();
    Verdict { kind, sentence: sentences.join(" ") }
}

/// What enters the verdict from one regime.
fn sentence(name: &str, regime: &Regime) -> String {
    let exponent = match &regime.exponent {
        Answer::Found(p) => {
            let relation = match CLAIM.place(p.low, p.high) {
                Placement::Within => "within",
                Placement::Outside => "outside",
                Placement::Straddles => "partly within, partly outside",
            };
            let p = number::with_interval(p.estimate, p.low, p.high);
            format!("Var ∝ h^p with p = {p} (95 %), {relation} −1 ± 0.35")
        }
        Answer::Missing(why) => format!("the exponent of Var has no interval ({why})"),
    };
    let gain = match regime.moderate().map(|at| (at, &at.gain)) {
        Some((at, Answer::Found(gain))) => format!(
            "the ensemble of {} nets at h = {} gains {} in test error",
            at.n_nets,
            at.width,
            number::with_interval(gain.estimate, gain.low, gain.high)
        ),
        Some((at, Answer::Missing(why))) => {
            format!("the gain of the ensemble at h = {} has no interval ({why})", at.width)
        }
        None => "there is no ensemble of moderate width".into(),
    };
    format!("In the {name} regime {exponent}, and {gain}.")
}

impl Outcome {
    fn regimes(&self) -> [(&'static str, &Regime); 2] {
        [("feature", &self.feature), ("lazy", &self.lazy)]
    }

    fn notes(&self) -> Vec<String> {
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

fn key_figures(outcome: &Outcome) -> Vec<KeyFigure> {
    let mut rows = Vec::new();
    let mut row = |name: String, answer: &Answer<BootstrapInterval>, note: String| {
        rows.push(answer.key_figure(name, |_| note));
    };
    for (name, regime) in outcome.regimes() {
        let half = regime.exponent.found().map_or(String::new(), |p| {
            let half = number::with_interval(0.5 * p.estimate, 0.5 * p.low, 0.5 * p.high);
            format!("; δF ∝ h^q with q = {half}, claim −½; at least {} seeds", p.n_seeds)
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

fn table(outcome: &Outcome) -> Table {
    let row = |name: &str, at: &AtWidth| {
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
            at.as_good_as.map_or("wider than measured".into(), |h| number::significant(h, 2)),
        ]
    };
    let rows = outcome
        .regimes()
        .into_iter()
        .flat_map(|(name, regime)| regime.widths.iter().map(move |at| row(name, at)));
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

fn sensitivity_table(outcome: &Outcome) -> Table {
    let mut rows = Vec::new();
    for (name, regime) in outcome.regimes() {
        let gain = regime.moderate().map_or("none".into(), |at| at.gain.written());
        rows.push(vec![
            name.to_owned(),
            "as in the verdict".into(),
            regime.exponent.written(),
            gain,
        ]);
        for variant in &regime.sensitivity {
            let gain = variant.gain.as_ref().map_or("the same".into(), Answer::written);
            let exponent = variant.exponent.written();
            rows.push(vec![name.to_owned(), variant.change.to_owned(), exponent, gain]);
        }
    }
    Table {
        caption: "How the estimates depend on the widths and seeds".into(),
        header: ["regime", "choice", "exponent of Var", "gain at the moderate width"]
            .map(String::from)
            .to_vec(),
        rows,
    }
}

fn figures(outcome: &Outcome) -> Vec<Figure> {
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
        slope: CLAIM.target,
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

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::ChaCha8Rng};
    use rand_distr::{Distribution, StandardNormal};
    use regime_models::Precision;
    use regime_scaling::sample_variance;

    use super::*;
    use crate::study::{BackendName, DeviceName};

    const POINTS: u64 = 600;

    /// A number in [0, 1) that looks random (the mixing of splitmix64).
    fn scattered(key: u64) -> f64 {
        let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nets with the mean margin `margin(u)` on the point at `u` between 0 and 1, and
    /// fluctuations about it whose variance is `0.09·(h/32)^exponent`.
    fn synthetic(exponent: f64, seeds: u64, margin: fn(f64) -> f64) -> Vec<Net> {
        let mut nets = Vec::new();
        for lazy in [false, true] {
            for width in [32usize, 64, 128, 256] {
                let deviation = 0.3 * (width as f64 / 32.0).powf(0.5 * exponent);
                for seed in 0..seeds {
                    let label = |point: u64| -> i8 { if point.is_multiple_of(2) { 1 } else { -1 } };
                    let output = |point: u64| {
                        let key = (u64::from(lazy) * 1000 + width as u64) * 1000 + seed;
                        let noise = 3f64.sqrt() * (2.0 * scattered(key * POINTS + point) - 1.0);
                        let margin = margin((point as f64 + 0.5) / POINTS as f64);
                        f64::from(label(point)) * margin + deviation * noise
                    };
                    let outputs = (0..POINTS).map(output).collect();
                    let labels = (0..POINTS).map(label).collect();
                    nets.push(Net::new(lazy, width, seed, outputs, labels));
                }
            }
        }
        nets
    }

    /// Most points are right in the mean, many of them barely: averaging helps.
    fn barely_right(u: f64) -> f64 {
        2.0 * u - 0.05
    }

    /// Whatever the fluctuations, every net errs on the same points.
    fn decided(u: f64) -> f64 {
        if u < 0.1 { -1.0 } else { 1.0 }
    }

    fn kind(nets: &[Net]) -> VerdictKind {
        verdict(&analyse(nets)).kind
    }

    #[test]
    fn variances_like_1_over_h_and_a_better_ensemble_are_reproduced() {
        let outcome = analyse(&synthetic(-1.0, 8, barely_right));
        for (_, regime) in outcome.regimes() {
            let p = regime.exponent.found().unwrap();
            assert!((p.estimate + 1.0).abs() < 0.1, "{p:?}");
            assert!(regime.gain().unwrap().low > 0.0);
            assert!(regime.trend.found().unwrap().low > 0.0);
            // One net as good as the ensemble is wider than the nets of the ensemble.
            assert!(regime.moderate().unwrap().as_good_as.is_none_or(|h| h > 64.0));
            assert_eq!(regime.sensitivity.len(), 4);
            assert!(regime.sensitivity.iter().all(|variant| variant.exponent.found().is_some()));
        }
        let Verdict { kind, sentence } = verdict(&outcome);
        assert_eq!(kind, VerdictKind::Reproduced, "{sentence}");
        assert_eq!(table(&outcome).rows.len(), 8);
        assert_eq!(key_figures(&outcome).len(), 8);
    }

    #[test]
    fn variances_that_do_not_fall_or_fall_faster_are_not_reproduced() {
        for exponent in [0.0, -0.5, -2.0] {
            let nets = synthetic(exponent, 8, barely_right);
            assert_eq!(kind(&nets), VerdictKind::NotReproduced, "{exponent}");
        }
    }

    /// Outputs fluctuate in few directions that all test points share, of falling weight, as
    /// those of networks do.
    #[test]
    fn intervals_of_the_exponent_cover_as_they_say() {
        const DIRECTIONS: usize = 20;
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut normal = move || -> f64 { StandardNormal.sample(&mut rng) };
        let features: Vec<[f64; DIRECTIONS]> =
            (0..40).map(|_| std::array::from_fn(|k| normal() / ((k + 1) as f64).sqrt())).collect();
        for seeds in [5, 10] {
            let mut hits = 0;
            for _ in 0..500 {
                let mut nets = Vec::new();
                for width in [32usize, 64, 128, 256] {
                    for seed in 0..seeds {
                        let drawn: [f64; DIRECTIONS] = std::array::from_fn(|_| normal());
                        let output = |x: &[f64; DIRECTIONS]| {
                            let sum: f64 = x.iter().zip(&drawn).map(|(x, d)| x * d).sum();
                            sum / (width as f64).sqrt()
                        };
                        let outputs = features.iter().map(output).collect();
                        nets.push(Net::new(false, width, seed, outputs, vec![1; features.len()]));
                    }
                }
                let groups = groups(&nets.iter().collect::<Vec<_>>());
                hits += usize::from(exponent(&groups).found().unwrap().contains(-1.0));
            }
            let found = hits as f64 / 500.0;
            assert!((0.90..=0.99).contains(&found), "{seeds} seeds: {found}");
        }
    }

    #[test]
    fn one_regime_that_disagrees_is_enough() {
        let mut nets = synthetic(-1.0, 8, barely_right);
        nets.retain(|net| !net.lazy);
        nets.extend(synthetic(0.0, 8, barely_right).into_iter().filter(|net| net.lazy));
        assert_eq!(kind(&nets), VerdictKind::NotReproduced);
        nets.retain(|net| !net.lazy);
        assert_eq!(kind(&nets), VerdictKind::Inconclusive);
    }

    #[test]
    fn an_ensemble_that_is_worse_is_not_reproduced() {
        let nets = synthetic(-1.0, 8, |u| -barely_right(u));
        let outcome = analyse(&nets);
        assert_eq!(outcome.lazy.placement(), Some(Placement::Within));
        assert!(outcome.lazy.gain().unwrap().high < 0.0);
        assert_eq!(verdict(&outcome).kind, VerdictKind::NotReproduced);
    }

    #[test]
    fn an_ensemble_that_errs_like_its_nets_is_inconclusive() {
        let outcome = analyse(&synthetic(-1.0, 8, decided));
        let Verdict { kind, sentence } = verdict(&outcome);
        assert_eq!(kind, VerdictKind::Inconclusive, "{sentence}");
        assert!(sentence.contains("on every test point"), "{sentence}");
    }

    #[test]
    fn too_few_seeds_or_no_runs_are_inconclusive() {
        for seeds in [0, 1, 2] {
            let outcome = analyse(&synthetic(-1.0, seeds, barely_right));
            let Verdict { kind, sentence } = verdict(&outcome);
            assert_eq!(kind, VerdictKind::Inconclusive, "{sentence}");
            assert!(sentence.contains("no interval"), "{sentence}");
            // What is told of nothing must not fail either.
            assert_eq!(figures(&outcome).len(), 3);
            assert!(table(&outcome).rows.is_empty());
            assert_eq!(sensitivity_table(&outcome).rows.len(), 10);
            key_figures(&outcome);
            let left_out = if seeds == 0 { 0 } else { 4 };
            assert_eq!(outcome.feature.left_out.len(), left_out);
        }
        assert_eq!(Finding3.study(&[]).verdict.kind, VerdictKind::Inconclusive);
    }

    #[test]
    fn pairs_give_the_unbiased_variance_and_duplicates_do_not_lower_it() {
        let nets = synthetic(-1.0, 5, barely_right);
        let here: Vec<&Net> = nets.iter().filter(|net| net.lazy && net.width == 64).collect();
        let group = Group::new(64, &here).unwrap();
        let at = |point: usize| {
            let outputs: Vec<f64> = here.iter().map(|net| net.outputs[point]).collect();
            sample_variance(&outputs).unwrap()
        };
        let expected = (0..POINTS as usize).map(at).sum::<f64>() / POINTS as f64;
        let found = group.variance(&[0, 1, 2, 3, 4]).unwrap();
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
        assert_eq!(group.variance(&[1, 3, 3]), group.variance(&[1, 3]));
        assert_eq!(group.variance(&[2, 2, 2, 2, 2]), None);
    }

    #[test]
    fn an_output_of_zero_is_wrong() {
        let net = Net::new(false, 8, 0, vec![0.0, 1.0, -1.0, -1.0], vec![1, 1, 1, -1]);
        assert_eq!(net.test_error, 0.5);
    }

    #[test]
    fn the_width_as_good_is_interpolated_in_logarithms() {
        let curve = [(32.0, 0.10), (64.0, 0.08), (128.0, 0.06)];
        let found = width_as_good(&curve, 0.07).unwrap();
        assert!((found - 8192f64.sqrt()).abs() < 1e-6, "{found}");
        assert_eq!(width_as_good(&curve, 0.2), Some(32.0));
        assert_eq!(width_as_good(&curve, 0.01), None);
        assert_eq!(width_as_good(&[], 0.01), None);
    }

    #[test]
    fn every_grid_holds_both_regimes_and_keeps_all_outputs() {
        for profile in Profile::ALL {
            let settings = Settings {
                profile,
                precision: Precision::default(),
                backend: BackendName::default(),
                device: DeviceName::default(),
                seeds: Some(1),
                tolerance: None,
            };
            let grid = Finding3.grid(&settings);
            let lazy = grid.iter().filter(|spec| spec.alpha > BORDER).count();
            assert_eq!(2 * lazy, grid.len());
            for spec in &grid {
                assert_eq!(spec.outputs_kept, spec.data.n_test);
                spec.check().unwrap();
            }
        }
    }
}
