//! finding-3: outputs fluctuate over initialisations as `1/√h` in both regimes, so networks improve
//! with h, and averages over ensembles improve on single networks.

use regime_scaling::{
    BootstrapConfig, BootstrapInterval, LocalExponent, Statement, bootstrap, fit_power_law,
    local_exponents,
};
use regime_study::{Run, RunRecord, RunSpec, curves::values};
use serde::Serialize;

use crate::{
    blocks::{BLOCKS, combined, mean_of_table, wrong_by_block},
    finding::Finding,
    regime_grid::{RegimeGrid, nets_at_ends},
    replica::{SetKey, distinct, training_set},
    settings::{Profile, Settings},
    setup::product,
};

/// See the [module](self).
pub struct Finding3;

/// The claimed exponent of Var F against h.
pub const CLAIM: f64 = -1.0;

/// How far an exponent may be from the claimed one.
pub const MARGIN: f64 = 0.4;

/// How far the error of an ensemble may be from that of wide networks.
pub const SAME: f64 = 0.01;

/// Number of networks in an ensemble.
pub const ENSEMBLE: usize = 4;

/// Number of networks of a training set from which all possible ensembles are formed.
const CHOSEN_FROM: usize = 6;

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

    fn place_in_paper(&self) -> &'static str {
        "point (3) of its abstract; its section on fluctuations and ensembles"
    }

    fn rule(&self) -> &'static str {
        "All of this is asked in both regimes, at a small and at a large √h·α.\n\n\
         Fluctuations. Var is the variance of F at the end of training over the initial weights, for \
         one training set, averaged over test points and training sets. Its exponent against h has to be \
         −1 to within 0.4 (δF: −½ to within 0.2), and so has that of its shape: each network is written \
         as F_i = a_i F̄ + r_i, with F̄ the mean over the networks of its training set, and the shape is \
         the variance of r_i. The amplitude, the variance of a_i F̄, is reported.\n\n\
         Performance. The test error of single nets at the smallest width less that at the largest has to \
         be above 0.\n\n\
         Ensembles. An ensemble is the sign of the mean of F over four networks of the same training \
         set (0 is an error), averaged over choices of four. At the second smallest width its gain \
         over single nets has to be more than half of what single nets four times as wide gain, and its test \
         error the same as theirs to within 0.01, one test point in a hundred: their variance is the same if \
         Var ∝ 1/h."
    }

    fn grid(&self, settings: &Settings) -> Vec<RunSpec> {
        let grid = RegimeGrid::of(settings.profile);
        grid.runs(settings, &grid.ends(), |width, _| match settings.profile {
            Profile::Smoke => 4,
            Profile::Laptop => nets_at_ends(width),
            Profile::Paper => 5,
        })
    }

    fn usable(&self, record: &RunRecord) -> bool {
        record.reached_requested_end() && has_outputs(record)
    }

    fn cell(&self, spec: &RunSpec) -> Option<String> {
        Some(format!("h = {}, √h·α = {}", spec.network.width(), product(spec)))
    }

    fn statements(&self, runs: &[Run]) -> Vec<Statement> {
        analyse(runs).statements()
    }
}

/// Every number of the analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// At the small √h·α.
    pub feature: Regime,
    /// At the large √h·α.
    pub lazy: Regime,
}

/// One regime.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regime {
    /// `√h·α`.
    pub product: f64,
    /// The exponents of the variance, of its shape and of its amplitude against h.
    pub exponents: [Result<BootstrapInterval, String>; 3],
    /// Error of single networks at the smallest width minus that at the largest.
    pub growth: Result<BootstrapInterval, String>,
    /// The width of the ensemble, and of the single networks with which it is compared.
    pub compared: Option<[usize; 2]>,
    /// Error of single networks minus that of ensembles, at the width of the ensemble.
    pub gain: Result<BootstrapInterval, String>,
    /// That gain minus half of the gain of the wide single networks.
    pub more_than_half: Result<BootstrapInterval, String>,
    /// Error of ensembles minus that of wide single networks.
    pub difference: Result<BootstrapInterval, String>,
    /// The widths, in increasing order.
    pub widths: Vec<AtWidth>,
    /// Slopes of Var between neighbouring widths.
    pub local_exponents: Vec<LocalExponent>,
}

