//! A stack gives the same results as its networks one by one.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{
    Activation, DenseSpec, FeedForward, Network, NetworkSpec, Precision, StackedNetwork,
    StackedTape, Tape, Trace, cholesky_of_shifted, cholesky_solve, factorises, kit::numbers,
};

const NETWORKS: usize = 3;
const POINTS: usize = 7;

fn nets() -> Vec<FeedForward> {
    let activations = [Activation::Softplus { beta: 5.0 }, Activation::Relu, Activation::Gelu];
    let spec =
        |(activation, bias)| DenseSpec { inputs: 4, width: 5, hidden_layers: 3, activation, bias };
    activations.map(|phi| spec((phi, phi != Activation::Relu)).build().unwrap()).into()
}

fn close(found: Vec<f64>, expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-13 * scale, "{a} is not {b}");
    }
}

/// Weights and points of one network of a stack.
fn one<B: Backend>(
    net: &FeedForward,
    k: usize,
    device: &B::Device,
) -> (Tensor<B, 1>, Tensor<B, 2>) {
    let w = numbers(net.n_params(), 3 + k as u64);
    let x = numbers(POINTS * net.n_inputs(), 90 + k as u64);
    let shape = [POINTS, net.n_inputs()];
    (Precision::F64.vector(&w, device), Precision::F64.matrix(&x, shape, device))
}

/// The outputs and the linearisation of a stack of networks.
fn stacked<B: Backend>(net: &FeedForward, device: &B::Device) -> (Tensor<B, 2>, StackedTape<B>) {
    let stack = StackedNetwork::of(net).unwrap();
    let (w, x): (Vec<_>, Vec<_>) = (0..NETWORKS)
        .map(|k| one::<B>(net, k, device))
        .map(|(w, x)| (w.unsqueeze::<2>(), x.unsqueeze::<3>()))
        .unzip();
    let scales = stack.scales(Precision::F64, device);
    let trace = stack.trace(&Tensor::cat(w, 0), &scales, &Tensor::cat(x, 0));
    (trace.outputs(), trace.linearise())
}

pub(crate) fn a_stack_agrees_with_its_networks<B: Backend>(device: &B::Device) {
    for net in nets() {
        let (outputs, tape) = stacked::<B>(&net, device);
        let p = net.n_params();
        let (v, g) = (numbers(NETWORKS * p, 1), numbers(NETWORKS * POINTS, 2));
        let moved = tape.jvp(&Precision::F64.matrix(&v, [NETWORKS, p], device));
        let pulled = tape.vjp(&Precision::F64.matrix(&g, [NETWORKS, POINTS], device));
        let kernel = Precision::to_host(tape.kernel());
        let [outputs, moved, pulled] = [outputs, moved, pulled].map(Precision::to_host);
        for k in 0..NETWORKS {
            let (w, x) = one::<B>(&net, k, device);
            let trace = net.trace(&w, &x);
            let of = |all: &[f64], each: usize| all[k * each..(k + 1) * each].to_vec();
            close(of(&outputs, POINTS), &Precision::to_host(trace.output()));
            let alone = trace.linearise();
            let direction = Precision::F64.vector(&of(&v, p), device);
            close(of(&moved, POINTS), &Precision::to_host(alone.jvp(direction)));
            let cotangent = Precision::F64.vector(&of(&g, POINTS), device);
            close(of(&pulled, p), &Precision::to_host(alone.vjp(cotangent)));
            // The kernel by its definition, from the rows of the Jacobian.
            let row = |i: usize| {
                let unit: Vec<f64> = (0..POINTS).map(|j| f64::from(u8::from(j == i))).collect();
                Precision::to_host(alone.vjp(Precision::F64.vector(&unit, device)))
            };
            let rows: Vec<Vec<f64>> = (0..POINTS).map(row).collect();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let expected: Vec<f64> =
                rows.iter().flat_map(|a| rows.iter().map(|b| dot(a, b))).collect();
            close(of(&kernel, POINTS * POINTS), &expected);
        }
    }
}

pub(crate) fn points_and_networks_of_a_stack_can_be_selected<B: Backend>(device: &B::Device) {
    let net = &nets()[0];
    let (_, tape) = stacked::<B>(net, device);
    let v = numbers(NETWORKS * net.n_params(), 1);
    let v = Precision::F64.matrix::<B>(&v, [NETWORKS, net.n_params()], device);
    let all = Precision::to_host(tape.jvp(&v));
    let points = [vec![2, 2, 6], vec![0, 1, 2], vec![5, 4, 3]];
    let some = Precision::to_host(tape.select(&points).jvp(&v));
    let expected: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(k, of)| of.iter().map(move |i| (k, *i)))
        .map(|(k, i)| all[k * POINTS + i])
        .collect();
    close(some, &expected);
    let order = [2, 0];
    let rows = Tensor::cat(order.map(|k| v.clone().narrow(0, k, 1)).into(), 0);
    let expected: Vec<f64> =
        order.iter().flat_map(|k| all[k * POINTS..(k + 1) * POINTS].to_vec()).collect();
    let swapped = tape.networks(&order);
    close(Precision::to_host(swapped.jvp(&rows)), &expected);
    let twice = Tensor::cat(vec![rows.clone(), rows], 0);
    close(
        Precision::to_host(swapped.and(&swapped).jvp(&twice)),
        &[expected.clone(), expected].concat(),
    );
}

pub(crate) fn cholesky_factors_solve_the_system<B: Backend>(device: &B::Device) {
    // The solution of (I + R M Rᵀ) x = v for M = aaᵀ by the Sherman–Morrison formula.
    let (r, n) = (2, 5);
    let (a, root, v) = (numbers(r * n, 4), numbers(r * n, 5), numbers(r * n, 6));
    let m: Vec<f64> = (0..r)
        .flat_map(|k| (0..n * n).map(move |ij| (k * n + ij / n, k * n + ij % n)))
        .map(|(i, j)| a[i] * a[j])
        .collect();
    let m = Precision::F64.matrix::<B>(&m, [r * n, n], device).reshape([r, n, n]);
    let matrix = |values: &[f64]| Precision::F64.matrix::<B>(values, [r, n], device);
    let Some(factorised) = cholesky_of_shifted(m.clone(), matrix(&root)) else {
        assert!(!factorises::<B>());
        return;
    };
    assert!(factorises::<B>());
    assert_eq!(Precision::to_host(factorised.failed_at), [0.0, 0.0]);
    let found = Precision::to_host(cholesky_solve(&factorised.factors, matrix(&v)));
    for k in 0..r {
        let of = |all: &[f64]| all[k * n..(k + 1) * n].to_vec();
        let b: Vec<f64> = of(&a).iter().zip(of(&root)).map(|(a, s)| a * s).collect();
        let along: f64 = b.iter().zip(of(&v)).map(|(b, v)| b * v).sum();
        let square: f64 = b.iter().map(|b| b * b).sum();
        let expected: Vec<f64> =
            of(&v).iter().zip(&b).map(|(v, b)| v - b * along / (1.0 + square)).collect();
        close(of(&found), &expected);
    }
    let failed = cholesky_of_shifted(m.mul_scalar(-1e3), matrix(&vec![1.0; r * n])).unwrap();
    assert!(Precision::to_host(failed.failed_at).iter().all(|&at| at > 0.0));
}

#[test]
fn only_chains_are_stacked() {
    for net in nets() {
        assert!(StackedNetwork::of(&net).is_some());
    }
    let maps = NetworkSpec::Convolutional(regime_models::ConvolutionalSpec::setup_b(3));
    assert!(StackedNetwork::of(&maps.build().unwrap()).is_none());
}
