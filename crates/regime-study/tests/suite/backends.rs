//! The same spec on every backend, compared with Flex in float64.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::backend::Backend;
use regime_data::{DataSpec, Dataset, InputSpec, Source, Task, default_cache_dir, prepare};
use regime_models::{Activation, ConvolutionalSpec, DenseSpec, NetworkSpec, Precision};
use regime_study::{Dynamics, NoObserver, RunRecord, RunSpec, Uninterrupted, run_on};
use regime_train::{FlowSpec, Scheme, StochasticSpec, Stop};

fn dense(dynamics: Dynamics, alpha: f64) -> RunSpec {
    let network = NetworkSpec::Dense(DenseSpec {
        inputs: 4,
        width: 12,
        hidden_layers: 3,
        activation: Activation::Softplus { beta: 5.0 },
        bias: true,
    });
    RunSpec {
        data: DataSpec {
            source: Source::Stripe { dim: 4 },
            task: Task::Own,
            inputs: InputSpec::RAW,
            n_train: 40,
            n_test: 20,
            n_kernel: 12,
            ..DataSpec::default()
        },
        dynamics,
        outputs_kept: 20,
        gram_kept: 12,
        seed: 3,
        ..RunSpec::new(network, alpha)
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

/// The record of a run on a backend, with the given element type.
fn on<B: Backend>(device: &B::Device, precision: Precision, spec: &RunSpec) -> RunRecord {
    let spec = RunSpec { precision, ..spec.clone() };
    run_on::<B>(&spec, &data(&spec), device, &Uninterrupted, &mut NoObserver).unwrap()
}

/// `max |a − b|/max |b|`.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0f64, |m, (a, b)| m.max((a - b).abs())) / scale
}

/// Compares the initial kernels and the final outputs with those of Flex in float64.
fn agree<B: Backend>(
    device: &B::Device,
    spec: &RunSpec,
    precision: Precision,
    [kernels, outputs]: [f64; 2],
) {
    let reference = on::<Flex>(&FlexDevice, Precision::F64, spec);
    let before = &reference.gram.as_ref().unwrap().before;
    assert!(!reference.test_outputs.is_empty() && before.iter().any(|v| *v != 0.0));
    let found = on::<B>(device, precision, spec);
    assert_eq!(found.ending, reference.ending);
    let d = distance(&found.gram.unwrap().before, before);
    assert!(d <= kernels, "{precision:?}: kernels differ by {d:e}");
    let d = distance(&found.test_outputs, &reference.test_outputs);
    assert!(d <= outputs, "{precision:?}: outputs differ by {d:e}");
}

pub(crate) fn implicit_and_explicit_runs_agree<B: Backend>(device: &B::Device) {
    for scheme in [Scheme::reference(), Scheme::explicit()] {
        for alpha in [0.1, 100.0] {
            // An explicit run to its end takes thousands of steps.
            let max_steps = if scheme == Scheme::explicit() { 300 } else { 10_000 };
            let stop = Stop { max_steps, ..Stop::default() };
            let flow = FlowSpec { scheme, stop, ..FlowSpec::default() };
            let spec = dense(Dynamics::Flow(flow), alpha);
            agree::<B>(device, &spec, Precision::F64, [1e-9, 1e-4]);
        }
    }
}

pub(crate) fn float32_runs_are_close<B: Backend>(device: &B::Device) {
    for alpha in [0.1, 100.0] {
        agree::<B>(device, &dense(Dynamics::default(), alpha), Precision::F32, [1e-4, 0.05]);
    }
}

pub(crate) fn convolutional_runs_agree<B: Backend>(device: &B::Device) {
    agree::<B>(device, &convolutional(), Precision::F64, [1e-9, 1e-4]);
}

pub(crate) fn stochastic_runs_agree<B: Backend>(device: &B::Device) {
    let stop = Stop { max_steps: 40, ..Stop::default() };
    let spec =
        dense(Dynamics::Stochastic(StochasticSpec { stop, ..StochasticSpec::default() }), 1.0);
    agree::<B>(device, &spec, Precision::F64, [1e-9, 1e-4]);
}
