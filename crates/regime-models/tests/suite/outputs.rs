//! Networks with several outputs, as one operator, against their single outputs.

use burn_tensor::{Tensor, backend::Backend};
use proptest::prelude::*;
use regime_models::{
    Activation, ConvolutionalSpec, DenseSpec, MultiOutput, Network, NetworkSpec, Precision, Tape,
    Trace,
    kit::{
        Problem, close, distance, for_all, numbers,
        strategies::{activations, problems, smooth_activations},
    },
};

const OUTPUTS: usize = 3;

fn host<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f64> {
    Precision::to_host(tensor)
}

/// The network of a problem with three outputs, its weights `[P]` and points `[n, d]`.
fn several<B: Backend>(
    problem: &Problem,
    device: &B::Device,
) -> (MultiOutput, Tensor<B, 1>, Tensor<B, 2>) {
    let net = problem.spec.build_outputs(OUTPUTS).unwrap();
    let noise = numbers(net.n_params(), problem.seed ^ 0x77);
    let w = net.initial_weights(problem.seed);
    let w: Vec<f64> = w.iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect();
    let (_, x) = problem.tensors::<B>(Precision::F64, device);
    (net, Precision::F64.vector(&w, device), x)
}

pub(crate) fn outputs_come_one_after_the_other<B: Backend>(device: &B::Device) {
    for_all(16, problems(activations()), |problem| {
        let (net, w, x) = several::<B>(&problem, device);
        let matrix = host(net.outputs(&w, &x));
        let expected: Vec<f64> =
            (0..OUTPUTS).flat_map(|k| matrix.iter().skip(k).step_by(OUTPUTS).copied()).collect();
        prop_assert_eq!(Network::<B>::n_outputs(&net), OUTPUTS);
        prop_assert_eq!(&host(net.forward(&w, &x)), &expected);
        let trace = net.trace(&w, &x);
        prop_assert!(distance(&host(trace.output()), &expected) < 1e-13);
        let last = trace.preactivations().expect("the layers have preactivations").pop().unwrap();
        prop_assert!(distance(&host(last), &matrix) < 1e-13);
        Ok(())
    });
}

/// Products and blocks of all rows, and of some rows out of order and repeated.
pub(crate) fn several_outputs_agree_with_single_ones<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let (net, w, x) = several::<B>(&problem, device);
        let (singles, n) = (net.tapes(&w, &x), problem.n);
        let v = Precision::F64.vector::<B>(&numbers(net.n_params(), problem.seed ^ 3), device);
        let rates: Vec<f64> = singles.iter().flat_map(|tape| host(tape.jvp(v.clone()))).collect();
        let whole = net.trace(&w, &x).linearise();
        prop_assert_eq!(whole.n_points(), n * OUTPUTS);
        prop_assert_eq!(whole.n_params(), net.n_params());

        // Every third row from the end, the first row twice, and one of these rows alone.
        let mut rows: Vec<usize> = (0..n * OUTPUTS).rev().step_by(3).collect();
        rows.extend([0, n, 0]);
        let some = whole.select(&rows);
        let within = [rows.len() - 1, 0, 0];
        let fewer = some.select(&within);
        let of_fewer: Vec<usize> = within.iter().map(|&at| rows[at]).collect();
        for (tape, rows) in
            [(whole, (0..n * OUTPUTS).collect::<Vec<_>>()), (some, rows), (fewer, of_fewer)]
        {
            prop_assert_eq!(tape.n_points(), rows.len());
            let expected: Vec<f64> = rows.iter().map(|&row| rates[row]).collect();
            let moved = host(tape.jvp(v.clone()));
            let scale = rates.iter().fold(1.0f64, |m, v| m.max(v.abs()));
            for (a, b) in moved.iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-12 * scale, "J v: {a} is not {b}");
            }
            let g = numbers(rows.len(), problem.seed ^ 9);
            let pulled = host(tape.vjp(Precision::F64.vector(&g, device)));
            let mut by_output = vec![vec![0.0; n]; OUTPUTS];
            rows.iter().zip(&g).for_each(|(&row, g)| by_output[row / n][row % n] += g);
            let mut sum = vec![0.0; net.n_params()];
            for (tape, g) in singles.iter().zip(&by_output) {
                let own = host(tape.vjp(Precision::F64.vector(g, device)));
                sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
            prop_assert!(distance(&pulled, &sum) < 1e-12);

            // The blocks of the rows hold the gradient of every row.
            let last = rows.len() - 1;
            let gradient = host(tape.select(&[last]).vjp(Precision::F64.vector(&[1.0], device)));
            for block in tape.blocks().expect("every architecture has blocks") {
                prop_assert_eq!(block.n_points(), rows.len());
                let own = block.point_gradients(0..block.n_outputs());
                let own = host(own.narrow(0, last, 1));
                let (weights, m) = (&gradient[block.weights.clone()], block.n_outputs());
                let columns = (0..m).flat_map(|j| weights.iter().skip(j).step_by(m));
                let biases = block.biases.clone().unwrap_or(0..0);
                let expected: Vec<f64> = columns.chain(&gradient[biases]).copied().collect();
                for (a, b) in own.iter().zip(&expected) {
                    prop_assert!(close(*a, *b, 1e-11), "{a} is not {b}");
                }
            }
        }
        Ok(())
    });
}

