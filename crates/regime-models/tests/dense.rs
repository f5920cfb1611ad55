//! The fully connected net: against plain loops, against `burn-autodiff`, against
//! differences; one suite over every backend.

use burn::tensor::{Tensor, backend::Backend};
use burn_autodiff::Autodiff;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use regime_models::{Activation, Alpha, Dense, DenseSpec, Network, Precision, Scaled, Tape, Trace};

macro_rules! on_every_backend {
    ($($name:ident),* $(,)?) => {
        mod flex {
            $(#[test] fn $name() { super::$name::<burn_flex::Flex>(&burn_flex::FlexDevice) })*
        }
        mod ndarray {
            $(#[test] fn $name() {
                super::$name::<burn_ndarray::NdArray>(&burn_ndarray::NdArrayDevice::Cpu)
            })*
        }
    };
}

on_every_backend!(
    the_forward_pass_is_the_formula,
    the_gradient_is_that_of_autodiff,
    the_jacobian_is_that_of_differences,
    products_with_the_jacobian_are_adjoint,
    selected_rows_are_rows,
    f_vanishes_at_the_start_for_every_alpha,
    single_precision_stays_single_and_close,
);

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Relu),
        (0.5..20.0f64).prop_map(|beta| Activation::Softplus { beta }),
        Just(Activation::Tanh),
        (0.5..5.0f64).prop_map(|beta| Activation::Silu { beta }),
        Just(Activation::Gelu),
    ]
}

/// A network and a number of points, of awkward sizes.
fn problems() -> impl Strategy<Value = (DenseSpec, usize, u64)> {
    let sizes = || prop::sample::select(vec![1usize, 2, 3, 7, 31, 32, 33]);
    (sizes(), sizes(), 1..4usize, activations(), any::<bool>(), sizes(), any::<u64>()).prop_map(
        |(inputs, width, hidden_layers, activation, bias, n, seed)| {
            (DenseSpec { inputs, width, hidden_layers, activation, bias }, n, seed)
        },
    )
}

fn for_all<S: Strategy>(
    cases: u32,
    strategy: S,
    check: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: std::fmt::Debug,
{
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    if let Err(error) = runner.run(&strategy, check) {
        panic!("{error}");
    }
}

/// Numbers of order one that depend on the seed only.
fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| 3.4 * (next() - 0.5)).collect()
}

/// Weights with biases that are not zero, as in the middle of training.
fn weights(net: &Dense, seed: u64) -> Vec<f64> {
    let noise = numbers(net.n_params(), seed ^ 0xabcd);
    net.initial_weights(seed).iter().zip(noise).map(|(w, e)| w + 0.1 * e).collect()
}

