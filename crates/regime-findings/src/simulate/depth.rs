//! Final kernel changes with known exponents by depth.

use regime_models::{Activation, NetworkSpec};
use regime_study::{Run, RunSpec};

use super::{
    noise::{Drawn, Noise},
    records::{converged, run},
    truth::Truth,
};
use crate::{finding_5::LIMIT, replica::training_set};

/// The true exponents on the feature side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Depth {
    /// Shift of the exponent `2 − 1.2/L` of the deepest networks with softplus.
    pub shift: f64,
    /// The exponent in √h minus the exponent in α.
    pub width_less_alpha: f64,
}

impl Depth {
    /// As the paper says; or with the exponent of the deepest networks with softplus (eight hidden
    /// layers) just below 2, just above 2, or 0.15 above 2.
    pub fn of(truth: Truth) -> Self {
        let deepest = exponent(DEEPEST);
        let at = match truth {
            Truth::Holds => deepest,
            Truth::BarelyHolds => LIMIT - 0.005,
            Truth::BarelyFails => LIMIT + 0.005,
            Truth::ClearlyFails => LIMIT + 0.15,
        };
        Self { shift: at - deepest, width_less_alpha: 0.0 }
    }

    /// Records of these specs. `ln ΔΘ` scatters over networks by 0.17 at h = 64, its slope by 0.06 for two
    /// hidden layers and 0.09 for eight.
    pub fn simulated(&self, specs: &[RunSpec], seed: u64) -> Vec<Run> {
        let mut noise = Noise::of(seed);
        let (mut level, mut slope) = (Drawn::new(), Drawn::new());
        let mut one = |spec: &RunSpec| {
            let NetworkSpec::Dense(net) = spec.network else { return run(spec, converged(1.0)) };
            let (x, root) = (spec.sqrt_h_alpha(), (net.width as f64).sqrt());
            let depth = net.hidden_layers;
            let relu = net.activation == Activation::Relu;
            let key = (training_set(spec), spec.seed, net.width, depth, relu);
            let spread = (64.0 / net.width as f64).powf(0.25);
            let of_level = level.get(key, || noise.gauss(0.17 * spread));
            let of_slope = slope.get(key, || noise.gauss((0.055 + 0.004 * depth as f64) * spread));
            let shift = if depth == DEEPEST && !relu { self.shift } else { 0.0 };
            let a = exponent(depth) + shift + of_slope;
            let log = if x > 1.0 {
                -x.ln()
            } else {
                4.0 - a * (x / 0.02).ln() - self.width_less_alpha * root.ln()
            };
            run(spec, converged((log + of_level + noise.gauss(0.05)).exp()))
        };
        specs.iter().map(&mut one).collect()
    }
}

/// Hidden layers of the deepest networks.
const DEEPEST: usize = 8;

/// The exponent for a depth, near the measured ones: 1.4, 1.6, 1.76 and 1.85 for 2, 3, 5 and 8
/// hidden layers.
fn exponent(hidden_layers: usize) -> f64 {
    LIMIT - 1.2 / hidden_layers as f64
}