pub(crate) fn several_outputs_agree_with_finite_differences<B: Backend>(device: &B::Device) {
    for_all(16, problems(smooth_activations()), |problem| {
        let (net, w, x) = several::<B>(&problem, device);
        let v = Precision::F64.vector::<B>(&numbers(net.n_params(), problem.seed ^ 3), device);
        let e = 1e-5;
        let up = net.forward(&(w.clone() + v.clone().mul_scalar(e)), &x);
        let down = net.forward(&(w.clone() - v.clone().mul_scalar(e)), &x);
        let expected = host((up - down).div_scalar(2.0 * e));
        let tape = net.trace(&w, &x).linearise();
        let moved = host(tape.jvp(v.clone()));
        let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        for (a, b) in moved.iter().zip(&expected) {
            prop_assert!((a - b).abs() <= 1e-6 * scale, "{a} is not {b}");
        }
        let g = numbers(moved.len(), problem.seed ^ 5);
        let left: f64 = moved.iter().zip(&g).map(|(a, b)| a * b).sum();
        let right = tape.inner(tape.vjp(Precision::F64.vector(&g, device)), v);
        prop_assert!(close(left, right, 1e-10), "g·Jv = {left}, v·Jᵀg = {right}");
        Ok(())
    });
}

pub(crate) fn one_output_equals_the_scalar_network_to_the_bit<B: Backend>(device: &B::Device) {
    for_all(12, problems(activations()), |problem| {
        let net = problem.spec.build_outputs(1).unwrap();
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let v = problem.direction::<B>(device);
        let g = Precision::F64.vector::<B>(&problem.cotangent(), device);
        let rows = [problem.n - 1, 0];
        prop_assert_eq!(host(net.forward(&w, &x)), host(problem.net.forward(&w, &x)));
        let (one, scalar) = (net.trace(&w, &x).linearise(), problem.tape::<B>(device));
        prop_assert_eq!(host(one.jvp(v.clone())), host(scalar.jvp(v.clone())));
        prop_assert_eq!(host(one.vjp(g.clone())), host(scalar.vjp(g)));
        prop_assert_eq!(host(one.select(&rows).jvp(v.clone())), host(scalar.select(&rows).jvp(v)));
        prop_assert!(one.shared_layers().is_none());
        prop_assert_eq!(one.row_cost(), scalar.row_cost());
        Ok(())
    });
}

