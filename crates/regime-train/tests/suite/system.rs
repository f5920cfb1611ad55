//! Tests of systems and their builder.

use std::sync::Arc;

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use ndarray::{Array2, array};
use regime_models::{Alpha, FeedForward, Network, Precision, Rates, WithRates};
use regime_train::{
    Flow, FlowError, FlowSpec, KernelModel, KernelModelError, Linearised, Loss, Objective,
    ObjectiveError, System, SystemBuilder, SystemError, Targets,
};

use crate::{
    flow::worst,
    problem::{dense, labels, numbers},
};

const LOSS: Loss = Loss::SoftHinge { beta: 20.0 };

fn points(n: usize) -> Array2<f64> {
    Array2::from_shape_vec((n, 2), numbers(n * 2, 17)).unwrap()
}

fn builder(alpha: f64) -> SystemBuilder<Flex, FeedForward> {
    System::builder(dense(2, 12), points(8))
        .signs(labels(&numbers(16, 17), 2))
        .alpha(Alpha::paper(alpha).unwrap())
        .loss(LOSS)
}

fn host(w: Tensor<Flex, 1>) -> Vec<f64> {
    Precision::to_host(w)
}

#[test]
fn a_builder_gives_the_same_flow_as_an_objective_made_by_hand() {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<Flex>(&net.initial_weights(2), &FlexDevice);
    let x = Precision::F64.matrix::<Flex>(&numbers(16, 17), [8, 2], &FlexDevice);
    let f0 = Precision::to_host(net.forward(&w0, &x));
    let targets = Targets::signs(labels(&numbers(16, 17), 2)).unwrap();
    let objective = Objective::new(Alpha::paper(0.5).unwrap(), LOSS, targets, f0).unwrap();
    let by_hand = System::with_objective(&net, &x, objective, &w0).unwrap();
    let expected = Flow::start(&by_hand, FlowSpec::default()).unwrap().run();

    let from_host = builder(0.5).seed(2).build().unwrap();
    let shared = System::builder(Arc::new(dense(2, 12)), x)
        .targets(Targets::signs(labels(&numbers(16, 17), 2)).unwrap())
        .alpha(Alpha::paper(0.5).unwrap())
        .loss(LOSS)
        .weights(&w0)
        .build()
        .unwrap();
    let end = Flow::start(from_host, FlowSpec::default()).unwrap().run();
    assert_eq!((&end.outcome, host(end.weights())), (&expected.outcome, host(expected.weights())));
    let end = Flow::start(shared, FlowSpec::default()).unwrap().run();
    assert_eq!((&end.outcome, host(end.weights())), (&expected.outcome, host(expected.weights())));
    let text = end.to_string();
    assert!(text.starts_with("Converged at t = ") && text.contains(", t₁ = "), "{text}");
    assert!(text.ends_with(&format!(", {} steps", end.steps)), "{text}");
}

#[test]
fn outputs_and_kernels_at_any_points() {
    let alpha = 0.5;
    let system = builder(alpha).seed(2).build().unwrap();
    let x = array![[0.3, -0.2], [1.5, 0.1], [-0.4, 0.9]];
    assert_eq!(system.outputs(system.initial_weights(), &x).unwrap(), [0.0; 3]);
    let mut flow = Flow::start(&system, FlowSpec::default()).unwrap();
    let before = flow.kernel(&x).unwrap();
    assert_eq!(before, system.kernel(&x).unwrap());
    let end = flow.run();
    assert_eq!(flow.time(), end.t);

    let net = dense(2, 12);
    let tensor =
        Precision::F64.matrix::<Flex>(&x.iter().copied().collect::<Vec<_>>(), [3, 2], &FlexDevice);
    let [f, f0] =
        [flow.weights(), system.initial_weights()].map(|w| host(net.forward(&w, &tensor)));
    let expected: Vec<f64> = f.iter().zip(f0).map(|(f, f0)| alpha * (f - f0)).collect();
    assert_eq!(flow.outputs(&x).unwrap(), expected);
    assert_eq!(end.outputs(&tensor).unwrap(), expected);
    assert_eq!(end.kernel(x.view()).unwrap(), flow.kernel(&x).unwrap());
    assert_ne!(flow.kernel(&x).unwrap(), before);
    // On the training points, F has the sign of the labels.
    let on_train = flow.outputs(points(8)).unwrap();
    assert!(on_train.iter().zip(labels(&numbers(16, 17), 2)).all(|(f, y)| f * y >= 1.0));
}

