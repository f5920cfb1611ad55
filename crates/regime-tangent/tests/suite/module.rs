//! Kernels of burn modules: comparisons with the structured kernels and with differences,
//! and modules that are refused.

use burn::{
    module::{Module, Param},
    nn::{
        BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, Lstm, LstmConfig,
    },
    tensor::{DType, Tensor, backend::Backend},
};
use burn_autodiff::Autodiff;
use burn_flex::{Flex, FlexDevice};
use ndarray::{Array1, Array2};
use regime_models::{
    Activation, ConvolutionalSpec, DenseSpec, FeedForward, ImageShape, Network, NetworkSpec, Trace,
    WideResNetSpec,
};
use regime_tangent::{
    Difference, ModuleError, ModuleFunction, Precision, Tape, cross_kernel, diagonal, in_precision,
    jacobian, kernel,
    kit::{Claim, OnModule, WithKernel, audit},
    multiply,
};

pub(crate) type Grad = Autodiff<Flex>;
pub(crate) const DEVICE: FlexDevice = FlexDevice;
const LIMIT: u64 = 1 << 28;

/// A network of `regime-models` as a module: its flat vector of parameters.
#[derive(Module, Debug)]
pub(crate) struct Flat<B: Backend> {
    pub(crate) w: Param<Tensor<B, 1>>,
}

/// A module with shared parameters: `first` is used twice, and `second` is the same
/// parameter.
#[derive(Module, Debug)]
struct Sharing<B: Backend> {
    first: Param<Tensor<B, 2>>,
    second: Param<Tensor<B, 2>>,
    head: Head<B>,
    unused: Param<Tensor<B, 1>>,
}

#[derive(Module, Debug)]
struct Head<B: Backend> {
    weight: Param<Tensor<B, 2>>,
    bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> Sharing<B> {
    /// From the numbers of `first`, `head.weight` and `head.bias`, and one unused.
    fn of(values: &[f64], device: &B::Device) -> Self {
        let matrix = |range: std::ops::Range<usize>| {
            Param::from_tensor(Precision::F64.matrix(&values[range], [2, 2], device))
        };
        let vector = |range: std::ops::Range<usize>| {
            Param::from_tensor(Precision::F64.vector(&values[range], device))
        };
        let first = matrix(0..4);
        Self {
            second: first.clone(),
            first,
            head: Head { weight: matrix(4..8), bias: vector(8..10) },
            unused: vector(10..11),
        }
    }

    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let a = x.matmul(self.first.val()).tanh();
        let b = a.matmul(self.first.val()).tanh();
        let c = b.matmul(self.second.val()).tanh();
        c.matmul(self.head.weight.val()) + self.head.bias.val().unsqueeze()
    }
}

pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f64> {
    (0..n).map(|i| 1.7 * ((i as f64 + 1.0) * (seed as f64 + 0.37)).sin()).collect()
}

pub(crate) fn points(n: usize, d: usize) -> Tensor<Flex, 2> {
    Precision::F64.matrix(&numbers(n * d, 5), [n, d], &DEVICE)
}

fn sharing() -> (Sharing<Grad>, Vec<f64>) {
    let values = numbers(11, 2);
    (Sharing::of(&values, &DEVICE), values)
}

fn forward(m: &Sharing<Grad>, x: Tensor<Grad, 2>) -> Tensor<Grad, 2> {
    m.forward(x)
}

pub(crate) fn host<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    Precision::to_host(tensor)
}

/// The largest difference of two lists in units of the largest entry.
pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().chain(b).fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0, |m: f64, (a, b)| larger(m, (a - b).abs())) / scale
}

/// The larger of two numbers, and NaN if one is NaN.
fn larger(most: f64, value: f64) -> f64 {
    if most.is_nan() || value <= most { most } else { value }
}

