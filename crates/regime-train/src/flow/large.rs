//! The large steps of a flow: when they are made, and the observations inside them.

use burn_tensor::backend::Backend;
use regime_models::{Memory, Network};

use super::{Flow, evaluator};
use crate::{
    attempt::{Attempt, Inside, Snapshot},
    cached_kernel::CachedKernel,
    control::MAX_MARKS,
    large_step::{LargeStep, Request, Tried},
    observe::{Divergence, Moment, Observation, Observer},
    spec::{FlowSpec, Momentum, Scheme},
};

/// The maximum number of points that a large step follows: each of its two kernels then takes
/// half a gigabyte.
const MAX_FOLLOWED: usize = 8192;

impl<B: Backend, N: Network<B>> Flow<B, N> {
    /// Tries a large step; `None` where small steps are used.
    pub(super) fn attempt_large(
        &mut self,
        observer: &mut impl Observer<B>,
    ) -> Option<Result<(), Divergence>> {
        let FlowSpec { scheme, momentum, .. } = self.control.spec;
        let (Scheme::Adaptive { .. }, Momentum::None) = (scheme, momentum) else {
            return None;
        };
        if Memory::of::<B>(&self.system.inputs().device()) == Memory::Device {
            // The kernels would be transferred to the host.
            return None;
        }
        if self.at.point.view.points.len() > MAX_FOLLOWED {
            return None;
        }
        let tolerance = scheme.implicit_steps()?.tolerance;
        if self.system.objective().criterion().largest_curvature() == 0.0 {
            // The slope of a hinge is discontinuous, and substeps in function space do not end
            // at the kink.
            return None;
        }
        let (mut clock, until) = self.control.large_step()?;
        let evaluator = evaluator(&self.system, &self.control.spec, &self.work);
        let marks = self.control.scheduled_before(clock.t + clock.dt);
        if let (MAX_MARKS, Some(last)) = (marks.len(), marks.last()) {
            clock.dt = last - clock.t;
        }
        let (small, half_loss) = (self.control.clock.dt, self.control.half_loss());
        let margin = self.control.spec.stop.margin;
        let marks = &marks[..];
        let frozen = !self.control.large.moving;
        let landing = self.control.landing();
        let request =
            Request { tolerance, clock, small, frozen, margin, landing, until, marks, half_loss };
        let at = &self.at.point;
        let cached = self.kernel.take().and_then(|cached| cached.restricted(&at.view.points));
        let cached = cached.unwrap_or_else(|| CachedKernel::at(evaluator, at));
        let Tried { attempt: tried, found, kernel } =
            LargeStep { evaluator, at, kernel: &cached }.attempt(&request);
        let mut accepted = match tried {
            Attempt::Accepted(accepted) if accepted.clock.t.is_finite() => *accepted,
            Attempt::Accepted(_) => return Some(Err(Divergence::StepSize)),
            Attempt::Rejected { .. } => {
                self.control.reject_large(found);
                // A stale kernel is recomputed.
                self.kernel = (!cached.stale).then_some(cached);
                return Some(Ok(()));
            }
            Attempt::Overshoot { past } => {
                self.control.reject_overshoot(past);
                self.kernel = Some(cached);
                return Some(Ok(()));
            }
            Attempt::Unsettled { margins } => {
                self.control.reject_unsettled();
                self.follow_again(&margins);
                return Some(Ok(()));
            }
        };
        self.control.large.was_accepted(found);
        self.find_events_in_large_step((clock, small, frozen), &cached, &accepted);
        let mut kernel = kernel.unwrap_or(cached);
        kernel.stale = true;
        self.kernel = Some(kernel);
        let inside = std::mem::replace(&mut accepted.inside, Inside::unknown());
        let before = (clock.t, self.smallest_margin());
        let approach = inside.approach.unwrap_or(before);
        self.note_inside(inside, observer);
        self.accept(accepted, approach, observer);
        Some(Ok(()))
    }

    /// Records the observations inside a large step.
    fn note_inside(&mut self, inside: Inside<B>, observer: &mut impl Observer<B>) {
        let Inside { scheduled, half_loss, .. } = inside;
        let mut seen: Vec<(Moment, Snapshot<B>)> =
            scheduled.into_iter().map(|snapshot| (Moment::Scheduled, snapshot)).collect();
        if let Some((time, snapshot)) = half_loss {
            self.control.outcome.t1 = Some(time);
            seen.push((Moment::HalfLoss, snapshot));
        }
        seen.sort_by(|a, b| a.1.t.total_cmp(&b.1.t));
        for (moment, Snapshot { t, w, margins }) in seen {
            let observation = Observation::of(
                self.system.objective(),
                &margins,
                self.control.spec.stop.margin,
                (moment, t, self.outcome().steps),
            );
            observer.observe(&observation, &w);
            self.control.outcome.observations.push(observation);
            if moment == Moment::Scheduled {
                self.control.was_seen(t);
            }
        }
    }
}