/// One width.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtWidth {
    /// Width `h`.
    pub width: usize,
    /// The smallest number of networks per training set.
    pub nets: usize,
    /// Variance, shape and amplitude: means over training sets, with intervals for their
    /// logarithms, mapped back.
    pub variances: [Result<BootstrapInterval, String>; 3],
    /// Test error of single nets.
    pub single: Result<BootstrapInterval, String>,
    /// Test error of ensembles.
    pub ensemble: Result<BootstrapInterval, String>,
}

/// The networks of one training set at one width in one regime.
struct Group {
    set: SetKey,
    width: usize,
    nets: usize,
    /// Variance, shape, amplitude.
    variances: [f64; 3],
    /// Share of wrong points by block, mean over networks.
    single: Vec<f64>,
    /// The same for ensembles, mean over choices of networks.
    ensemble: Vec<f64>,
}

/// Analyses the runs of the grid.
pub fn analyse(runs: &[Run]) -> Outcome {
    let all: Vec<f64> = runs.iter().map(|run| product(&run.spec)).collect();
    let products = values(&all, |&x| x);
    let ends = [products.first(), products.last()].map(|x| x.copied().unwrap_or(f64::NAN));
    let [feature, lazy] = ends.map(|x| Regime::of(x, &groups(runs, x)));
    Outcome { feature, lazy }
}

/// Whether the record has finite outputs, on enough points.
fn has_outputs(record: &RunRecord) -> bool {
    let (outputs, labels) = (&record.test_outputs, &record.test_labels);
    outputs.len() == labels.len()
        && labels.len() >= BLOCKS
        && outputs.iter().all(|output| output.is_finite())
}

/// The networks of each width and training set at one `√h·α`. Networks count if their runs ended
/// and their outputs are stored on the same points; a group has at least [`ENSEMBLE`] of them.
fn groups(runs: &[Run], at: f64) -> Vec<Group> {
    let mut found: Vec<Outputs<'_>> = Vec::new();
    for run in runs.iter().filter(|run| product(&run.spec) == at) {
        let ended = run.record.as_ref().ok().filter(|record| record.reached_requested_end());
        let Some(record) = ended.filter(|record| has_outputs(record)) else { continue };
        let (set, width) = (training_set(&run.spec), run.spec.network.width());
        let labels = &record.test_labels[..];
        match found.iter_mut().find(|of| (of.set, of.width) == (set, width)) {
            Some(of) if of.labels == labels => of.nets.push(&record.test_outputs),
            Some(_) => {}
            None => found.push(Outputs { set, width, labels, nets: vec![&record.test_outputs] }),
        }
    }
    found.retain(|of| of.nets.len() >= ENSEMBLE);
    found.iter().map(|of| Group::of(of.set, of.width, &of.nets, of.labels)).collect()
}

/// The outputs of the networks of one training set at one width, on the test points.
struct Outputs<'a> {
    set: SetKey,
    width: usize,
    labels: &'a [i8],
    nets: Vec<&'a [f64]>,
}

impl Group {
    fn of(set: SetKey, width: usize, nets: &[&[f64]], labels: &[i8]) -> Self {
        let n = labels.len();
        let mean = |of: &[&[f64]]| -> Vec<f64> {
            (0..n).map(|i| of.iter().map(|f| f[i]).sum::<f64>() / of.len() as f64).collect()
        };
        let centre = mean(nets);
        let norm: f64 = centre.iter().map(|c| c * c).sum();
        let amplitudes: Vec<f64> = nets
            .iter()
            .map(|f| f.iter().zip(&centre).map(|(f, c)| f * c).sum::<f64>() / norm)
            .collect();
        // Amplitudes have mean 1 and shapes are orthogonal to F̄, so their variances add up to the
        // total.
        let free = (nets.len() - 1) as f64 * n as f64;
        let amplitude = amplitudes.iter().map(|a| (a - 1.0).powi(2)).sum::<f64>() * norm / free;
        let total = nets
            .iter()
            .map(|f| f.iter().zip(&centre).map(|(f, c)| (f - c).powi(2)).sum::<f64>())
            .sum::<f64>()
            / free;
        let wrong = |outputs: &[f64]| {
            let pairs = outputs.iter().zip(labels);
            wrong_by_block(pairs.map(|(&output, &label)| !(f64::from(label) * output > 0.0)))
        };
        let averaged = |tables: Vec<Vec<f64>>| -> Vec<f64> {
            (0..BLOCKS)
                .map(|b| tables.iter().map(|t| t[b]).sum::<f64>() / tables.len() as f64)
                .collect()
        };
        let choices = choices(nets.len().min(CHOSEN_FROM), ENSEMBLE);
        let of_choice = |choice: &Vec<usize>| {
            wrong(&mean(&choice.iter().map(|&i| nets[i]).collect::<Vec<_>>()))
        };
        Self {
            set,
            width,
            nets: nets.len(),
            variances: [total, (total - amplitude).max(0.0), amplitude],
            single: averaged(nets.iter().map(|f| wrong(f)).collect()),
            ensemble: averaged(choices.iter().map(of_choice).collect()),
        }
    }
}

