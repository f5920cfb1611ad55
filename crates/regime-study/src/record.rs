//! The record of a run.
//!
//! Units. Times are those of the flow in the convention of the paper: `dF/dt = −Θ ∂ℓ` with the
//! kernel of `f`, for every α. Outputs `F`, margins and losses are in units in which the
//! margin of the hinge is 1. Changes of weights and kernels are relative to their initial norms (Euclidean and
//! Frobenius). Errors are fractions of the test points, from 0 to 1.

use regime_train::{Divergence, End, LayerWeights, Moment, Observation, Work};
use serde::{Deserialize, Serialize};

use crate::{frozen_kernel::FrozenKernel, point_set::PointSet};

/// The record of one run. Every number is finite, and none depends on the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// How the flow ended.
    pub ending: Ending,
    /// Accepted steps of the integrator.
    pub steps: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// Work of the flow without the measurements; zeros for stochastic training.
    #[serde(default)]
    pub work: Work,
    /// `t₁`, the time at which the mean loss fell below half its initial value.
    #[serde(alias = "half_loss_time")]
    pub t1: Option<f64>,
    /// `t₂`, the time at which the last margin was reached.
    #[serde(alias = "margins_time")]
    pub t2: Option<f64>,
    /// Root mean square velocity of the preactivations of every layer under the plain
    /// flow at t = 0, from the first layer to the last; per unit of the flow's time.
    pub preactivation_speeds: Vec<f64>,
    /// The measurements in the order of time; the last one is made at the end.
    pub path: Vec<Measurement>,
    /// Which test points are on the wrong side at the end, `y F ≤ 0`.
    #[serde(default)]
    pub test_wrong: PointSet,
    /// `F` at the end on the first `outputs_kept` test points of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_outputs: Vec<f64>,
    /// Labels ±1 of the same points.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_labels: Vec<i8>,
    /// The tangent kernel at the start and at the end, if `gram_kept` of the spec is above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gram: Option<GramPair>,
    /// The results of the frozen kernels, in the order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<FrozenRecord>,
}

/// The tangent kernel of `f` on the same points before and after training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GramPair {
    /// Labels ±1 of the points.
    pub labels: Vec<i8>,
    /// Their classes.
    pub classes: Vec<u8>,
    /// The kernel at t = 0: its upper triangle, row by row.
    pub before: Vec<f64>,
    /// The same at the end.
    pub after: Vec<f64>,
}

/// The result of one frozen kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenRecord {
    /// The kernel.
    pub kernel: FrozenKernel,
    /// The outcome of training with it.
    pub learning: FrozenOutcome,
}

/// The outcome of training with a frozen kernel, from `F = 0`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrozenOutcome {
    /// Training with the kernel took place.
    #[serde(rename = "learnt")]
    Trained {
        /// The time in the run at which the network had this kernel.
        kernel_time: f64,
        /// How its flow ended.
        ending: Ending,
        /// Accepted steps of the integrator.
        steps: u64,
        /// Rejected steps.
        rejected: u64,
        /// `t₁` of its own flow.
        #[serde(alias = "half_loss_time")]
        t1: Option<f64>,
        /// `t₂` of its own flow.
        #[serde(alias = "margins_time")]
        t2: Option<f64>,
        /// Fraction of the test points on the wrong side, `y F ≤ 0`, at the end.
        test_error: f64,
        /// The observations in the order of time; the last one is made at the end.
        path: Vec<Observation>,
    },
    /// The kernel does not exist, for this reason.
    NoKernel(String),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "ending")]
pub enum Ending {
    /// Every margin is reached.
    Converged,
    /// The flow could not be continued.
    Diverged {
        /// What went wrong.
        quantity: String,
        /// The number of accepted steps before.
        step: u64,
    },
    /// `t₁` was reached, and the spec ends the run there.
    HalfLoss,
    /// The budget of steps was spent.
    StepsSpent,
    /// The largest time was reached.
    TimeReached,
    /// The gradient vanished before all margins were reached.
    Stalled,
}

impl Ending {
    /// `None` for a run that was interrupted and can continue.
    pub(crate) fn of(end: End) -> Option<Self> {
        Some(match end {
            End::Converged => Self::Converged,
            End::Diverged { quantity, step } => {
                let quantity = match quantity {
                    Divergence::Gradient => "the gradient is not finite",
                    Divergence::StepSize => "no step is small enough",
                };
                Self::Diverged { quantity: quantity.into(), step }
            }
            End::HalfLoss => Self::HalfLoss,
            End::StepsSpent => Self::StepsSpent,
            End::TimeReached => Self::TimeReached,
            End::Stalled => Self::Stalled,
            // A study adds no events.
            End::Interrupted | End::Event => return None,
        })
    }

    /// The ending in one word, such as `converged`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Diverged { .. } => "diverged",
            Self::HalfLoss => "half-loss",
            Self::StepsSpent => "steps-spent",
            Self::TimeReached => "time-reached",
            Self::Stalled => "stalled",
        }
    }
}

/// The state of a run at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Time and the state of the training set.
    pub training: Observation,
    /// Fraction of the test points on the wrong side, `y F ≤ 0`; measured at the end.
    pub test_error: Option<f64>,
    /// `‖Θ − Θ₀‖_F/‖Θ₀‖_F` on the kernel points, which are outside the training
    /// set; measured at the start (0), at `t₁` and at the end, and at every observation
    /// if `kernel_path` of the spec is true.
    pub kernel_change: Option<f64>,
    /// `‖w − w₀‖/‖w₀‖`.
    pub weight_change: f64,
    /// The weights layer by layer, from the first to the last.
    pub layers: Vec<LayerWeights>,
}

impl RunRecord {
    /// Whether the run reached the end that its spec requests: every margin, or `t₁`.
    pub fn reached_requested_end(&self) -> bool {
        matches!(self.ending, Ending::Converged | Ending::HalfLoss)
    }

    /// Whether every margin was reached.
    pub fn converged(&self) -> bool {
        self.ending == Ending::Converged
    }

    /// The state at the end.
    pub fn last(&self) -> Option<&Measurement> {
        self.path.last()
    }

    /// The kernel change at the end.
    pub fn kernel_change(&self) -> Option<f64> {
        self.last().and_then(|m| m.kernel_change)
    }

    /// The kernel change just after `t₁`.
    pub fn kernel_change_at_t1(&self) -> Option<f64> {
        self.path.iter().find(|m| m.training.moment == Moment::HalfLoss)?.kernel_change
    }

    /// The test error at the end.
    pub fn test_error(&self) -> Option<f64> {
        self.last().and_then(|m| m.test_error)
    }
}
