//! What all runs have in common, and the setups of the paper.

use regime_data::{DataSpec, FitOn, Source};
use regime_models::{Activation, DenseSpec, NetworkSpec};
use regime_study::{Budget, Dynamics, RunSpec};
use regime_train::{FlowSpec, Loss, Momentum, Scheme, Stop};

use crate::{
    replica::{Replica, SETS_PER_ORDER},
    settings::{Profile, Settings},
};

/// How the runs differ from those of the paper's first version.
pub const PROTOCOL: &str = "Runs follow the plain gradient flow with the soft hinge (β = 20), mean and \
    principal components fitted on the training inputs; the paper's first version has momentum with \
    τ = t/1000, the hinge, and all inputs. The profile `paper` takes the paper's choices; what each of \
    them changes is in docs/findings/sensitivity.md. Intervals cover initial weights, \
    training sets (of these images) and, for test errors, test points; kernel changes are those on \
    fixed points outside the training sets.";

/// The smooth activation of the paper.
pub const SOFTPLUS: Activation = Activation::Softplus { beta: 5.0 };

/// Tolerance for the error of `F` at the end of a flow; one step may contribute a tenth of it.
///
/// At 0.3, final outputs differ from those at 0.01 by less than 1 % (root mean square), a fiftieth
/// of the change due to another seed, and the flow takes two thirds of the steps that 0.1 takes.
fn tolerance(settings: &Settings) -> f64 {
    settings.tolerance.unwrap_or(match settings.profile {
        Profile::Laptop => 0.3,
        Profile::Smoke | Profile::Paper => 0.1,
    })
}

/// The full-batch flow of the runs.
pub(crate) fn flow(settings: &Settings) -> FlowSpec {
    match settings.profile {
        Profile::Smoke | Profile::Laptop => {
            let scheme = Scheme::Adaptive { tolerance: tolerance(settings) };
            FlowSpec { scheme, ..FlowSpec::default() }
        }
        Profile::Paper => momentum_of_the_paper(),
    }
}

/// The momentum of the paper's setup (A), by its explicit scheme.
pub(crate) fn momentum_of_the_paper() -> FlowSpec {
    FlowSpec {
        scheme: Scheme::explicit(),
        momentum: Momentum::Proportional { mu: 1000.0 },
        stop: Stop { max_steps: 100_000_000, ..Stop::default() },
        ..FlowSpec::default()
    }
}

/// The parts of the paper's setup (A), fully connected, that a grid does not vary.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// The points of the first training set.
    pub(crate) data: DataSpec,
    /// Number of training sets per order of the data.
    pub(crate) sets_per_order: u64,
    /// Number of training sets, unless the user requests another.
    pub(crate) sets: u64,
    /// Hidden layers `L`.
    pub(crate) hidden_layers: usize,
    /// Activation φ.
    pub(crate) activation: Activation,
    /// The loss of a margin.
    pub(crate) loss: Loss,
    /// Wall-clock budget of one run.
    pub(crate) max_wall_s: f64,
}

impl Setup {
    /// Setup (A) at the size of a profile: softplus with sharpness 5, five hidden layers,
    /// three in the smallest profile.
    pub(crate) fn of(profile: Profile) -> Self {
        let usual = Self {
            data: DataSpec { n_train: 500, n_test: 4700, n_kernel: 200, ..DataSpec::default() },
            sets_per_order: SETS_PER_ORDER,
            sets: SETS_PER_ORDER,
            hidden_layers: 5,
            activation: SOFTPLUS,
            loss: Loss::SoftHinge { beta: 20.0 },
            max_wall_s: 900.0,
        };
        match profile {
            Profile::Smoke => Self {
                data: DataSpec { n_train: 100, n_test: 1000, n_kernel: 50, ..usual.data.clone() },
                sets: 3,
                hidden_layers: 3,
                max_wall_s: 60.0,
                ..usual
            },
            Profile::Laptop => usual,
            Profile::Paper => Self {
                data: DataSpec {
                    source: Source::Mnist,
                    fit: FitOn::All,
                    n_train: 5000,
                    n_test: 50_000,
                    n_kernel: 1000,
                    ..usual.data.clone()
                },
                // 50,000 test points leave no points for a second training set, so each has its own
                // order.
                sets_per_order: 1,
                sets: 10,
                loss: Loss::Hinge,
                max_wall_s: 7.0 * 86_400.0,
                ..usual
            },
        }
    }

    /// The training sets with their seeds.
    pub(crate) fn replicas(&self, settings: &Settings) -> Vec<Replica> {
        crate::replica::replicas(settings, self.sets, self.sets_per_order)
    }

    /// One run at `√h·α = product`: the `net`-th network on a training set.
    pub(crate) fn run(
        &self,
        settings: &Settings,
        (width, product): (usize, f64),
        replica: Replica,
        net: u64,
    ) -> RunSpec {
        RunSpec {
            backend: settings.backend,
            device: settings.device,
            precision: settings.precision,
            data: DataSpec {
                training_set: replica.training_set,
                seed: replica.data_seed,
                ..self.data.clone()
            },
            data_sha256: String::new(),
            network: NetworkSpec::Dense(DenseSpec {
                inputs: 10,
                width,
                hidden_layers: self.hidden_layers,
                activation: self.activation,
                bias: true,
            }),
            alpha: product / (width as f64).sqrt(),
            loss: self.loss,
            dynamics: Dynamics::Flow(flow(settings)),
            frozen: Vec::new(),
            outputs_kept: 0,
            kernel_path: false,
            gram_kept: 0,
            budget: Budget { max_wall_s: self.max_wall_s },
            seed: replica.seed_of(net),
        }
    }
}

/// Number of training sets in setup (A): the user's number, or the profile's.
pub fn training_sets(settings: &Settings) -> u64 {
    settings.sets(Setup::of(settings.profile).sets)
}

/// `√h·α` of a spec, rounded to six digits: the value in the grid, without the rounding error of
/// `α = product/√h`.
pub fn product(spec: &RunSpec) -> f64 {
    let exact = spec.sqrt_h_alpha();
    format!("{exact:.5e}").parse().unwrap_or(exact)
}
