//! Runs until `t₁` with known exponents.

use regime_study::{Ending, Measurement, Run, RunSpec};
use regime_train::Moment;

use super::{
    noise::{Drawn, Noise},
    records::{measurement, record, run},
    truth::Truth,
};
use crate::{
    finding_4::{MARGIN, WINDOW},
    replica::training_set,
    setup::product,
};

/// The true exponents on the feature side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Passage {
    /// The exponent p of `t₁` in √h·α.
    pub product: f64,
    /// The exponent r of `t₁` in √h at fixed √h·α.
    pub root_width: f64,
    /// The slope of `ln ‖F‖` against `ln t`.
    pub slope: f64,
    /// The exponent of the growth of `f` in √h.
    pub growth: f64,
    /// The exponent of the kernel change at `t₁` in √h.
    pub kernel: f64,
}

impl Passage {
    /// The values of the paper.
    pub const PAPER: Self =
        Self { product: 1.0, root_width: 0.0, slope: 1.0, growth: 1.0, kernel: 0.0 };

    /// As the paper says, or with r off by its margin.
    pub fn of(truth: Truth) -> Self {
        Self { root_width: truth.value(0.0, -MARGIN), ..Self::PAPER }
    }

    /// Records of these specs. `ln t₁` scatters over networks by 0.18 at h = 64 and 0.09 at 512, over
    /// training sets by 0.05; `ln ‖f(0)‖` by 0.5; the kernel change by 0.3. On the lazy side `t₁` does
    /// not depend on α.
    pub fn simulated(&self, specs: &[RunSpec], seed: u64) -> Vec<Run> {
        let mut noise = Noise::of(seed);
        let (mut of_net, mut of_set) = (Drawn::new(), Drawn::new());
        let (mut of_start, mut of_kernel) = (Drawn::new(), Drawn::new());
        let mut one = |spec: &RunSpec| {
            let (width, x) = (spec.network.width(), product(spec));
            let set = training_set(spec);
            let root = (width as f64).sqrt();
            let spread = 0.18 * (64.0 / width as f64).powf(0.35);
            let time = of_net.get((set, spec.seed, width), || noise.gauss(spread))
                + of_set.get(set, || noise.gauss(0.05));
            let start = of_start.get((set, spec.seed, width), || noise.gauss(0.5)).exp();
            let kernel = of_kernel.get((set, spec.seed, width), || noise.gauss(0.3));
            let feature = x <= WINDOW;
            let law =
                if feature { self.product * x.ln() + self.root_width * root.ln() } else { 0.0 };
            let half_loss = (0.45 + law + time).exp();
            let grown = if feature { 0.3 / x * root.powf(self.growth) } else { start };
            let change = if feature { x.powf(-1.5) * root.powf(self.kernel) } else { 1.0 / x };
            let mut path = vec![measurement(Moment::Start, 0.0, [0.0, start])];
            path.extend([0.02, 0.035, 0.06, 0.11, 0.2, 0.29].map(|part| {
                let output = f64::powf(part, self.slope) * noise.gauss(0.02).exp();
                measurement(Moment::Scheduled, part * half_loss, [output, start])
            }));
            path.push(Measurement {
                kernel_change: Some((2.4 + kernel).exp() * change),
                ..measurement(Moment::HalfLoss, half_loss, [1.0, grown])
            });
            let of = record(Ending::HalfLoss, path);
            run(spec, regime_study::RunRecord { t1: Some(half_loss), ..of })
        };
        specs.iter().map(&mut one).collect()
    }
}
