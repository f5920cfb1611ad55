//! Standard deviations at initialisation and learning rates, against recursions by hand and
//! finite networks.

use std::f64::consts::PI;

use ndarray::{Array1, Array2, array};
use rand::{SeedableRng, rngs::StdRng};
use rand_distr::{Distribution, StandardNormal};
use regime_models::Activation;
use regime_tangent::{InfiniteError, InitialDeviations, ParameterRates};

use super::{MAX_ERRORS, SMOOTH, assert_close, infinite, mean, points, spec, standard_error};

const DEVIATIONS: InitialDeviations = InitialDeviations { weights: 1.4, biases: 0.6 };

/// `E max(0, u) max(0, v)` and `P(u > 0, v > 0)` from the covariance.
fn relu([q, r]: [f64; 2], covariance: f64) -> [f64; 2] {
    let rho = (covariance / (q * r).sqrt()).clamp(-1.0, 1.0);
    let angle = rho.acos();
    let value = (q * r).sqrt() * (angle.sin() + (PI - angle) * rho) / (2.0 * PI);
    [value, (PI - angle) / (2.0 * PI)]
}

/// `Dense(W_std, b_std), Relu()` and so on in neural-tangents: the kernel of a layer is
/// `W² K + b²`, its tangent kernel `W² Θ + W² K + b²`, and an activation maps
/// `Θ → Θ E φ'φ'`.
fn neural_tangents(x: &Array2<f64>, depth: usize, w: f64, b: f64) -> [Array2<f64>; 2] {
    let linear = |k: &Array2<f64>| w * w * k + b * b;
    let mut nngp = linear(&(x.dot(&x.t()) / x.ncols() as f64));
    let mut tangent = nngp.clone();
    for _ in 0..depth {
        let diagonal = nngp.diag().to_owned();
        let of = |part: usize| {
            Array2::from_shape_fn(nngp.dim(), |(i, j)| {
                relu([diagonal[i], diagonal[j]], nngp[[i, j]])[part]
            })
        };
        let (value, slope) = (of(0), of(1));
        nngp = linear(&value);
        tangent = w * w * &tangent * slope + &nngp;
    }
    [nngp, tangent]
}

#[test]
fn the_conventions_of_neural_tangents() {
    let x = points(4, 3, 11);
    for (w, b) in [(2f64.sqrt(), 0.0), (1.5, 0.3), (0.7, 1.1)] {
        let net = infinite(spec(3, 3, Activation::Relu, true)).neural_tangents(w, b).unwrap();
        let found = net.kernels(x.view()).unwrap();
        let [nngp, tangent] = neural_tangents(&x, 3, w, b);
        for (found, expected) in [(&found.nngp, &nngp), (&found.tangent, &tangent)] {
            for (pair, expected) in expected.indexed_iter() {
                let scale = (found[[pair.0, pair.0]] * found[[pair.1, pair.1]]).sqrt();
                // The arccos of the recursion by hand loses half of the digits on the diagonal.
                let tolerance = if pair.0 == pair.1 { 1e-7 } else { 1e-14 };
                assert_close(found[pair], *expected, tolerance * scale, "neural-tangents");
            }
        }
    }
}

/// One hidden layer of ReLU with the gain √2 by hand, at rates of 1.
#[test]
fn one_hidden_layer_by_hand() {
    let x = array![[1.0, 2.0], [-0.5, 1.5]];
    let (w, b) = (DEVIATIONS.weights.powi(2), DEVIATIONS.biases.powi(2));
    let gram = |i: usize, j: usize| x.row(i).dot(&x.row(j)) / 2.0;
    let sigma = |i, j| w * gram(i, j) + b;
    let [value, slope] = relu([sigma(0, 0), sigma(1, 1)], sigma(0, 1)).map(|mean| 2.0 * mean);
    for (rates, bias) in [
        (ParameterRates::default(), true),
        (ParameterRates { weights: 3.0, biases: 0.25 }, true),
        (ParameterRates { weights: 3.0, biases: 0.0 }, true),
    ] {
        let net = infinite(spec(2, 1, Activation::Relu, bias));
        let net = net.with_deviations(DEVIATIONS).unwrap().with_rates(rates).unwrap();
        let found = net.kernels(x.view()).unwrap();
        assert_close(found.nngp[[0, 1]], w * value + b, 1e-14 * found.nngp[[0, 0]], "NNGP");
        let first = (rates.weights * gram(0, 1) + rates.biases) * w * slope;
        let expected = first + rates.weights * value + rates.biases;
        assert_close(found.tangent[[0, 1]], expected, 1e-13 * expected.abs(), "tangent");
    }
}

