//! What every tangent kernel must obey, as property tests over every backend.

use burn::tensor::{Tensor, backend::Backend};
use faer::{Mat, Side};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use regime_models::{
    Activation, Alpha, ConvolutionalSpec, DenseSpec, FeedForward, ImageShape, Network, NetworkSpec,
    Precision, Tape, Trace, WideResNetSpec,
};
use regime_tangent::{
    TILE, contracted_kernel, cross_kernel, diagonal, jacobian, kernel, layer_kernels, multiply,
};

macro_rules! on_every_backend {
    ($($name:ident),* $(,)?) => {
        mod flex {
            $(#[test] fn $name() { super::$name::<burn_flex::Flex>(&burn_flex::FlexDevice) })*
        }
        mod ndarray {
            $(#[test] fn $name() {
                super::$name::<burn_ndarray::NdArray>(&burn_ndarray::NdArrayDevice::Cpu)
            })*
        }
    };
}

on_every_backend!(
    symmetric_positive_with_the_trace_of_the_gradients,
    all_ways_to_the_kernel_agree,
    layers_add_up,
    independent_of_batches_tiles_and_order,
    alpha_enters_squared_and_f0_not_at_all,
    relu_without_biases_is_homogeneous,
);

/// A problem: a network, its weights (with biases that are not zero) and points.
#[derive(Debug, Clone)]
struct Problem {
    net: FeedForward,
    w: Vec<f64>,
    x: Vec<f64>,
    n: usize,
}

impl Problem {
    fn of(spec: NetworkSpec, n: usize, seed: u64) -> Self {
        let net = spec.build().expect("the strategies give sizes that fit");
        let noise = numbers(net.n_params(), seed ^ 0xabcd);
        let w = net.initial_weights(seed).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
        Self { x: numbers(n * net.n_inputs(), seed), net, w, n }
    }

    fn tape<B: Backend>(&self, device: &B::Device) -> impl Tape<B> + use<B> {
        self.tape_at(&self.x, device)
    }

    fn tape_at<B: Backend>(&self, x: &[f64], device: &B::Device) -> impl Tape<B> + use<B> {
        let d = self.net.n_inputs();
        let w = Precision::F64.vector::<B>(&self.w, device);
        let x = Precision::F64.matrix::<B>(x, [x.len() / d, d], device);
        self.net.trace(&w, &x).linearise()
    }
}

/// Every architecture in awkward sizes.
fn problems(activation: BoxedStrategy<Activation>) -> BoxedStrategy<Problem> {
    let n = || prop::sample::select(vec![1usize, 2, 3, 7, 31, 32, 33]);
    let few = || prop::sample::select(vec![1usize, 3, 5]);
    let biases = || any::<bool>().boxed();
    prop_oneof![
        2 => (dense(activation.clone(), biases()), n(), any::<u64>()),
        1 => (convolutional(activation.clone(), biases()), few(), any::<u64>()),
        1 => (wide_resnet(activation), few(), any::<u64>()),
    ]
    .prop_map(|(spec, n, seed)| Problem::of(spec, n, seed))
    .boxed()
}

fn dense(
    activation: BoxedStrategy<Activation>,
    bias: BoxedStrategy<bool>,
) -> BoxedStrategy<NetworkSpec> {
    let sizes = || prop::sample::select(vec![1usize, 2, 3, 7, 31, 32, 33]);
    (sizes(), sizes(), 1..4usize, activation, bias)
        .prop_map(|(inputs, width, hidden_layers, activation, bias)| {
            NetworkSpec::Dense(DenseSpec { inputs, width, hidden_layers, activation, bias })
        })
        .boxed()
}

