//! The Jacobian as an operator, and the rates of the preactivations.

use burn_autodiff::Autodiff;
use burn_tensor::{Tensor, backend::Backend};
use proptest::prelude::*;
use regime_models::{
    Activation, ConvolutionalSpec, Network, NetworkSpec, Precision, Tape, Trace,
    kit::{
        Problem, close, for_all,
        strategies::{activations, problems, smooth_activations},
    },
};

pub(crate) fn the_gradient_agrees_with_autodiff<B: Backend>(device: &B::Device) {
    for_all(32, problems(activations()), |problem| {
        let g = problem.cotangent();
        let (w, x) = problem.tensors::<Autodiff<B>>(Precision::F64, device);
        let tracked = w.require_grad();
        let weighted = problem.net.forward(&tracked, &x) * Precision::F64.vector(&g, device);
        let gradients = weighted.sum().backward();
        let expected = Precision::to_host(tracked.grad(&gradients).expect("w was tracked"));

        let gradient = problem.tape::<B>(device).vjp(Precision::F64.vector(&g, device));
        let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for (i, (a, b)) in Precision::to_host(gradient).iter().zip(&expected).enumerate() {
            prop_assert!((a - b).abs() <= 1e-12 * (1.0 + scale), "parameter {i}: {a} is not {b}");
        }
        Ok(())
    });
}

pub(crate) fn the_jacobian_agrees_with_finite_differences<B: Backend>(device: &B::Device) {
    for_all(32, problems(smooth_activations()), |problem| {
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let v = problem.direction::<B>(device);
        let e = 1e-5;
        let up = problem.net.forward(&(w.clone() + v.clone().mul_scalar(e)), &x);
        let down = problem.net.forward(&(w.clone() - v.clone().mul_scalar(e)), &x);
        let expected = Precision::to_host((up - down).div_scalar(2.0 * e));
        let moved = Precision::to_host(problem.net.trace(&w, &x).linearise().jvp(v));
        let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        for (a, b) in moved.iter().zip(&expected) {
            prop_assert!((a - b).abs() <= 1e-6 * scale, "{a} is not {b}");
        }
        Ok(())
    });
}

pub(crate) fn products_with_the_jacobian_are_adjoint<B: Backend>(device: &B::Device) {
    for_all(32, problems(activations()), |problem| {
        let tape = problem.tape::<B>(device);
        let v = problem.direction::<B>(device);
        let g = Precision::F64.vector::<B>(&problem.cotangent(), device);
        let left = Precision::to_host((tape.jvp(v.clone()) * g.clone()).sum())[0];
        let right = Precision::to_host((tape.vjp(g) * v).sum())[0];
        prop_assert!(close(left, right, 1e-10), "g·Jv = {left}, v·Jᵀg = {right}");
        Ok(())
    });
}

pub(crate) fn blocks_contain_the_jacobian<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let tape = problem.tape::<B>(device);
        let blocks = tape.blocks().expect("every architecture has blocks");
        // The gradient of the last point, as a row of the Jacobian.
        let mut basis = vec![0.0; problem.n];
        basis[problem.n - 1] = 1.0;
        let row = Precision::to_host(tape.vjp(Precision::F64.vector(&basis, device)));
        let mut n_params = 0;
        for block in blocks {
            let gradients = block.point_gradients(0..block.n_outputs());
            let last = Precision::to_host(gradients.narrow(0, problem.n - 1, 1));
            let biases = block.biases.clone().unwrap_or(0..0);
            n_params += block.weights.len() + biases.len();
            // One output after the other.
            let (weights, m) = (&row[block.weights.clone()], block.n_outputs());
            let columns = (0..m).flat_map(|j| weights.iter().skip(j).step_by(m));
            let expected: Vec<f64> = columns.chain(&row[biases]).copied().collect();
            prop_assert_eq!(last.len(), expected.len());
            for (a, b) in last.iter().zip(&expected) {
                prop_assert!(close(*a, *b, 1e-12));
            }
        }
        prop_assert_eq!(n_params, problem.net.n_params());
        Ok(())
    });
}

pub(crate) fn selected_rows_agree_with_the_full_jacobian<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let tape = problem.tape::<B>(device);
        let v = problem.direction::<B>(device);
        let points: Vec<usize> = (0..problem.n).rev().step_by(2).collect();
        let all = Precision::to_host(tape.jvp(v.clone()));
        let some = tape.select(&points);
        prop_assert_eq!(some.n_points(), points.len());
        let some = Precision::to_host(some.jvp(v));
        for (value, &i) in some.iter().zip(&points) {
            prop_assert!(close(*value, all[i], 1e-12));
        }
        Ok(())
    });
}

