//! The explicit scheme of the paper, with both step rules.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Network, Tape};

use crate::{
    attempt::{Accepted, Attempt, Clock, Inside},
    evaluate::{Evaluator, Point},
    extremes::largest_change,
    spec::{Momentum, StepRule},
    system::TapeOf,
};

/// The factor by which the step size grows after an accepted step.
const GROWTH: f64 = 1.1;

/// `v ← x v − (1 − x)∇L`, `w ← w + dt·v`, judged by `rule`.
pub(crate) fn attempt<B: Backend, N: Network<B>>(
    rule: StepRule,
    momentum: Momentum,
    evaluator: Evaluator<'_, B, N>,
    at: &Point<B, N>,
    velocity: Option<&Tensor<B, 1>>,
    clock: Clock,
) -> Attempt<B, N> {
    let Clock { t, dt } = clock;
    let v = match velocity {
        Some(velocity) => momentum.pull(velocity, at.gradient.clone(), (t, dt)),
        None => at.gradient.clone().neg(),
    };
    let trial = evaluator.trial(at.w.clone() + v.clone().mul_scalar(dt), at);
    let change = largest_change(&trial.margins, &at.margins);
    let rejected = Attempt::Rejected { dt: dt / 10.0 };

    let (point, growth) = match rule {
        StepRule::OutputChange { undo_above, grow_below } => {
            // Written so that a NaN change is rejected.
            if !(change <= undo_above) {
                return rejected;
            }
            let growth = if change == 0.0 {
                10.0
            } else if change < grow_below {
                GROWTH
            } else {
                1.0
            };
            (evaluator.point(trial), growth)
        }
        StepRule::GradientTurn { max_turn, max_output_change } => {
            if !(change < max_output_change) {
                return rejected;
            }
            let point = evaluator.point(trial);
            if !(turn::<B, N>(&at.tape, &at.gradient, &point.gradient) < max_turn) {
                return rejected;
            }
            (point, GROWTH)
        }
    };
    let velocity = (momentum != Momentum::None).then_some(v);
    Attempt::Accepted(Box::new(Accepted {
        point,
        velocity,
        clock: Clock { t: t + dt, dt: dt * growth },
        inside: Inside::unknown(),
    }))
}

/// `‖g − g'‖²/(‖g‖‖g'‖)`; zero when the gradient vanishes after the step, as it does
/// when the last margin of a hinge is reached. A metric may be singular; then rounding
/// can make a square negative.
fn turn<B: Backend, N: Network<B>>(
    tape: &TapeOf<B, N>,
    before: &Tensor<B, 1>,
    after: &Tensor<B, 1>,
) -> f64 {
    let square = |v: Tensor<B, 1>| tape.inner(v.clone(), v);
    let (first, last) = (square(before.clone()), square(after.clone()));
    if last <= 0.0 {
        return 0.0;
    }
    square(before.clone() - after.clone()) / (first * last).sqrt()
}
