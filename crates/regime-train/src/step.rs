//! What every scheme does: try a step, and say how it went.

use burn::tensor::{Tensor, backend::Backend};
use regime_models::Network;

use crate::{
    explicit, implicit,
    spec::{Momentum, Scheme},
    system::{Point, System},
};

/// The clock of a flow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clock {
    /// Time, in the flow's unit.
    pub(crate) t: f64,
    /// The step to try next.
    pub(crate) dt: f64,
}

/// A step that was accepted.
pub(crate) struct Accepted<B: Backend, N: Network<B>> {
    pub(crate) point: Point<B, N>,
    /// The velocity after the step; `None` without momentum.
    pub(crate) velocity: Option<Tensor<B, 1>>,
    /// Time and next step size.
    pub(crate) clock: Clock,
}

/// How a trial step went.
pub(crate) enum Attempt<B: Backend, N: Network<B>> {
    Accepted(Box<Accepted<B, N>>),
    /// Undone; the smaller step to try next.
    Rejected {
        dt: f64,
    },
}

/// One trial step.
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

/// A point and what the implicit scheme has worked out there, which a rejected
/// step leaves as it is.
pub(crate) struct Prepared<B: Backend, N: Network<B>> {
    pub(crate) point: Point<B, N>,
    active: Option<implicit::Active<B, N>>,
}

impl<B: Backend, N: Network<B>> From<Point<B, N>> for Prepared<B, N> {
    fn from(point: Point<B, N>) -> Self {
        Self { point, active: None }
    }
}
