//! The choice of a method, against formulas evaluated by hand.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use regime_models::{Activation, BlockTape, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec};
use regime_tangent::{
    LayerSizes, Method, Outputs, PlanError, Precision, Sizes, full_kernel, jacobian, plan,
    traced_kernel,
};

const DEVICE: FlexDevice = FlexDevice;
const GIB: u64 = 1 << 30;
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
    Sizes { points, params, outputs: 1, row_cost, layers: Some(layers), number_bytes: 8 }
}

/// A module that only has rows of the Jacobian.
fn without_blocks(points: usize, params: usize) -> Sizes {
    let row_cost = 3.0 * params as f64;
    Sizes { points, params, outputs: 1, row_cost, layers: None, number_bytes: 8 }
}

#[test]
fn costs_agree_with_the_formulas() {
    let chosen = |sizes: &Sizes, outputs, method| {
        let plan = plan(sizes, outputs, method, 64 * GIB).unwrap();
        (plan.chosen.multiply_adds, plan.chosen.peak_bytes)
    };
    // n² (k + m)/2: 110 + 4·200 + 101 = 1011, times n²/2 = 2·10⁶; 3 n² numbers.
    let sizes = dense(2000);
    let form = Outputs::Full;
    assert_eq!(chosen(&sizes, form, Method::Structured), (2.022e9, 96e6));
    // n r + n² P/2 with r = 41,100 and P = 41,601; 2 n² + 2 n P numbers.
    let cost = 2000.0 * 41_100.0 + 2e6 * 41_601.0;
    assert_eq!(chosen(&sizes, form, Method::Contraction), (cost, 64e6 + 32_000.0 * 41_601.0));
    // 2 n² r; 2 n² + 2 P numbers.
    assert_eq!(chosen(&sizes, form, Method::Products), (8e6 * 41_100.0, 64e6 + 16.0 * 41_601.0));

    // A convolution with k = 18, m = 4, p = 20 and no biases: n p k m + n² k m/2, and
    // 4 n² + 3·n·72 numbers.
    let convolution = LayerSizes { inputs: 18, outputs: 4, positions: 20, bias: false };
    let sizes = Sizes {
        points: 10,
        params: 72,
        outputs: 1,
        row_cost: 1440.0,
        layers: Some(vec![convolution]),
        number_bytes: 4,
    };
    assert_eq!(
        chosen(&sizes, form, Method::Structured),
        (14_400.0 + 3600.0, 4.0 * (400.0 + 2160.0))
    );

    // Three outputs: a traced kernel sums 3 kernels of n²/2; a full kernel adds 3
    // cross-kernels of n² for the pairs.
    let sizes = Sizes { outputs: 3, ..dense(2000) };
    let mean = Outputs::TracedMean;
    assert_eq!(chosen(&sizes, mean, Method::Structured), (3.0 * 2.022e9, 128e6));
    let numbers = 2.0 * 6000.0 * 6000.0 + 4.0 * 4e6;
    assert_eq!(chosen(&sizes, form, Method::Structured), (9.0 * 2.022e9, 8.0 * numbers));
    assert_eq!(chosen(&sizes, mean, Method::Products).0, 3.0 * 8e6 * 41_100.0);
    assert_eq!(chosen(&sizes, form, Method::Products).0, 12.0 * 4e6 * 41_100.0);
    let rows = 6000.0;
    let cost = rows * 41_100.0 + rows * rows / 2.0 * 41_601.0;
    assert_eq!(chosen(&sizes, form, Method::Contraction).0, cost);
}

#[test]
fn rows_that_do_not_fit_are_formed_again() {
    // 2·10² numbers of the matrix, and 3 b·1000 for blocks of b = 4: 4, 4 and 2 points,
    // which are formed once, twice and three times.
    let sizes = without_blocks(10, 1000);
    let estimate = plan(&sizes, Outputs::Full, Method::Contraction, 8 * (200 + 12_500)).unwrap();
    assert_eq!(estimate.chosen.points_at_once, 4);
    assert_eq!(estimate.chosen.peak_bytes, 8.0 * 12_200.0);
    let formed = 4.0 + 2.0 * 4.0 + 3.0 * 2.0;
    assert_eq!(estimate.chosen.multiply_adds, formed * 3000.0 + 50.0 * 1000.0);
    // The rows of a Jacobian that is held are formed once.
    let held = plan(&sizes, Outputs::Full, Method::Contraction, 8 * 20_200).unwrap();
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
    assert_eq!(choice(&dense(2000), 96_000_000), Ok(Method::Structured));
    assert_eq!(choice(&dense(2000), 95_999_999), Ok(Method::Contraction));
    let error = choice(&dense(2000), 1_000_000).unwrap_err();
    let PlanError::Memory { method, needed, limit, points } = error else { panic!("{error}") };
    assert_eq!((method, points, limit), (Method::Products, 2000, 1_000_000));
    assert!(needed > 64e6 && needed < 66e6);
    let requested = plan(&dense(2000), Outputs::Full, Method::Structured, 95_999_999);
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
        "2000 points, outputs: 1, parameters: 41601: structured 2.02e9 multiply-adds 96.0 MB, \
         the cheapest within the limit; contraction 8.33e10 multiply-adds 1.1 GB; \
         products 3.29e11 multiply-adds 64.7 MB (limit 1.1 GB)"
    );
    let requested = plan(&dense(2000), Outputs::Full, Method::Products, 65_000_000).unwrap();
    let text = requested.to_string();
    assert!(text.contains("products 3.29e11 multiply-adds 64.7 MB, requested"), "{text}");
    assert!(text.contains("structured 2.02e9 multiply-adds 96.0 MB, more than the"), "{text}");
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
    for (spec, outputs, n) in [(dense, 1, 7), (dense, 3, 4), (convolutional, 2, 5)] {
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
            let rows = if form == Outputs::Full { n * outputs } else { n };
            let limit = 8 * (2 * rows * rows + 6 * p + 1);
            let plan = plan(&sizes, form, Method::Contraction, limit as u64).unwrap();
            assert_eq!(plan.chosen.points_at_once, 2);
            let theta = plan.compute(&tapes).unwrap();
            assert!(distance(expected, theta.clone()) < 1e-12);
            assert_eq!(distance(theta.clone(), theta.transpose()), 0.0);
        }
        assert_eq!(distance(full_kernel(&tapes), traced_kernel(&tapes, Outputs::Full)), 0.0);
    }
    let few = tapes(&dense, 1, 2);
    let plan = plan(&Sizes::of(&few), Outputs::Full, Method::Auto, GIB).unwrap();
    let error = plan.compute(&tapes(&dense, 1, 3)).unwrap_err();
    assert!(matches!(error, PlanError::Sizes { .. }), "{error}");
}
