//! When large steps are tried.

use serde::{Deserialize, Serialize};

/// A large step costs about as much as this many small ones.
pub(crate) const PRICE: f64 = 3.0;

/// The most small steps between two tries of large ones.
const MOST_SMALL: u32 = 120;

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
        *self =
            Self { dt: found.next, wait: 0, waited: 0, moving: !found.frozen, past: 0.0, ..*self };
    }

    /// After a large step that was undone.
    pub(crate) fn was_rejected(&mut self, found: Found) {
        (self.dt, self.moving) = (found.next, !found.frozen);
        if found.next <= PRICE * found.small {
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
        *self = Self { dt: 0.0, wait: self.waited, ..*self };
    }

    /// After a small step, with the next one that it proposes.
    pub(crate) fn after_a_small_step(&mut self, taken: f64, next: f64) {
        self.small_are_limited |= next < 2.0 * taken;
        self.wait = self.wait.saturating_sub(1);
    }
}
