//! The kernel of several outputs from shared Gram matrices, against the kernels of single outputs.

use std::time::Instant;

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use regime_models::{Activation, BlockTape, DenseSpec, NetworkSpec, Tape};
use regime_tangent::{
    OutputGradients, Outputs, Precision, Sensitivities, cross_kernel_of_outputs, full_kernel,
    shared_cross_kernel, shared_kernel,
};

const DEVICE: FlexDevice = FlexDevice;

fn tapes(width: usize, outputs: usize, n: usize, bias: bool, start: f64) -> Vec<BlockTape<Flex>> {
    let (inputs, hidden_layers, activation) = (10, 3, Activation::Tanh);
    let spec = DenseSpec { inputs, width, hidden_layers, activation, bias };
    let net = NetworkSpec::Dense(spec).build_outputs(outputs).unwrap();
    let w = Precision::F64.vector(&net.initial_weights(1), &DEVICE);
    let values: Vec<f64> = (0..n * 10).map(|i| (start + 1.37 * i as f64).sin()).collect();
    net.tapes(&w, &Precision::F64.matrix(&values, [n, 10], &DEVICE))
}

fn layers(tapes: &[BlockTape<Flex>], own_column: bool) -> Vec<OutputGradients<Flex>> {
    let n = tapes[0].n_points();
    let last = tapes[0].blocks().unwrap().len() - 1;
    let layer = |l: usize| {
        let of = |k: usize| &tapes[k].blocks().unwrap()[l];
        let inputs = of(0).inputs(0..n).mul_scalar(of(0).weight_scale);
        let inputs = match of(0).biases {
            Some(_) => {
                let ones = Tensor::ones([n, 1], (&inputs.device(), inputs.dtype()));
                Tensor::cat(vec![inputs, ones], 1)
            }
            None => inputs,
        };
        let each = (0..tapes.len()).map(|k| of(k).sensitivities.clone());
        let sensitivities = match l == last && own_column {
            true => {
                let columns = each.enumerate().map(|(k, d)| d.narrow(1, k, 1));
                Sensitivities::OwnColumn(Tensor::cat(columns.collect(), 1))
            }
            false => Sensitivities::Each(each.collect()),
        };
        OutputGradients { inputs, sensitivities }
    };
    (0..=last).map(layer).collect()
}

fn distance(a: Tensor<Flex, 2>, b: Tensor<Flex, 2>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let scale = a.clone().abs().max();
    Precision::to_host((a - b).abs().max() / scale)[0]
}

#[test]
fn shared_grams_give_the_kernel_of_all_outputs() {
    for (outputs, n, bias) in [(1, 5, true), (3, 150, true), (2, 128, false)] {
        let tapes = tapes(7, outputs, n, bias, 1.0);
        let expected = full_kernel(&tapes);
        for own_column in [true, false] {
            let theta = shared_kernel(&layers(&tapes, own_column));
            assert_eq!(distance(theta.clone(), theta.clone().transpose()), 0.0);
            assert!(distance(expected.clone(), theta) < 1e-13);
        }
    }
}

#[test]
fn shared_grams_give_the_cross_kernel_of_all_outputs() {
    let (a, b) = (tapes(7, 3, 140, true, 1.0), tapes(7, 3, 9, true, 0.3));
    let expected = cross_kernel_of_outputs(&a, &b, Outputs::Full);
    for own_column in [true, false] {
        let theta = shared_cross_kernel(&layers(&a, own_column), &layers(&b, own_column));
        assert!(distance(expected.clone(), theta) < 1e-13);
    }
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
        let tapes = tapes(width, 10, n, true, 1.0);
        let layers = layers(&tapes, true);
        let (single, shared) =
            (median(&|| full_kernel(&tapes)), median(&|| shared_kernel(&layers)));
        println!("h = {width}, n = {n}: {single:.3} s, {shared:.3} s, {:.2}", single / shared);
    }
}
