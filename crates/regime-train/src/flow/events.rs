//! The events of the user inside the steps of a flow.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use super::{Flow, watch::Watch};
use crate::{
    root,
    user_event::{Occurred, State},
};

/// The weights at one time of a step.
pub(super) type Knot<B> = (f64, Tensor<B, 1>);

impl<B: Backend, N: Network<B>> Flow<B, N> {
    /// Finds the events in one step. `knots` are its start, known states inside it, and its end, in
    /// the order of time; `inside` computes the weights at a time between them.
    pub(super) fn find_events(
        &mut self,
        knots: &[Knot<B>],
        mut inside: impl FnMut(&mut Self, f64) -> Option<Tensor<B, 1>>,
    ) {
        let mut watches = std::mem::take(&mut self.watches);
        let system = self.system.clone();
        let states: Vec<State<'_, B, N>> =
            knots.iter().map(|(t, w)| State::new(&system, *t, w.clone())).collect();
        let mut found = Vec::new();
        for Watch { event, value, first, .. } in &mut watches {
            let mut before = value.unwrap_or_else(|| event.value(&states[0]));
            for (pair, state) in knots.windows(2).zip(&states[1..]) {
                let after = event.value(state);
                if event.lies_between(before, after) {
                    let at = |t: f64| {
                        let w = inside(self, t)?;
                        Some((event.value(&State::new(&system, t, w.clone())), w))
                    };
                    let ends = ((pair[0].0, before), (pair[1].0, after));
                    // Where the inside of the step is not known, the straight line between its
                    // ends.
                    let (time, weights) = root::between(ends.0, ends.1, at)
                        .unwrap_or_else(|| on_line(pair, before, after));
                    let occurred =
                        Occurred { name: event.name().into(), time, weights: Some(weights) };
                    first.get_or_insert_with(|| occurred.clone());
                    found.push(occurred);
                }
                before = after;
            }
            *value = Some(before);
        }
        found.sort_by(|a, b| a.time.total_cmp(&b.time));
        self.occurred.extend(found);
        self.watches = watches;
    }

    pub(super) fn has_events(&self) -> bool {
        !self.watches.is_empty()
    }
}

/// Time and weights of a zero on the straight line between two states.
fn on_line<B: Backend>(pair: &[Knot<B>], before: f64, after: f64) -> Knot<B> {
    let part = before / (before - after);
    let [(t, w), (end, last)] = pair else { unreachable!("a pair has two states") };
    (t + part * (end - t), w.clone() + (last.clone() - w.clone()).mul_scalar(part))
}
