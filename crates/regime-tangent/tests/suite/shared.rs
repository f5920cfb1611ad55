//! The kernel of several outputs from shared Gram matrices, against the kernels of single outputs.

use std::time::Instant;

use burn_flex::{Flex, FlexDevice};
use burn_tensor::{DType, Tensor};
use regime_models::{
    Activation, DenseSpec, MultiTape, Network, NetworkSpec, SharedLayer, SharedLayers, Tape, Trace,
};
use regime_tangent::{
    Outputs, Precision, cross_kernel, cross_kernel_of_outputs, full_kernel, kernel,
};

const DEVICE: FlexDevice = FlexDevice;

fn tape(width: usize, outputs: usize, n: usize, bias: bool, start: f64) -> MultiTape<Flex> {
    let (inputs, hidden_layers, activation) = (10, 3, Activation::Tanh);
    let spec = DenseSpec { inputs, width, hidden_layers, activation, bias };
    let net = NetworkSpec::Dense(spec).build_outputs(outputs).unwrap();
    let w = Precision::F64.vector(&net.initial_weights(1), &DEVICE);
    let values: Vec<f64> = (0..n * 10).map(|i| (start + 1.37 * i as f64).sin()).collect();
    net.trace(&w, &Precision::F64.matrix(&values, [n, 10], &DEVICE)).linearise()
}

fn distance(a: Tensor<Flex, 2>, b: Tensor<Flex, 2>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let scale = a.clone().abs().max();
    Precision::to_host((a - b).abs().max() / scale)[0]
}

#[test]
fn shared_grams_give_the_kernel_of_all_outputs() {
    for (outputs, n, bias) in [(1, 5, true), (3, 150, true), (2, 128, false)] {
        let tape = tape(7, outputs, n, bias, 1.0);
        let theta = kernel(&tape);
        assert_eq!(distance(theta.clone(), theta.clone().transpose()), 0.0);
        assert!(distance(full_kernel(tape.outputs()), theta) < 1e-13);
    }
}

#[test]
fn shared_grams_give_the_cross_kernel_of_all_outputs() {
    let (a, b) = (tape(7, 3, 140, true, 1.0), tape(7, 3, 9, true, 0.3));
    let expected = cross_kernel_of_outputs(a.outputs(), b.outputs(), Outputs::Full);
    assert!(distance(expected, cross_kernel(&a, &b)) < 1e-13);
}

/// Nearly all rows, in another order and one of them twice.
#[test]
fn some_rows_have_a_block_of_the_kernel() {
    let whole = tape(7, 3, 40, true, 1.0);
    let rows: Vec<usize> = (1..118).rev().chain([5]).collect();
    let some = whole.select(&rows);
    let numbers: Vec<f64> =
        rows.iter().flat_map(|r| (0..120).map(move |c| f64::from(u8::from(*r == c)))).collect();
    let pick = || Precision::F64.matrix::<Flex>(&numbers, [rows.len(), 120], &DEVICE);
    let columns = pick().matmul(kernel(&whole));
    assert!(distance(columns.clone(), cross_kernel(&some, &whole)) < 1e-13);
    assert!(distance(columns.matmul(pick().transpose()), kernel(&some)) < 1e-13);
}

/// A network whose outputs are mixed after its last layer: `f'_k = Σ M_kl f_l`. The last layer has a
/// column for every output, and every output depends on all of them.
struct Mixed {
    tape: MultiTape<Flex>,
    /// `M`, row by row.
    mix: Vec<f64>,
}

impl Tape<Flex> for Mixed {
    fn n_points(&self) -> usize {
        self.tape.n_points()
    }

    fn placement(&self) -> (FlexDevice, DType) {
        self.tape.placement()
    }

    fn jvp(&self, _: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        unreachable!("the kernel follows from the layers")
    }

    fn vjp(&self, _: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        unreachable!("the kernel follows from the layers")
    }

    fn select(&self, _: &[usize]) -> Self {
        unreachable!("the kernel follows from the layers")
    }

    fn shared_layers(&self) -> Option<SharedLayers<Flex>> {
        let SharedLayers { layers, rows } = self.tape.shared_layers()?;
        let mixed = |layer: SharedLayer<Flex>| {
            let k = layer.sensitivities.len();
            let of = |output: usize| {
                let row = self.mix[output * k..][..k].iter();
                let terms = row.zip(&layer.sensitivities).map(|(m, d)| d.clone().mul_scalar(*m));
                terms.reduce(|a, b| a + b).unwrap()
            };
            SharedLayer { sensitivities: (0..k).map(of).collect(), ..layer }
        };
        Some(SharedLayers { layers: layers.into_iter().map(mixed).collect(), rows })
    }
}

#[test]
fn a_last_layer_whose_outputs_are_mixed_keeps_all_pairs() {
    let (n, k) = (6, 3);
    let tape = tape(7, k, n, true, 1.0);
    let mix = vec![1.0, 0.5, -0.3, 0.2, 1.0, 0.7, -1.0, 0.4, 2.0];
    // M acts on the outputs of every point.
    let entry = |r: usize, c: usize| if r % n == c % n { mix[r / n * k + c / n] } else { 0.0 };
    let numbers: Vec<f64> =
        (0..(n * k).pow(2)).map(|at| entry(at / (n * k), at % (n * k))).collect();
    let matrix = Precision::F64.matrix::<Flex>(&numbers, [n * k; 2], &DEVICE);
    let theta = kernel(&tape);
    let expected = matrix.clone().matmul(theta.clone()).matmul(matrix.clone().transpose());
    let mixed = Mixed { tape: tape.clone(), mix: mix.clone() };
    assert!(distance(expected.clone(), kernel(&mixed)) < 1e-13);
    let other = Mixed { tape, mix };
    assert!(distance(expected, cross_kernel(&mixed, &other)) < 1e-13);
}

/// `cargo test --release -p regime-tangent --test suite -- --ignored --nocapture shared::timing`
#[test]
#[ignore = "prints times"]
fn timing() {
    let median = |run: &dyn Fn() -> Tensor<Flex, 2>| {
        let mut times: Vec<f64> = (0..5)
            .map(|_| {
                let start = Instant::now();
                drop(run());
                start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times[2]
    };
    for (width, n) in [(64, 200), (64, 500), (128, 500), (256, 200), (256, 500)] {
        let tape = tape(width, 10, n, true, 1.0);
        let (single, shared) = (median(&|| full_kernel(tape.outputs())), median(&|| kernel(&tape)));
        println!("h = {width}, n = {n}: {single:.3} s, {shared:.3} s, {:.2}", single / shared);
    }
}