fn convolutional(
    activation: BoxedStrategy<Activation>,
    bias: BoxedStrategy<bool>,
) -> BoxedStrategy<NetworkSpec> {
    let image = (5..9usize, 5..9usize, 1..3usize)
        .prop_map(|(height, width, channels)| ImageShape { height, width, channels });
    (image, 1..3usize, 2..4usize, 1..6usize, activation, bias)
        .prop_map(|(image, convolutions, window, width, activation, bias)| {
            NetworkSpec::Convolutional(ConvolutionalSpec {
                image,
                width,
                blocks: 1,
                convolutions,
                window,
                padding: 1,
                activation,
                bias,
            })
        })
        .boxed()
}

fn wide_resnet(activation: BoxedStrategy<Activation>) -> BoxedStrategy<NetworkSpec> {
    (1..5usize, 1..5usize, 1..3usize, activation)
        .prop_map(|(height, width, base, activation)| {
            let image = ImageShape { height, width, channels: 2 };
            let paper = WideResNetSpec::paper(image, 1);
            NetworkSpec::WideResNet(WideResNetSpec { depth: 10, base, activation, ..paper })
        })
        .boxed()
}

fn activations() -> BoxedStrategy<Activation> {
    prop::sample::select(vec![
        Activation::Relu,
        Activation::Softplus { beta: 5.0 },
        Activation::Tanh,
        Activation::Silu { beta: 1.0 },
        Activation::Gelu,
    ])
    .boxed()
}

fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| 3.4 * (next() - 0.5)).collect()
}

fn for_all<S: Strategy>(
    cases: u32,
    strategy: S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        rng,
    );
    if let Err(error) = runner.run(&strategy, check) {
        panic!("{error}");
    }
}

fn host<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    Precision::to_host(tensor)
}

/// The largest difference of two lists in units of the largest entry.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().chain(b).fold(f64::MIN_POSITIVE, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / scale
}

/// Invariant 1.
fn symmetric_positive_with_the_trace_of_the_gradients<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let n = problem.n;
        let tape = problem.tape::<B>(device);
        let theta = host(kernel(&tape));
        for i in 0..n {
            for j in 0..i {
                prop_assert_eq!(theta[i * n + j].to_bits(), theta[j * n + i].to_bits());
            }
        }
        let matrix = Mat::from_fn(n, n, |i, j| theta[i * n + j]);
        let eigenvalues = matrix.self_adjoint_eigenvalues(Side::Lower).unwrap();
        let norm = theta.iter().map(|v| v * v).sum::<f64>().sqrt();
        let least = -8.0 * n as f64 * f64::EPSILON * norm;
        prop_assert!(eigenvalues[0] >= least, "eigenvalue {} of norm {norm}", eigenvalues[0]);

        let rows = host(jacobian(&tape).square().sum_dim(1));
        let trace: f64 = (0..n).map(|i| theta[i * n + i]).sum();
        let gradients: f64 = rows.iter().sum();
        prop_assert!((trace - gradients).abs() <= 1e-12 * gradients);
        prop_assert!(distance(&host(diagonal(&tape)), &rows) < 1e-12);
        Ok(())
    });
}

/// Invariant 2.
fn all_ways_to_the_kernel_agree<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let n = problem.n;
        let tape = problem.tape::<B>(device);
        let structured = host(kernel(&tape));
        prop_assert!(distance(&structured, &host(contracted_kernel(&tape))) < 1e-12);

        let mut columns = vec![0.0; n * n];
        for j in 0..n {
            let mut basis = vec![0.0; n];
            basis[j] = 1.0;
            let column = host(multiply(&tape, Precision::F64.vector(&basis, device)));
            for i in 0..n {
                columns[i * n + j] = column[i];
            }
        }
        prop_assert!(distance(&structured, &columns) < 1e-12);

        let v = numbers(n, 99);
        let pulled = host(tape.vjp(Precision::F64.vector(&v, device)));
        let squared: f64 = pulled.iter().map(|p| p * p).sum();
        let form: f64 = (0..n)
            .flat_map(|i| (0..n).map(move |j| (i, j)))
            .map(|(i, j)| v[i] * structured[i * n + j] * v[j])
            .sum();
        prop_assert!((form - squared).abs() <= 1e-11 * squared.max(structured[0].abs()));
        Ok(())
    });
}