/// The network, written with loops.
fn by_loops(spec: &DenseSpec, w: &[f64], x: &[f64]) -> f64 {
    let gain = spec.activation.gain();
    let mut a = x.to_vec();
    let mut offset = 0;
    for layer in 0..=spec.hidden_layers {
        let k = a.len();
        let m = if layer == spec.hidden_layers { 1 } else { spec.width };
        let mut z = vec![0.0; m];
        for j in 0..m {
            for i in 0..k {
                z[j] += a[i] * w[offset + i * m + j];
            }
            z[j] /= (k as f64).sqrt();
            if spec.bias {
                z[j] += w[offset + k * m + j];
            }
        }
        offset += k * m + if spec.bias { m } else { 0 };
        a = if layer == spec.hidden_layers {
            z
        } else {
            z.iter().map(|&z| gain * spec.activation.bare(z).0).collect()
        };
    }
    assert_eq!(offset, w.len(), "the layout holds every parameter once");
    a[0]
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

fn the_forward_pass_is_the_formula<B: Backend>(device: &B::Device) {
    for_all(48, problems(), |(spec, n, seed)| {
        let net = Dense::new(spec).unwrap();
        let (w, x) = (weights(&net, seed), numbers(n * spec.inputs, seed));
        let f = net.forward(
            &Precision::F64.vector::<B>(&w, device),
            &Precision::F64.matrix::<B>(&x, [n, spec.inputs], device),
        );
        for (i, f) in Precision::to_host(f).into_iter().enumerate() {
            let expected = by_loops(&spec, &w, &x[i * spec.inputs..(i + 1) * spec.inputs]);
            prop_assert!(close(f, expected, 1e-12), "point {i}: {f} is not {expected}");
        }
        Ok(())
    });
}

fn the_gradient_is_that_of_autodiff<B: Backend>(device: &B::Device) {
    for_all(24, problems(), |(spec, n, seed)| {
        let net = Dense::new(spec).unwrap();
        let (w, x) = (weights(&net, seed), numbers(n * spec.inputs, seed));
        let g = numbers(n, seed ^ 7);

        let tracked = Precision::F64.vector::<Autodiff<B>>(&w, device).require_grad();
        let points = Precision::F64.matrix::<Autodiff<B>>(&x, [n, spec.inputs], device);
        let weighted = net.forward(&tracked, &points) * Precision::F64.vector(&g, device);
        let gradients = weighted.sum().backward();
        let expected = Precision::to_host(tracked.grad(&gradients).expect("w was tracked"));

        let points = Precision::F64.matrix::<B>(&x, [n, spec.inputs], device);
        let tape = net.trace(&Precision::F64.vector::<B>(&w, device), &points).linearise();
        let gradient = Precision::to_host(tape.vjp(Precision::F64.vector(&g, device)));
        let scale = expected.iter().fold(0.0f64, |m, v| m.max(v.abs()));
        for (i, (a, b)) in gradient.iter().zip(&expected).enumerate() {
            prop_assert!((a - b).abs() <= 1e-12 * (1.0 + scale), "parameter {i}: {a} is not {b}");
        }
        Ok(())
    });
}

fn the_jacobian_is_that_of_differences<B: Backend>(device: &B::Device) {
    for_all(24, problems(), |(spec, n, seed)| {
        // The kink of ReLU is not differentiable, and differences step across it.
        prop_assume!(spec.activation != Activation::Relu);
        let net = Dense::new(spec).unwrap();
        let w = Precision::F64.vector::<B>(&weights(&net, seed), device);
        let x =
            Precision::F64.matrix::<B>(&numbers(n * spec.inputs, seed), [n, spec.inputs], device);
        let v = Precision::F64.vector::<B>(&numbers(net.n_params(), seed ^ 3), device);
        let e = 1e-5;
        let up = net.forward(&(w.clone() + v.clone().mul_scalar(e)), &x);
        let down = net.forward(&(w.clone() - v.clone().mul_scalar(e)), &x);
        let expected = Precision::to_host((up - down).div_scalar(2.0 * e));
        let moved = Precision::to_host(net.trace(&w, &x).linearise().jvp(v));
        let scale = expected.iter().fold(1.0f64, |m, v| m.max(v.abs()));
        for (a, b) in moved.iter().zip(&expected) {
            prop_assert!((a - b).abs() <= 1e-6 * scale, "{a} is not {b}");
        }
        Ok(())
    });
}

fn products_with_the_jacobian_are_adjoint<B: Backend>(device: &B::Device) {
    for_all(24, problems(), |(spec, n, seed)| {
        let net = Dense::new(spec).unwrap();
        let w = Precision::F64.vector::<B>(&weights(&net, seed), device);
        let x =
            Precision::F64.matrix::<B>(&numbers(n * spec.inputs, seed), [n, spec.inputs], device);
        let tape = net.trace(&w, &x).linearise();
        let v = Precision::F64.vector::<B>(&numbers(net.n_params(), seed ^ 3), device);
        let g = Precision::F64.vector::<B>(&numbers(n, seed ^ 5), device);
        let left = Precision::to_host((tape.jvp(v.clone()) * g.clone()).sum())[0];
        let right = Precision::to_host((tape.vjp(g) * v).sum())[0];
        prop_assert!(close(left, right, 1e-10), "g·Jv = {left}, v·Jᵀg = {right}");
        Ok(())
    });
}

fn selected_rows_are_rows<B: Backend>(device: &B::Device) {
    for_all(16, problems(), |(spec, n, seed)| {
        let net = Dense::new(spec).unwrap();
        let w = Precision::F64.vector::<B>(&weights(&net, seed), device);
        let x =
            Precision::F64.matrix::<B>(&numbers(n * spec.inputs, seed), [n, spec.inputs], device);
        let tape = net.trace(&w, &x).linearise();
        let v = Precision::F64.vector::<B>(&numbers(net.n_params(), seed ^ 3), device);
        let points: Vec<usize> = (0..n).rev().step_by(2).collect();
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

fn f_vanishes_at_the_start_for_every_alpha<B: Backend>(device: &B::Device) {
    let net = Dense::new(DenseSpec {
        inputs: 5,
        width: 9,
        hidden_layers: 2,
        activation: Activation::Tanh,
        bias: true,
    })
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

fn single_precision_stays_single_and_close<B: Backend>(device: &B::Device) {
    for_all(16, problems(), |(spec, n, seed)| {
        let net = Dense::new(spec).unwrap();
        let (w, x) = (weights(&net, seed), numbers(n * spec.inputs, seed));
        let g = vec![1.0 / n as f64; n];
        let both = [Precision::F64, Precision::F32].map(|precision| {
            let w = precision.vector::<B>(&w, device);
            let tape = net.trace(&w, &precision.matrix(&x, [n, spec.inputs], device)).linearise();
            let gradient = tape.vjp(precision.vector(&g, device));
            assert_eq!(gradient.dtype(), precision.dtype());
            Precision::to_host(gradient)
        });
        let scale = both[0].iter().fold(1.0f64, |m, v| m.max(v.abs()));
        for (double, single) in both[0].iter().zip(&both[1]) {
            // A ReLU on the other side of its kink may differ by more in one entry,
            // but not at points that are not within rounding of it.
            prop_assert!((double - single).abs() < 2e-4 * scale, "{double} against {single}");
        }
        Ok(())
    });
}

#[test]
fn initial_weights_are_pinned() {
    // Drawn on the host: these very numbers start a run on every backend. A change
    // of the generator or of the layout changes all results and must be meant.
    let net = Dense::new(DenseSpec {
        inputs: 2,
        width: 2,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: true,
    })
    .unwrap();
    let w = net.initial_weights(42);
    assert_eq!(w.len(), 9);
    assert_eq!([w[4], w[5], w[8]], [0.0; 3], "biases start at zero");
    let drawn = [w[0], w[1], w[2], w[3], w[6], w[7]];
    assert_eq!(drawn.map(f64::to_bits), PINNED, "{w:?}");
    assert_ne!(w, net.initial_weights(43));
}

/// The drawn numbers, to the bit.
const PINNED: [u64; 6] = [
    4_585_847_517_279_940_331,
    13_833_379_539_201_793_315,
    13_821_168_351_496_996_187,
    13_813_499_252_488_936_449,
    4_592_977_962_090_633_939,
    13_826_057_829_135_454_961,
];

#[test]
fn initial_weights_are_standard_normal() {
    let net = Dense::new(DenseSpec {
        inputs: 300,
        width: 300,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: false,
    })
    .unwrap();
    let w = net.initial_weights(0);
    let n = w.len() as f64;
    let mean = w.iter().sum::<f64>() / n;
    let variance = w.iter().map(|w| w * w).sum::<f64>() / n - mean * mean;
    let kurtosis = w.iter().map(|w| w.powi(4)).sum::<f64>() / n / (variance * variance);
    // Four standard errors of each.
    assert!(mean.abs() < 4.0 / n.sqrt());
    assert!((variance - 1.0).abs() < 4.0 * (2.0 / n).sqrt());
    assert!((kurtosis - 3.0).abs() < 4.0 * (24.0 / n).sqrt());
}

#[test]
fn activations_are_normalised() {
    use std::f64::consts::PI;
    let softplus = Activation::Softplus { beta: 5.0 };
    assert!((Activation::Relu.gain() - 2f64.sqrt()).abs() < 1e-13);
    // The constant of the authors' code, which has six digits.
    assert!((softplus.gain() - 1.40438).abs() < 5e-6, "{}", softplus.gain());
    // A sharp softplus is a ReLU.
    let sharp = Activation::Softplus { beta: 1e4 };
    assert!((sharp.gain() - Activation::Relu.gain()).abs() < 1e-6);
    // E[(zΦ(z))²] = 1/3 + 1/(2√3 π), by integration by parts.
    let gelu = 1.0 / 3.0 + 1.0 / (2.0 * 3f64.sqrt() * PI);
    assert!((Activation::Gelu.gain() - gelu.sqrt().recip()).abs() < 1e-13);
    for activation in [softplus, Activation::Tanh, Activation::Silu { beta: 1.0 }, Activation::Gelu]
    {
        let gain = activation.gain();
        let second = regime_models::gaussian_mean(|g| (gain * activation.bare(g).0).powi(2));
        assert!((second - 1.0).abs() < 1e-13, "{activation:?}: {second}");
    }
}

#[test]
fn bad_specifications_are_refused_by_name() {
    let good = DenseSpec {
        inputs: 2,
        width: 2,
        hidden_layers: 1,
        activation: Activation::Relu,
        bias: true,
    };
    let message = |spec| Dense::new(spec).unwrap_err().to_string();
    assert!(message(DenseSpec { inputs: 0, ..good }).starts_with("inputs is 0"));
    assert!(message(DenseSpec { width: 0, ..good }).starts_with("width is 0"));
    assert!(message(DenseSpec { hidden_layers: 0, ..good }).starts_with("hidden_layers is 0"));
    for beta in [0.0, -1.0, f64::NAN] {
        let activation = Activation::Softplus { beta };
        assert!(message(DenseSpec { activation, ..good }).starts_with("activation.beta is"));
    }
}
