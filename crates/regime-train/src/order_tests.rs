//! The convergence order of the schemes: how the global error decreases with the step
//! size, measured with fixed steps on a smooth flow.

use std::cell::Cell;

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use regime_models::{Activation, Alpha, DenseSpec, Network, Precision};

use crate::{
    Loss, Momentum, Objective, Scheme, StepRule, System, Targets,
    attempt::{Attempt, Clock},
    evaluate::Evaluator,
    step::{Prepared, attempt},
};

/// The duration of the flow.
const T: f64 = 2.0;

/// The start time: not 0, where a memory time proportional to time vanishes.
const START: f64 = 0.5;

/// The outputs after `n_steps` equal steps.
fn outputs(scheme: Scheme, momentum: Momentum, loss: Loss, n_steps: usize) -> Vec<f64> {
    let net = DenseSpec {
        inputs: 2,
        width: 7,
        hidden_layers: 2,
        activation: Activation::Tanh,
        bias: true,
    }
    .build()
    .unwrap();
    let w: Tensor<Flex, 1> = Precision::F64.vector(&net.initial_weights(4), &FlexDevice);
    let points = [0.3, -1.1, 0.8, 0.2, -0.9, -0.4, 1.2, 0.7, -0.2, 0.9];
    let x = Precision::F64.matrix::<Flex>(&points, [5, 2], &FlexDevice);
    let f0 = Precision::to_host(net.forward(&w, &x));
    let y = vec![1.0, -1.0, 1.0, 1.0, -1.0];
    let objective =
        Objective::new(Alpha::paper(0.7).unwrap(), loss, Targets::signs(y).unwrap(), f0).unwrap();
    let system = System::with_objective(&net, x, objective, w.clone()).unwrap();

    let dt = T / n_steps as f64;
    let work = Cell::default();
    let evaluator = Evaluator { system: &system, work: &work, settled_above: None };
    let mut at: Prepared<_, _> = evaluator.start(w).into();
    let at_rest = at.point.gradient.zeros_like();
    let mut velocity = (momentum != Momentum::None).then_some(at_rest);
    for step in 0..n_steps {
        let clock = Clock { t: START + step as f64 * dt, dt };
        match attempt(&scheme, momentum, evaluator, &mut at, velocity.as_ref(), clock) {
            Attempt::Accepted(accepted) => {
                at = accepted.point.into();
                velocity = accepted.velocity;
            }
            _ => panic!("an infinite tolerance accepts every step"),
        }
    }
    at.point.margins
}

/// The orders from two halvings of the step size.
fn orders(scheme: Scheme, momentum: Momentum, loss: Loss) -> [f64; 2] {
    // A second-order scheme with steps so small that its error is negligible.
    let exact = Scheme::Reference { tolerance: f64::INFINITY, active_above: 0.0 };
    let reference = outputs(exact, momentum, loss, 4096);
    let error = |n_steps: usize| {
        let f = outputs(scheme, momentum, loss, n_steps);
        f.iter().zip(&reference).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
    };
    let errors = [32, 64, 128].map(error);
    [(errors[0] / errors[1]).log2(), (errors[1] / errors[2]).log2()]
}

fn assert_order(orders: [f64; 2], expected: f64) {
    assert!(orders.iter().all(|order| (order - expected).abs() < 0.25), "{orders:?}");
}

const EVERY_MOMENTUM: [Momentum; 3] =
    [Momentum::None, Momentum::Constant { tau: 0.7 }, Momentum::Proportional { mu: 3.0 }];

#[test]
fn the_implicit_scheme_is_of_second_order() {
    let scheme = Scheme::Reference { tolerance: f64::INFINITY, active_above: 0.0 };
    for momentum in EVERY_MOMENTUM {
        for loss in [Loss::Squared, Loss::Logistic] {
            assert_order(orders(scheme, momentum, loss), 2.0);
        }
    }
}

#[test]
fn the_order_is_two_also_when_points_are_left_out_of_the_jacobian() {
    // With this threshold some points are active and some are not.
    let scheme = Scheme::Reference { tolerance: f64::INFINITY, active_above: 0.9 };
    for momentum in EVERY_MOMENTUM {
        assert_order(orders(scheme, momentum, Loss::Logistic), 2.0);
    }
}

#[test]
fn the_explicit_scheme_is_of_first_order() {
    let rule = StepRule::GradientTurn { max_turn: f64::INFINITY, max_output_change: f64::INFINITY };
    for momentum in EVERY_MOMENTUM {
        for loss in [Loss::Squared, Loss::Logistic] {
            assert_order(orders(Scheme::Explicit { rule }, momentum, loss), 1.0);
        }
    }
}
