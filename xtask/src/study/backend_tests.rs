//! The same spec on every backend this program was built with, against the float64 reference.

use regime_data::{DataSpec, Dataset, InputSpec, Source, Task, default_cache_dir, prepare};
use regime_models::{Activation, ConvolutionalSpec, DenseSpec, NetworkSpec, Precision};
use regime_train::{FlowSpec, Loss, Scheme, StochasticSpec, Stop};

use super::{BackendName, Budget, DeviceName, Dynamics, RunRecord, RunSpec, Unlimited};
use crate::backend;

fn dense(dynamics: Dynamics, alpha: f64) -> RunSpec {
    RunSpec {
        backend: BackendName::Flex,
        device: DeviceName::Cpu,
        precision: Precision::F64,
        data: DataSpec {
            source: Source::Stripe { dim: 4 },
            task: Task::Own,
            inputs: InputSpec::RAW,
            n_train: 40,
            n_test: 20,
            n_kernel: 12,
            ..DataSpec::default()
        },
        data_sha256: String::new(),
        network: NetworkSpec::Dense(DenseSpec {
            inputs: 4,
            width: 12,
            hidden_layers: 3,
            activation: Activation::Softplus { beta: 5.0 },
            bias: true,
        }),
        alpha,
        loss: Loss::SoftHinge { beta: 20.0 },
        dynamics,
        frozen: Vec::new(),
        outputs_kept: 20,
        kernel_path: false,
        gram_kept: 12,
        budget: Budget::default(),
        seed: 3,
    }
}

fn convolutional() -> RunSpec {
    let stop = Stop { max_steps: 15, ..Stop::default() };
    RunSpec {
        data: DataSpec {
            inputs: InputSpec { pca: None, ..InputSpec::default() },
            n_train: 12,
            n_test: 6,
            n_kernel: 4,
            ..DataSpec::default()
        },
        network: NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(3)),
        outputs_kept: 6,
        gram_kept: 4,
        ..dense(Dynamics::Flow(FlowSpec { stop, ..FlowSpec::default() }), 1.0)
    }
}

fn data(spec: &RunSpec) -> Dataset {
    prepare(&spec.data, &default_cache_dir()).unwrap()
}

/// The CPU, or for LibTorch what its tests in other crates run on.
fn device(backend: BackendName) -> DeviceName {
    match std::env::var("REGIME_TEST_DEVICE") {
        Ok(name) if backend == BackendName::Tch => name.parse().unwrap(),
        _ => DeviceName::Cpu,
    }
}

fn on(backend: BackendName, precision: Precision, spec: &RunSpec) -> RunRecord {
    let spec = RunSpec { backend, device: device(backend), precision, ..spec.clone() };
    backend::run(&spec, &data(&spec), &Unlimited).unwrap()
}

/// `max |a − b|/max |b|`.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((a - b).abs())) / scale
}

/// Kernels at the start, and outputs at the end.
fn agree(spec: &RunSpec, precision: Precision, kernels: f64, outputs: f64) {
    let reference = on(BackendName::Flex, Precision::F64, spec);
    let before = &reference.gram.as_ref().unwrap().before;
    assert!(!reference.test_outputs.is_empty() && before.iter().any(|v| *v != 0.0));
    for backend in backend::compiled_in() {
        let found = on(backend, precision, spec);
        let name = backend.name();
        assert_eq!(found.ending, reference.ending, "{name}");
        let d = distance(&found.gram.unwrap().before, before);
        assert!(d <= kernels, "{name} {precision:?}: kernels differ by {d:e}");
        let d = distance(&found.test_outputs, &reference.test_outputs);
        assert!(d <= outputs, "{name} {precision:?}: outputs differ by {d:e}");
    }
}

#[test]
fn implicit_and_explicit_runs_agree() {
    for scheme in [Scheme::implicit(), Scheme::explicit()] {
        for alpha in [0.1, 100.0] {
            // An explicit run to its end takes thousands of steps.
            let most = if scheme == Scheme::explicit() { 300 } else { 10_000 };
            let stop = Stop { max_steps: most, ..Stop::default() };
            let flow = FlowSpec { scheme, stop, ..FlowSpec::default() };
            let spec = dense(Dynamics::Flow(flow), alpha);
            agree(&spec, Precision::F64, 1e-9, 1e-4);
        }
    }
}

#[test]
fn float32_is_near() {
    for alpha in [0.1, 100.0] {
        agree(&dense(Dynamics::default(), alpha), Precision::F32, 1e-4, 0.05);
    }
}

#[test]
fn convolutional_runs_agree() {
    agree(&convolutional(), Precision::F64, 1e-9, 1e-4);
}

#[test]
fn stochastic_runs_agree() {
    let stop = Stop { max_steps: 40, ..Stop::default() };
    let spec =
        dense(Dynamics::Stochastic(StochasticSpec { stop, ..StochasticSpec::default() }), 1.0);
    agree(&spec, Precision::F64, 1e-9, 1e-4);
}
