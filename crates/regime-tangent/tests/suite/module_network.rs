//! Burn modules as networks: against the Jacobian of each output and against differences.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use burn::{
    module::{Module, Param},
    nn::{Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig},
    tensor::{DType, Int, Tensor, TensorData, backend::Backend},
};
use burn_flex::Flex;
use ndarray::{Array1, Array2};
use regime_models::{Network, Trace};
use regime_tangent::{
    ModuleError, ModuleFunction, ModuleNetwork, Precision, Tape, diagonal, full_kernel,
    in_precision, jacobian, kernel,
    kit::{OnBackend, audit},
    multiply,
};

use crate::module::{DEVICE, Grad, distance, host, numbers, points};

/// Two layers that share a matrix, a frozen shift, and three outputs.
#[derive(Module, Debug)]
struct Net<B: Backend> {
    first: Linear<B>,
    second: Linear<B>,
    shift: Param<Tensor<B, 1>>,
    head: Linear<B>,
}

impl<B: Backend> Net<B> {
    fn new(device: &B::Device) -> Self {
        B::seed(device, 5);
        let first = LinearConfig::new(3, 3).init(device);
        let head = LinearConfig::new(3, 3).with_bias(false).init(device);
        let first: Linear<B> = in_precision(first, Precision::F64);
        let shift = Precision::F64.vector(&[0.3, -0.2, 0.1], device);
        Self {
            second: first.clone(),
            first,
            shift: Param::from_tensor(shift).set_require_grad(false),
            head: in_precision(head, Precision::F64),
        }
    }

    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let z = self.first.forward(x).tanh() + self.shift.val().unsqueeze();
        self.head.forward(self.second.forward(z).tanh())
    }
}

fn forward(m: &Net<Grad>, x: Tensor<Grad, 2>) -> Tensor<Grad, 2> {
    m.forward(x)
}

fn vector(values: &[f64]) -> Tensor<Flex, 1> {
    Precision::F64.vector(values, &DEVICE)
}

/// The Jacobian of a network by central differences, `[nK·P]`.
pub(crate) fn by_differences<N: Network<Flex>>(
    net: &N,
    w: &Tensor<Flex, 1>,
    x: &Tensor<Flex, 2>,
) -> Vec<f64> {
    let (values, p) = (host(w.clone()), net.n_params());
    let (n, precision) = (x.dims()[0] * net.n_outputs(), Precision::of(w.dtype()));
    let step = if precision == Precision::F64 { 1e-5 } else { 1e-2 };
    let mut jacobian = vec![0.0; n * p];
    for column in 0..p {
        let moved = |by: f64| {
            let mut values = values.clone();
            values[column] += by;
            host(net.forward(&precision.vector(&values, &DEVICE), x))
        };
        for (row, (up, down)) in moved(step).iter().zip(moved(-step)).enumerate() {
            jacobian[row * p + column] = (up - down) / (2.0 * step);
        }
    }
    jacobian
}

#[test]
fn a_module_is_a_network_output_by_output() {
    let (module, x) = (Net::<Grad>::new(&DEVICE), points(5, 3));
    let net = ModuleNetwork::new(&module, forward, x.clone()).unwrap();
    // The shared matrix and its bias once, the frozen shift not at all.
    assert_eq!((net.n_inputs(), net.n_outputs(), net.n_params()), (3, 3, 9 + 3 + 9));
    assert_eq!(net.layer_ranges(), [0..12, 12..21]);
    let w = net.values() + vector(&numbers(21, 3)).mul_scalar(0.1);
    let function = ModuleFunction::new(&module, forward, x.clone()).unwrap().with_values(&w);

    let (n, trace) = (5, net.trace(&w, &x));
    let rows = host(function.outputs());
    let expected: Vec<f64> = (0..15).map(|at| rows[at % n * 3 + at / n]).collect();
    assert_eq!(host(net.forward(&w, &x)), expected);
    assert_eq!(host(trace.output()), expected);

    let tape = trace.linearise();
    let j = host(jacobian(&tape));
    assert!(distance(&j, &by_differences(&net, &w, &x)) < 1e-8);
    let theta = full_kernel(&function.tapes(1 << 20).unwrap());
    assert!(distance(&host(kernel(&tape)), &host(theta)) < 1e-14);
}

