//! What a flow reports of one step.

use burn_tensor::backend::Backend;

use crate::user_event::Occurred;

/// One accepted step.
#[derive(Debug, Clone)]
pub struct Step<B: Backend> {
    pub(super) time: f64,
    pub(super) n_steps: u64,
    pub(super) fraction: f64,
    pub(super) events: Vec<Occurred<B>>,
}

impl<B: Backend> Step<B> {
    /// The time of the flow after the step.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// Accepted steps so far.
    pub fn n_steps(&self) -> u64 {
        self.n_steps
    }

    /// The events of this step in the order of time, with `t1` and `t2`.
    pub fn events(&self) -> &[Occurred<B>] {
        &self.events
    }

    /// The first event of this step.
    pub fn event(&self) -> Option<&Occurred<B>> {
        self.events.first()
    }

    /// An estimate of the part of the run that is done, from 0 to 1: the largest of the fraction of
    /// the points that have reached the stopping margin, and the spent fractions of the maximum
    /// time and the maximum number of steps. It can fall when a margin is lost again.
    pub fn fraction(&self) -> f64 {
        self.fraction
    }
}
