//! The forward pass, and `F = α(f − f₀)`.

use burn_tensor::{Tensor, backend::Backend};
use proptest::prelude::*;
use regime_models::{
    Activation, Alpha, DenseSpec, Network, Precision, Scaled, Tape, Trace,
    kit::{
        close, for_all, numbers,
        strategies::{activations, problems},
    },
};

use crate::loops;

pub(crate) fn the_forward_pass_agrees_with_plain_loops<B: Backend>(device: &B::Device) {
    for_all(64, problems(activations()), |problem| {
        let (w, x) = problem.tensors::<B>(Precision::F64, device);
        let f = Precision::to_host(problem.net.forward(&w, &x));
        for (i, (f, x)) in f.into_iter().zip(problem.x.chunks(problem.net.n_inputs())).enumerate() {
            let expected = loops::output(&problem.spec, &problem.w, x);
            prop_assert!(close(f, expected, 1e-12), "point {i}: {f} is not {expected}");
        }
        Ok(())
    });
}

pub(crate) fn f_vanishes_at_the_initial_weights_for_every_alpha<B: Backend>(device: &B::Device) {
    let net = DenseSpec {
        inputs: 5,
        width: 9,
        hidden_layers: 2,
        activation: Activation::Tanh,
        bias: true,
    }
    .build()
    .unwrap();
    let w = Precision::F64.vector::<B>(&net.initial_weights(3), device);
    let x = Precision::F64.matrix::<B>(&numbers(20, 1), [4, 5], device);
    let moved = w.clone().mul_scalar(1.01);
    let bare: Tensor<B, 1> = net.forward(&moved, &x) - net.forward(&w, &x);
    let bare = Precision::to_host(bare);
    for alpha in [1e-6, 0.3, 1e6] {
        let scaled = Scaled::at(&net, &w, &x, Alpha::paper(alpha).unwrap());
        assert_eq!(Precision::to_host(scaled.output(net.forward(&w, &x))), vec![0.0; 4]);
        let f = Precision::to_host(scaled.output(net.forward(&moved, &x)));
        for (f, bare) in f.iter().zip(&bare) {
            assert!(close(f / alpha, *bare, 1e-14));
        }
    }
}

pub(crate) fn single_precision_stays_single_and_close<B: Backend>(device: &B::Device) {
    for_all(24, problems(activations()), |problem| {
        let g = vec![1.0 / problem.n as f64; problem.n];
        let both = [Precision::F64, Precision::F32].map(|precision| {
            let (w, x) = problem.tensors::<B>(precision, device);
            let tape = problem.net.trace(&w, &x).linearise();
            let gradient = tape.vjp(precision.vector(&g, device));
            assert_eq!(gradient.dtype(), precision.dtype());
            Precision::to_host(gradient)
        });
        let scale = both[0].iter().fold(1.0f64, |m, v| m.max(v.abs()));
        for (double, single) in both[0].iter().zip(&both[1]) {
            // Rounding can move a ReLU across its kink, and one entry then differs by more.
            // None of these points is that close to a kink.
            prop_assert!((double - single).abs() < 2e-4 * scale, "{double} against {single}");
        }
        Ok(())
    });
}