fn of_every_architecture() -> Vec<NetworkSpec> {
    let image = ImageShape { height: 6, width: 5, channels: 2 };
    let dense = |inputs, width, activation, bias| {
        NetworkSpec::Dense(DenseSpec { inputs, width, hidden_layers: 3, activation, bias })
    };
    let convolutional = ConvolutionalSpec {
        image,
        width: 4,
        blocks: 1,
        convolutions: 2,
        window: 3,
        padding: 1,
        activation: Activation::Softplus { beta: 5.0 },
        bias: true,
    };
    let paper = WideResNetSpec::paper(image, 1);
    vec![
        dense(3, 7, Activation::Relu, true),
        dense(1, 1, Activation::Gelu, true),
        dense(31, 33, Activation::Softplus { beta: 5.0 }, false),
        NetworkSpec::Convolutional(convolutional),
        NetworkSpec::Convolutional(ConvolutionalSpec { bias: false, ..convolutional }),
        NetworkSpec::WideResNet(WideResNetSpec {
            depth: 10,
            base: 2,
            activation: Activation::Silu { beta: 1.0 },
            ..paper
        }),
    ]
}

fn problem(spec: &NetworkSpec, n: usize) -> (FeedForward, Vec<f64>, Vec<f64>) {
    let net = spec.build().unwrap();
    let noise = numbers(net.n_params(), 11);
    let w = net.initial_weights(3).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
    let x = numbers(n * net.n_inputs(), 17);
    (net, w, x)
}

fn structured_kernels_agree_with_brute_force<B: Backend>(device: &B::Device) {
    for spec in of_every_architecture() {
        for n in [1, 3, 7] {
            let (net, w, x) = problem(&spec, n);
            let d = net.n_inputs();
            let x = Precision::F64.matrix::<B>(&x, [n, d], device);
            let tape = net.trace(&Precision::F64.vector(&w, device), &x).linearise();

            let w = Param::from_tensor(Precision::F64.vector::<Autodiff<B>>(&w, device));
            let forward = |m: &Flat<Autodiff<B>>, x: Tensor<Autodiff<B>, 2>| {
                let n = x.dims()[0];
                net.forward(&m.w.val(), &x).reshape([n, 1])
            };
            let function = ModuleFunction::new(&Flat { w }, forward, x).unwrap();
            let [brute] = &function.tapes(LIMIT).unwrap()[..] else { panic!("one output") };
            // Rows of the Jacobian, their products, and the structured kernel.
            assert!(distance(&host(jacobian(&tape)), &host(brute.jacobian())) < 1e-10);
            let j = brute.jacobian();
            let expected = host(j.clone().matmul(j.transpose()));
            assert!(distance(&host(kernel(&tape)), &expected) < 1e-10, "{spec:?} {n}");
            assert!(distance(&host(kernel(brute)), &expected) < 1e-12);
        }
    }
}

#[test]
fn structured_kernels_agree_with_brute_force_on_flex() {
    structured_kernels_agree_with_brute_force::<Flex>(&DEVICE);
}

#[test]
fn structured_kernels_agree_with_brute_force_on_ndarray() {
    let device = burn_ndarray::NdArrayDevice::Cpu;
    structured_kernels_agree_with_brute_force::<burn_ndarray::NdArray>(&device);
}

#[test]
fn a_shared_parameter_is_one_parameter() {
    let (module, values) = sharing();
    let x = points(5, 2);
    let function = ModuleFunction::new(&module, forward, x.clone()).unwrap();
    let entries = function.parameters().entries();
    let names: Vec<&[String]> = entries.iter().map(|entry| &entry.names[..]).collect();
    assert_eq!(names[0], ["first", "second"]);
    assert_eq!(names[1], ["head.weight"]);
    assert_eq!(function.parameters().n_params(), 11);

    let f = |values: &[f64]| host(Sharing::<Flex>::of(values, &DEVICE).forward(x.clone()));
    let e = 1e-5;
    let tapes = function.tapes(LIMIT).unwrap();
    assert_eq!(tapes.len(), 2);
    for (k, tape) in tapes.iter().enumerate() {
        let j = host(tape.jacobian());
        for p in 0..11 {
            let moved = |e: f64| {
                let mut values = values.clone();
                values[p] += e;
                f(&values)
            };
            let (up, down) = (moved(e), moved(-e));
            for i in 0..5 {
                let slope = (up[2 * i + k] - down[2 * i + k]) / (2.0 * e);
                let found = j[11 * i + p];
                assert!((found - slope).abs() < 1e-8, "{k} {i} {p}: {found} is not {slope}");
            }
        }
        // No output depends on the last parameter, and no output on the bias of the other.
        assert!((0..5).all(|i| j[11 * i + 10] == 0.0 && j[11 * i + 9 - k] == 0.0));
    }
}

