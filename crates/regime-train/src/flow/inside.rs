//! The states inside a step: those of the same scheme with a shorter step from the same start.

use std::cell::Cell;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use super::Flow;
use crate::{
    attempt::{Accepted, Attempt, Clock, Snapshot},
    cached_kernel::CachedKernel,
    evaluate::Evaluator,
    large_step::{LargeStep, Request},
    spec::{Scheme, StepRule},
    step::attempt,
    work::Work,
};

impl<B: Backend, N: Network<B>> Flow<B, N> {
    /// Finds the events in a small step from the current state, which starts at `clock`.
    pub(super) fn find_events_in_small_step(&mut self, clock: Clock, accepted: &Accepted<B, N>) {
        if !self.has_events() {
            return;
        }
        let ends = [(clock.t, self.weights()), (accepted.clock.t, accepted.point.w.clone())];
        self.find_events(&ends, |flow, t| {
            flow.after_small_step(Clock { t: clock.t, dt: t - clock.t })
        });
    }

    /// The weights after a small step of this length from the current state, whatever its error.
    fn after_small_step(&mut self, clock: Clock) -> Option<Tensor<B, 1>> {
        let work = Cell::<Work>::default();
        let evaluator = Evaluator { system: &self.system, work: &work, settled_above: None };
        let (scheme, momentum) = (lenient(self.control.spec.scheme), self.control.spec.momentum);
        let velocity = self.velocity.as_ref();
        match attempt(&scheme, momentum, evaluator, &mut self.at, velocity, clock) {
            Attempt::Accepted(accepted) => Some(accepted.point.w),
            _ => None,
        }
    }

    /// Finds the events in a large step from the current state, which starts at `clock` and ends
    /// with `accepted`. `kernel` is the kernel with which it was made, and `frozen` its setting.
    pub(super) fn find_events_in_large_step(
        &mut self,
        (clock, small, frozen): (Clock, f64, bool),
        kernel: &CachedKernel<B>,
        accepted: &Accepted<B, N>,
    ) {
        if !self.has_events() {
            return;
        }
        let known = |snapshot: &Snapshot<B>| (snapshot.t, snapshot.w.clone());
        let mut knots = vec![(clock.t, self.weights())];
        knots.extend(accepted.inside.scheduled.iter().map(known));
        knots.extend(accepted.inside.half_loss.iter().map(|(_, snapshot)| known(snapshot)));
        knots.push((accepted.clock.t, accepted.point.w.clone()));
        knots.sort_by(|a, b| a.0.total_cmp(&b.0));
        knots.dedup_by(|a, b| a.0 == b.0);
        let clock = Clock { t: clock.t, dt: accepted.clock.t - clock.t };
        let Some(settings) = self.control.spec.scheme.implicit_steps() else { return };
        self.find_events(&knots, |flow, t| {
            let work = Cell::<Work>::default();
            let evaluator = Evaluator { system: &flow.system, work: &work, settled_above: None };
            let request = Request {
                // A substep that ends at `t` must not lead to a rejection.
                tolerance: settings.tolerance,
                clock,
                small,
                frozen,
                margin: f64::INFINITY,
                landing: f64::INFINITY,
                until: f64::INFINITY,
                marks: &[t],
                half_loss: None,
            };
            let step = LargeStep { evaluator, at: &flow.at.point, kernel };
            match step.attempt(&request).attempt {
                Attempt::Accepted(accepted) => {
                    let Accepted { inside, .. } = *accepted;
                    inside.scheduled.into_iter().next().map(|snapshot| snapshot.w)
                }
                _ => None,
            }
        });
    }
}

/// The same scheme, which accepts every step.
fn lenient(scheme: Scheme) -> Scheme {
    let any = f64::INFINITY;
    match scheme {
        Scheme::Explicit { rule: StepRule::OutputChange { .. } } => {
            Scheme::Explicit { rule: StepRule::OutputChange { undo_above: any, grow_below: any } }
        }
        Scheme::Explicit { rule: StepRule::GradientTurn { .. } } => {
            let rule = StepRule::GradientTurn { max_turn: any, max_output_change: any };
            Scheme::Explicit { rule }
        }
        Scheme::Adaptive { .. } => Scheme::Adaptive { tolerance: any },
        Scheme::Reference { active_above, .. } => {
            Scheme::Reference { tolerance: any, active_above }
        }
    }
}
