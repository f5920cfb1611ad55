//! What a run reports to its observers, and its outcome.

use std::fmt;

use burn_tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::{Objective, extremes::smallest, work::Work};

/// Why an observation was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// At t = 0.
    Start,
    /// At one of the log-spaced times; with small steps, at the end of the first step that
    /// reaches this time.
    Scheduled,
    /// Just after `t₁`, the time at which the mean loss falls below half its initial value: at
    /// the end of the step, or of the substep of a large step.
    HalfLoss,
    /// At the end of the run, for any reason except an interruption.
    End,
}

/// The state of a run at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Why it was made.
    pub moment: Moment,
    /// Time of the flow (convention of the paper).
    pub t: f64,
    /// Accepted steps so far.
    pub steps: u64,
    /// The mean loss `α² L`.
    pub mean_loss: f64,
    /// Number of training points that have not reached the stopping margin.
    pub n_violating: usize,
    /// Number of training points on the wrong side, `u < 0` (zero at t = 0, where every `F` is 0);
    /// 0 for real-valued targets.
    pub n_wrong: usize,
    /// The smallest margin of a point, see
    /// [`Objective::point_margins`](crate::Objective::point_margins).
    pub smallest_margin: f64,
    /// Root mean square of `F` over the training points.
    pub output_rms: f64,
    /// Root mean square of the network's output `f` over the training points.
    pub network_rms: f64,
}

impl Observation {
    /// The state in which the rows have these `margins` `u`; `margin` is the stopping margin.
    pub(crate) fn of(
        objective: &Objective,
        margins: &[f64],
        margin: f64,
        (moment, t, steps): (Moment, f64, u64),
    ) -> Self {
        let rms = |values: &[f64]| {
            (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt()
        };
        let of_points = objective.point_margins(margins);
        // Real numbers have no wrong side.
        let has_sides = !objective.criterion().has_residuals();
        let is_wrong = |u: f64| has_sides && u < 0.0;
        Self {
            moment,
            t,
            steps,
            mean_loss: objective.mean_loss(margins),
            n_violating: of_points.iter().filter(|&&u| u < margin).count(),
            n_wrong: of_points.iter().filter(|&&u| is_wrong(u)).count(),
            smallest_margin: smallest(&of_points),
            output_rms: rms(margins),
            network_rms: rms(&objective.outputs(margins)),
        }
    }
}

/// Observes a run.
pub trait Observer<B: Backend> {
    /// Called at every [`Moment`], with the weights `[P]` at that time.
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>);

    /// Called before every trial step. `true` ends the run with [`End::Interrupted`]. A
    /// wall-clock budget or a Ctrl-C is handled here, since the library reads no clock.
    fn interrupts(&mut self) -> bool {
        false
    }
}

impl<B: Backend, O: Observer<B> + ?Sized> Observer<B> for &mut O {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        (**self).observe(observation, w);
    }

    fn interrupts(&mut self) -> bool {
        (**self).interrupts()
    }
}

/// Several observers, called in this order; any of them can interrupt.
macro_rules! observe_in_turn {
    ($($observer:ident),+) => {
        impl<B: Backend, $($observer: Observer<B>),+> Observer<B> for ($($observer,)+) {
            #[allow(non_snake_case)]
            fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
                let ($($observer,)+) = self;
                $($observer.observe(observation, w);)+
            }

            #[allow(non_snake_case)]
            fn interrupts(&mut self) -> bool {
                let ($($observer,)+) = self;
                let mut any = false;
                $(any |= $observer.interrupts();)+
                any
            }
        }
    };
}

observe_in_turn!(P, Q);
observe_in_turn!(P, Q, R);
observe_in_turn!(P, Q, R, S);

/// An observer that does nothing.
impl<B: Backend> Observer<B> for () {
    fn observe(&mut self, _: &Observation, _: &Tensor<B, 1>) {}
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum End {
    /// Every margin is reached.
    Converged,
    /// The flow cannot be continued.
    Diverged {
        /// What went wrong.
        quantity: Divergence,
        /// The number of steps accepted before it.
        step: u64,
    },
    /// `t₁` is found, and [`Stop::at_half_loss`](crate::Stop::at_half_loss) is set.
    HalfLoss,
    /// The maximum number of steps was reached.
    StepsSpent,
    /// The maximum time was reached.
    TimeReached,
    /// The gradient is exactly zero, but not all margins are reached, for example because the
    /// loss has no slope just below the stopping margin.
    Stalled,
    /// An event occurred that ends the run, see [`Event::ends_run`](crate::Event::ends_run).
    Event,
    /// The observer interrupted.
    Interrupted,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converged => f.write_str("Converged"),
            Self::Diverged { quantity, step } => write!(f, "Diverged in step {step} ({quantity})"),
            Self::HalfLoss => f.write_str("Ended at half of the initial loss"),
            Self::StepsSpent => f.write_str("Ended at the maximum number of steps"),
            Self::TimeReached => f.write_str("Ended at the maximum time"),
            Self::Stalled => f.write_str("Stalled with a zero gradient"),
            Self::Event => f.write_str("Ended by an event"),
            Self::Interrupted => f.write_str("Interrupted"),
        }
    }
}

/// What can go wrong in a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Divergence {
    /// The gradient is not finite.
    #[error("the gradient is not finite")]
    Gradient,
    /// Every step size that was tried is rejected, or the time is not finite.
    #[error("every step size is rejected, or the time is not finite")]
    StepSize,
}

/// The outcome of a run; every number in it is finite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How the run ended.
    pub end: End,
    /// The time at which the run ended.
    pub t: f64,
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps.
    pub rejected: u64,
    /// `t₁`: the time at which the mean loss fell below half its initial value.
    #[serde(alias = "half_loss_time")]
    pub t1: Option<f64>,
    /// `t₂`: the time at which the last margin was reached.
    #[serde(alias = "margins_time")]
    pub t2: Option<f64>,
    /// The cost of the run.
    #[serde(default)]
    pub work: Work,
    /// The observations, in order.
    pub observations: Vec<Observation>,
}

impl Outcome {
    /// The outcome before the first step; `end` is a placeholder.
    pub(crate) fn empty() -> Self {
        Self {
            end: End::Interrupted,
            t: 0.0,
            steps: 0,
            rejected: 0,
            t1: None,
            t2: None,
            work: Work::default(),
            observations: Vec::new(),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at t = {}", self.end, Short(self.t))?;
        for (name, time) in [("t₁", self.t1), ("t₂", self.t2)] {
            if let Some(time) = time {
                write!(f, ", {name} = {}", Short(time))?;
            }
        }
        let unit = if self.steps == 1 { "step" } else { "steps" };
        write!(f, ", {} {unit}", self.steps)
    }
}

/// A number with about four digits.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        match value.abs() {
            size if size == 0.0 || (1e-2..1e4).contains(&size) => write!(f, "{value:.4}"),
            _ => write!(f, "{value:.3e}"),
        }
    }
}