#[test]
fn a_tape_that_stores_rows_agrees_with_one_that_does_not() {
    // More points than one batch holds.
    let (module, x, n) = (Net::<Grad>::new(&DEVICE), points(131, 3), 131);
    let net = ModuleNetwork::new(&module, forward, x.clone()).unwrap();
    let (w, unheld) = (net.values(), net.clone().with_jacobian_limit(0));
    let held = net.trace(&w, &x).linearise();
    let unheld = unheld.trace(&w, &x).linearise();
    let row = |row: usize| {
        let mut g = vec![0.0; 3 * n];
        g[row] = 1.0;
        host(unheld.vjp(vector(&g)))
    };
    let (v, g) = (|| vector(&numbers(21, 8)), vector(&numbers(3 * n, 9)));
    // The adjoint of J v: g·(J v) = (Jᵀ g)·v.
    let left = (g.clone() * held.jvp(v())).sum().into_scalar();
    let right = (held.vjp(g.clone()) * v()).sum().into_scalar();
    assert!((f64::from(left) - f64::from(right)).abs() < 1e-11);
    assert!(distance(&host(held.jvp(v())), &host(unheld.jvp(v()))) < 1e-13);
    assert!(distance(&host(multiply(&held, g.clone())), &host(multiply(&unheld, g))) < 1e-13);

    // Rows of several outputs of the same point, one of them twice.
    let rows = [130, 2 * n, 7, n + 7, 7, 2 * n + 130];
    let weights = [1.0, -2.0, 0.5, 3.0, 0.25, 1.5];
    let mut sum = vec![0.0; 21];
    for (at, weight) in rows.iter().zip(weights) {
        sum.iter_mut().zip(row(*at)).for_each(|(sum, entry)| *sum += weight * entry);
    }
    for tape in [&held, &unheld] {
        let some = tape.select(&rows);
        assert!(distance(&host(some.vjp(vector(&weights))), &sum) < 1e-13);
        let last = some.select(&[5]);
        assert!(
            distance(&host(last.vjp(vector(&[2.0]))), &{
                row(2 * n + 130).iter().map(|entry| 2.0 * entry).collect::<Vec<_>>()
            }) < 1e-13
        );
        let theta = host(kernel(&some));
        assert!(
            distance(&host(diagonal(&some)), &[0, 7, 14, 21, 28, 35].map(|at| theta[at])) < 1e-13
        );
    }
}

#[test]
fn the_check_is_not_repeated() {
    let (module, x) = (Net::<Grad>::new(&DEVICE), points(300, 3));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = |m: &Net<Grad>, x: Tensor<Grad, 2>| {
        calls.fetch_add(1, Relaxed);
        m.forward(x)
    };
    let net = ModuleNetwork::new(&module, counted, x.clone()).unwrap();
    let taken = || calls.swap(0, Relaxed);
    // The shape; the first 128 points: twice, alone, half of them, reversed; eight gradients alone
    // and together; and all points in three batches, with their outputs and their gradients.
    assert_eq!(taken(), 1 + (2 + 128 + 2) + (8 + 1) + 3 + 3);
    let w = net.values();
    let trace = net.trace(&w, &x);
    assert_eq!(taken(), 3, "one evaluation in three batches");
    let tape = trace.linearise();
    assert_eq!(taken(), 0, "a tape computes what its products need");
    let _ = tape.vjp(vector(&[1.0; 900]));
    assert_eq!(taken(), 3, "all outputs share a pass");
    let some = tape.select(&[0, 300, 601]);
    let _ = some.jvp(w.clone());
    assert_eq!(taken(), 3, "one pass for each row");
    let _ = kernel(&some);
    assert_eq!(taken(), 0, "the rows are stored");
    net.check(&x.narrow(0, 0, 4)).unwrap();
    assert_eq!(taken(), (2 + 4 + 2) + (4 + 1) + 1);
}

