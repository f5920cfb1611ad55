//! Grids that several findings look at, and what all runs have in common.

use regime_data::{DataSpec, FitOn, Source};
use regime_models::{Activation, DenseSpec, NetworkSpec};
use regime_study::{Budget, Dynamics, RunSpec};
use regime_train::{FlowSpec, Loss, Scheme};

use super::claim::{Profile, Settings};

/// Where the runs differ from those of the paper's first version.
pub(super) const PROTOCOL: &str = "Unlike the paper's first version, runs follow the plain gradient flow (there: \
    momentum with τ = t/1000, which is very close to it) with an implicit integrator, and the soft \
    hinge with β = 20 of the later version (there: the hinge). Mean and principal components are \
    fitted on the training inputs, in the profile `paper` on all, as the authors did. Seeds are those of \
    the initial weights: all runs of a setup share one training and one test set, and intervals do not \
    cover the choice of points. The integrator's tolerance is 0.1, in the profile `laptop` and on \
    images 0.3, or what `--tolerance` says; docs/findings/sensitivity.md has what it changes.";

/// Error of `F` that is allowed at the end of a flow; a step may make a tenth of it.
///
/// At 0.3, final outputs differ by less than 1 % (root mean square) from those at 0.01, by
/// a fiftieth of what another seed changes, in two thirds of the steps that 0.1 takes.
fn tolerance(settings: &Settings) -> f64 {
    settings.tolerance.unwrap_or(match settings.profile {
        Profile::Laptop => 0.3,
        Profile::Smoke | Profile::Paper => 0.1,
    })
}

/// The flow on all points that runs follow.
pub(super) fn flow(settings: &Settings) -> Dynamics {
    let scheme = Scheme::Adaptive { tolerance: tolerance(settings) };
    Dynamics::Flow(FlowSpec { scheme, ..FlowSpec::default() })
}

/// Fully connected runs of the paper's setup (A), but for what a grid varies.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    /// The points.
    pub(super) data: DataSpec,
    /// Hidden layers `L`.
    pub(super) hidden_layers: usize,
    /// φ.
    pub(super) activation: Activation,
    /// Wall-clock budget of one run.
    pub(super) max_wall_s: f64,
}

impl Setup {
    /// Setup (A) at the size of a profile: softplus with sharpness 5, five hidden layers,
    /// three in the smallest profile.
    pub(super) fn of(profile: Profile) -> Self {
        let activation = Activation::Softplus { beta: 5.0 };
        match profile {
            Profile::Smoke => Self {
                data: DataSpec { n_train: 200, n_test: 1000, n_kernel: 100, ..DataSpec::default() },
                hidden_layers: 3,
                activation,
                max_wall_s: 60.0,
            },
            Profile::Laptop => Self {
                data: DataSpec {
                    n_train: 1000,
                    n_test: 5000,
                    n_kernel: 200,
                    ..DataSpec::default()
                },
                hidden_layers: 5,
                activation,
                max_wall_s: 900.0,
            },
            Profile::Paper => Self {
                data: DataSpec {
                    source: Source::Mnist,
                    fit: FitOn::All,
                    n_train: 5000,
                    n_test: 50_000,
                    n_kernel: 1000,
                    ..DataSpec::default()
                },
                hidden_layers: 5,
                activation,
                max_wall_s: 86_400.0,
            },
        }
    }

    /// One run. α is in the convention of the paper.
    pub(super) fn run(&self, settings: &Settings, width: usize, alpha: f64, seed: u64) -> RunSpec {
        RunSpec {
            backend: settings.backend,
            device: settings.device,
            precision: settings.precision,
            data: self.data.clone(),
            data_sha256: String::new(),
            network: NetworkSpec::Dense(DenseSpec {
                inputs: 10,
                width,
                hidden_layers: self.hidden_layers,
                activation: self.activation,
                bias: true,
            }),
            alpha,
            loss: Loss::SoftHinge { beta: 20.0 },
            dynamics: flow(settings),
            frozen: Vec::new(),
            outputs_kept: 0,
            kernel_path: false,
            gram_kept: 0,
            budget: Budget { max_wall_s: self.max_wall_s },
            seed,
        }
    }
}

/// Widths across the border in the profile `laptop`: time goes with the square of the
/// largest, and ten minutes on two slow cores is what there is for a finding.
/// Smaller widths than 32 are far from the scaling laws, which hold for large ones;
/// docs/findings/sensitivity.md has the verdicts of other grids, and how this one was chosen.
pub(super) const LAPTOP_WIDTHS: [usize; 3] = [32, 64, 128];

/// Points of the kernels that are kept of two runs.
const GRAM_POINTS: usize = 60;

/// Widths by α by seeds, across the border between the regimes. The first seed of the
/// largest width keeps its kernel at the ends of the range of α.
pub(super) fn border_grid(settings: &Settings) -> Vec<RunSpec> {
    let decades = |low: i32, high: i32| (low..=high).map(|k| 10f64.powi(k)).collect();
    let (widths, alphas, seeds): (Vec<usize>, Vec<f64>, u64) = match settings.profile {
        Profile::Smoke => (vec![16, 32, 64], decades(-3, 3), 4),
        // Closer together where a pilot run saw the kernel change pass through 1, between 3 and
        // 14 for widths from 32 to 256.
        Profile::Laptop => (LAPTOP_WIDTHS.to_vec(), vec![1e-1, 1.0, 3.0, 10.0, 30.0, 1e2, 1e3], 7),
        Profile::Paper => {
            let alphas = (-3..=4).flat_map(|k| [1.0, 2.2, 4.6].map(|m| m * 10f64.powi(k)));
            (vec![100, 200, 400, 800], alphas.chain([1e5]).collect(), 10)
        }
    };
    let setup = Setup::of(settings.profile);
    let seeds = settings.seeds.unwrap_or(seeds);
    let mut specs = Vec::new();
    for &width in &widths {
        for &alpha in &alphas {
            let at_end = Some(&alpha) == alphas.first() || Some(&alpha) == alphas.last();
            specs.extend((0..seeds).map(|seed| {
                let kept = at_end && seed == 0 && Some(&width) == widths.last();
                RunSpec {
                    kernel_path: true,
                    gram_kept: if kept { GRAM_POINTS } else { 0 },
                    ..setup.run(settings, width, alpha, seed)
                }
            }));
        }
    }
    specs
}

/// [`border_grid`], and what a law of the feature side wants beside it: more than one α deep
/// in it, at two widths at least. The other profiles have that; in `laptop` runs at α = 10⁻² take three
/// times as long as those at 10⁻¹, and no other finding needs them.
pub(super) fn feature_grid(settings: &Settings) -> Vec<RunSpec> {
    let mut specs = border_grid(settings);
    if settings.profile == Profile::Laptop {
        let least = specs.iter().map(|spec| spec.alpha).fold(f64::INFINITY, f64::min);
        let deeper = specs.iter().filter(|spec| spec.alpha == least);
        let deeper = deeper.map(|spec| RunSpec { alpha: 1e-2, gram_kept: 0, ..spec.clone() });
        specs.extend(deeper.collect::<Vec<_>>());
    }
    specs
}
