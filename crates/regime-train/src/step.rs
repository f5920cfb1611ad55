//! One trial step by any scheme.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;

use crate::{
    attempt::{Attempt, Clock},
    explicit, implicit,
    spec::{Momentum, Scheme},
    system::{Point, System},
};

/// One trial step by `scheme`.
pub(crate) fn attempt<B: Backend, N: Network<B>>(
    scheme: &Scheme,
    momentum: Momentum,
    system: &System<'_, B, N>,
    at: &mut Prepared<B, N>,
    velocity: Option<&Tensor<B, 1>>,
    clock: Clock,
) -> Attempt<B, N> {
    match *scheme {
        Scheme::Explicit { rule } => {
            explicit::attempt(rule, momentum, system, &at.point, velocity, clock)
        }
        Scheme::Implicit { tolerance, active_above } => {
            let active = at
                .active
                .get_or_insert_with(|| implicit::Active::of(system, &at.point, active_above));
            let step = implicit::Step { tolerance, momentum, system, active };
            step.attempt(&at.point, velocity, clock)
        }
    }
}

/// A point and what the implicit scheme has computed there; a rejected step leaves both as
/// they are.
pub(crate) struct Prepared<B: Backend, N: Network<B>> {
    pub(crate) point: Point<B, N>,
    active: Option<implicit::Active<B, N>>,
}

impl<B: Backend, N: Network<B>> From<Point<B, N>> for Prepared<B, N> {
    fn from(point: Point<B, N>) -> Self {
        Self { point, active: None }
    }
}
