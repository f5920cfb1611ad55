//! When large steps are tried.

use serde::{Deserialize, Serialize};

/// A large step costs about as much as this many small ones.
pub(crate) const PRICE: f64 = 3.0;

/// The most small steps between two tries of large ones.
const MOST_SMALL: u32 = 120;

/// The most large steps that are undone in a row.
const MOST_UNDONE: u32 = 8;

/// What a large step has shown of the steps that could be made next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// The length of a large one.
    pub(crate) next: f64,
    /// About the length of a small one.
    pub(crate) small: f64,
    /// Whether the kernel may be taken as frozen in the next one.
    pub(crate) frozen: bool,
}

/// What is known of large steps, from those that were tried.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct LargeSteps {
    /// Whether the accuracy of small steps has begun to limit them. Before, they grow as fast
    /// as they may, and cost less.
    small_are_limited: bool,
    /// The large step to try next; 0 where none has been tried since small ones were better.
    dt: f64,
    /// Small steps before the next try.
    wait: u32,
    /// As many as there were before the last.
    waited: u32,
    /// Whether the kernel has to be taken as it moves.
    pub(crate) moving: bool,
    /// Large steps that were undone in a row.
    undone: u32,
    /// How much too far the last ones went beyond the margin asked for.
    past: f64,
}

impl LargeSteps {
    /// At the start of a flow, with the first one to try.
    pub(crate) fn start(dt: f64) -> Self {
        Self { dt, ..Self::default() }
    }

    /// The large step to try where it may be worth its price beside small steps of length `small`.
    pub(crate) fn due(&self, small: f64) -> Option<f64> {
        if self.wait > 0 {
            return None;
        }
        let unknown = if self.small_are_limited { 4.0 * PRICE * small } else { 0.0 };
        let dt = if self.dt > 0.0 { self.dt } else { unknown };
        (dt > PRICE * small).then_some(dt)
    }

    /// How far beyond the margin asked for a large step is to end.
    pub(crate) fn aim(&self, landing: f64) -> f64 {
        0.4 * landing - self.past
    }

    /// After a large step.
    pub(crate) fn was_accepted(&mut self, found: Found) {
        let (dt, moving) = (found.next, !found.frozen);
        *self = Self { dt, moving, wait: 0, waited: 0, undone: 0, past: 0.0, ..*self };
        if found.next <= PRICE * found.small {
            self.pause();
        }
    }

    /// After a large step that was undone.
    pub(crate) fn was_rejected(&mut self, found: Found) {
        (self.dt, self.moving) = (found.next, !found.frozen);
        self.undone += 1;
        if found.next <= PRICE * found.small || self.undone >= MOST_UNDONE {
            self.pause();
        }
    }

    /// After a large step that went too far beyond the margin asked for.
    pub(crate) fn was_past(&mut self, past: f64) {
        self.past += past;
    }

    /// Leaves the flow to small steps, the longer the more often it came to this.
    fn pause(&mut self) {
        self.waited = (2 * self.waited + 8).min(MOST_SMALL);
        *self = Self { dt: 0.0, wait: self.waited, undone: 0, past: 0.0, ..*self };
    }

    /// After a small step, with the next one that it proposes.
    pub(crate) fn after_a_small_step(&mut self, taken: f64, next: f64) {
        self.small_are_limited |= next < 2.0 * taken;
        self.wait = self.wait.saturating_sub(1);
        if self.dt <= PRICE * next {
            // What was known of large ones is of no use any more.
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
    fn they_are_tried_again_when_small_steps_have_grown() {
        let mut large = LargeSteps::start(1.0);
        assert_eq!(large.due(0.1), Some(1.0));
        // It went no farther than three small ones.
        large.was_accepted(found(1.0, 0.5));
        assert_eq!(large.due(0.5), None);
        for _ in 0..20 {
            large.after_a_small_step(0.5, 0.5);
        }
        assert_eq!(large.due(0.5), Some(4.0 * PRICE * 0.5));
        // One that was due waits no longer once small ones have outgrown it.
        let mut large = LargeSteps::start(1.0);
        large.after_a_small_step(0.5, 0.6);
        assert_eq!(large.due(0.6), Some(4.0 * PRICE * 0.6));
    }

    #[test]
    fn many_that_are_undone_leave_the_flow_to_small_steps() {
        let mut large = LargeSteps::start(1.0);
        for _ in 0..MOST_UNDONE {
            assert!(large.due(1e-9).is_some());
            large.was_rejected(found(1.0, 1e-9));
        }
        assert_eq!(large.due(1e-9), None);
    }
}