#[test]
fn groups_of_parameters_add_up() {
    let (module, _) = sharing();
    let function = ModuleFunction::new(&module, forward, points(4, 2)).unwrap();
    let tape = &function.tapes(LIMIT).unwrap()[1];
    let whole = host(kernel(tape));
    let sum = |parts: Vec<Tensor<Flex, 2>>| host(parts.into_iter().reduce(|a, b| a + b).unwrap());
    let group = |prefix: &str| kernel(&tape.group(prefix).unwrap());
    assert!(distance(&sum(vec![group("first"), group("head"), group("unused")]), &whole) < 1e-14);
    // By the other name of a shared parameter, and as a sum of subgroups.
    assert_eq!(host(group("second")), host(group("first")));
    let parts = sum(vec![group("head.weight"), group("head.bias")]);
    assert!(distance(&parts, &host(group("head"))) < 1e-14);
    let layers = tape.layers();
    let names: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["", "head"]);
    let layers = layers.iter().map(|(_, layer)| kernel(layer)).collect();
    assert!(distance(&sum(layers), &whole) < 1e-14);

    // A prefix of a name is not a path.
    let error = tape.group("hea").unwrap_err();
    let ModuleError::NoGroup { known, .. } = &error else { panic!("{error}") };
    assert!(known.contains(&"head.bias".to_owned()));

    // Differentiation with respect to the group alone gives the same kernel.
    let alone = ModuleFunction::of_group(&module, forward, points(4, 2), "head").unwrap();
    assert_eq!(alone.parameters().n_params(), 6);
    let theta = host(kernel(&alone.tapes(LIMIT).unwrap()[1]));
    assert!(distance(&theta, &host(group("head"))) < 1e-14);
    let alone = ModuleFunction::of_group(&module, forward, points(4, 2), "second").unwrap();
    let theta = host(kernel(&alone.tapes(LIMIT).unwrap()[1]));
    assert!(distance(&theta, &host(group("first"))) < 1e-14);
    let none = ModuleFunction::of_group(&module, forward, points(4, 2), "tail").unwrap_err();
    assert!(matches!(none, ModuleError::NoGroup { .. }));
}

#[test]
fn an_unheld_tape_agrees_with_a_held_tape() {
    let (module, _) = sharing();
    // More points than one batch holds.
    let function = ModuleFunction::new(&module, forward, points(131, 2)).unwrap();
    let (held, unheld) = (function.tapes(LIMIT).unwrap(), function.matrix_free_tapes());
    for (held, unheld) in held.iter().zip(&unheld) {
        assert_eq!(unheld.n_params(), 11);
        let (v, g) = (numbers(11, 8), numbers(131, 9));
        let v = || Precision::F64.vector(&v, &DEVICE);
        let g = || Precision::F64.vector(&g, &DEVICE);
        assert!(distance(&host(held.jvp(v())), &host(unheld.jvp(v()))) < 1e-13);
        assert!(distance(&host(held.vjp(g())), &host(unheld.vjp(g()))) < 1e-13);
        assert!(distance(&host(multiply(held, g())), &host(multiply(unheld, g()))) < 1e-13);
        let some = |tape: &dyn Fn(&[usize]) -> Vec<f64>| tape(&[130, 0, 7, 7]);
        let of_held = some(&|points| host(kernel(&held.select(points))));
        let of_unheld = some(&|points| host(kernel(&unheld.select(points))));
        assert!(distance(&of_held, &of_unheld) < 1e-13);
        let (a, b) = (held.select(&[3, 5]), unheld.select(&[3, 5]));
        assert!(distance(&host(diagonal(&a)), &host(diagonal(&b))) < 1e-13);
    }
    let two = function.at(points(131, 2).narrow(0, 2, 3)).unwrap().tapes(LIMIT).unwrap();
    let cross = host(cross_kernel(&two[0], &held[0]));
    let whole = host(kernel(&held[0]));
    assert!(distance(&cross, &whole[2 * 131..5 * 131]) < 1e-13);
}

