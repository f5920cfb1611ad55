//! Decides when large steps are tried.

use serde::{Deserialize, Serialize};

/// A large step costs about as much as this many small ones.
pub(crate) const PRICE: f64 = 3.0;

/// The maximum number of small steps between two trials of large ones.
const MAX_SMALL: u32 = 120;

/// The number of consecutive rejected large steps after which small steps follow.
const MAX_REJECTED: u32 = 8;

/// Estimates for the next steps, from a large step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// The length of the next large step.
    pub(crate) next: f64,
    /// Estimated length of a small step.
    pub(crate) small: f64,
    /// Whether the kernel may be frozen in the next large step.
    pub(crate) frozen: bool,
}

/// The state of the control of large steps.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct LargeSteps {
    /// Whether accuracy limits the length of small steps. Before that, small steps grow fast,
    /// and cost less than large ones.
    small_are_limited: bool,
    /// The large step to try next; 0 if small steps have been cheaper since the last trial.
    dt: f64,
    /// Number of small steps before the next trial.
    wait: u32,
    /// The initial value of `wait` at the last pause.
    waited: u32,
    /// Whether the change of the kernel during a step has to be taken into account.
    pub(crate) moving: bool,
    /// Number of consecutive rejected large steps.
    rejected: u32,
    /// How far the last large steps ended beyond the stopping margin, summed.
    past: f64,
}

impl LargeSteps {
    /// The state at the start of a flow, with the first large step to try.
    pub(crate) fn start(dt: f64) -> Self {
        Self { dt, ..Self::default() }
    }

    /// The large step to try; `None` where small steps of length `small` are estimated to be
    /// cheaper.
    pub(crate) fn due(&self, small: f64) -> Option<f64> {
        if self.wait > 0 {
            return None;
        }
        let unknown = if self.small_are_limited { 4.0 * PRICE * small } else { 0.0 };
        let dt = if self.dt > 0.0 { self.dt } else { unknown };
        (dt > PRICE * small).then_some(dt)
    }

    /// How far beyond the stopping margin a large step should end.
    pub(crate) fn aim(&self, landing: f64) -> f64 {
        0.4 * landing - self.past
    }

    /// Updates the state after an accepted large step.
    pub(crate) fn was_accepted(&mut self, found: Found) {
        let (dt, moving) = (found.next, !found.frozen);
        *self = Self { dt, moving, wait: 0, waited: 0, rejected: 0, past: 0.0, ..*self };
        if found.next <= PRICE * found.small {
            self.pause();
        }
    }

    /// Updates the state after a rejected large step.
    pub(crate) fn was_rejected(&mut self, found: Found) {
        (self.dt, self.moving) = (found.next, !found.frozen);
        self.rejected += 1;
        if found.next <= PRICE * found.small || self.rejected >= MAX_REJECTED {
            self.pause();
        }
    }

    /// Updates the state after a large step that ended too far beyond the stopping margin.
    pub(crate) fn overshot(&mut self, past: f64) {
        self.past += past;
    }

    /// Pauses large steps, longer after every consecutive pause.
    fn pause(&mut self) {
        self.waited = (2 * self.waited + 8).min(MAX_SMALL);
        *self = Self { dt: 0.0, wait: self.waited, rejected: 0, past: 0.0, ..*self };
    }

    /// Updates the state after a small step of length `taken`; `next` is the next small step.
    pub(crate) fn after_a_small_step(&mut self, taken: f64, next: f64) {
        self.small_are_limited |= next < 2.0 * taken;
        self.wait = self.wait.saturating_sub(1);
        if self.dt <= PRICE * next {
            // The estimate for large steps is out of date.
            self.dt = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(next: f64, small: f64) -> Found {
        Found { next, small, frozen: true }
    }

    #[test]
    fn large_steps_are_tried_again_after_a_pause() {
        let mut large = LargeSteps::start(1.0);
        assert_eq!(large.due(0.1), Some(1.0));
        // The next large step is no longer than three small ones.
        large.was_accepted(found(1.0, 0.5));
        assert_eq!(large.due(0.5), None);
        for _ in 0..20 {
            large.after_a_small_step(0.5, 0.5);
        }
        assert_eq!(large.due(0.5), Some(4.0 * PRICE * 0.5));
        // A large step is replaced once small steps have grown to a third of it.
        let mut large = LargeSteps::start(1.0);
        large.after_a_small_step(0.5, 0.6);
        assert_eq!(large.due(0.6), Some(4.0 * PRICE * 0.6));
    }

    #[test]
    fn many_rejected_large_steps_cause_a_pause() {
        let mut large = LargeSteps::start(1.0);
        for _ in 0..MAX_REJECTED {
            assert!(large.due(1e-9).is_some());
            large.was_rejected(found(1.0, 1e-9));
        }
        assert_eq!(large.due(1e-9), None);
    }
}
