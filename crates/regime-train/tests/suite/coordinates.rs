//! Tests of the quantities that are measured in the first steps of gradient descent.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{
    Activation, Convention, DenseSpec, Layout, Network, NetworkSpec, Parametrisation, Precision,
    Tape, Trace,
};
use regime_tangent::{kernel, relative_change};
use regime_train::{Loss, coordinates};

use crate::problem::{labels, numbers, system};

fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64).sqrt()
}

/// With the same rate for all parameters, the kernel is `r Θ` and the steps are plain
/// gradient descent.
pub(crate) fn coordinates_agree_with_explicit_gradient_descent<B: Backend>(device: &B::Device) {
    let activation = Activation::Tanh;
    let spec = DenseSpec { inputs: 2, width: 5, hidden_layers: 2, activation, bias: true };
    let net = spec.build().unwrap();
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(3), device);
    let (n, alpha, rate) = (6, 0.5, 0.3);
    let system = system(&net, &w0, n, alpha, Loss::Squared, device);
    let points = Precision::F64.matrix::<B>(&numbers(8, 5), [4, 2], device);
    let rates = vec![rate; net.n_params()];
    let found = coordinates(&system, &w0, &rates, &points, 2).unwrap();
    assert_eq!(found.iter().map(|c| c.step).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(found.iter().all(|c| c.preactivations.len() == 2));

    // ∂L/∂f = (F − y)/(αn).
    let x = numbers(n * 2, 17);
    let inputs = Precision::F64.matrix::<B>(&x, [n, 2], device);
    let f0 = Precision::to_host(net.forward(&w0, &inputs));
    let theta = |w: &Tensor<B, 1>| kernel(&net.trace(w, &points).linearise()).mul_scalar(rate);
    let first_layer = |w: &Tensor<B, 1>| -> Vec<f64> {
        let (w, x) = (Precision::to_host(w.clone()), numbers(8, 5));
        let unit = |x: &[f64], j: usize| (x[0] * w[j] + x[1] * w[5 + j]) / 2f64.sqrt() + w[10 + j];
        x.chunks(2).flat_map(|x| (0..5).map(move |j| (x, j))).map(|(x, j)| unit(x, j)).collect()
    };
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-10 * (1.0 + b), "{a} is not {b}");
    let mut w = w0.clone();
    for coordinates in &found {
        let outputs = Precision::to_host(net.forward(&w, &points));
        let initial = Precision::to_host(net.forward(&w0, &points));
        let moved: Vec<f64> = outputs.iter().zip(&initial).map(|(a, b)| a - b).collect();
        close(coordinates.output.value, rms(&outputs));
        close(coordinates.output.change, rms(&moved));
        let (now, before) = (first_layer(&w), first_layer(&w0));
        let moved: Vec<f64> = now.iter().zip(&before).map(|(a, b)| a - b).collect();
        close(coordinates.preactivations[0].value, rms(&now));
        close(coordinates.preactivations[0].change, rms(&moved));
        close(coordinates.kernel, regime_tangent::frobenius_norm(theta(&w)));
        close(coordinates.kernel_change, relative_change(theta(&w), theta(&w0)).unwrap());

        let trace = net.trace(&w, &inputs);
        let f = Precision::to_host(trace.output());
        let slopes = f.iter().zip(&f0).zip(labels(&x, 2));
        let g: Vec<f64> =
            slopes.map(|((f, f0), y)| (alpha * (f - f0) - y) / (alpha * n as f64)).collect();
        let gradient = trace.linearise().vjp(Precision::F64.vector(&g, device));
        w = w - gradient.mul_scalar(rate);
    }
    assert!(found[2].output.change > 0.01 && found[2].kernel_change > 0.01, "{found:?}");
    assert_eq!((found[0].output.change, found[0].kernel_change), (0.0, 0.0));
}

/// Weights and rates of µP, converted to the NTK parametrisation of the network, give
/// the same dynamics as those of the mean-field parametrisation, and as those of NTK
/// with α = 1/√h, whose kernel is multiplied by α².
pub(crate) fn coordinates_are_the_same_in_every_parametrisation<B: Backend>(device: &B::Device) {
    let activation = Activation::Softplus { beta: 3.0 };
    let spec = DenseSpec { inputs: 2, width: 9, hidden_layers: 2, activation, bias: true };
    let net = spec.build().unwrap();
    let layout = Layout::of(&NetworkSpec::Dense(spec)).unwrap();
    let points = Precision::F64.matrix::<B>(&numbers(6, 5), [3, 2], device);
    let found = |parametrisation: Parametrisation, alpha: f64| {
        let from = Convention { parametrisation, alpha };
        let ntk = Convention { parametrisation: Parametrisation::NTK, alpha };
        let w = layout.initial_weights(&parametrisation, 4);
        let w = Precision::F64.vector::<B>(&layout.convert(&w, &from, &ntk), device);
        let rates = layout.per_parameter(&layout.learning_rates(&from, &ntk, 0.7));
        let system = system(&net, &w, 4, alpha, Loss::Squared, device);
        coordinates(&system, &w, &rates, &points, 3).unwrap()
    };
    let mean_field = found(Parametrisation::MEAN_FIELD, 1.0);
    let mu_p = found(Parametrisation::MU_P, 1.0);
    let scaled = found(Parametrisation::NTK, 1.0 / 3.0);
    for ((a, b), c) in mean_field.iter().zip(&mu_p).zip(&scaled) {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-11 * (1.0 + b), "{a} is not {b}");
        close(a.output.change, b.output.change);
        close(a.kernel, b.kernel);
        close(a.output.change, c.output.change / 3.0);
        // In NTK, the rates multiply the gradient of a loss that is divided by α².
        close(a.kernel, c.kernel);
        for other in [b, c] {
            close(a.kernel_change, other.kernel_change);
            for (left, right) in a.preactivations.iter().zip(&other.preactivations) {
                close(left.value, right.value);
                close(left.change, right.change);
            }
        }
    }
    assert!(mean_field[3].preactivations[0].change > 0.01, "{mean_field:?}");
}