/// All ways to choose `k` of `n`.
fn choices(n: usize, k: usize) -> Vec<Vec<usize>> {
    if k == 0 {
        return vec![Vec::new()];
    }
    let with = |last: usize| {
        choices(last, k - 1).into_iter().map(move |mut choice| {
            choice.push(last);
            choice
        })
    };
    (k - 1..n).flat_map(with).collect()
}

impl Regime {
    fn of(product: f64, groups: &[Group]) -> Self {
        let widths = values(groups, |g| g.width);
        let sets = distinct(groups, |g| g.set);
        // Training sets that have every width: only these can be paired.
        let complete: Vec<SetKey> = sets
            .into_iter()
            .filter(|&set| {
                widths.iter().all(|&w| groups.iter().any(|g| (g.set, g.width) == (set, w)))
            })
            .collect();
        let at = |width: usize| -> Vec<&Group> {
            let of_set = |&set: &SetKey| groups.iter().find(|g| (g.set, g.width) == (set, width));
            complete.iter().filter_map(of_set).collect()
        };
        let single = |width: usize| -> Vec<Vec<f64>> {
            at(width).iter().map(|g| g.single.clone()).collect()
        };
        let ensemble = |width: usize| -> Vec<Vec<f64>> {
            at(width).iter().map(|g| g.ensemble.clone()).collect()
        };
        let difference =
            |a: &Vec<Vec<f64>>, b: &Vec<Vec<f64>>| mean_of_table(&combined(&[(1.0, a), (-1.0, b)]));
        let none = || Err::<BootstrapInterval, String>("there are too few widths".into());
        let no_wide = || Err(format!("no width is {ENSEMBLE} times that of the ensemble"));
        let ends = widths.first().zip(widths.last()).filter(|(first, last)| first < last);
        let compared = widths.get(1).and_then(|&moderate| {
            let wide = widths.iter().find(|&&w| w == ENSEMBLE * moderate)?;
            Some([moderate, *wide])
        });
        let variances: Vec<(usize, Vec<[f64; 3]>)> =
            widths.iter().map(|&w| (w, at(w).iter().map(|g| g.variances).collect())).collect();
        let of_width = |width: usize| AtWidth {
            width,
            nets: at(width).iter().map(|g| g.nets).min().unwrap_or(0),
            variances: [0, 1, 2].map(|k| {
                let logarithm = |drawn: &[usize]| {
                    let here = at(width);
                    let sum: f64 = drawn.iter().map(|&set| here[set].variances[k]).sum();
                    Some((sum / drawn.len() as f64).ln())
                };
                let found = bootstrap(complete.len(), &BootstrapConfig::default(), logarithm);
                found.map(BootstrapInterval::exp).map_err(|error| error.to_string())
            }),
            single: mean_of_table(&single(width)),
            ensemble: mean_of_table(&ensemble(width)),
        };
        let at_width: Vec<AtWidth> = widths.iter().map(|&width| of_width(width)).collect();
        let curve: Vec<(f64, f64)> = at_width
            .iter()
            .filter_map(|w| Some((w.width as f64, w.variances[0].as_ref().ok()?.estimate)))
            .collect();
        Self {
            product,
            exponents: [0, 1, 2].map(|k| exponent(&variances, complete.len(), k)),
            growth: ends
                .map_or_else(none, |(&first, &last)| difference(&single(first), &single(last))),
            compared,
            gain: widths
                .get(1)
                .map_or_else(none, |&moderate| difference(&single(moderate), &ensemble(moderate))),
            more_than_half: compared.map_or_else(no_wide, |[moderate, wide]| {
                // (single − ensemble) − ½ (single − wide)
                let [of, many, few] = [single(moderate), ensemble(moderate), single(wide)];
                mean_of_table(&combined(&[(0.5, &of), (-1.0, &many), (0.5, &few)]))
            }),
            difference: compared.map_or_else(no_wide, |[moderate, wide]| {
                difference(&ensemble(moderate), &single(wide))
            }),
            local_exponents: local_exponents(&curve).unwrap_or_default(),
            widths: at_width,
        }
    }
}

