//! Outputs on the test points with known fluctuations.

use regime_study::{PointSet, Run, RunSpec};

use super::{
    noise::Noise,
    records::{converged, run},
    truth::Truth,
};
use crate::{
    finding_3::{CLAIM, MARGIN},
    replica::{distinct, training_set},
    setup::product,
};

/// Fractions of the variance in the directions in which outputs fluctuate on the feature side.
const DIRECTIONS: [f64; 3] = [0.75, 0.15, 0.1];

/// The true fluctuations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fluctuations {
    /// `Var F ∝ h` to this power on the feature side; −1 on the lazy side.
    pub exponent: f64,
    /// The fraction of the variance that all networks of a width and training set share, which no
    /// ensemble removes.
    pub shared: f64,
}

impl Fluctuations {
    /// As the paper says, or with the exponent of the feature side off by its margin.
    pub fn of(truth: Truth) -> Self {
        Self { exponent: truth.value(CLAIM, CLAIM + MARGIN), shared: 0.0 }
    }

    /// Records of these specs. An output is the mean predictor of its training set plus the
    /// fluctuation of the network. Of the variance of a mean predictor, a fifth is its own and the
    /// rest is common to all. Networks fluctuate in three directions on the feature side, and
    /// independently at every point on the lazy side.
    pub fn simulated(&self, specs: &[RunSpec], seed: u64) -> Vec<Run> {
        let mut noise = Noise::of(seed);
        let n = specs.iter().map(|spec| spec.outputs_kept).max().unwrap_or(0);
        let labels: Vec<i8> = (0..n).map(|i| if i % 2 == 0 { 1 } else { -1 }).collect();
        let mut points =
            |deviation: f64| -> Vec<f64> { (0..n).map(|_| noise.gauss(deviation)).collect() };
        // Margins of the mean predictor: 10 % of the points are on the wrong side.
        let common = points(2.2 * 0.8f64.sqrt());
        let sets = distinct(specs, training_set);
        let centres: Vec<Vec<f64>> = sets
            .iter()
            .map(|_| {
                let own = points(2.2 * 0.2f64.sqrt());
                (0..n).map(|i| f64::from(labels[i]) * (2.75 + common[i] + own[i])).collect()
            })
            .collect();
        let directions: Vec<Vec<f64>> = DIRECTIONS.iter().map(|part| points(part.sqrt())).collect();
        let mut shared: Vec<((usize, usize, bool), Vec<f64>)> = Vec::new();
        let mut records = Vec::with_capacity(specs.len());
        for spec in specs {
            let feature = product(spec) < 1.0;
            let width = spec.network.width();
            let exponent = if feature { self.exponent } else { CLAIM };
            let variance = (width as f64 / 64.0).powf(exponent);
            let set = training_set(spec);
            let index = sets.iter().position(|&of| of == set).unwrap_or(0);
            let mut fluctuation = |part: f64| -> Vec<f64> {
                let deviation = (part * variance).sqrt();
                if !feature {
                    return (0..n).map(|_| noise.gauss(deviation)).collect();
                }
                let along: Vec<f64> = directions.iter().map(|_| noise.gauss(deviation)).collect();
                (0..n).map(|i| along.iter().zip(&directions).map(|(g, d)| g * d[i]).sum()).collect()
            };
            let key = (index, width, feature);
            if self.shared > 0.0 && shared.iter().all(|of| of.0 != key) {
                let of_all = fluctuation(self.shared);
                shared.push((key, of_all));
            }
            let own = fluctuation(1.0 - self.shared);
            let of_all = shared.iter().find(|of| of.0 == key).map(|of| &of.1);
            let outputs: Vec<f64> = (0..n)
                .map(|i| centres[index][i] + own[i] + of_all.map_or(0.0, |of| of[i]))
                .collect();
            let wrong: PointSet =
                outputs.iter().zip(&labels).map(|(f, &y)| f64::from(y) * f <= 0.0).collect();
            let mut of = converged(if feature { 1e4 } else { 1e-3 });
            of.test_labels.clone_from(&labels);
            (of.test_outputs, of.test_wrong) = (outputs, wrong);
            records.push(run(spec, of));
        }
        records
    }
}
