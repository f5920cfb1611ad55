//! The choice of a method, against formulas evaluated by hand.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use regime_models::{
    Activation, BlockTape, ConvolutionalSpec, DenseSpec, ImageShape, Memory, NetworkSpec,
};
use regime_tangent::{
    LayerSizes, Method, Outputs, PlanError, Precision, Sizes, Tiles, cross_kernel,
    cross_kernel_within, full_kernel, jacobian, kernel_within, plan, traced_kernel,
};

const DEVICE: FlexDevice = FlexDevice;
const GIB: u64 = 1 << 30;
const TILES: Tiles = Tiles { memory: Memory::Host, in_place: true, threads: 2 };
const METHODS: [Method; 3] = [Method::Structured, Method::Contraction, Method::Products];

fn layer(inputs: usize, outputs: usize) -> LayerSizes {
    LayerSizes { inputs, outputs, positions: 1, bias: true }
}

/// The dense net of the benchmarks: d = 10, h = 100, L = 5.
fn dense(points: usize) -> Sizes {
    let mut layers = vec![layer(10, 100)];
    layers.extend([layer(100, 100); 4]);
    layers.push(layer(100, 1));
    let row_cost = (10 * 100 + 4 * 100 * 100 + 100) as f64;
    let params = 10 * 100 + 4 * 100 * 100 + 100 + 501;
    let layers = Some(layers);
    Sizes { points, params, outputs: 1, row_cost, layers, number_bytes: 8, tiles: TILES }
}

/// With 64 threads, the tiles of the structured kernel take 2²¹ numbers.
fn on_many_threads(points: usize) -> Sizes {
    Sizes { tiles: Tiles { threads: 64, ..TILES }, ..dense(points) }
}

/// A module that only has rows of the Jacobian.
fn without_blocks(points: usize, params: usize) -> Sizes {
    let row_cost = 3.0 * params as f64;
    let layers = None;
    Sizes { points, params, outputs: 1, row_cost, layers, number_bytes: 8, tiles: TILES }
}

#[test]
fn costs_agree_with_the_formulas() {
    let chosen = |sizes: &Sizes, outputs, method| {
        let plan = plan(sizes, outputs, method, 64 * GIB).unwrap();
        (plan.chosen.multiply_adds, plan.chosen.peak_bytes)
    };
    // n² (k + m)/2: 110 + 4·200 + 101 = 1011, times n²/2 = 2·10⁶; n² numbers, and two tiles of
    // 128² for each of two threads.
    let sizes = dense(2000);
    let form = Outputs::Full;
    let bytes = 8.0 * (4e6 + 4.0 * 16_384.0);
    assert_eq!(chosen(&sizes, form, Method::Structured), (2.022e9, bytes));
    // n r + n² P/2 with r = 41,100 and P = 41,601; n² + n P numbers, and 8 + 4 tiles of 256².
    let cost = 2000.0 * 41_100.0 + 2e6 * 41_601.0;
    let tiles = 12.0 * 65_536.0;
    let bytes = 8.0 * (4e6 + 2000.0 * 41_601.0 + tiles);
    assert_eq!(chosen(&sizes, form, Method::Contraction), (cost, bytes));
    // 2 n² r; n² + 2 P + 101 n numbers.
    let bytes = 8.0 * (4e6 + 2.0 * 41_601.0 + 101.0 * 2000.0);
    assert_eq!(chosen(&sizes, form, Method::Products), (8e6 * 41_100.0, bytes));

    // A convolution with k = 18, m = 4, p = 20 and no biases: n p k m + n² k m/2, and
    // n² + 2·n·72 numbers.
    let convolution = LayerSizes { inputs: 18, outputs: 4, positions: 20, bias: false };
    let sizes = Sizes {
        points: 10,
        params: 72,
        outputs: 1,
        row_cost: 1440.0,
        layers: Some(vec![convolution]),
        number_bytes: 4,
        tiles: TILES,
    };
    assert_eq!(
        chosen(&sizes, form, Method::Structured),
        (14_400.0 + 3600.0, 4.0 * (100.0 + 1440.0))
    );

    // Three outputs: a traced kernel sums 3 kernels of n²/2; a full kernel adds 3
    // cross-kernels of n² for the pairs.
    let sizes = Sizes { outputs: 3, ..dense(2000) };
    let mean = Outputs::TracedMean;
    let bytes = 8.0 * (2.0 * 4e6 + 4.0 * 16_384.0);
    assert_eq!(chosen(&sizes, mean, Method::Structured), (3.0 * 2.022e9, bytes));
    // (nK)² + n², tiles, and the inputs of two outputs: 11 + 5·101 = 516 for each point.
    let numbers = 6000.0 * 6000.0 + 4e6 + tiles + 2.0 * 516.0 * 2000.0;
    assert_eq!(chosen(&sizes, form, Method::Structured), (9.0 * 2.022e9, 8.0 * numbers));
    assert_eq!(chosen(&sizes, mean, Method::Products).0, 3.0 * 8e6 * 41_100.0);
    assert_eq!(chosen(&sizes, form, Method::Products).0, 12.0 * 4e6 * 41_100.0);
    let rows = 6000.0;
    let cost = rows * 41_100.0 + rows * rows / 2.0 * 41_601.0;
    assert_eq!(chosen(&sizes, form, Method::Contraction).0, cost);
}

