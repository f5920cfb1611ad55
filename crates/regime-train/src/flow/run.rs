//! The loop over the steps of a flow: to its end, one step at a time, or until an event.

use burn_tensor::backend::Backend;
use regime_models::Network;

use super::{Flow, accepted_step::Step, watch::Watch};
use crate::{
    end_state::EndState,
    observe::{Divergence, End, Moment, Observer},
    user_event::{Event, Occurred, State},
};

impl<B: Backend, N: Network<B>> Flow<B, N> {
    /// Adds an event where `function` is zero, see [`Event`].
    #[must_use]
    pub fn event(
        self,
        name: impl Into<String>,
        function: impl Fn(&State<'_, B, N>) -> f64 + Send + 'static,
    ) -> Self {
        self.with_event(Event::new(name, function))
    }

    /// Adds an event.
    #[must_use]
    pub fn with_event(mut self, event: Event<B, N>) -> Self {
        self.watches.push(Watch::of(event));
        self
    }

    /// The events of the user that have occurred so far, in the order of time.
    pub fn events(&self) -> &[Occurred<B>] {
        &self.occurred
    }

    /// Integrates until the flow ends.
    pub fn run(&mut self) -> EndState<B, N> {
        self.run_with(&mut ())
    }

    /// Integrates until the flow ends or the observer interrupts.
    pub fn run_with(&mut self, observer: &mut impl Observer<B>) -> EndState<B, N> {
        while self.turn(observer).is_none() {}
        EndState::new(self.outcome().clone(), self.system.clone(), self.weights())
    }

    /// Makes one step; `None` when the flow has ended.
    ///
    /// # Errors
    /// [`Divergence`] when the flow cannot be continued.
    pub fn step(&mut self) -> Result<Option<Step<B>>, Divergence> {
        self.step_with(&mut ())
    }

    /// As [`step`](Self::step), with an observer; `None` also when it interrupts.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub fn step_with(
        &mut self,
        observer: &mut impl Observer<B>,
    ) -> Result<Option<Step<B>>, Divergence> {
        let steps = self.outcome().steps;
        let (n_events, t1, t2) = (self.occurred.len(), self.outcome().t1, self.outcome().t2);
        while self.outcome().steps == steps {
            match self.turn(observer) {
                Some(End::Diverged { quantity, .. }) => return Err(quantity),
                Some(_) => return Ok(None),
                None => {}
            }
        }
        let mut events = self.occurred[n_events..].to_vec();
        let outcome = self.outcome();
        for (name, before, now) in [("t1", t1, outcome.t1), ("t2", t2, outcome.t2)] {
            if let (None, Some(time)) = (before, now) {
                events.push(Occurred { name: name.into(), time, weights: None });
            }
        }
        events.sort_by(|a, b| a.time.total_cmp(&b.time));
        let (time, n_steps) = (self.time(), outcome.steps);
        Ok(Some(Step { time, n_steps, fraction: self.fraction(), events }))
    }

    /// Integrates until an event occurs, and returns it; `None` if the flow ends first. The flow
    /// then stands at the end of the step in which the event occurred, and can be continued; the
    /// weights at the event are in [`Occurred::weights`].
    ///
    /// # Errors
    /// [`Divergence`] when the flow cannot be continued.
    pub fn until(&mut self, event: Event<B, N>) -> Result<Option<Occurred<B>>, Divergence> {
        let mut watch = Watch::of(event);
        watch.is_awaited = true;
        self.watches.push(watch);
        let found = loop {
            match self.step() {
                Err(divergence) => break Err(divergence),
                Ok(None) => break Ok(None),
                Ok(Some(_)) => {
                    let awaited = self.watches.iter().filter(|watch| watch.is_awaited);
                    if let Some(found) = awaited.filter_map(|watch| watch.first.as_ref()).next() {
                        break Ok(Some(found.clone()));
                    }
                }
            }
        };
        self.watches.retain(|watch| !watch.is_awaited);
        found
    }

    /// Makes one trial step, after the checks before it; the end of the run, if it ends here.
    fn turn(&mut self, observer: &mut impl Observer<B>) -> Option<End> {
        if self.has_ended {
            return Some(self.outcome().end);
        }
        if self.outcome().observations.is_empty() {
            self.note(Moment::Start, observer);
        }
        self.confirm();
        self.control.outcome.work = self.work.get();
        let end = match self.control.end(self.smallest_margin(), self.velocity.is_some()) {
            Some(end) => end,
            None if self.watches.iter().any(Watch::ends_run) => End::Event,
            None if observer.interrupts() => End::Interrupted,
            None => match self.advance(observer) {
                Ok(()) => return None,
                Err(quantity) => End::Diverged { quantity, step: self.outcome().steps },
            },
        };
        self.control.outcome.end = end;
        if end != End::Interrupted {
            self.has_ended = true;
            self.note(Moment::End, observer);
        }
        Some(end)
    }

    fn fraction(&self) -> f64 {
        let margins = self.system.objective().point_margins(&self.at.point.margins);
        let stop = &self.control.spec.stop;
        let reached = margins.iter().filter(|&&u| u >= stop.margin).count();
        let of_points = reached as f64 / margins.len() as f64;
        let of_time = stop.max_time.map_or(0.0, |most| self.time() / most);
        let outcome = self.outcome();
        let of_steps = (outcome.steps + outcome.rejected) as f64 / stop.max_steps as f64;
        of_points.max(of_time).max(of_steps).min(1.0)
    }
}
