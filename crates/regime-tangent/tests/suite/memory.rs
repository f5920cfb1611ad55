//! The memory that a plan states, against the memory that is allocated.

use std::{env, process::Command};

use burn_flex::Flex;
use burn_tensor::backend::Backend;
use regime_models::{Activation, BlockTape, ConvolutionalSpec, DenseSpec, ImageShape, NetworkSpec};
use regime_tangent::{Method, Outputs, Precision, Sizes, kernel, plan};

use super::ALLOCATED;

fn dense(width: usize) -> NetworkSpec {
    let (inputs, hidden_layers, activation) = (10, 2, Activation::Tanh);
    NetworkSpec::Dense(DenseSpec { inputs, width, hidden_layers, activation, bias: true })
}

fn convolutional() -> NetworkSpec {
    NetworkSpec::Convolutional(ConvolutionalSpec {
        image: ImageShape { height: 6, width: 6, channels: 1 },
        width: 8,
        blocks: 1,
        convolutions: 2,
        window: 3,
        padding: 1,
        activation: Activation::Relu,
        bias: true,
    })
}

fn tapes<B: Backend>(spec: &NetworkSpec, outputs: usize, n: usize) -> Vec<BlockTape<B>> {
    let device = B::Device::default();
    let net = spec.build_outputs(outputs).unwrap();
    let w = Precision::F64.vector(&net.initial_weights(1), &device);
    let d = net.n_inputs();
    let values: Vec<f64> = (0..n * d).map(|i| (1.0 + 1.37 * i as f64).sin()).collect();
    net.tapes(&w, &Precision::F64.matrix(&values, [n, d], &device))
}

/// Bytes that `run` holds at once in addition to what exists before.
fn counted<T>(run: impl FnOnce() -> T) -> f64 {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let result = run();
    let peak = ALLOCATED.peak_usage();
    drop(result);
    (peak - before) as f64
}

/// The stated memory divided by the counted memory.
fn ratio<B: Backend>(
    spec: &NetworkSpec,
    [outputs, n]: [usize; 2],
    form: Outputs,
    method: Method,
    limit: u64,
) -> f64 {
    let tapes = tapes::<B>(spec, outputs, n);
    let plan = plan(&Sizes::of(&tapes), form, method, limit).unwrap();
    // The threads exist, and libraries have their buffers.
    drop(plan.compute(&tapes).unwrap());
    plan.chosen.peak_bytes / counted(|| plan.compute(&tapes).unwrap())
}

/// Runs in a process of its own, because every test of a process allocates.
#[test]
#[ignore = "`the_plan_states_the_memory` starts it"]
fn in_a_process_of_its_own() {
    const GIB: u64 = 1 << 30;
    use Method::{Contraction, Products, Structured};
    use Outputs::{Full, TracedMean};
    let whole = [
        (dense(64), [1, 1500], Full, Structured),
        (dense(64), [3, 400], Full, Structured),
        (dense(64), [3, 1000], TracedMean, Structured),
        (convolutional(), [1, 800], Full, Structured),
        (convolutional(), [2, 500], Full, Structured),
        (convolutional(), [2, 600], TracedMean, Structured),
        (dense(64), [1, 700], Full, Contraction),
        (dense(64), [2, 300], Full, Contraction),
        (dense(64), [2, 300], TracedMean, Contraction),
        (convolutional(), [1, 600], Full, Contraction),
        (dense(6), [1, 600], Full, Products),
        (dense(6), [2, 400], Full, Products),
    ];
    let mut ratios = Vec::new();
    for (spec, sizes, form, method) in whole {
        let ratio = ratio::<Flex>(&spec, sizes, form, method, GIB);
        ratios.push((format!("{method:?} {form:?} {sizes:?} {spec:?}"), ratio));
    }
    // Blocks of some points.
    for (outputs, n, limit) in [(1, 500, 10 << 20), (2, 200, 4 << 20)] {
        let ratio = ratio::<Flex>(&dense(64), [outputs, n], Full, Contraction, limit);
        ratios.push((format!("blocks of {outputs}·{n} points"), ratio));
    }
    for (name, ratio) in &ratios {
        println!("{ratio:.3} {name}");
    }
    assert!(ratios.iter().all(|(_, ratio)| (0.99..=1.3).contains(ratio)));

    // One matrix, where it was three.
    let only = &tapes::<Flex>(&dense(64), 1, 1500)[0];
    // The tape joins its blocks at the first request.
    drop(kernel(only));
    let numbers = counted(|| kernel(only)) / 8.0;
    assert!(numbers < 1.1 * 1500.0 * 1500.0, "{numbers}");
}

#[test]
fn the_plan_states_the_memory() {
    let name = "memory::in_a_process_of_its_own";
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads", "1"])
        .env("RAYON_NUM_THREADS", "2")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && text.contains("1 passed"), "{text}");
}