#[test]
fn rows_that_do_not_fit_are_formed_again() {
    // 10² numbers of the matrix, (2 b + 4)·1000 for blocks of b = 3, and 4 b² of their kernel: 3,
    // 3, 3 points and 1, which are formed once, twice, three and four times.
    let sizes = without_blocks(10, 1000);
    let estimate = plan(&sizes, Outputs::Full, Method::Contraction, 8 * 10_900).unwrap();
    assert_eq!(estimate.chosen.points_at_once, 3);
    assert_eq!(estimate.chosen.peak_bytes, 8.0 * 10_136.0);
    let formed = 3.0 + 2.0 * 3.0 + 3.0 * 3.0 + 4.0;
    assert_eq!(estimate.chosen.multiply_adds, formed * 3000.0 + 50.0 * 1000.0);
    // The rows of a Jacobian that is held are formed once.
    let held = plan(&sizes, Outputs::Full, Method::Contraction, 8 * 11_000).unwrap();
    assert_eq!(held.chosen.multiply_adds, 10.0 * 3000.0 + 50.0 * 1000.0);
}

#[test]
fn auto_takes_the_cheapest_that_fits() {
    let choice = |sizes: &Sizes, limit: u64| {
        plan(sizes, Outputs::Full, Method::Auto, limit).map(|plan| plan.chosen.method)
    };
    assert_eq!(choice(&dense(2000), GIB), Ok(Method::Structured));
    // Layers with a single unit: k m is less than k + m.
    let single = LayerSizes { bias: false, ..layer(1, 1) };
    let thin = Sizes { params: 2, row_cost: 2.0, layers: Some(vec![single; 2]), ..dense(1000) };
    assert_eq!(choice(&thin, GIB), Ok(Method::Contraction));
    assert_eq!(choice(&without_blocks(100, 1000), GIB), Ok(Method::Contraction));
    // A block of one row takes 3·10⁶ numbers, more than the limit.
    assert_eq!(choice(&without_blocks(10, 1_000_000), 17_000_000), Ok(Method::Products));

    // Just below the memory of the structured method, the next cheapest is chosen.
    let bytes = 8 * (4_000_000 + (1 << 21));
    assert_eq!(choice(&on_many_threads(2000), bytes), Ok(Method::Structured));
    assert_eq!(choice(&on_many_threads(2000), bytes - 1), Ok(Method::Contraction));
    let error = choice(&dense(2000), 1_000_000).unwrap_err();
    let PlanError::Memory { method, needed, limit, points, fits } = error else {
        panic!("{error}")
    };
    assert_eq!((method, points, limit), (Method::Structured, 2000, 1_000_000));
    assert!(needed > 32e6 && needed < 33e6);
    // 243² + 4·128² = 124,585 of 125,000 numbers.
    assert_eq!(fits, 243);
    assert_eq!(choice(&dense(243), 1_000_000), Ok(Method::Structured));
    assert!(choice(&dense(244), 1_000_000).is_err());
    let requested = plan(&on_many_threads(2000), Outputs::Full, Method::Structured, bytes - 1);
    assert!(matches!(requested, Err(PlanError::Memory { method: Method::Structured, .. })));
    let requested = plan(&without_blocks(3, 3), Outputs::Full, Method::Structured, GIB);
    assert_eq!(requested, Err(PlanError::NotOffered));
}

