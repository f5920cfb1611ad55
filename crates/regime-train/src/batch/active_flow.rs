//! One flow of a batch: the decisions made on the host.

use super::step::Report;
use crate::{
    attempt::Clock,
    control::Control,
    event::Sample,
    extremes::smallest,
    implicit::judged,
    objective::{Derivatives, Objective},
    observe::{Divergence, End, Moment, Observation},
    spec::ImplicitSteps,
};

/// One flow that has not ended.
pub(super) struct ActiveFlow {
    /// Its number among the members.
    pub(super) member: usize,
    pub(super) objective: Objective,
    pub(super) control: Control,
    pub(super) margins: Vec<f64>,
    /// `∂²L/∂f²`
    pub(super) curvature: Vec<f64>,
    /// Whether the kernel of its active points has been counted.
    pub(super) has_kernel: bool,
    /// Why it cannot continue.
    pub(super) failed: Option<End>,
}

impl ActiveFlow {
    fn settings(&self) -> ImplicitSteps {
        self.control
            .spec
            .scheme
            .implicit_steps()
            .expect("every flow of a batch takes implicit steps")
    }

    pub(super) fn least_curvature(&self) -> f64 {
        self.objective.least_curvature(self.settings().active_above)
    }

    /// Accepts or rejects a trial step. Returns the moments to observe at its end; `None` if the
    /// step is rejected.
    pub(super) fn settle(&mut self, report: Report) -> Option<Vec<Moment>> {
        let Report { middle, margins, square, factorised } = report;
        self.count_trial();
        let clock = self.control.clock;
        let judged = match factorised {
            true => judged(&self.objective, (&margins, &middle), self.settings(), clock),
            false => None,
        };
        let next = match judged {
            Some((true, next)) if next.t.is_finite() => next,
            Some((true, _)) => return self.fails(Divergence::StepSize),
            Some((false, Clock { dt, .. })) => return self.reject_trial(dt),
            None => return self.reject_trial(0.2 * clock.dt),
        };
        let ends = (smallest(&self.margins), smallest(&margins));
        if self.control.overshoots(ends.0, ends.1) {
            return None;
        }
        let Derivatives { mean_loss, curvature, .. } = self.objective.derivatives(&margins);
        let loss_rate = -self.objective.alpha().value().powi(2) * square;
        (self.margins, self.curvature) =
            (margins, curvature.into_diagonal().expect("a batch has labels ±1"));
        self.has_kernel = false;
        let now = Sample { t: next.t, loss: mean_loss, loss_rate };
        Some(self.control.accept(next, now, (clock.t, ends.0), ends.1))
    }

    /// Counts the work of a trial step, accepted or not: a gradient for each of the two stages, and
    /// two solves on the active points.
    fn count_trial(&mut self) {
        let least = self.least_curvature();
        let active = self.curvature.iter().filter(|&&curvature| curvature > least).count();
        let n = self.objective.n_points() as u64;
        let work = &mut self.control.outcome.work;
        work.points_forward += 2 * n;
        work.points_backward += 2 * n;
        work.points_product += 2 * n + 4 * active as u64;
        work.factorise(active);
        if !std::mem::replace(&mut self.has_kernel, true) {
            work.kernel(active);
        }
    }

    /// Counts a rejected step; `dt` is the next step size to try.
    fn reject_trial(&mut self, dt: f64) -> Option<Vec<Moment>> {
        match self.control.reject(dt) {
            Ok(()) => None,
            Err(quantity) => self.fails(quantity),
        }
    }

    fn fails(&mut self, quantity: Divergence) -> Option<Vec<Moment>> {
        self.failed = Some(End::Diverged { quantity, step: self.control.outcome.steps });
        None
    }

    pub(super) fn observation(&self, moment: Moment) -> Observation {
        let Control { spec, clock, outcome, .. } = &self.control;
        let when = (moment, clock.t, outcome.steps);
        Observation::of(&self.objective, &self.margins, spec.stop.margin, when)
    }
}