#[test]
fn parts_that_do_not_fit_are_errors() {
    let error = |builder: SystemBuilder<Flex, FeedForward>| builder.build().unwrap_err();
    let message = |builder| error(builder).to_string();
    assert!(message(builder(1.0)).contains("no initial weights: call `.seed(…)`"));
    let bare = || System::<Flex, _>::builder(dense(2, 12), points(8)).seed(1);
    assert!(message(bare()).contains("no targets: call `.targets(…)`"));
    assert!(message(bare().signs(vec![1.0; 8])).contains("no α: call `.alpha(…)`"));
    let alpha = Alpha::paper(1.0).unwrap();
    assert!(message(bare().signs(vec![1.0; 8]).alpha(alpha)).contains("no loss"));

    let counts = SystemError::Counts { inputs: 8, targets: 7 };
    assert_eq!(error(builder(1.0).seed(1).signs(vec![1.0; 7])), counts);
    let label = ObjectiveError::Label { index: 1, value: 0.0 };
    assert_eq!(error(builder(1.0).seed(1).signs([1.0, 0.0])), SystemError::Objective(label));
    let outputs = SystemError::Outputs { network: 1, targets: 3 };
    assert_eq!(error(builder(1.0).seed(1).classes(vec![0; 8], 3)), outputs);
    let n_params = <FeedForward as Network<Flex>>::n_params(&dense(2, 12));
    let weights = SystemError::Weights { found: 3, n_params };
    assert_eq!(error(builder(1.0).weights(vec![0.0; 3])), weights);
    let infinite = SystemError::WeightNotFinite { index: 0, value: f64::INFINITY };
    assert_eq!(error(builder(1.0).weights(vec![f64::INFINITY; n_params])), infinite);
    let of = |x: Array2<f64>| {
        let made = System::<Flex, _>::builder(dense(2, 12), x).signs([1.0]).alpha(alpha);
        error(made.loss(LOSS).seed(1))
    };
    assert_eq!(of(array![[1.0, 2.0, 3.0]]), SystemError::Columns { columns: 3, n_inputs: 2 });
    assert_eq!(of(Array2::zeros((0, 2))), SystemError::NoPoints);
    let nan = of(array![[1.0, f64::NAN]]).to_string();
    assert_eq!(nan, "coordinate 1 of point 0 is NaN, but must be finite");

    let system = builder(1.0).seed(1).build().unwrap();
    let wide = array![[1.0, 2.0, 3.0]];
    assert_eq!(system.kernel(&wide), Err(SystemError::Columns { columns: 3, n_inputs: 2 }));
    assert_eq!(
        system.outputs(vec![0.0], points(2)),
        Err(SystemError::Weights { found: 1, n_params })
    );
    let kernel = system.kernel_at(vec![f64::NAN; n_params], points(2)).unwrap_err();
    assert!(matches!(kernel, SystemError::KernelNotFinite { row: 0, column: 0, .. }), "{kernel}");
    let short = Flow::start_at(&system, FlowSpec::default(), vec![0.0]).err();
    assert_eq!(short, Some(FlowError::System(SystemError::Weights { found: 1, n_params })));
}

#[test]
fn a_system_of_a_frozen_kernel_needs_no_inputs_and_no_weights() {
    let system = builder(1e5).seed(2).build().unwrap();
    let w0 = system.initial_weights();
    let others = Precision::F64.matrix::<Flex>(&[0.3, -0.2, 1.5, 0.1], [2, 2], &FlexDevice);
    let frozen = system.frozen_with_points(&w0, &others, 1).unwrap();
    let end = Flow::start(&frozen, FlowSpec::default()).unwrap().run();

    // The same model, put together by hand.
    let x = Precision::F64.matrix::<Flex>(&numbers(16, 17), [8, 2], &FlexDevice);
    let model = KernelModel::of(system.network(), &w0, &x).unwrap();
    let by_hand =
        System::of_kernel(model).signs(labels(&numbers(16, 17), 2)).loss(LOSS).build().unwrap();
    let mut flow = Flow::start(&by_hand, FlowSpec::default()).unwrap();
    let by_hand = flow.run();
    let training = || frozen.network().training_points();
    // F does not depend on α.
    let (f, g) = (by_hand.outputs(training()).unwrap(), end.outputs(training()).unwrap());
    assert!(worst(&f, &g) < 1e-6, "{f:?} {g:?}");

    // At large α the network follows it, on training points and others.
    let network = Flow::start(&system, FlowSpec::default()).unwrap().run();
    let model = frozen.network();
    let of_kernel = [model.training_points(), model.other_points().unwrap()];
    for (x, numbers) in [x, others.clone()].into_iter().zip(of_kernel) {
        let (f, g) = (network.outputs(x).unwrap(), end.outputs(numbers).unwrap());
        assert!(worst(&f, &g) < 1e-2, "{f:?} {g:?}");
    }
    let both = end.outputs(model.numbers(&[0, 9]).unwrap()).unwrap();
    let first = end.outputs(model.training_points()).unwrap()[0];
    assert!((both[0] - first).abs() < 1e-12);
    let unknown = KernelModelError::Point { point: 10, n: 10 };
    assert_eq!(model.numbers(&[3, 10]).err(), Some(unknown));

    // A linearised network owns its network and holds its weights.
    let linear = Linearised::at(dense(2, 12), w0);
    let linear = System::builder(linear, points(8))
        .signs(labels(&numbers(16, 17), 2))
        .alpha(Alpha::paper(1.0).unwrap())
        .loss(LOSS)
        .origin()
        .build()
        .unwrap();
    let linear = Flow::start(linear, FlowSpec::default()).unwrap().run();
    let (f, g) = (linear.outputs(&others).unwrap(), network.outputs(&others).unwrap());
    assert!(worst(&f, &g) < 1e-2, "{f:?} {g:?}");
}