#[test]
fn a_plan_displays_its_costs() {
    let auto = plan(&dense(2000), Outputs::Full, Method::Auto, GIB).unwrap();
    assert_eq!(auto.seconds_at(2.022e10), 0.1);
    assert_eq!(
        auto.to_string(),
        "2000 points, outputs: 1, parameters: 41601: structured 2.02e9 multiply-adds 32.5 MB, \
         the cheapest within the limit; contraction 8.33e10 multiply-adds 703.9 MB; \
         products 3.29e11 multiply-adds 34.3 MB (limit 1.1 GB)"
    );
    let requested = plan(&on_many_threads(2000), Outputs::Full, Method::Products, 35_000_000);
    let requested = requested.unwrap();
    let text = requested.to_string();
    assert!(text.contains("products 3.29e11 multiply-adds 34.3 MB, requested"), "{text}");
    assert!(text.contains("structured 2.02e9 multiply-adds 48.8 MB, more than the"), "{text}");
}

fn tapes(spec: &NetworkSpec, outputs: usize, n: usize) -> Vec<BlockTape<Flex>> {
    let net = spec.build_outputs(outputs).unwrap();
    let w = Precision::F64.vector(&net.initial_weights(1), &DEVICE);
    let d = net.n_inputs();
    let values: Vec<f64> = (0..n * d).map(|i| (1.0 + 1.37 * i as f64).sin()).collect();
    net.tapes(&w, &Precision::F64.matrix(&values, [n, d], &DEVICE))
}

fn distance(a: Tensor<Flex, 2>, b: Tensor<Flex, 2>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let scale = a.clone().abs().max();
    Precision::to_host((a - b).abs().max() / scale)[0]
}

#[test]
fn every_method_gives_the_kernel() {
    let dense = NetworkSpec::Dense(DenseSpec {
        inputs: 3,
        width: 5,
        hidden_layers: 2,
        activation: Activation::Tanh,
        bias: true,
    });
    let convolutional = NetworkSpec::Convolutional(ConvolutionalSpec {
        image: ImageShape { height: 5, width: 5, channels: 1 },
        width: 3,
        blocks: 1,
        convolutions: 2,
        window: 3,
        padding: 1,
        activation: Activation::Relu,
        bias: true,
    });
    let mut in_blocks = 0;
    for (spec, outputs, n) in [(dense, 1, 12), (dense, 3, 4), (convolutional, 2, 5)] {
        let tapes = tapes(&spec, outputs, n);
        let sizes = Sizes::of(&tapes);
        let p = jacobian(&tapes[0]).dims()[1];
        assert_eq!((sizes.points, sizes.params, sizes.outputs), (n, p, outputs));
        for form in [Outputs::Full, Outputs::TracedMean, Outputs::TracedSum] {
            let expected = traced_kernel(&tapes, form);
            for method in METHODS {
                let plan = plan(&sizes, form, method, GIB).unwrap();
                let theta = plan.compute(&tapes).unwrap();
                assert!(distance(expected.clone(), theta) < 1e-12, "{method:?} {form:?}");
            }
            // Rows of two points at a time.
            let full = form == Outputs::Full;
            let (rows, b) = (if full { n * outputs } else { n }, 2);
            let matrices = if full || outputs == 1 { 1 } else { 2 };
            let layers = sizes.layers.as_ref().unwrap().iter();
            let tape = |layer: &LayerSizes| match layer.positions {
                1 => layer.inputs + layer.outputs,
                positions => 2 * positions * layer.outputs,
            };
            let tape: usize = layers.map(tape).sum();
            let numbers = matrices * rows * rows + (2 * b + 4) * p + b * (4 * b + tape);
            let limit = 8 * (numbers + 1);
            // Rows that are all held take less for a small network.
            if limit >= 8 * (matrices * rows * rows + rows * p) {
                continue;
            }
            in_blocks += 1;
            let plan = plan(&sizes, form, Method::Contraction, limit as u64).unwrap();
            assert_eq!(plan.chosen.points_at_once, b);
            let theta = plan.compute(&tapes).unwrap();
            assert!(distance(expected, theta.clone()) < 1e-12);
            assert_eq!(distance(theta.clone(), theta.transpose()), 0.0);
        }
        assert_eq!(distance(full_kernel(&tapes), traced_kernel(&tapes, Outputs::Full)), 0.0);
    }
    assert!(in_blocks >= 4, "{in_blocks}");
    let few = tapes(&dense, 1, 2);
    let plan = plan(&Sizes::of(&few), Outputs::Full, Method::Auto, GIB).unwrap();
    let error = plan.compute(&tapes(&dense, 1, 3)).unwrap_err();
    assert!(matches!(error, PlanError::Sizes { .. }), "{error}");
}

