//! The effect of those choices of the paper that these runs do not follow, on a part of the grid.

use regime_data::{DataSpec, FitOn};
use regime_scaling::{BootstrapConfig, Levels, Outcome, Statement, mean_interval};
use regime_study::{Dynamics, Run, RunRecord, RunSpec};
use regime_train::{FlowSpec, Loss, Scheme};

use crate::{
    replica::training_set,
    settings::{Profile, Settings},
    setup::{Setup, momentum_of_the_paper, product},
};

/// A choice of the paper's first version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Momentum with τ = t/1000 instead of the plain flow.
    Momentum,
    /// The hinge instead of the soft hinge.
    Hinge,
    /// Mean and principal components fitted on all inputs instead of the training inputs.
    FitOnAll,
}

impl Choice {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Momentum, Self::Hinge, Self::FitOnAll];

    /// A description of the choice.
    pub fn words(self) -> &'static str {
        match self {
            Self::Momentum => "momentum with τ = t/1000 instead of the plain flow",
            Self::Hinge => "the hinge instead of the soft hinge",
            Self::FitOnAll => "components fitted on all inputs instead of the training inputs",
        }
    }

    fn of(self, spec: &RunSpec) -> RunSpec {
        let explicit = FlowSpec { scheme: Scheme::explicit(), ..FlowSpec::default() };
        match self {
            Self::Momentum => {
                RunSpec { dynamics: Dynamics::Flow(momentum_of_the_paper()), ..spec.clone() }
            }
            // A step through the kernel needs the curvature of the loss, and a hinge has none.
            Self::Hinge => {
                RunSpec { loss: Loss::Hinge, dynamics: Dynamics::Flow(explicit), ..spec.clone() }
            }
            Self::FitOnAll => {
                RunSpec { data: DataSpec { fit: FitOn::All, ..spec.data.clone() }, ..spec.clone() }
            }
        }
    }
}

/// Values of `√h·α`: one on the feature side, one on the lazy side of the border.
const PRODUCTS: [f64; 2] = [1.0, 100.0];

/// Width of the networks. It is small because an explicit step costs no less than a step through
/// the kernel, and there are a thousand times as many.
const WIDTH: usize = 32;

/// Number of training points.
const POINTS: usize = 100;

/// Differences that count as zero: 10 % of a kernel change or a time, one test point in a hundred
/// for an error.
const MARGINS: [f64; 3] = [0.1, 0.1, 0.01];

/// The runs of the protocol, and the same runs with each choice of the paper.
pub fn grid(settings: &Settings) -> Vec<RunSpec> {
    let usual = Setup::of(Profile::Laptop);
    let data = DataSpec { n_train: POINTS, ..usual.data.clone() };
    let setup = Setup { data, ..usual };
    let mut specs = Vec::new();
    for product in PRODUCTS {
        for replica in setup.replicas(settings) {
            let run = setup.run(settings, (WIDTH, product), replica, 0);
            specs.extend(Choice::ALL.map(|choice| choice.of(&run)));
            specs.push(run);
        }
    }
    specs
}

/// The effect of one choice on one quantity at one `√h·α`.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The choice.
    pub choice: Choice,
    /// `√h·α`.
    pub product: f64,
    /// The difference due to the choice, and the margin within which it counts as zero.
    pub statement: Statement,
}

impl Effect {
    /// Whether the difference lies within the margin.
    pub fn outcome(&self) -> Outcome {
        self.statement.outcome(Levels::of(0.05, 1, 1))
    }
}

/// A quantity of a record.
type Quantity = fn(&RunRecord) -> Option<f64>;

/// The effects of every choice, from the runs of the [`grid`]: differences on the same training set
/// and initial weights.
pub fn effects(runs: &[Run]) -> Vec<Effect> {
    let quantities: [(&str, Quantity); 3] = [
        ("ln of the kernel change", |r| Some(r.kernel_change()?.ln())),
        ("ln t₁", |r| Some(r.t1?.ln())),
        ("test error", RunRecord::test_error),
    ];
    let of = |spec: &RunSpec| runs.iter().find(|run| run.spec == *spec)?.converged();
    let mut effects = Vec::new();
    for choice in Choice::ALL {
        for at in PRODUCTS {
            for ((name, quantity), margin) in quantities.iter().zip(MARGINS) {
                let bases = runs.iter().filter(|run| {
                    product(&run.spec) == at
                        && run.spec.data.fit == FitOn::Train
                        && is_base(&run.spec)
                });
                let mut sets = Vec::new();
                let mut differences = Vec::new();
                for base in bases {
                    sets.push(training_set(&base.spec));
                    let pair = || {
                        let with = quantity(of(&choice.of(&base.spec))?)?;
                        Some(with - quantity(base.converged()?)?)
                    };
                    differences.extend(pair());
                }
                let interval = if differences.len() < sets.len() {
                    let lacking = sets.len() - differences.len();
                    Err(format!("{lacking} of {} pairs lack a run that ended", sets.len()))
                } else {
                    mean_interval(&differences, &BootstrapConfig::default())
                        .map_err(|error| error.to_string())
                };
                let statement = Statement::near(*name, interval, 0.0, margin);
                effects.push(Effect { choice, product: at, statement });
            }
        }
    }
    effects
}

fn is_base(spec: &RunSpec) -> bool {
    matches!(spec.dynamics, Dynamics::Flow(FlowSpec { scheme: Scheme::Adaptive { .. }, .. }))
}