/// Without biases that start away from 0, ReLU multiplies the kernels by powers of σ_w.
#[test]
fn relu_takes_powers_of_the_deviation() {
    let x = points(5, 3, 2);
    let net = infinite(spec(3, 3, Activation::Relu, false));
    let one = net.kernels(x.view()).unwrap();
    let deviations = InitialDeviations { weights: 2.0, biases: 0.0 };
    let two = net.with_deviations(deviations).unwrap().kernels(x.view()).unwrap();
    for (pair, value) in one.nngp.indexed_iter() {
        assert_close(two.nngp[pair], 256.0 * value, 1e-11, "NNGP");
        assert_close(two.tangent[pair], 64.0 * one.tangent[pair], 1e-11, "tangent");
    }
    let same = net.with_deviations(InitialDeviations::default()).unwrap();
    assert_eq!(same.kernels(x.view()).unwrap(), one);
}

/// Products of outputs and tangent kernels of a network with one hidden layer of 128 units.
/// Both have the limit as their mean at any width.
fn finite(activation: Activation, x: &Array2<f64>, seed: u64) -> [Array2<f64>; 2] {
    let InitialDeviations { weights, biases } = DEVIATIONS;
    let (h, d, n) = (128, x.ncols(), x.nrows());
    let mut rng = StdRng::seed_from_u64(seed);
    let mut normal = |deviation: f64| -> f64 {
        let g: f64 = StandardNormal.sample(&mut rng);
        deviation * g
    };
    let first = Array2::from_shape_simple_fn([d, h], || normal(weights));
    let first_bias = Array1::from_shape_simple_fn(h, || normal(biases));
    let last = Array1::from_shape_simple_fn(h, || normal(weights));
    let last_bias = normal(biases);
    let z = x.dot(&first) / (d as f64).sqrt() + &first_bias;
    let gain = activation.gain();
    let value = z.mapv(|z| gain * activation.bare(z).0);
    let slope = z.mapv(|z| gain * activation.bare(z).1) * &last;
    let f = value.dot(&last) / (h as f64).sqrt() + last_bias;
    let nngp = Array2::from_shape_fn([n, n], |(i, j)| f[i] * f[j]);
    let before = x.dot(&x.t()) / d as f64 + 1.0;
    let tangent =
        before * slope.dot(&slope.t()) / h as f64 + value.dot(&value.t()) / h as f64 + 1.0;
    [nngp, tangent]
}

#[test]
fn finite_networks_have_the_limit_as_their_mean() {
    let x = points(3, 2, 8);
    for activation in [Activation::Relu, SMOOTH[1], SMOOTH[2], SMOOTH[4]] {
        let net = infinite(spec(2, 1, activation, true)).with_deviations(DEVIATIONS).unwrap();
        let limit = net.kernels(x.view()).unwrap();
        let found: Vec<_> = (0..3000).map(|seed| finite(activation, &x, seed)).collect();
        for (part, limit) in [limit.nngp, limit.tangent].iter().enumerate() {
            let kernels: Vec<_> = found.iter().map(|both| both[part].clone()).collect();
            let mean = mean(&kernels);
            let errors = (&mean - limit) / standard_error(&kernels, &mean);
            assert!(errors.iter().all(|e| e.abs() < MAX_ERRORS), "{activation:?}: {errors}");
            // The default deviations are rejected by the same networks.
            let wrong = infinite(spec(2, 1, activation, true)).kernels(x.view()).unwrap();
            let wrong = [wrong.nngp, wrong.tangent][part].clone();
            let errors = (&mean - wrong) / standard_error(&kernels, &mean);
            assert!(errors.iter().any(|e| e.abs() > 2.0 * MAX_ERRORS), "{activation:?}");
        }
    }
}

#[test]
fn deviations_and_rates_out_of_range_are_errors() {
    let net = infinite(spec(2, 1, Activation::Relu, true));
    for weights in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = net.with_deviations(InitialDeviations { weights, biases: 0.0 }).unwrap_err();
        assert!(matches!(error, InfiniteError::Parameter { field: "deviations.weights", .. }));
    }
    assert!(net.with_deviations(InitialDeviations { weights: 1.0, biases: f64::NAN }).is_err());
    assert!(net.with_rates(ParameterRates { weights: -1.0, biases: 1.0 }).is_err());
    let without = infinite(spec(2, 1, Activation::Relu, false));
    let message = without.with_deviations(DEVIATIONS).unwrap_err().to_string();
    let expected = "`deviations.biases` is 0.6, it must be 0: the network has no biases";
    assert_eq!(message, expected);
    // ReLU with large weights: an error instead of infinite kernels.
    let deep = infinite(spec(2, 40, Activation::Relu, true));
    let deep = deep.with_deviations(InitialDeviations { weights: 2e5, biases: 0.0 }).unwrap();
    let error = deep.kernels(array![[1.0, 1.0]].view()).unwrap_err();
    assert!(matches!(error, InfiniteError::Overflow { row: 0, layer: 29, .. }), "{error}");
}