#[test]
fn kernels_within_a_limit_are_the_kernels_or_errors() {
    let spec = NetworkSpec::Dense(DenseSpec {
        inputs: 3,
        width: 5,
        hidden_layers: 2,
        activation: Activation::Tanh,
        bias: true,
    });
    let (a, b) = (tapes(&spec, 2, 40), tapes(&spec, 2, 6));
    let theta = kernel_within(&a, Outputs::Full, GIB).unwrap();
    assert!(distance(theta, full_kernel(&a)) < 1e-13);
    let cross = cross_kernel_within(&a[0], &b[1], GIB).unwrap();
    assert_eq!(distance(cross, cross_kernel(&a[0], &b[1])), 0.0);

    let error = kernel_within(&a, Outputs::Full, 20_000).unwrap_err();
    let PlanError::Memory { points: 40, fits, limit: 20_000, .. } = error else {
        panic!("{error}")
    };
    let x = tapes(&spec, 2, fits);
    kernel_within(&x, Outputs::Full, 20_000).unwrap();
    assert!(kernel_within(&tapes(&spec, 2, fits + 1), Outputs::Full, 20_000).is_err());
    let text = error.to_string();
    assert!(text.contains(&format!("{fits} points fit. file::write_kernel")), "{text}");
    let error = cross_kernel_within(&a[0], &b[1], 100).unwrap_err();
    assert!(matches!(error, PlanError::CrossMemory { rows: 40, columns: 6, limit: 100, .. }));
}

/// A tape that has a metric, and nothing from which the kernel in this metric follows.
#[derive(Clone)]
struct OnlyMetric;

impl regime_models::Tape<Flex> for OnlyMetric {
    fn n_points(&self) -> usize {
        1
    }

    fn placement(&self) -> (FlexDevice, burn_tensor::DType) {
        (DEVICE, burn_tensor::DType::F64)
    }

    fn jvp(&self, v: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        v
    }

    fn vjp(&self, g: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        g
    }

    fn select(&self, _: &[usize]) -> Self {
        Self
    }

    fn is_euclidean(&self) -> bool {
        false
    }
}

#[test]
#[should_panic(expected = "this tape has its own metric")]
fn a_jacobian_is_not_the_kernel_of_a_metric() {
    let _ = regime_tangent::kernel(&OnlyMetric);
}

#[test]
#[should_panic(expected = "this tape has its own metric")]
fn a_jacobian_is_not_the_diagonal_of_a_metric() {
    let _ = regime_tangent::diagonal(&OnlyMetric);
}