/// The rate of the last layer is `J v`. For any layer, the rate along its own parameters,
/// weighted with its sensitivities and summed, is `J v` along these parameters.
pub(crate) fn preactivation_rates_agree_with_the_jacobian<B: Backend>(device: &B::Device) {
    for_all(24, problems(smooth_activations()), |problem| {
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let v = problem.direction::<B>(device);
        let trace = problem.net.trace(&w, &x);
        let rates = trace.preactivation_rates(&v).expect("the layers have preactivations");
        let tape = trace.linearise();
        let blocks = tape.blocks().expect("every architecture has blocks");
        prop_assert_eq!(rates.len(), blocks.len());
        let output = Precision::to_host(rates.last().unwrap().clone());
        for (a, b) in output.iter().zip(Precision::to_host(tape.jvp(v.clone()))) {
            prop_assert!(close(*a, b, 1e-11), "{a} is not {b}");
        }
        for (rate, block) in rates.iter().zip(blocks) {
            prop_assert_eq!(rate.dims(), block.sensitivities.dims());
        }
        // Along the parameters of one layer alone.
        let layer = problem.seed as usize % rates.len();
        let range = problem.net.layer_ranges()[layer].clone();
        let mut own = vec![0.0; problem.net.n_params()];
        own[range.clone()].copy_from_slice(&Precision::to_host(v)[range]);
        let own = Precision::F64.vector::<B>(&own, device);
        let rates = problem.net.trace(&w, &x).preactivation_rates(&own).unwrap();
        let block = &blocks[layer];
        let per_point = block.n_positions() * block.n_outputs();
        let through: Tensor<B, 2> = rates[layer].clone() * block.sensitivities.clone();
        let through = through.reshape([problem.n, per_point]).sum_dim(1);
        let moved = Precision::to_host(tape.jvp(own));
        for (a, b) in Precision::to_host(through).iter().zip(&moved) {
            prop_assert!(close(*a, *b, 1e-11), "layer {layer}: {a} is not {b}");
        }
        Ok(())
    });
}

/// More images than are evaluated in one pass.
pub(crate) fn points_in_several_parts_give_the_same_products<B: Backend>(device: &B::Device) {
    let net = ConvolutionalSpec { activation: Activation::Tanh, ..ConvolutionalSpec::setup_b(3) };
    let problem = Problem::of(NetworkSpec::Convolutional(net), 260, 8);
    let whole = problem.tape::<B>(device);
    let v = problem.direction::<B>(device);
    let (moved, g) = (Precision::to_host(whole.jvp(v.clone())), problem.cotangent());
    let gradient = Precision::to_host(whole.vjp(Precision::F64.vector(&g, device)));

    // A few at a time.
    let d = problem.net.n_inputs();
    let mut sum = vec![0.0; gradient.len()];
    let (w, _) = problem.tensors::<B>(Precision::F64, device);
    for start in (0..problem.n).step_by(20) {
        let x = &problem.x[start * d..(start + 20) * d];
        let trace = problem.net.trace(&w, &Precision::F64.matrix::<B>(x, [20, d], device));
        let part = trace.linearise();
        let here = Precision::F64.vector::<B>(&g[start..start + 20], device);
        sum.iter_mut().zip(Precision::to_host(part.vjp(here))).for_each(|(s, v)| *s += v);
        for (a, b) in Precision::to_host(part.jvp(v.clone())).iter().zip(&moved[start..]) {
            assert!(close(*a, *b, 1e-12), "{a} is not {b}");
        }
    }
    let scale = sum.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    for (a, b) in sum.iter().zip(&gradient) {
        assert!((a - b).abs() < 1e-12 * scale, "{a} is not {b}");
    }

    // Points selected from several parts, out of order, and all points in one batch.
    let points = [259, 0, 1, 130, 131, 2, 258];
    let some = Precision::to_host(whole.select(&points).jvp(v.clone()));
    for (value, &i) in some.iter().zip(&points) {
        assert!(close(*value, moved[i], 1e-12));
    }
    let blocks = whole.blocks().expect("every architecture has blocks");
    assert!(blocks.iter().all(|block| block.n_points() == problem.n));
    let rates = problem.net.trace(&w, &problem.tensors::<B>(Precision::F64, device).1);
    let rates = rates.preactivation_rates(&v).expect("the layers have preactivations");
    for (a, b) in Precision::to_host(rates.last().unwrap().clone()).iter().zip(&moved) {
        assert!(close(*a, *b, 1e-11), "{a} is not {b}");
    }
}

/// Results agree to the bit, although parts are computed in parallel.
#[test]
fn nothing_depends_on_the_number_of_threads() {
    let net = NetworkSpec::Convolutional(ConvolutionalSpec::setup_b(6));
    let problem = Problem::of(net, 150, 3);
    let bits = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let device = burn_flex::FlexDevice;
            let tape = problem.tape::<burn_flex::Flex>(&device);
            let g = Precision::F64.vector(&problem.cotangent(), &device);
            let gradients = tape.blocks().unwrap()[1].point_gradients(0..6);
            let all = [
                Precision::to_host(tape.jvp(problem.direction(&device))),
                Precision::to_host(tape.vjp(g)),
                Precision::to_host(gradients),
            ];
            all.concat().iter().map(|v| v.to_bits()).collect::<Vec<u64>>()
        })
    };
    assert!(bits(1) == bits(3));
}
