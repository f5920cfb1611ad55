//! Test points that networks get wrong, with a known gap between the regimes.

use regime_models::NetworkSpec;
use regime_study::{PointSet, Run, RunSpec};
use spec_math::cephes64::ndtri;

use super::{
    noise::{Drawn, Noise},
    records::{converged, kernel_change, run},
    truth::Truth,
};
use crate::{
    finding_2::LARGE,
    replica::{SetKey, distinct, training_set},
};

/// The true gaps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The gap in (A), averaged over the widths.
    pub fully: f64,
    /// Its slope against ln h.
    pub trend: f64,
    /// The gap in (B), at every width.
    pub convolutional: f64,
}

impl Gap {
    /// As the paper says; or with the gap in (B) just above its margin, just below it, or negative.
    pub fn of(truth: Truth) -> Self {
        let paper = Self { fully: 0.007, trend: -0.006, convolutional: 0.05 };
        match truth {
            Truth::Holds => paper,
            Truth::BarelyHolds => Self { convolutional: 1.02 * LARGE, ..paper },
            Truth::BarelyFails => Self { convolutional: 0.98 * LARGE, ..paper },
            Truth::ClearlyFails => Self { convolutional: -0.02, ..paper },
        }
    }

    /// Records of these specs. Points differ in difficulty. Training sets and networks disagree
    /// about some of them; wider networks disagree less. In addition, the error of a network
    /// scatters by 0.009 at h = 32, in (B) by 0.018; the error of a training set by 0.004, and its
    /// gap by 0.0025.
    pub fn simulated(&self, specs: &[RunSpec], seed: u64) -> Vec<Run> {
        let mut noise = Noise::of(seed);
        let n = specs.iter().map(|spec| spec.data.n_test).max().unwrap_or(0);
        let sets = distinct(specs, training_set);
        let mut points =
            |deviation: f64| -> Vec<f64> { (0..n).map(|_| noise.gauss(deviation)).collect() };
        let common = points(1.0);
        let own: Vec<(SetKey, Vec<f64>)> = sets.iter().map(|&set| (set, points(OF_SET))).collect();
        let centre = log_widths(specs);
        let (mut of_net, mut of_set) = (Drawn::new(), Drawn::new());
        let mut records = Vec::with_capacity(specs.len());
        for spec in specs {
            let width = spec.network.width() as f64;
            let convolutional = !matches!(spec.network, NetworkSpec::Dense(_));
            let product = spec.sqrt_h_alpha();
            let set = training_set(spec);
            let (lazy, change) = if convolutional {
                let lazy = spec.alpha >= 10.0;
                (lazy, if lazy { 0.02 } else { 50.0 })
            } else {
                (product > 50.0, kernel_change(product))
            };
            let of_gap = of_set.get((set, convolutional, true), || noise.gauss(0.0025));
            let gap = match (convolutional, lazy) {
                (_, false) => 0.0,
                (true, true) => self.convolutional + of_gap,
                (false, true) => self.fully + self.trend * (width.ln() - centre) + of_gap,
            };
            // The feature side has its best α in the middle.
            let excess =
                if lazy || convolutional { 0.0 } else { 0.001 * (product / 3.0).ln().abs() };
            let level = if convolutional { 0.14 } else { 0.118 + 0.03 / width.sqrt() };
            let spread = if convolutional { 0.018 } else { 0.009 * (32.0 / width).sqrt() };
            let key = (set, spec.seed, spec.network.width(), spec.alpha.to_bits(), convolutional);
            let scatter = of_net.get(key, || noise.gauss(spread))
                + of_set.get((set, convolutional, false), || noise.gauss(0.004));
            let error = (level + gap + excess + scatter).clamp(0.01, 0.49);
            let of_net = OF_NET * (64.0 / width).sqrt().min(2.0);
            let deviation = (1.0 + OF_SET * OF_SET + of_net * of_net).sqrt();
            let threshold = deviation * ndtri(1.0 - error);
            let here = own.iter().find(|of| of.0 == set).map_or(&common, |of| &of.1);
            let wrong: PointSet = (0..spec.data.n_test)
                .map(|i| common[i] + here[i] + noise.gauss(of_net) > threshold)
                .collect();
            let mut of = converged(change);
            of.test_wrong = wrong;
            records.push(run(spec, of));
        }
        records
    }
}

/// Disagreement of training sets and of networks about points, in units of the spread over points.
const OF_SET: f64 = 0.45;
const OF_NET: f64 = 0.45;

/// The mean of `ln h` over the widths of the dense networks.
fn log_widths(specs: &[RunSpec]) -> f64 {
    let dense: Vec<usize> = specs
        .iter()
        .filter(|spec| matches!(spec.network, NetworkSpec::Dense(_)))
        .map(|spec| spec.network.width())
        .collect();
    let widths = regime_study::curves::values(&dense, |&h| h);
    widths.iter().map(|&h| (h as f64).ln()).sum::<f64>() / widths.len().max(1) as f64
}