#[test]
fn points_may_be_of_any_rank() {
    let w = Param::from_tensor(Precision::F64.vector::<Grad>(&[0.5, -1.0], &DEVICE));
    // f = Σ w₀ x + w₁ x², over maps.
    let forward = |m: &Flat<Grad>, x: Tensor<Grad, 4>| {
        let [n, a, b, c] = x.dims();
        let x = x.reshape([n, a * b * c]);
        let features = Tensor::cat(vec![x.clone().sum_dim(1), x.square().sum_dim(1)], 1);
        features.matmul(m.w.val().reshape([2, 1]))
    };
    let values: Vec<f64> = (0..16).map(|i| f64::from(i) - 3.0).collect();
    let maps = Precision::F64.matrix::<Flex>(&values, [2, 8], &DEVICE).reshape([2, 2, 2, 2]);
    let function = ModuleFunction::new(&Flat { w }, forward, maps).unwrap();
    let tape = &function.tapes(LIMIT).unwrap()[0];
    let rows = |x: &[f64]| [x.iter().sum::<f64>(), x.iter().map(|x| x * x).sum()];
    let expected = [rows(&values[..8]), rows(&values[8..])].concat();
    assert_eq!(host(tape.jacobian()), expected);
}

#[test]
fn frozen_parameters_are_constants() {
    let (mut module, _) = sharing();
    module.head = module.head.no_grad();
    let function = ModuleFunction::new(&module, forward, points(3, 2)).unwrap();
    assert_eq!(function.parameters().names(), ["first", "second", "unused"]);
    let (whole, _) = sharing();
    let whole = ModuleFunction::new(&whole, forward, points(3, 2)).unwrap();
    let expected = whole.tapes(LIMIT).unwrap()[0].group("first").unwrap();
    let theta = host(kernel(&function.tapes(LIMIT).unwrap()[0]));
    assert!(distance(&theta, &host(kernel(&expected))) < 1e-14);
    let frozen = module.no_grad();
    let none = ModuleFunction::new(&frozen, forward, points(3, 2)).unwrap_err();
    assert_eq!(none, ModuleError::NoParameters);
}

/// A module with a batch norm and a dropout, both optional.
#[derive(Module, Debug)]
struct Normalised<B: Backend> {
    layers: Vec<Linear<B>>,
    norm: Option<BatchNorm<B>>,
    drop: Dropout,
}

impl<B: Backend> Normalised<B> {
    fn new(norm: bool, prob: f64, device: &B::Device) -> Self {
        let layer = |inputs| LinearConfig::new(inputs, 3).init(device);
        let net = Self {
            layers: vec![layer(2), layer(3)],
            norm: norm.then(|| BatchNormConfig::new(3).init(device)),
            drop: DropoutConfig::new(prob).init(),
        };
        in_precision(net, Precision::F64)
    }

    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        let mut z = self.layers[0].forward(x);
        if let Some(norm) = &self.norm {
            z = norm.forward(z);
        }
        self.layers[1].forward(self.drop.forward(z.tanh()))
    }
}

fn refused(module: &Normalised<Grad>, n: usize) -> ModuleError {
    let forward = |m: &Normalised<Grad>, x| m.forward(x);
    ModuleFunction::new(module, forward, points(n, 2)).expect_err("the module should be refused")
}

#[test]
fn batch_norm_is_refused_and_named() {
    for n in [1, 2, 5] {
        let error = refused(&Normalised::new(true, 0.0, &DEVICE), n);
        let ModuleError::Mixes { layer: Some(layer), is_called: true, difference } = &error else {
            panic!("{error}")
        };
        assert_eq!(layer, "norm: BatchNorm");
        assert!(matches!(difference, Difference::Output { point: 0, .. }), "{error}");
    }
}

