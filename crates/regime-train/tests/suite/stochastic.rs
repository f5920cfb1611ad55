//! Tests of stochastic training.

use burn_tensor::backend::Backend;
use regime_models::{Activation, ConvolutionalSpec, FeedForward, ImageShape, Precision};
use regime_train::{
    Divergence, End, Flow, FlowSpec, Loss, Moment, Momentum, Sampling, Scheme, StepRule,
    Stochastic, StochasticCheckpoint, StochasticSpec, Stop,
};

use crate::{
    linear::Cliff,
    problem::{InterruptAfter, dense, system},
};

const SAMPLINGS: [Sampling; 3] = [Sampling::ViolatorsV1, Sampling::Violators, Sampling::Points];

fn spec(sampling: Sampling) -> StochasticSpec {
    // Coarser than the paper's, so that a thousand steps reach all margins.
    StochasticSpec {
        sampling,
        temperature: 1e-2,
        momentum: Momentum::Constant { tau: 0.3 },
        undo_above: 0.1,
        grow_below: 0.02,
        stop: Stop { max_steps: 20_000, ..Stop::default() },
        ..StochasticSpec::default()
    }
}

fn bits<B: Backend>(run: &Stochastic<B, &FeedForward>) -> Vec<u64> {
    Precision::to_host(run.weights()).iter().map(|w| w.to_bits()).collect()
}

pub(crate) fn every_sampling_reaches_all_margins<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    for sampling in SAMPLINGS {
        let system = system(&net, &w0, 16, 0.5, Loss::Hinge, device);
        let mut run = Stochastic::start(&system, spec(sampling), 1).unwrap();
        let outcome = run.run().outcome;
        assert_eq!(outcome.end, End::Converged, "{sampling:?}");
        let (first, last) = (outcome.observations[0], *outcome.observations.last().unwrap());
        assert_eq!((first.moment, first.n_violating, first.t), (Moment::Start, 16, 0.0));
        assert_eq!((last.moment, last.n_violating), (Moment::End, 0));
        assert!(last.smallest_margin >= 1.0);
        let (t1, t2) = (outcome.t1.unwrap(), outcome.t2.unwrap());
        assert!(0.0 < t1 && t1 < t2 && t2 <= outcome.t, "{t1} {t2} {}", outcome.t);
        let times: Vec<f64> = outcome.observations.iter().map(|o| o.t).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
}

/// With all points in every batch, training is deterministic.
pub(crate) fn a_batch_of_all_points_is_the_explicit_flow<B: Backend>(device: &B::Device) {
    let n = 12;
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let system = system(&net, &w0, n, 0.7, Loss::Hinge, device);
    let (undo_above, grow_below, tau) = (2e-3, 1e-3, 0.5);
    let spec = StochasticSpec {
        // So small that the first batch has the maximum size.
        temperature: 1e-12,
        largest_batch: n,
        momentum: Momentum::Constant { tau },
        undo_above,
        grow_below,
        ..spec(Sampling::Points)
    };
    let mut batches = Stochastic::start(&system, spec, 3).unwrap();
    let batches = batches.run().outcome;
    let flow = FlowSpec {
        scheme: Scheme::Explicit { rule: StepRule::OutputChange { undo_above, grow_below } },
        momentum: Momentum::Constant { tau },
        ..FlowSpec::default()
    };
    let flow = Flow::start(&system, flow).unwrap().run().outcome;
    assert_eq!((batches.end, flow.end), (End::Converged, End::Converged));
    let (t, s) = (batches.t1.unwrap(), flow.t1.unwrap());
    assert!((t / s - 1.0).abs() < 0.02, "t₁ is {t} and {s}");
    assert!((batches.t / flow.t - 1.0).abs() < 0.05, "{} and {}", batches.t, flow.t);
}

