//! Faults that were found by reading: what is refused, and what is not.

use burn_flex::{Flex, FlexDevice};
use ndarray::{Array2, array};
use regime_models::{Activation, DenseSpec, FeedForward, Network, Precision, Rates, WithRates};
use regime_train::{
    Checkpoint, End, Flow, FlowError, FlowSpec, KernelModel, Loss, Moment, Recorder, Sampling,
    Scheme, StepRule, Stochastic, StochasticCheckpoint, StochasticSpec, Stop, System,
    WeightsByLayer,
};

use crate::{
    flow::worst,
    problem::{InterruptAfter, dense, numbers, system},
};

fn soft() -> Loss {
    Loss::SoftHinge { beta: 20.0 }
}

fn with(net: &FeedForward, seed: u64, alpha: f64, loss: Loss) -> System<Flex, &FeedForward> {
    let w0 = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &FlexDevice);
    system(net, &w0, 16, alpha, loss, &FlexDevice)
}

#[test]
fn violators_are_drawn_for_hinges_only() {
    let net = dense(2, 12);
    for sampling in [Sampling::Violators, Sampling::ViolatorsV1, Sampling::Points] {
        let spec = StochasticSpec { sampling, ..StochasticSpec::default() };
        let start = |loss| Stochastic::start(with(&net, 2, 0.5, loss), spec, 1).err();
        for loss in [Loss::Hinge, Loss::QuadraticHinge, soft()] {
            assert_eq!(start(loss), None);
        }
        for loss in [Loss::Squared, Loss::Logistic] {
            let refused = start(loss);
            let right = sampling == Sampling::Points;
            assert_eq!(refused.is_none(), right, "{loss:?} {sampling:?} {refused:?}");
            assert!(right || matches!(refused, Some(FlowError::NoViolators { .. })));
        }
    }
    // A spec that names its sampling keeps it; a new one takes the unbiased sampling.
    let read = |text| serde_json::from_str::<StochasticSpec>(text).unwrap().sampling;
    assert_eq!(read("{}"), Sampling::Violators);
    assert_eq!(read(r#"{"sampling": "violators-v1"}"#), Sampling::ViolatorsV1);
}

/// The hinge has no curvature: the steps of the adaptive and of the reference scheme are then
/// explicit steps of second order with an estimated error, which is right and not refused.
#[test]
fn a_hinge_under_the_implicit_schemes_agrees_with_tiny_explicit_steps() {
    let net = dense(2, 12);
    let hinge = with(&net, 2, 0.5, Loss::Hinge);
    let x = Precision::F64.matrix::<Flex>(&numbers(32, 17), [16, 2], &FlexDevice);
    // Until a time at which some margins are reached and others are not.
    let run = |scheme| {
        let stop = Stop { max_time: Some(3.0), ..Stop::default() };
        let mut flow =
            Flow::start(&hinge, FlowSpec { scheme, stop, ..FlowSpec::default() }).unwrap();
        let end = flow.run();
        assert!(matches!(end.end, End::TimeReached | End::Converged), "{scheme:?}: {end}");
        (end.t1.unwrap(), end.outputs(&x).unwrap(), end.steps)
    };
    let rule = StepRule::OutputChange { undo_above: 1e-3, grow_below: 1e-4 };
    let (t1, f, steps) = run(Scheme::Explicit { rule });
    for scheme in [Scheme::adaptive(), Scheme::reference()] {
        let (t, g, n) = run(scheme);
        assert!((t / t1 - 1.0).abs() < 0.02, "{scheme:?}: t₁ is {t} and {t1}");
        assert!(worst(&f, &g) < 0.03, "{scheme:?}: {}", worst(&f, &g));
        assert!(n < steps, "{scheme:?}: {n} and {steps} steps");
    }
}

#[test]
fn a_checkpoint_belongs_to_its_problem() {
    let net = dense(2, 12);
    let spec = FlowSpec::default();
    let right = with(&net, 2, 0.5, soft());
    let mut flow = Flow::start(&right, spec).unwrap();
    flow.run_with(&mut InterruptAfter(10));
    let text = serde_json::to_string(&flow.checkpoint()).unwrap();
    let read = || serde_json::from_str::<Checkpoint>(&text).unwrap();
    let expected = flow.run();
    let resumed = Flow::resume(&right, spec, read()).unwrap().run();
    assert_eq!(resumed.outcome, expected.outcome);

    // The same lengths.
    let refused = |system| match Flow::resume(system, spec, read()) {
        Err(FlowError::OtherProblem { part }) => part,
        other => panic!("{:?}", other.map(drop)),
    };
    assert_eq!(refused(with(&net, 3, 0.5, soft())), "initial weights");
    assert_eq!(refused(with(&net, 2, 0.6, soft())), "targets, α, loss or network");
    assert_eq!(refused(with(&net, 2, 0.5, Loss::Logistic)), "targets, α, loss or network");
    let w0 = right.initial_weights();
    let x = Precision::F64.matrix::<Flex>(&numbers(32, 18), [16, 2], &FlexDevice);
    let other = System::with_objective(&net, x, right.objective().clone(), w0).unwrap();
    assert_eq!(refused(other), "inputs");

    // A checkpoint of an earlier version has neither the digest nor the count of the landing.
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fields = old.as_object_mut().unwrap();
    assert!(fields.remove("digest").is_some() && fields.remove("landing_retries").is_some());
    let old: Checkpoint = serde_json::from_value(old).unwrap();
    let resumed = Flow::resume(&right, spec, old).unwrap().run();
    assert_eq!(resumed.outcome, expected.outcome);

    let stop = Stop { max_steps: 60, ..Stop::default() };
    let spec = StochasticSpec { stop, ..StochasticSpec::default() };
    let mut run = Stochastic::start(&right, spec, 1).unwrap();
    run.run_with(&mut InterruptAfter(10));
    let checkpoint: StochasticCheckpoint =
        serde_json::from_str(&serde_json::to_string(&run.checkpoint()).unwrap()).unwrap();
    let expected = run.run();
    let resumed = Stochastic::resume(&right, spec, 1, checkpoint.clone()).unwrap().run();
    assert_eq!(resumed.outcome, expected.outcome);
    let other = Stochastic::resume(with(&net, 3, 0.5, soft()), spec, 1, checkpoint).err();
    assert_eq!(other, Some(FlowError::OtherProblem { part: "initial weights" }));
}

/// The part of the problem that a checkpoint of `from` does not share with `to`.
fn other_part<N: Network<Flex>>(
    from: &System<Flex, N>,
    to: &System<Flex, N>,
) -> Option<&'static str> {
    let mut flow = Flow::start(from, FlowSpec::default()).unwrap();
    flow.run_with(&mut InterruptAfter(3));
    let text = serde_json::to_string(&flow.checkpoint()).unwrap();
    let read = || serde_json::from_str::<Checkpoint>(&text).unwrap();
    Flow::resume(from, FlowSpec::default(), read()).map(drop).unwrap();
    // A digest of an earlier version has neither outputs nor rates.
    let mut old: serde_json::Value = serde_json::from_str(&text).unwrap();
    let digest = old["digest"].as_object_mut().unwrap();
    assert!(digest.remove("outputs").is_some() && digest.remove("rates").is_some());
    let old: Checkpoint = serde_json::from_value(old).unwrap();
    Flow::resume(from, FlowSpec::default(), old).map(drop).unwrap();
    match Flow::resume(to, FlowSpec::default(), read()) {
        Ok(_) => None,
        Err(FlowError::OtherProblem { part }) => Some(part),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_checkpoint_knows_the_activation_the_kernel_and_the_rates() {
    let net = |activation| {
        DenseSpec { inputs: 2, width: 12, hidden_layers: 2, activation, bias: true }
            .build()
            .unwrap()
    };
    let (relu, tanh) = (net(Activation::Relu), net(Activation::Tanh));
    let [a, b] = [&relu, &tanh].map(|net| with(net, 2, 0.5, soft()));
    assert_eq!(other_part(&a, &b), Some("initial outputs"));
    assert_eq!(other_part(&a, &with(&relu, 2, 0.5, soft())), None);

    let w0 = Precision::F64.vector::<Flex>(&relu.initial_weights(2), &FlexDevice);
    let n_params = <FeedForward as Network<Flex>>::n_params(&relu);
    let [one, two] = [1.0, 2.0].map(|rate| {
        let rates = Rates::per_parameter(&vec![rate; n_params]).unwrap();
        WithRates::new::<Flex>(&relu, rates).unwrap()
    });
    let [a, b] = [&one, &two].map(|net| system(net, &w0, 16, 0.5, soft(), &FlexDevice));
    let part = other_part(&a, &b).unwrap();
    assert!(part.starts_with("initial rates of the outputs"), "{part}");

    let kernel = |theta: Array2<f64>| {
        let model =
            KernelModel::<Flex>::from_host(theta.view(), Precision::F64, &FlexDevice).unwrap();
        System::of_kernel(model).signs([1.0, -1.0]).loss(soft()).build().unwrap()
    };
    let (a, b) = (array![[2.0, 0.5], [0.5, 1.0]], array![[2.0, 0.6], [0.6, 1.0]]);
    let part = other_part(&kernel(a), &kernel(b)).unwrap();
    assert!(part.starts_with("initial rates of the outputs"), "{part}");
}

#[test]
fn a_recorder_continues_with_the_readings_before_an_interruption() {
    let net = dense(2, 12);
    let system = with(&net, 2, 0.5, soft());
    let spec = FlowSpec::default();
    let moments = [Moment::Start, Moment::Scheduled, Moment::End];
    let probe = || WeightsByLayer::from(&net, &system.initial_weights());
    let mut whole = Recorder::new(probe(), &moments);
    Flow::start(&system, spec).unwrap().run_with(&mut whole);

    let mut first = Recorder::new(probe(), &moments);
    let mut flow = Flow::start(&system, spec).unwrap();
    flow.run_with(&mut (&mut first, InterruptAfter(10)));
    // Both as written to a file and read back.
    let text = serde_json::to_string(&(flow.checkpoint(), first.into_readings())).unwrap();
    let (checkpoint, readings) = serde_json::from_str::<(Checkpoint, Vec<_>)>(&text).unwrap();
    assert!(!readings.is_empty());
    let mut second = Recorder::resume(probe(), &moments, readings);
    Flow::resume(&system, spec, checkpoint).unwrap().run_with(&mut second);
    assert_eq!(second.readings(), whole.readings());
}