#[test]
fn a_batch_norm_with_zero_scale_is_found_by_the_gradient() {
    let mut module = Normalised::<Grad>::new(true, 0.0, &DEVICE);
    let norm = module.norm.as_mut().unwrap();
    norm.gamma = norm.gamma.clone().map(|gamma| gamma.zeros_like().require_grad());
    for n in [1, 4] {
        let error = refused(&module, n);
        let ModuleError::Mixes { layer: Some(layer), is_called: true, difference } = &error else {
            panic!("{error}")
        };
        assert_eq!(layer, "norm: BatchNorm");
        let Difference::Gradient { parameter, .. } = difference else { panic!("{error}") };
        assert_eq!(parameter, "norm.gamma");
    }
}

#[test]
fn dropout_is_refused_and_named_unless_it_is_off() {
    for (n, prob) in [(1, 0.5), (4, 0.5), (1, 1e-9)] {
        let error = refused(&Normalised::new(false, prob, &DEVICE), n);
        let ModuleError::Random { layer: Some(layer), .. } = &error else { panic!("{error}") };
        assert_eq!(layer, "drop: Dropout");
        assert!(error.to_string().contains("`drop: Dropout` is random"), "{error}");
    }
    let module = Normalised::<Grad>::new(false, 0.0, &DEVICE);
    let forward = |m: &Normalised<Grad>, x| m.forward(x);
    let function = ModuleFunction::new(&module, forward, points(4, 2)).unwrap();
    let names = function.parameters().names();
    assert_eq!(names[..2], ["layers.0.weight", "layers.0.bias"]);
    assert_eq!(function.tapes(LIMIT).unwrap().len(), 3);
}

#[test]
fn other_mixing_is_refused_and_the_point_is_named() {
    let (module, _) = sharing();
    let centred = |m: &Sharing<Grad>, x: Tensor<Grad, 2>| {
        let f = m.forward(x);
        let mean = f.clone().mean_dim(0);
        f - mean
    };
    let error = ModuleFunction::new(&module, centred, points(3, 2)).unwrap_err();
    let ModuleError::Mixes { layer: None, difference, .. } = &error else { panic!("{error}") };
    let Difference::Output { point: 0, output: 0, second, .. } = difference else {
        panic!("{error}")
    };
    assert_eq!(*second, 0.0);
    assert!(error.to_string().contains("point 0"), "{error}");

    // Only the gradient depends on the other points.
    let hidden = |m: &Sharing<Grad>, x: Tensor<Grad, 2>| {
        let f = m.forward(x);
        let mean = f.clone().mean_dim(0);
        f + (mean.clone() - mean.detach())
    };
    let error = ModuleFunction::new(&module, hidden, points(3, 2)).unwrap_err();
    let ModuleError::Mixes { difference: Difference::Gradient { .. }, .. } = &error else {
        panic!("{error}")
    };
}

#[test]
fn invalid_modules_are_refused() {
    let (module, _) = sharing();
    let x = points(3, 2);
    let flat = |m: &Sharing<Grad>, x: Tensor<Grad, 2>| m.forward(x).reshape([1, 6]);
    let error = ModuleFunction::new(&module, flat, x.clone()).unwrap_err();
    assert_eq!(error, ModuleError::Outputs { rows: 1, columns: 6, points: 3 });

    let single = x.clone().cast(DType::F32);
    let error = ModuleFunction::new(&module, forward, single).unwrap_err();
    let ModuleError::ElementType { name, found, expected } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), *found, *expected), ("first", DType::F64, DType::F32));

    let function = ModuleFunction::new(&module, forward, x.clone()).unwrap();
    // Two Jacobians of 3 × 11 numbers of 8 bytes, twice.
    let error = function.tapes(1055).unwrap_err();
    assert!(matches!(error, ModuleError::Memory { needed: 1056, limit: 1055, .. }), "{error}");
    assert!(function.tapes(1056).is_ok());

    // A layer that is cloned before it is initialised becomes two layers with one identifier.
    #[derive(Module, Debug)]
    struct Twice<B: Backend> {
        a: Linear<B>,
        b: Linear<B>,
    }
    let a = LinearConfig::new(2, 2).init::<Grad>(&DEVICE);
    let twice = in_precision(Twice { b: a.clone(), a }, Precision::F64);
    let forward = |m: &Twice<Grad>, x: Tensor<Grad, 2>| m.b.forward(m.a.forward(x));
    let error = ModuleFunction::new(&twice, forward, x.clone()).unwrap_err();
    let shared = ModuleError::Shared { first: "a.weight".into(), second: "b.weight".into() };
    assert_eq!(error, shared);
    let a = in_precision(LinearConfig::new(2, 2).init::<Grad>(&DEVICE), Precision::F64);
    let twice = Twice { b: a.clone(), a };
    let function = ModuleFunction::new(&twice, forward, x).unwrap();
    assert_eq!(function.parameters().n_params(), 6);
}