#[test]
fn points_that_a_frozen_kernel_does_not_have_are_errors() {
    let system = builder(1.0).seed(2).build().unwrap();
    let frozen = system.frozen(&system.initial_weights()).unwrap();
    for x in [0.3, -1.0, 8.0] {
        let x = array![[0.0], [x]];
        let refused = frozen.outputs(frozen.initial_weights(), &x).unwrap_err();
        assert!(matches!(&refused, SystemError::Inputs(_)), "{refused}");
        assert!(refused.to_string().contains("is not a point of a frozen kernel"), "{refused}");
        assert_eq!(frozen.kernel(&x), Err(refused));
    }
    assert!(frozen.kernel(array![[0.0], [7.0]]).is_ok());
    let w0 = system.initial_weights();
    let x = Precision::F64.matrix::<Flex>(&[0.3, -0.2, 1.5, 0.1], [2, 2], &FlexDevice);
    let frozen = system.frozen_with_points(&w0, &x, 1).unwrap();
    let refused = frozen.kernel(array![[0.0], [8.0]]).unwrap_err().to_string();
    assert!(refused.starts_with("point 8 is not one of the 8 training points"), "{refused}");
    assert_eq!(frozen.outputs(frozen.initial_weights(), array![[8.0], [9.0]]), Ok(vec![0.0; 2]));
}

#[test]
fn weights_of_arrays_and_seeds_of_networks_with_rates() {
    let net = dense(2, 12);
    let w0 = net.initial_weights(2);
    let system = builder(1.0).weights(&w0).build().unwrap();
    let array = ndarray::Array1::from(w0.clone());
    for f in [
        system.outputs(&array, points(3)),
        system.outputs(array.view(), points(3)),
        system.outputs(array.clone(), points(3)),
    ] {
        assert_eq!(f, Ok(vec![0.0; 3]));
    }
    let rates = Rates::per_parameter(&vec![2.0; w0.len()]).unwrap();
    let rated = System::<Flex, _>::builder(WithRates::new::<Flex>(net, rates).unwrap(), points(8))
        .signs(labels(&numbers(16, 17), 2))
        .alpha(Alpha::paper(1.0).unwrap())
        .loss(LOSS)
        .seed(2)
        .build()
        .unwrap();
    assert_eq!(host(rated.initial_weights()), w0);
    let (doubled, kernel) = (rated.kernel(points(3)).unwrap(), system.kernel(points(3)).unwrap());
    assert!(
        doubled.iter().zip(&kernel).all(|(a, b)| (a - 2.0 * b).abs() < 1e-12 * b.abs().max(1.0))
    );
}

#[test]
fn float32_refuses_an_alpha_at_which_rounding_exceeds_the_tolerance() {
    let start = |alpha: f64| {
        let system = builder(alpha).seed(2).precision(Precision::F32).build().unwrap();
        (Flow::start(&system, FlowSpec::default()).map(drop), system)
    };
    assert_eq!(start(1e3).0, Ok(()));
    let (refused, system) = start(1e8);
    let Err(FlowError::Rounding { alpha, rounding, allowed, largest }) = refused else {
        panic!("{refused:?}")
    };
    assert!(alpha == 1e8 && (allowed - 0.01).abs() < 1e-15 && rounding > allowed);
    // The limit that the error states is the limit.
    assert_eq!(start(0.99 * largest).0, Ok(()));
    assert!(start(1.01 * largest).0.is_err());
    Flow::start(system.accept_rounding(), FlowSpec::default()).unwrap();
    // In float64, the same α is far from its limit.
    Flow::start(builder(1e8).seed(2).build().unwrap(), FlowSpec::default()).unwrap();

    // F of the same weights in both precisions, at other weights than the initial ones: it differs
    // by the rounding of the estimate at least.
    let exact = builder(1e8).seed(2).build().unwrap();
    let net = dense(2, 12);
    let near: Vec<f64> = net.initial_weights(2).iter().map(|w| w * (1.0 + 1e-5)).collect();
    let f = exact.outputs(near.clone(), points(8)).unwrap();
    let system = builder(1e8).seed(2).precision(Precision::F32).build().unwrap();
    let g = system.outputs(near, points(8)).unwrap();
    assert!(worst(&f, &g) > 0.3 * rounding, "{} {rounding}", worst(&f, &g));
}