#[test]
fn a_module_is_given_back_with_other_weights() {
    let (module, x) = (Net::<Grad>::new(&DEVICE), points(4, 3));
    let net = ModuleNetwork::new(&module, forward, x.clone()).unwrap();
    let before = host(net.forward(&net.values(), &x));
    let w = vector(&numbers(21, 4));
    let moved = net.module(&w);
    let again = ModuleNetwork::new(&moved, forward, x.clone()).unwrap();
    assert_eq!(host(again.values()), numbers(21, 4));
    assert_eq!(host(again.forward(&w, &x)), host(net.forward(&w, &x)));
    let id = |layer: &Linear<Grad>| layer.weight.id;
    assert_eq!(id(&moved.first), id(&module.first));
    assert_eq!(host(moved.first.weight.val()), host(moved.second.weight.val()));
    assert_eq!(host(moved.shift.val()), [0.3, -0.2, 0.1]);
    assert!(!moved.shift.is_require_grad() && moved.head.weight.is_require_grad());
    // The module that was given has not changed.
    assert_eq!(host(net.forward(&net.values(), &x)), before);
}

/// The test kit's invariants of a network: kernels, products, batches, groups, flows.
#[test]
fn a_module_satisfies_the_invariants_of_a_network() {
    let module = Net::<Grad>::new(&DEVICE);
    let forward = |m: &Net<Grad>, x: Tensor<Grad, 2>| m.forward(x).narrow(1, 0, 1);
    let net = ModuleNetwork::new(&module, forward, points(3, 3)).unwrap();
    for limit in [0, 1 << 20] {
        let net = net.clone().with_jacobian_limit(limit);
        let x = Array2::from_shape_vec((5, 3), numbers(15, 6)).unwrap();
        let w = Array1::from_vec(numbers(21, 3));
        assert_eq!(audit(&OnBackend::new(&net, &DEVICE), w.view(), x.view()), []);
    }
}

/// Points keep their shape in the module and are rows in the network.
#[test]
fn points_of_a_network_have_the_shape_of_the_module() {
    let layer = in_precision(LinearConfig::new(2, 2).init::<Grad>(&DEVICE), Precision::F64);
    let forward = |m: &Linear<Grad>, x: Tensor<Grad, 3>| {
        assert_eq!(x.dims()[1..], [4, 2]);
        m.forward(x).tanh().sum_dim(1).squeeze_dim::<2>(1)
    };
    let x = points(3, 8).reshape([3, 4, 2]);
    let net = ModuleNetwork::new(&layer, forward, x.clone()).unwrap();
    let inputs = net.inputs(x.clone()).unwrap();
    assert_eq!((inputs.dims(), net.n_inputs()), ([3, 8], 8));
    let function = ModuleFunction::new(&layer, forward, x.clone()).unwrap();
    let outputs = host(function.outputs().transpose());
    assert_eq!(host(net.forward(&net.values(), &inputs)), outputs);

    let error = net.inputs(x.swap_dims(1, 2)).unwrap_err();
    assert_eq!(error, ModuleError::PointShape { found: vec![2, 4], expected: vec![4, 2] });
    let error = net.check(&points(3, 7)).unwrap_err();
    assert!(matches!(error, ModuleError::PointShape { .. }), "{error}");
}

/// An embedding of seven tokens, and a layer.
#[derive(Module, Debug)]
struct Words<B: Backend> {
    table: Embedding<B>,
    head: Linear<B>,
}

fn words() -> Words<Grad> {
    let table = EmbeddingConfig::new(7, 3).init(&DEVICE);
    in_precision(Words { table, head: LinearConfig::new(3, 2).init(&DEVICE) }, Precision::F64)
}

fn of_words(m: &Words<Grad>, t: Tensor<Grad, 2, Int>) -> Tensor<Grad, 2> {
    m.head.forward(m.table.forward(t).sum_dim(1).squeeze_dim::<2>(1).tanh())
}

fn tokens(values: &[i64]) -> Tensor<Flex, 2, Int> {
    let n = values.len() / 3;
    Tensor::from_data(TensorData::new(values.to_vec(), [n, 3]), &DEVICE)
}

#[test]
fn a_module_of_tokens_is_a_network() {
    let sample = tokens(&[0, 1, 2, 3, 4, 6, 6, 6, 1]);
    let net = ModuleNetwork::of_tokens(&words(), of_words, sample.clone()).unwrap();
    let x = net.token_inputs(sample).unwrap();
    assert_eq!(host(x.clone()), [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 6.0, 6.0, 1.0]);
    assert_eq!((net.n_params(), net.n_outputs()), (7 * 3 + 8, 2));
    let w = net.values();
    let tape = net.trace(&w, &x).linearise();
    assert!(distance(&host(jacobian(&tape)), &by_differences(&net, &w, &x)) < 1e-8);
    // Token 5 occurs in no point.
    let all = host(tape.vjp(vector(&[1.0; 6])));
    assert!(all[15..18].iter().all(|g| *g == 0.0) && all[18] != 0.0);
}

