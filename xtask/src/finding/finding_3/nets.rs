//! What runs leave on the test points, and the nets of one width together.

use regime_scaling::{Mean, mean};
use regime_study::{Run, curves::values};

/// The value of √h·α that divides the two regimes of the grid, which are decades from it.
pub(super) const BORDER: f64 = 1.0;

/// Nets at one width below which the spread over seeds says nothing.
pub(super) const FEWEST_NETS: usize = 3;

/// What one converged run leaves on the test points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Net {
    /// Whether it belongs to the large √h·α.
    pub(super) lazy: bool,
    /// Width `h`.
    pub(super) width: usize,
    /// Seed of the initial weights.
    pub(super) seed: u64,
    /// `F` at the end.
    pub(super) outputs: Vec<f64>,
    /// Labels ±1 of the same points.
    pub(super) labels: Vec<i8>,
    /// Part of these points on the wrong side, the same as for an ensemble.
    pub(super) test_error: f64,
}

impl Net {
    pub(super) fn new(
        lazy: bool,
        width: usize,
        seed: u64,
        outputs: Vec<f64>,
        labels: Vec<i8>,
    ) -> Self {
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
pub(super) fn nets(runs: &[Run]) -> Vec<Net> {
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

/// All nets of one width in one regime.
pub(super) struct Group {
    pub(super) width: usize,
    /// Test error of every net.
    pub(super) errors: Vec<f64>,
    /// Their mean.
    pub(super) single_error: Mean,
    /// `½⟨(Fᵢ − Fⱼ)²⟩` over test points, for every pair of nets.
    pairs: Vec<Vec<f64>>,
    /// For every test point, the part of the nets that is wrong.
    pub(super) single_wrong: Vec<f64>,
    /// For every test point, 1 if the ensemble is wrong, otherwise 0.
    pub(super) ensemble_wrong: Vec<f64>,
}

/// The nets by width, where there are enough.
pub(super) fn groups(nets: &[&Net]) -> Vec<Group> {
    let one = |width: usize| {
        let here: Vec<&Net> = nets.iter().copied().filter(|net| net.width == width).collect();
        Group::new(width, &here)
    };
    values(nets, |net| net.width).into_iter().filter_map(one).collect()
}

impl Group {
    pub(super) fn new(width: usize, nets: &[&Net]) -> Option<Self> {
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

    pub(super) fn n_nets(&self) -> usize {
        self.errors.len()
    }

    /// The variance over the nets drawn, from the pairs of different ones.
    pub(super) fn variance(&self, drawn: &[usize]) -> Option<f64> {
        let (mut sum, mut n) = (0.0, 0usize);
        for (place, &i) in drawn.iter().enumerate() {
            for &j in drawn[place + 1..].iter().filter(|&&j| j != i) {
                sum += self.pairs[i][j];
                n += 1;
            }
        }
        (n > 0).then(|| sum / n as f64)
    }
}

/// `½⟨(a − b)²⟩`: its mean over pairs is the unbiased variance.
fn half_square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| 0.5 * (a - b).powi(2)).sum::<f64>() / a.len() as f64
}