/// Invariant 3, for layers as the groups of parameters.
fn layers_add_up<B: Backend>(device: &B::Device) {
    for_all(16, problems(activations()), |problem| {
        let tape = problem.tape::<B>(device);
        let layers = layer_kernels(&tape).expect("every architecture has blocks");
        prop_assert_eq!(layers.len(), problem.net.layer_ranges().len());
        // Each layer alone is the kernel of its own parameters.
        let j = jacobian(&tape);
        for (layer, range) in layers.iter().zip(problem.net.layer_ranges()) {
            let part = j.clone().slice([0..problem.n, range]);
            let expected = host(part.clone().matmul(part.transpose()));
            prop_assert!(distance(&host(layer.clone()), &expected) < 1e-12);
        }
        let sum = layers.into_iter().reduce(|a, b| a + b).unwrap();
        prop_assert!(distance(&host(sum), &host(kernel(&tape))) < 1e-12);
        Ok(())
    });
}

/// Invariant 4.
fn independent_of_batches_tiles_and_order<B: Backend>(device: &B::Device) {
    for_all(12, problems(activations()), |problem| {
        let (n, d) = (problem.n, problem.net.n_inputs());
        let whole = host(kernel(&problem.tape::<B>(device)));

        // A cross kernel is a block of the joint one.
        let split = n.div_ceil(2);
        let (first, second) = problem.x.split_at(split * d);
        if !second.is_empty() {
            let cross = cross_kernel(
                &problem.tape_at::<B>(first, device),
                &problem.tape_at::<B>(second, device),
            );
            prop_assert_eq!(cross.dims(), [split, n - split]);
            let block: Vec<f64> =
                (0..split).flat_map(|i| whole[i * n + split..(i + 1) * n].to_vec()).collect();
            let scale = whole.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            for (a, b) in host(cross).iter().zip(&block) {
                prop_assert!((a - b).abs() <= 1e-12 * scale);
            }
        }

        // Permuting the points permutes the matrix.
        let order: Vec<usize> = (0..n).map(|i| (i * 7 + 3) % n).collect();
        prop_assume!(n % 7 != 0);
        let permuted: Vec<f64> =
            order.iter().flat_map(|&i| problem.x[i * d..(i + 1) * d].to_vec()).collect();
        let theta = host(kernel(&problem.tape_at::<B>(&permuted, device)));
        let expected: Vec<f64> = order
            .iter()
            .flat_map(|&i| order.iter().map(move |&j| (i, j)))
            .map(|(i, j)| whole[i * n + j])
            .collect();
        prop_assert!(distance(&theta, &expected) < 1e-12);
        Ok(())
    });

    // More points than a tile has rows, with a last tile that is not full.
    let net = DenseSpec {
        inputs: 3,
        width: 5,
        hidden_layers: 2,
        activation: Activation::Tanh,
        bias: true,
    }
    .build()
    .unwrap();
    let n = TILE + TILE / 2 + 1;
    let problem = Problem { w: net.initial_weights(1), x: numbers(3 * n, 5), net, n };
    let tape = problem.tape::<B>(device);
    let theta = host(kernel(&tape));
    assert!(distance(&theta, &host(contracted_kernel(&tape))) < 1e-12);
    assert!(distance(&theta, &host(cross_kernel(&tape, &tape))) < 1e-12);
    for i in 0..n {
        for j in 0..i {
            assert_eq!(theta[i * n + j].to_bits(), theta[j * n + i].to_bits());
        }
    }
}

