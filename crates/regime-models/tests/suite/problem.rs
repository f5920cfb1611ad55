//! Networks of every architecture in awkward sizes, with weights and points.

use burn::tensor::{Tensor, backend::Backend};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use regime_models::{
    Activation, ConvolutionalSpec, DenseSpec, FeedForward, ImageShape, NetworkSpec, Precision,
    WideResNetSpec,
};

/// A network, its weights (with biases that are not zero) and points.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) spec: NetworkSpec,
    pub(crate) net: FeedForward,
    pub(crate) w: Vec<f64>,
    pub(crate) x: Vec<f64>,
    pub(crate) n: usize,
    pub(crate) seed: u64,
}

impl Problem {
    pub(crate) fn of(spec: NetworkSpec, n: usize, seed: u64) -> Self {
        let net = spec.build().expect("the strategies give sizes that fit");
        let noise = numbers(net.n_params(), seed ^ 0xabcd);
        let w = net.initial_weights(seed).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
        Self { x: numbers(n * net.n_inputs(), seed), spec, net, w, n, seed }
    }

    /// Weights `[P]` and points `[n, d]` on a backend.
    pub(crate) fn tensors<B: Backend>(
        &self,
        precision: Precision,
        device: &B::Device,
    ) -> (Tensor<B, 1>, Tensor<B, 2>) {
        let shape = [self.n, self.net.n_inputs()];
        (precision.vector(&self.w, device), precision.matrix(&self.x, shape, device))
    }

    /// Numbers that belong to this problem, one per parameter.
    pub(crate) fn direction<B: Backend>(&self, device: &B::Device) -> Tensor<B, 1> {
        Precision::F64.vector(&numbers(self.net.n_params(), self.seed ^ 3), device)
    }

    /// Numbers that belong to this problem, one per point.
    pub(crate) fn cotangent(&self) -> Vec<f64> {
        numbers(self.n, self.seed ^ 7)
    }
}

pub(crate) fn problems() -> impl Strategy<Value = Problem> {
    let n = || prop::sample::select(vec![1usize, 2, 3, 7, 31, 32, 33]);
    let few = || prop::sample::select(vec![1usize, 2, 5]);
    prop_oneof![
        2 => (dense(), n(), any::<u64>()),
        1 => (convolutional(), few(), any::<u64>()),
        1 => (wide_resnet(), few(), any::<u64>()),
    ]
    .prop_map(|(spec, n, seed)| Problem::of(spec, n, seed))
}

fn dense() -> BoxedStrategy<NetworkSpec> {
    let sizes = || prop::sample::select(vec![1usize, 2, 3, 7, 31, 32, 33]);
    (sizes(), sizes(), 1..4usize, activations(), any::<bool>())
        .prop_map(|(inputs, width, hidden_layers, activation, bias)| {
            NetworkSpec::Dense(DenseSpec { inputs, width, hidden_layers, activation, bias })
        })
        .boxed()
}

fn images(most: usize) -> impl Strategy<Value = ImageShape> {
    (1..=most, 1..=most, 1..=3usize).prop_map(|(height, width, channels)| ImageShape {
        height,
        width,
        channels,
    })
}

fn convolutional() -> BoxedStrategy<NetworkSpec> {
    let geometry = (images(9), 1..=2usize, 1..=2usize, 1..=4usize, 0..=2usize);
    (geometry, 1..=5usize, activations(), any::<bool>())
        .prop_filter_map(
            "windows that fit",
            |((image, blocks, convolutions, window, padding), width, activation, bias)| {
                let spec = ConvolutionalSpec {
                    image,
                    width,
                    blocks,
                    convolutions,
                    window,
                    padding,
                    activation,
                    bias,
                };
                spec.build().is_ok().then_some(NetworkSpec::Convolutional(spec))
            },
        )
        .boxed()
}

fn wide_resnet() -> BoxedStrategy<NetworkSpec> {
    let shape = (images(5), 1..=2usize, prop::sample::select(vec![10usize, 16]), 1..=2usize);
    (shape, 5.0..85.0f64, activations(), any::<bool>())
        .prop_map(|((image, width, depth, base), mix_angle_deg, activation, bias)| {
            let spec =
                WideResNetSpec { image, width, depth, base, mix_angle_deg, activation, bias };
            NetworkSpec::WideResNet(spec)
        })
        .boxed()
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Relu),
        (0.5..20.0f64).prop_map(|beta| Activation::Softplus { beta }),
        Just(Activation::Tanh),
        (0.5..5.0f64).prop_map(|beta| Activation::Silu { beta }),
        Just(Activation::Gelu),
    ]
}

pub(crate) fn for_all<S: Strategy>(
    cases: u32,
    strategy: S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    if let Err(error) = runner.run(&strategy, check) {
        panic!("{error}");
    }
}

/// Numbers of order one that depend on the seed only.
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| 3.4 * (next() - 0.5)).collect()
}

pub(crate) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}