pub(crate) fn resumed_training_is_bit_identical<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let system = system(&net, &w0, 16, 0.5, Loss::Hinge, device);
    for sampling in SAMPLINGS {
        let spec = spec(sampling);
        let mut whole = Stochastic::start(&system, spec, 5).unwrap();
        let outcome = whole.run().outcome;
        // Some of the first trials are rejected: a checkpoint may lie between them.
        for trials in [1, 2, 3, 4, 5, 40] {
            let mut first = Stochastic::start(&system, spec, 5).unwrap();
            assert_eq!(first.run_with(&mut InterruptAfter(trials)).end, End::Interrupted);
            let text = serde_json::to_string(&first.checkpoint()).unwrap();
            let checkpoint: StochasticCheckpoint = serde_json::from_str(&text).unwrap();
            let mut second = Stochastic::resume(&system, spec, 5, checkpoint).unwrap();
            assert!(second.run().outcome == outcome, "{sampling:?} after {trials}");
            assert_eq!(bits(&second), bits(&whole));
        }
    }
}

pub(crate) fn training_depends_only_on_its_seed<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let system = system(&net, &w0, 16, 0.5, Loss::Hinge, device);
    let end = |seed: u64| {
        let spec = spec(Sampling::Violators);
        let mut run = Stochastic::start(&system, spec, seed).unwrap();
        run.run();
        bits(&run)
    };
    assert_eq!(end(1), end(1));
    assert_ne!(end(1), end(2));
}

pub(crate) fn budgets_and_divergence_are_reported<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let run = |alpha: f64, stop: Stop| {
        let system = system(&net, &w0, 16, alpha, Loss::Hinge, device);
        let spec = StochasticSpec { stop, ..spec(Sampling::Violators) };
        Stochastic::start(&system, spec, 1).unwrap().run().outcome
    };
    let steps = run(1.0, Stop { max_steps: 7, ..Stop::default() });
    assert_eq!((steps.end, steps.steps + steps.rejected), (End::StepsSpent, 7));
    let time = run(1.0, Stop { max_time: Some(0.05), ..Stop::default() });
    assert_eq!((time.end, time.t), (End::TimeReached, 0.05));
    let half = run(1.0, Stop { at_half_loss: true, ..Stop::default() });
    assert_eq!(half.end, End::HalfLoss);
    assert!(half.t1.is_some_and(|t| t <= half.t) && half.t2.is_none());
    // The hinge has no slope beyond margin 1.
    let hinge = system(&net, &w0, 16, 1.0, Loss::Hinge, device);
    let stop = Stop { margin: 1.5, ..Stop::default() };
    let beyond = StochasticSpec { stop, ..spec(Sampling::Violators) };
    let refused = Stochastic::start(&hinge, beyond, 1).err().unwrap();
    assert!(refused.to_string().starts_with("stop.margin is 1.5"), "{refused}");
    // The gradient overflows.
    let steep = run(1e-300, Stop::default());
    assert_eq!(steep.end, End::Diverged { quantity: Divergence::Gradient, step: 0 });

    let cliff =
        system(&Cliff, &w0.clone().narrow(0, 0, 2).zeros_like(), 4, 1.0, Loss::Hinge, device);
    let outcome = Stochastic::start(&cliff, spec(Sampling::Points), 1).unwrap().run().outcome;
    assert_eq!(outcome.end, End::Diverged { quantity: Divergence::StepSize, step: 0 });
    assert!(!serde_json::to_string(&outcome.observations).unwrap().contains("null"));
}

pub(crate) fn a_convolutional_net_trains<B: Backend>(device: &B::Device) {
    let image = ImageShape { height: 6, width: 5, channels: 1 };
    let paper = ConvolutionalSpec::setup_b(4);
    let net = ConvolutionalSpec {
        image,
        blocks: 1,
        window: 3,
        activation: Activation::Softplus { beta: 5.0 },
        ..paper
    };
    let net = net.build().unwrap();
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(4), device);
    let stochastic = system(&net, &w0, 10, 0.3, Loss::Hinge, device);
    let mut run = Stochastic::start(&stochastic, spec(Sampling::Violators), 1).unwrap();
    assert_eq!(run.run().end, End::Converged);
    let smooth = system(&net, &w0, 10, 0.3, Loss::SoftHinge { beta: 20.0 }, device);
    let outcome = Flow::start(&smooth, FlowSpec::default()).unwrap().run().outcome;
    assert_eq!(outcome.end, End::Converged);
}
