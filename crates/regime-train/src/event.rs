//! Events between two steps, located by interpolation.

/// The loss at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sample {
    pub(crate) t: f64,
    /// The mean loss `α² L`.
    pub(crate) loss: f64,
    /// Its rate of change.
    pub(crate) loss_rate: f64,
}

/// One step, given by the samples at its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Passage {
    pub(crate) before: Sample,
    pub(crate) after: Sample,
}

impl Passage {
    /// The time at which the loss falls below `level` within the step, from the cubic
    /// through values and rates at both ends (third order in the step).
    pub(crate) fn falls_below(&self, level: f64) -> Option<f64> {
        let Self { before, after } = *self;
        if before.loss < level || after.loss >= level {
            return None;
        }
        let dt = after.t - before.t;
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if self.loss_at(middle) < level {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(before.t + dt * high)
    }

    /// The cubic at the fraction `s` of the step.
    fn loss_at(&self, s: f64) -> f64 {
        let Self { before, after } = *self;
        let dt = after.t - before.t;
        let r = 1.0 - s;
        before.loss * r * r * (1.0 + 2.0 * s)
            + after.loss * s * s * (3.0 - 2.0 * s)
            + dt * s * r * (before.loss_rate * r - after.loss_rate * s)
    }
}

/// The time at which the straight line through two points `(t, value)` reaches `level`.
pub(crate) fn on_line(before: (f64, f64), after: (f64, f64), level: f64) -> f64 {
    before.0 + (after.0 - before.0) * (level - before.1) / (after.1 - before.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponential(t: f64) -> Sample {
        Sample { t, loss: (-t).exp(), loss_rate: -(-t).exp() }
    }

    #[test]
    fn the_time_of_half_loss_is_found_to_third_order() {
        let error = |dt: f64| {
            let t0 = std::f64::consts::LN_2 - 0.4 * dt;
            let passage = Passage { before: exponential(t0), after: exponential(t0 + dt) };
            (passage.falls_below(0.5).unwrap() - std::f64::consts::LN_2).abs()
        };
        assert!(error(0.1) < 1e-6);
        let order = (error(0.2) / error(0.1)).log2();
        assert!(order > 3.0, "order {order}");
    }

    #[test]
    fn an_event_outside_the_step_is_not_reported() {
        let passage = Passage { before: exponential(0.0), after: exponential(0.1) };
        assert_eq!(passage.falls_below(0.5), None);
        assert_eq!(passage.falls_below(2.0), None);
        assert!((on_line((0.0, 0.5), (0.1, 1.5), 1.0) - 0.05).abs() < 1e-15);
    }
}
