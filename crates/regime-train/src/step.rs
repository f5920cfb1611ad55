//! One small trial step by any scheme.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use crate::{
    attempt::{Attempt, Clock},
    evaluate::{Evaluator, Point},
    explicit, implicit,
    spec::{ImplicitSteps, Momentum, Scheme},
};

/// One small trial step by `scheme`.
pub(crate) fn attempt<B: Backend, N: Network<B>>(
    scheme: &Scheme,
    momentum: Momentum,
    evaluator: Evaluator<'_, B, N>,
    at: &mut Prepared<B, N>,
    velocity: Option<&Tensor<B, 1>>,
    clock: Clock,
) -> Attempt<B, N> {
    if let Scheme::Explicit { rule } = *scheme {
        return explicit::attempt(rule, momentum, evaluator, &at.point, velocity, clock);
    }
    let settings = scheme.implicit_steps().expect("every other scheme takes implicit steps");
    let (point, active) = at.prepare(evaluator, settings);
    let step = implicit::Step { settings, momentum, evaluator, active };
    step.attempt(point, velocity, clock)
}

/// A point and what the implicit scheme has computed there; a rejected step leaves both as
/// they are.
pub(crate) struct Prepared<B: Backend, N: Network<B>> {
    pub(crate) point: Point<B, N>,
    active: Option<implicit::Active<B, N>>,
}

impl<B: Backend, N: Network<B>> Prepared<B, N> {
    /// Whether the data for the implicit scheme have been computed here.
    pub(crate) fn is_prepared(&self) -> bool {
        self.active.is_some()
    }

    /// The data that the implicit scheme needs here, computed on the first call.
    pub(crate) fn prepare(
        &mut self,
        evaluator: Evaluator<'_, B, N>,
        settings: ImplicitSteps,
    ) -> (&Point<B, N>, &implicit::Active<B, N>) {
        let Self { point, active } = self;
        let of = || implicit::Active::of(evaluator, point, settings.active_above);
        (point, active.get_or_insert_with(of))
    }
}

impl<B: Backend, N: Network<B>> From<Point<B, N>> for Prepared<B, N> {
    fn from(point: Point<B, N>) -> Self {
        Self { point, active: None }
    }
}