#[test]
fn the_kit_checks_a_module() {
    let (module, values) = sharing();
    let function = ModuleFunction::new(&module, forward, points(5, 2)).unwrap();
    let x = Array2::from_shape_vec((5, 2), numbers(10, 5)).unwrap();
    for output in 0..2 {
        let claim = OnModule::new(&function, output);
        assert_eq!(claim.weights().to_vec(), values);
        for seed in [3, 4] {
            let w = Array1::from_vec(numbers(11, seed));
            assert_eq!(audit(&claim, w.view(), x.view()), []);
        }
    }
    // The kernel of the other output is rejected.
    let (first, second) = (OnModule::new(&function, 0), OnModule::new(&function, 1));
    let swapped = WithKernel::new(first, |w, x| second.kernel(w, x));
    let w = Array1::from_vec(numbers(11, 3));
    assert!(!audit(&swapped, w.view(), x.view()).is_empty());
}

/// A root at zero has an infinite slope: the error names the point, wherever it is.
#[test]
fn derivatives_that_are_not_finite_are_refused() {
    let w = Param::from_tensor(Precision::F64.vector::<Grad>(&[0.5], &DEVICE));
    let module = Flat { w };
    let forward = |m: &Flat<Grad>, x: Tensor<Grad, 2>| (x * m.w.val().unsqueeze()).sqrt();
    let with_zero_at = |zero: usize| {
        let x: Vec<f64> = (0..12).map(|i| if i == zero { 0.0 } else { 1.0 + i as f64 }).collect();
        Precision::F64.matrix::<Flex>(&x, [12, 1], &DEVICE)
    };
    // Only the first points are differentiated by the check.
    let early = ModuleFunction::new(&module, forward, with_zero_at(3)).map(drop).unwrap_err();
    let late = ModuleFunction::new(&module, forward, with_zero_at(10)).unwrap();
    let late = late.tapes(LIMIT).map(drop).unwrap_err();
    for (error, at) in [(early, 3), (late, 10)] {
        let ModuleError::NotFinite { quantity, point, value } = &error else { panic!("{error}") };
        assert!((*point, value.is_finite()) == (at, false), "{error}");
        assert_eq!(quantity, "a derivative with respect to `w`");
    }
    let negative = Precision::F64.matrix::<Flex>(&[1.0, -1.0], [2, 1], &DEVICE);
    let error = ModuleFunction::new(&module, forward, negative).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "output 0 of point 1 is NaN");
}

/// A recurrent layer makes its state in float32, and so does not fit into float64.
#[test]
fn a_panic_of_the_module_is_an_error_that_says_what_to_do() {
    let lstm: Lstm<Grad> = in_precision(LstmConfig::new(2, 3, true).init(&DEVICE), Precision::F64);
    let forward = |m: &Lstm<Grad>, x: Tensor<Grad, 3>| {
        let (out, _) = m.forward(x, None);
        let [n, _, h] = out.dims();
        out.narrow(1, 1, 1).reshape([n, h])
    };
    let x = points(4, 4).reshape([4, 2, 2]);
    let error = ModuleFunction::new(&lstm, forward, x).map(drop).unwrap_err();
    assert!(matches!(error, ModuleError::Panicked { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("set_default_dtypes") && text.lines().count() == 1, "{text}");
}