/// The exponent of the mean over training sets of the `k`-th kind of variance.
fn exponent(
    variances: &[(usize, Vec<[f64; 3]>)],
    sets: usize,
    k: usize,
) -> Result<BootstrapInterval, String> {
    if variances.len() < 3 {
        return Err(format!("{} widths, where three are needed", variances.len()));
    }
    bootstrap(sets, &BootstrapConfig::default(), |drawn| {
        let point = |(width, of_sets): &(usize, Vec<[f64; 3]>)| {
            let sum: f64 = drawn.iter().map(|&set| of_sets[set][k]).sum();
            (*width as f64, sum / drawn.len() as f64)
        };
        let points: Vec<(f64, f64)> = variances.iter().map(point).collect();
        Some(fit_power_law(&points).ok()?.exponent)
    })
    .map_err(|error| error.to_string())
}

impl Outcome {
    /// Both regimes with their names.
    pub fn regimes(&self) -> [(&'static str, &Regime); 2] {
        [("feature", &self.feature), ("lazy", &self.lazy)]
    }

    /// The parts of the claim.
    pub fn statements(&self) -> Vec<Statement> {
        let of = |(name, regime): (&'static str, &Regime)| {
            let [total, shape, _] = regime.exponents.clone();
            let (h, wide) = match regime.compared {
                Some([moderate, wide]) => (format!(" at h = {moderate}"), format!("h = {wide}")),
                None => (String::new(), "wide nets".into()),
            };
            let what = |quantity: &str| format!("{quantity}, {name} regime");
            [
                Statement::near(what("the exponent of Var F against h"), total, CLAIM, MARGIN),
                Statement::near(what("the exponent of its shape"), shape, CLAIM, MARGIN),
                Statement::at_least(
                    what("the error at the smallest h less that at the largest"),
                    regime.growth.clone(),
                    0.0,
                ),
                Statement::at_least(
                    what(&format!(
                        "the gain of an ensemble of {ENSEMBLE}{h} less half of that of single nets at {wide}"
                    )),
                    regime.more_than_half.clone(),
                    0.0,
                ),
                Statement::near(
                    what(&format!(
                        "the error of ensembles of {ENSEMBLE}{h} less that of single nets at {wide}"
                    )),
                    regime.difference.clone(),
                    0.0,
                    SAME,
                ),
            ]
        };
        self.regimes().into_iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_of_six_can_be_chosen_in_fifteen_ways() {
        let all = choices(6, 4);
        assert_eq!(all.len(), 15);
        assert!(all.iter().all(|c| c.windows(2).all(|w| w[0] < w[1])));
        assert_eq!(choices(3, 3), [[0, 1, 2]]);
    }

    /// The total variance agrees with its definition, and splits into amplitude and shape.
    #[test]
    fn a_pure_change_of_amplitude_has_no_shape() {
        let labels = vec![1i8; BLOCKS];
        let base: Vec<f64> = (0..BLOCKS).map(|i| 1.0 + i as f64).collect();
        let nets: Vec<Vec<f64>> =
            [0.8, 1.0, 1.0, 1.2].iter().map(|a| base.iter().map(|b| a * b).collect()).collect();
        let nets: Vec<&[f64]> = nets.iter().map(Vec::as_slice).collect();
        let group = Group::of((0, 0), 8, &nets, &labels);
        let squares: f64 = base.iter().map(|b| b * b).sum::<f64>() / BLOCKS as f64;
        assert!((group.variances[0] / (0.08 / 3.0 * squares) - 1.0).abs() < 1e-12);
        assert!(group.variances[1].abs() < 1e-9 * group.variances[0]);
        assert!(group.single.iter().chain(&group.ensemble).all(|&wrong| wrong == 0.0));
    }
}