/// Invariant 5, against differences of `F` itself, in which α and `f₀` stand.
fn alpha_enters_squared_and_f0_not_at_all<B: Backend>(device: &B::Device) {
    let smooth = Just(Activation::Softplus { beta: 5.0 }).boxed();
    for_all(8, problems(smooth), |problem| {
        let d = problem.net.n_inputs();
        let w0 = Precision::F64.vector::<B>(&problem.net.initial_weights(9), device);
        let w = Precision::F64.vector::<B>(&problem.w, device);
        let x = Precision::F64.matrix::<B>(&problem.x, [problem.n, d], device);
        let theta = host(kernel(&problem.tape::<B>(device)));
        for alpha in [0.1, 30.0] {
            let scaled =
                regime_models::Scaled::at(&problem.net, &w0, &x, Alpha::paper(alpha).unwrap());
            // One column of the kernel of F: its derivative along the gradient of F
            // at the first point.
            let mut basis = vec![0.0; problem.n];
            basis[0] = alpha;
            let gradient = problem.tape::<B>(device).vjp(Precision::F64.vector(&basis, device));
            let e = 1e-5 / alpha;
            let at = |e: f64| {
                let moved = w.clone() + gradient.clone().mul_scalar(e);
                scaled.output(problem.net.forward(&moved, &x))
            };
            let column = host((at(e) - at(-e)).div_scalar(2.0 * e));
            let expected: Vec<f64> =
                (0..problem.n).map(|i| alpha * alpha * theta[i * problem.n]).collect();
            prop_assert!(distance(&column, &expected) < 1e-5);
        }
        Ok(())
    });
}

/// Invariant 6.
fn relu_without_biases_is_homogeneous<B: Backend>(device: &B::Device) {
    let (relu, none) = (Just(Activation::Relu).boxed(), Just(false).boxed());
    // A residual net's paths have different numbers of layers.
    let specs = prop_oneof![dense(relu.clone(), none.clone()), convolutional(relu, none)];
    for_all(16, (specs, 1..9usize, any::<u64>()), |(spec, n, seed)| {
        let net = spec.build().unwrap();
        let problem = Problem { w: net.initial_weights(seed), ..Problem::of(spec, n, seed) };
        let w = Precision::F64.vector::<B>(&problem.w, device);
        let f = |x: &[f64]| {
            let x = Precision::F64.matrix::<B>(x, [problem.n, problem.net.n_inputs()], device);
            host(problem.net.forward(&w, &x))
        };
        let tape = problem.tape::<B>(device);
        let (outputs, theta) = (f(&problem.x), host(kernel(&tape)));
        for c in [0.25, 3.0] {
            let stretched: Vec<f64> = problem.x.iter().map(|x| c * x).collect();
            let expected: Vec<f64> = outputs.iter().map(|f| c * f).collect();
            prop_assert!(distance(&f(&stretched), &expected) < 1e-12);
            let expected: Vec<f64> = theta.iter().map(|t| c * c * t).collect();
            let theta = host(kernel(&problem.tape_at::<B>(&stretched, device)));
            prop_assert!(distance(&theta, &expected) < 1e-12);
        }
        // Euler: w·∇f = (number of weight layers) f.
        let layers = problem.net.layer_ranges().len() as f64;
        let expected: Vec<f64> = outputs.iter().map(|f| layers * f).collect();
        let scale = theta.iter().fold(0.0f64, |m, t| m.max(t.abs())).sqrt();
        for (a, b) in host(tape.jvp(w.clone())).iter().zip(&expected) {
            prop_assert!((a - b).abs() <= 1e-11 * (1.0 + scale * layers));
        }
        Ok(())
    });
}

/// Invariant 4, for the number of threads of the one backend that has any.
#[test]
fn independent_of_the_number_of_threads() {
    let net = DenseSpec {
        inputs: 10,
        width: 150,
        hidden_layers: 2,
        activation: Activation::Relu,
        bias: true,
    }
    .build()
    .unwrap();
    let n = TILE + 44;
    let problem = Problem { w: net.initial_weights(1), x: numbers(10 * n, 5), net, n };
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| host(kernel(&problem.tape::<burn_flex::Flex>(&burn_flex::FlexDevice))))
    };
    let one = with_threads(1);
    for threads in [2, 3] {
        assert!(distance(&one, &with_threads(threads)) < 1e-12, "{threads} threads");
    }
}