/// Dense networks share their layers. The kernel from them is the one of the Jacobian.
pub(crate) fn shared_layers_contain_the_kernel<B: Backend>(device: &B::Device) {
    let activation = Activation::Softplus { beta: 5.0 };
    for bias in [true, false] {
        let spec = DenseSpec { inputs: 4, width: 6, hidden_layers: 2, activation, bias };
        let problem = Problem::of(NetworkSpec::Dense(spec), 5, 2);
        let (net, w, x) = several::<B>(&problem, device);
        let whole = net.trace(&w, &x).linearise();
        for tape in [whole.clone(), whole.select(&[14, 3, 8, 3])] {
            let rows = tape.n_points();
            let gradient =
                |r: usize| host(tape.select(&[r]).vjp(Precision::F64.vector::<B>(&[1.0], device)));
            let gradients: Vec<Vec<f64>> = (0..rows).map(gradient).collect();
            let shared = tape.shared_layers().expect("a dense network has shared layers");
            let (n, k) = (shared.n_points(), shared.n_outputs());
            assert_eq!((k, n * k >= rows), (OUTPUTS, true));
            let number = |r: usize| shared.rows.as_ref().map_or(r, |rows| rows[r]);
            let mut theta = vec![0.0; rows * rows];
            for layer in &shared.layers {
                let gram = |a: &Tensor<B, 2>, b: &Tensor<B, 2>| {
                    host(a.clone().matmul(b.clone().transpose()))
                };
                let inputs = gram(&layer.inputs, &layer.inputs);
                let sensitivities: Vec<Vec<f64>> = (0..k * k)
                    .map(|at| gram(&layer.sensitivities[at / k], &layer.sensitivities[at % k]))
                    .collect();
                for (at, sum) in theta.iter_mut().enumerate() {
                    let (r, s) = (number(at / rows), number(at % rows));
                    let pair = (r % n) * n + s % n;
                    *sum += inputs[pair] * sensitivities[r / n * k + s / n][pair];
                }
                let columns = layer.inputs.dims()[1] - usize::from(layer.biases.is_some());
                assert_eq!(columns * layer.sensitivities[0].dims()[1], layer.weights.len());
            }
            for (at, found) in theta.iter().enumerate() {
                let (a, b) = (&gradients[at / rows], &gradients[at % rows]);
                let expected: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!(close(*found, expected, 1e-12), "{found} is not {expected}");
            }
        }
    }
}

/// More images than are evaluated in one pass, in any order, with the same bits for any number of
/// threads.
#[test]
fn several_outputs_in_several_parts() {
    use burn_flex::{Flex, FlexDevice};
    let spec = ConvolutionalSpec { activation: Activation::Tanh, ..ConvolutionalSpec::setup_b(3) };
    let problem = Problem::of(NetworkSpec::Convolutional(spec), 150, 8);
    let (net, w, x) = several::<Flex>(&problem, &FlexDevice);
    let v = Precision::F64.vector::<Flex>(&numbers(net.n_params(), 4), &FlexDevice);
    let rows: Vec<usize> =
        (0..OUTPUTS * problem.n).map(|i| i * 7 % (OUTPUTS * problem.n)).collect();
    let products = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let tape = net.trace(&w, &x).linearise();
            let g = || Precision::F64.vector::<Flex>(&numbers(rows.len(), 6), &FlexDevice);
            [tape.jvp(v.clone()), tape.vjp(g()), tape.select(&rows).vjp(g())].map(host)
        })
    };
    let found = products(1);
    assert!(found == products(3));
    let singles = net.tapes(&w, &x);
    let rates: Vec<f64> = singles.iter().flat_map(|tape| host(tape.jvp(v.clone()))).collect();
    assert!(distance(&found[0], &rates) < 1e-13);
    let g = numbers(rows.len(), 6);
    let mut sorted = vec![0.0; rows.len()];
    rows.iter().zip(&g).for_each(|(&row, &g)| sorted[row] = g);
    let tape = net.trace(&w, &x).linearise();
    let expected = host(tape.vjp(Precision::F64.vector(&sorted, &FlexDevice)));
    assert!(distance(&found[2], &expected) < 1e-13);
    assert!(tape.shared_layers().is_none());
}

#[test]
#[should_panic(expected = "row 6 does not exist: the tape has 6 rows")]
fn a_row_that_does_not_exist_is_named() {
    use burn_flex::{Flex, FlexDevice};
    let activation = Activation::Tanh;
    let spec = DenseSpec { inputs: 1, width: 2, hidden_layers: 1, activation, bias: true };
    let problem = Problem::of(NetworkSpec::Dense(spec), 2, 0);
    let (net, w, x) = several::<Flex>(&problem, &FlexDevice);
    let _ = net.trace(&w, &x).linearise().select(&[0, 6]);
}
