//! Kernel changes whose border is a known power of the width.

use regime_study::{Run, RunSpec};

use super::{
    noise::{Drawn, Noise},
    records::{converged, kernel_change, run},
    truth::Truth,
};
use crate::{finding_1, replica::training_set};

/// A width at which `α*` does not depend on the exponent.
const REFERENCE_WIDTH: f64 = 90.0;

/// The true border.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border {
    /// The exponent of `α*` in `h`; the exponent of the collapse is its negative.
    pub exponent: f64,
}

impl Border {
    /// As the paper says, or off by the margin of finding-1.
    pub fn of(truth: Truth) -> Self {
        let edge = finding_1::CLAIM + finding_1::MARGIN;
        Self { exponent: truth.value(finding_1::CLAIM, edge) }
    }

    /// Records of these specs. The border of a network scatters by 0.16 in ln α at h = 32 and by
    /// 0.1 at 256, the border of a training set by 0.05, and each kernel change by 0.03.
    pub fn simulated(&self, specs: &[RunSpec], seed: u64) -> Vec<Run> {
        let mut noise = Noise::of(seed);
        let (mut of_net, mut of_set) = (Drawn::new(), Drawn::new());
        let mut one = |spec: &RunSpec| {
            let width = spec.network.width() as f64;
            let set = training_set(spec);
            let spread = 0.16 * (32.0 / width).powf(0.25);
            let shift = of_net.get((set, spec.seed, spec.network.width()), || noise.gauss(spread));
            let common = of_set.get(set, || noise.gauss(0.05));
            let relative = (width / REFERENCE_WIDTH).powf(-self.exponent - 0.5);
            let product = spec.sqrt_h_alpha() * relative * (shift + common).exp();
            run(spec, converged(kernel_change(product) * noise.gauss(0.03).exp()))
        };
        specs.iter().map(&mut one).collect()
    }
}