#[test]
fn numbers_that_are_not_tokens_are_refused() {
    let net = |sample| ModuleNetwork::of_tokens(&words(), of_words, sample);
    let refused = |values: &[i64]| net(tokens(values)).map(drop).unwrap_err();
    let negative = refused(&[0, 1, 2, 3, -1, 2]);
    assert_eq!(negative, ModuleError::Token { point: 1, value: -1.0 });
    let outside = refused(&[0, 1, 2, 3, 7, 2]);
    assert!(matches!(outside, ModuleError::Panicked { .. }), "{outside}");
    assert!(outside.to_string().contains("token may be out of range"), "{outside}");

    let net = net(tokens(&[0, 1, 2])).unwrap();
    let checked = |values: [f64; 3]| net.check(&Precision::F64.matrix(&values, [1, 3], &DEVICE));
    assert_eq!(checked([3.0, 6.0, 0.0]), Ok(()));
    let error = checked([3.0, 1.5, 0.0]).unwrap_err();
    assert_eq!(error, ModuleError::Token { point: 0, value: 1.5 });
    assert!(error.to_string().contains("whole numbers"), "{error}");
    assert!(matches!(checked([3.0, f64::NAN, 0.0]), Err(ModuleError::Token { .. })));
    assert!(matches!(checked([3.0, 7.0, 0.0]), Err(ModuleError::Panicked { .. })));
}

/// A late point with an output that is not finite is found without its own check.
#[test]
fn all_sample_points_are_evaluated() {
    let layer = in_precision(LinearConfig::new(1, 1).init::<Grad>(&DEVICE), Precision::F64);
    let forward = |m: &Linear<Grad>, x: Tensor<Grad, 2>| m.forward(x.clone()) * x.log();
    let x: Vec<f64> = (0..200).map(|i| if i == 170 { -1.0 } else { 1.0 }).collect();
    let x = Precision::F64.matrix::<Flex>(&x, [200, 1], &DEVICE);
    let error = ModuleNetwork::new(&layer, forward, x).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "output 0 of point 170 is NaN");
}

/// The root of `|w + x|` has no derivative at 0, and the outputs do not show it.
#[test]
fn all_sample_points_have_finite_derivatives() {
    let config = LinearConfig::new(1, 1).with_bias(false);
    let mut layer = in_precision(config.init::<Grad>(&DEVICE), Precision::F64);
    layer.weight = Param::from_tensor(Precision::F64.matrix(&[1.0], [1, 1], &DEVICE));
    let forward = |m: &Linear<Grad>, x: Tensor<Grad, 2>| (m.weight.val() + x).abs().sqrt();
    for (n, fault) in [(30, 20), (200, 170)] {
        let x: Vec<f64> = (0..n).map(|i| if i == fault { -1.0 } else { 1.0 }).collect();
        let x = Precision::F64.matrix::<Flex>(&x, [n, 1], &DEVICE);
        let error = ModuleNetwork::new(&layer, forward, x.clone()).map(drop).unwrap_err();
        assert!(
            matches!(&error, ModuleError::NotFinite { point, .. } if *point == fault),
            "{error}"
        );
        assert!(error.to_string().contains("`weight`"), "{error}");
        let net = ModuleNetwork::new(&layer, forward, x.clone().narrow(0, 0, 9)).unwrap();
        let again = net.check(&x).unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
    }
}

/// A recurrent layer in float32, the default type of the device.
#[test]
fn an_lstm_is_a_network() {
    let lstm = LstmConfig::new(2, 3, true).init::<Grad>(&DEVICE);
    let forward = |m: &Lstm<Grad>, x: Tensor<Grad, 3>| m.forward(x, None).1.hidden;
    let x = points(3, 8).cast(DType::F32).reshape([3, 4, 2]);
    let net = ModuleNetwork::new(&lstm, forward, x.clone()).unwrap();
    let (w, x) = (net.values(), net.inputs(x).unwrap());
    assert_eq!((w.dtype(), net.n_params()), (DType::F32, 4 * 3 * (2 + 3 + 2)));
    let tape = net.trace(&w, &x).linearise();
    assert!(distance(&host(jacobian(&tape)), &by_differences(&net, &w, &x)) < 1e-3);
}
