//! Kernels of infinite width against closed forms, independent quadratures, and wide
//! networks.

mod accuracy;
mod convolutional;
mod deviations;
mod tiles;

use std::f64::consts::PI;

use burn_flex::{Flex, FlexDevice};
use faer::{Mat, Side};
use ndarray::{Array2, ArrayView2, Axis, array, concatenate};
use proptest::prelude::*;
use regime_models::{Activation, DenseSpec, ModelError, Network, Precision, Trace, gauss_legendre};
use regime_scaling::{BootstrapConfig, Equivalence, Pairing, Placement, exponent_interval};
use regime_tangent::{InfiniteError, InfiniteKernels, InfiniteWidth, kernel, kit::for_all};

const SMOOTH: [Activation; 6] = [
    Activation::Softplus { beta: 1.0 },
    Activation::Softplus { beta: 5.0 },
    Activation::Tanh,
    Activation::Silu { beta: 1.0 },
    Activation::Silu { beta: 3.0 },
    Activation::Gelu,
];

fn spec(inputs: usize, hidden_layers: usize, activation: Activation, bias: bool) -> DenseSpec {
    DenseSpec { inputs, width: 7, hidden_layers, activation, bias }
}

fn infinite(spec: DenseSpec) -> InfiniteWidth {
    InfiniteWidth::new(&spec).expect("the sizes are positive")
}

fn kernels(spec: DenseSpec, x: &Array2<f64>) -> InfiniteKernels {
    infinite(spec).kernels(x.view()).expect("the points are finite")
}

/// Pseudorandom points.
fn points(n: usize, d: usize, seed: u64) -> Array2<f64> {
    let mut state = seed | 1;
    Array2::from_shape_simple_fn([n, d], || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        3.4 * ((state >> 11) as f64 / (1u64 << 53) as f64 - 0.5)
    })
}

/// Two points in the plane with this angle, whose first preactivations have these standard
/// deviations.
fn two_points([q, r]: [f64; 2], angle: f64) -> Array2<f64> {
    let (q, r) = (q * 2f64.sqrt(), r * 2f64.sqrt());
    array![[q, 0.0], [r * angle.cos(), r * angle.sin()]]
}

fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found}, expected {expected}");
}

/// One hidden layer by hand: with `b = 1` or 0, `Θ = (ρ + b)(π − θ)/π + Σ + b` and
/// `Σ = (sin θ + (π − θ) cos θ)/π`.
#[test]
fn relu_has_known_values() {
    let third = (3f64.sqrt() / 2.0 + PI / 3.0) / PI;
    for (angle, sigma, without, with) in [
        (0.0, 1.0, 2.0, 4.0),
        (PI / 3.0, third, 1.0 / 3.0 + third, 2.0 + third),
        (PI / 2.0, 1.0 / PI, 1.0 / PI, 1.5 + 1.0 / PI),
        (PI, 0.0, 0.0, 1.0),
    ] {
        let x = two_points([1.0, 1.0], angle);
        for (bias, theta) in [(false, without), (true, with)] {
            let found = kernels(spec(2, 1, Activation::Relu, bias), &x);
            assert_close(found.nngp[[0, 1]], sigma, 1e-15, "NNGP");
            assert_close(found.tangent[[0, 1]], theta, 2e-15, "tangent");
            assert_close(found.tangent[[1, 1]], if bias { 4.0 } else { 2.0 }, 2e-15, "diagonal");
        }
    }
    // The kernel is proportional to the norms of both points.
    let found = kernels(spec(2, 1, Activation::Relu, false), &two_points([2.0, 0.5], PI / 3.0));
    assert_close(found.nngp[[0, 1]], third, 1e-15, "NNGP");
    assert_close(found.nngp[[0, 0]], 4.0, 1e-14, "NNGP");
}

/// Nearly parallel points: the difference of diagonal and off-diagonal entries against an
/// expansion in the angle by hand.
#[test]
fn relu_is_accurate_for_nearly_parallel_points() {
    for angle in [1e-3, 1e-5, 1e-7] {
        let x = two_points([1.0, 1.0], angle);
        let found = kernels(spec(2, 2, Activation::Relu, false), &x);
        // θ' = θ − θ²/3π + O(θ³), Θ = (ρ(1 − θ/π) + ρ')(1 − θ'/π) + ρ''
        let slope = found.tangent[[0, 0]] - found.tangent[[0, 1]];
        let leading = (2.0 * angle + angle) / PI;
        assert!((slope / leading - 1.0).abs() < 3.0 * angle + 1e-15 / angle, "{angle}: {slope}");
    }
}

/// `E φφ` and `E φ'φ'` for `φ = √2·max(0, z)` in polar coordinates. The integrand is smooth
/// on the wedge where both arguments are positive.
fn relu_by_quadrature([q, r]: [f64; 2], angle: f64) -> [f64; 2] {
    let rule = gauss_legendre(31);
    let on = |start: f64, end: f64, f: &dyn Fn(f64) -> f64| -> f64 {
        let (middle, half) = (0.5 * (start + end), 0.5 * (end - start));
        rule.iter().map(|(t, weight)| half * weight * f(middle + half * t)).sum()
    };
    let radial = |power: i32| {
        let f = |s: f64| s.powi(power) * (-0.5 * s * s).exp();
        on(0.0, 4.0, &f) + on(4.0, 8.0, &f) + on(8.0, 12.0, &f)
    };
    let wedge = |f: &dyn Fn(f64) -> f64| on(angle - PI / 2.0, PI / 2.0, f);
    let value = wedge(&|w| q * w.cos() * r * (w - angle).cos());
    [value * radial(3) / PI, wedge(&|_| 1.0) * radial(1) / PI]
}

#[test]
fn relu_agrees_with_a_quadrature() {
    let angles = [0.0, 1e-3, 0.3, 1.0, PI / 2.0, 2.0, 3.0, PI - 1e-3, PI];
    for (deviations, angle) in
        [[1.0, 1.0], [0.3, 2.5]].into_iter().flat_map(|d| angles.map(|a| (d, a)))
    {
        let layers = infinite(spec(2, 1, Activation::Relu, true));
        let x = two_points(deviations, angle);
        let [value, slope] = relu_by_quadrature(deviations, angle);
        let scale = deviations[0] * deviations[1];
        let nngp = layers.kernels(x.view()).unwrap().nngp[[0, 1]];
        assert_close(nngp, value, 1e-14 * scale, "NNGP");
        let parts = layers.layer_kernels(x.view()).unwrap();
        let first = (scale * angle.cos() + 1.0) * slope;
        assert_close(parts[0][[0, 1]], first, 1e-14 * (scale + 1.0), "first layer");
        assert_close(parts[1][[0, 1]], value + 1.0, 1e-14 * (scale + 1.0), "last layer");
    }
}

/// `E φ(u)φ(v)` and `E φ'(u)φ'(v)` by the trapezoidal rule over the plane, whose error
/// for functions that are analytic within τ of the real axis is `e^{−2πτ/step}`.
fn by_trapezoids(activation: Activation, [q, r]: [f64; 2], rho: f64) -> [f64; 2] {
    let gain = activation.gain();
    let distance = match activation {
        Activation::Softplus { beta } | Activation::Silu { beta } => PI / beta,
        _ => 1.0,
    };
    let step = (distance / q.max(r).max(1e-3) / 7.0).min(0.2);
    let half = (9.0 / step).ceil() as i32;
    let s = (1.0 - rho * rho).max(0.0).sqrt();
    let phi = |z: f64| {
        let (value, slope) = activation.bare(z);
        [gain * value, gain * slope]
    };
    let density = |g: f64| step * (-0.5 * g * g).exp() / (2.0 * PI).sqrt();
    let mut sum = [0.0; 2];
    for g in (-half..=half).map(|k| f64::from(k) * step) {
        let u = phi(q * g);
        let mut line = [0.0; 2];
        if s == 0.0 {
            line = phi(r * rho * g);
        } else {
            for other in (-half..=half).map(|k| f64::from(k) * step) {
                let (v, weight) = (phi(r * (rho * g + s * other)), density(other));
                line = [line[0] + weight * v[0], line[1] + weight * v[1]];
            }
        }
        sum = [0, 1].map(|k| sum[k] + density(g) * u[k] * line[k]);
    }
    sum
}

#[test]
fn smooth_activations_agree_with_a_quadrature() {
    let correlations = [-1.0, -1.0 + 1e-6, -0.8, 0.0, 0.5, 0.97, 1.0 - 1e-6, 1.0];
    let sharp = Activation::Softplus { beta: 20.0 };
    let mut cases = Vec::new();
    for rho in correlations {
        for deviations in [[1.0, 1.0], [0.1, 1.5]] {
            cases.extend(SMOOTH.map(|activation| (activation, deviations, rho)));
        }
        cases.push((Activation::Tanh, [3.0, 1.0], rho));
    }
    // Cases for which the series does not converge.
    cases.extend([-0.999_9, 0.99, 1.0].map(|rho| (sharp, [3.0, 2.0], rho)));
    for (activation, deviations, rho) in cases {
        let layers = infinite(spec(2, 1, activation, true));
        let x = two_points(deviations, f64::acos(rho));
        // The correlation of the rounded points.
        let (a, b) = (x.row(0), x.row(1));
        let rho = (a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()).clamp(-1.0, 1.0);
        let what = format!("{activation:?} {deviations:?} {rho}");
        let [value, slope] = by_trapezoids(activation, deviations, rho);
        let own = deviations.map(|r| by_trapezoids(activation, [r, r], 1.0));
        let scale = [0, 1].map(|k| (own[0][k] * own[1][k]).sqrt());

        let nngp = layers.kernels(x.view()).unwrap().nngp;
        assert_close(nngp[[0, 1]], value, 1e-12 * scale[0], &what);
        assert_close(nngp[[0, 0]], own[0][0], 1e-13 * own[0][0], &what);
        let parts = layers.layer_kernels(x.view()).unwrap();
        let before = deviations[0] * deviations[1];
        let tolerance = 1e-12 * (before + 1.0) * scale[1];
        assert_close(parts[0][[0, 1]], (before * rho + 1.0) * slope, tolerance, &what);
        let q = deviations[1] * deviations[1];
        assert_close(parts[0][[1, 1]], (q + 1.0) * own[1][1], 1e-12 * (q + 1.0) * own[1][1], &what);
    }
}

/// A second implementation of the recursion, with the trapezoidal rule.
fn by_trapezoids_through(spec: &DenseSpec, x: &Array2<f64>) -> [Array2<f64>; 2] {
    let n = x.nrows();
    let bias = if spec.bias { 1.0 } else { 0.0 };
    let mut sigma = x.dot(&x.t()) / spec.inputs as f64;
    let mut theta = &sigma + bias;
    for _ in 0..spec.hidden_layers {
        let before = sigma.clone();
        for i in 0..n {
            for j in 0..n {
                let deviations = [before[[i, i]].sqrt(), before[[j, j]].sqrt()];
                let product = deviations[0] * deviations[1];
                let rho = if i == j {
                    1.0
                } else if product == 0.0 {
                    0.0
                } else {
                    before[[i, j]] / product
                };
                let [value, slope] = by_trapezoids(spec.activation, deviations, rho);
                sigma[[i, j]] = value;
                theta[[i, j]] = theta[[i, j]] * slope + value + bias;
            }
        }
    }
    [sigma, theta]
}

#[test]
fn deep_smooth_nets_agree_with_the_recursion_over_a_quadrature() {
    let mut x = points(3, 4, 5);
    x.row_mut(2).fill(0.0);
    for (k, activation) in SMOOTH.into_iter().enumerate() {
        let spec = spec(4, 3, activation, k % 2 == 0);
        let (found, [nngp, tangent]) = (kernels(spec, &x), by_trapezoids_through(&spec, &x));
        for (found, expected) in [(found.nngp, nngp), (found.tangent, tangent)] {
            let scale = expected.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            let error = (&found - &expected).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            assert!(error < 1e-12 * scale, "{activation:?}: {error} of {scale}");
        }
    }
}

#[test]
fn a_point_at_the_origin() {
    let x = array![[0.0, 0.0], [1.0, -2.0]];
    let found = kernels(spec(2, 3, Activation::Relu, true), &x);
    // Only the last bias has a gradient there, as in the network.
    assert_eq!(found.nngp.row(0).to_vec(), [0.0, 0.0]);
    assert_eq!(found.tangent.row(0).to_vec(), [1.0, 1.0]);
    let net = spec(2, 3, Activation::Relu, true).build().unwrap();
    let w = Precision::F64.vector::<Flex>(&net.initial_weights(3), &FlexDevice);
    let at_zero = Precision::F64.matrix(&[0.0, 0.0], [1, 2], &FlexDevice);
    assert_eq!(Precision::to_host(kernel(&net.trace(&w, &at_zero).linearise())), [1.0]);

    // tanh stays at 0 and keeps its slope.
    let found = kernels(spec(2, 2, Activation::Tanh, true), &x);
    let slope = Activation::Tanh.gain().powi(2);
    assert_close(found.tangent[[0, 0]], (slope + 1.0) * slope + 1.0, 1e-13, "tanh");
    assert_eq!(found.nngp[[0, 0]], 0.0);
}

fn activations() -> BoxedStrategy<Activation> {
    let mut all = SMOOTH.to_vec();
    all.extend([Activation::Relu; 3]);
    prop::sample::select(all).boxed()
}

fn specs(activation: BoxedStrategy<Activation>) -> BoxedStrategy<DenseSpec> {
    (prop::sample::select(vec![1usize, 2, 3, 31]), 1..5usize, activation, any::<bool>())
        .prop_map(|(d, depth, activation, bias)| spec(d, depth, activation, bias))
        .boxed()
}

fn sizes() -> BoxedStrategy<usize> {
    prop::sample::select(vec![1usize, 2, 3, 31, 32, 33]).boxed()
}

#[test]
fn symmetric_and_positive() {
    for_all(32, (specs(activations()), sizes(), any::<u64>()), |(spec, n, seed)| {
        let InfiniteKernels { nngp, tangent, .. } = kernels(spec, &points(n, spec.inputs, seed));
        for matrix in [nngp, tangent] {
            for i in 0..n {
                for j in 0..i {
                    prop_assert_eq!(matrix[[i, j]].to_bits(), matrix[[j, i]].to_bits());
                }
            }
            let eigenvalues = Mat::from_fn(n, n, |i, j| matrix[[i, j]])
                .self_adjoint_eigenvalues(Side::Lower)
                .unwrap();
            // The error that every entry may have.
            let least = -1e-13 * n as f64 * eigenvalues[n - 1];
            prop_assert!(eigenvalues[0] >= least, "{:?} {}", spec, eigenvalues[0]);
        }
        Ok(())
    });
}

#[test]
fn parts_add_up_and_cross_kernels_are_blocks() {
    for_all(12, (specs(activations()), sizes(), any::<u64>()), |(spec, n, seed)| {
        let (a, b) = (points(n, spec.inputs, seed), points(5, spec.inputs, seed ^ 0xff));
        let net = infinite(spec);
        let whole = net.kernels(a.view()).unwrap();
        let largest = |m: &Array2<f64>| m.iter().fold(0.0, |m: f64, v| m.max(v.abs()));

        let parts = net.layer_kernels(a.view()).unwrap();
        prop_assert_eq!(parts.len(), spec.hidden_layers + 1);
        let sum = parts.iter().fold(Array2::zeros([n, n]), |sum, part| sum + part);
        prop_assert!(largest(&(sum - &whole.tangent)) < 1e-13 * largest(&whole.tangent));
        let last = &whole.nngp + if spec.bias { 1.0 } else { 0.0 };
        prop_assert!(largest(&(&parts[spec.hidden_layers] - &last)) < 1e-14 * largest(&last));

        let both = concatenate(Axis(0), &[a.view(), b.view()]).unwrap();
        let joint = net.kernels(both.view()).unwrap();
        let cross = net.cross_kernels(a.view(), b.view()).unwrap();
        let back = net.cross_kernels(b.view(), a.view()).unwrap();
        let itself = net.cross_kernels(a.view(), a.view()).unwrap();
        for (joint, cross, back, itself, own) in [
            (&joint.nngp, &cross.nngp, &back.nngp, &itself.nngp, &whole.nngp),
            (&joint.tangent, &cross.tangent, &back.tangent, &itself.tangent, &whole.tangent),
        ] {
            let tolerance = 1e-12 * largest(joint);
            prop_assert!(
                largest(
                    &(cross
                        - &joint
                            .slice_axis(Axis(0), (..n).into())
                            .slice_axis(Axis(1), (n..).into()))
                ) < tolerance
            );
            prop_assert!(largest(&(back - &cross.t())) < tolerance);
            prop_assert!(largest(&(itself - own)) < tolerance);
        }
        let limit = net.lazy_limit(a.view(), b.view()).unwrap();
        prop_assert_eq!(limit.train, whole.tangent);
        prop_assert_eq!(limit.test_train, back.tangent);
        Ok(())
    });
}

/// Invariant 6.
#[test]
fn relu_without_biases_is_homogeneous() {
    for_all(
        24,
        (specs(Just(Activation::Relu).boxed()), sizes(), any::<u64>()),
        |(spec, n, seed)| {
            let spec = DenseSpec { bias: false, ..spec };
            let x = points(n, spec.inputs, seed);
            let (one, scaled) = (kernels(spec, &x), kernels(spec, &(2.5 * &x)));
            for (one, scaled) in [(one.nngp, scaled.nngp), (one.tangent, scaled.tangent)] {
                let scale = one.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                let error = (scaled / 6.25 - &one).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                prop_assert!(error < 1e-13 * scale);
            }
            Ok(())
        },
    );
}

/// The gain preserves unit variance at any depth.
#[test]
fn unit_variance_is_preserved() {
    for activation in
        SMOOTH.into_iter().chain([Activation::Relu, Activation::Softplus { beta: 20.0 }])
    {
        for depth in [1, 6] {
            let found = kernels(spec(2, depth, activation, true), &two_points([1.0, 1.0], 1.0));
            for i in 0..2 {
                assert_close(found.nngp[[i, i]], 1.0, 1e-13 * depth as f64, "variance");
            }
        }
    }
}

#[test]
fn independent_of_the_number_of_threads() {
    let x = points(150, 3, 8);
    for activation in [Activation::Relu, Activation::Tanh] {
        let spec = spec(3, 2, activation, true);
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| kernels(spec, &x))
        };
        assert_eq!(with(1), with(3));
    }
}

#[test]
fn awkward_sets_of_points() {
    for activation in [Activation::Relu, Activation::Tanh] {
        let net = infinite(spec(3, 2, activation, true));
        let (none, some) = (Array2::zeros([0, 3]), points(2, 3, 1));
        assert_eq!(net.kernels(none.view()).unwrap().nngp.dim(), (0, 0));
        assert_eq!(net.cross_kernels(none.view(), some.view()).unwrap().tangent.dim(), (0, 2));
        assert_eq!(net.cross_kernels(some.view(), none.view()).unwrap().tangent.dim(), (2, 0));
        assert_eq!(net.layer_kernels(none.view()).unwrap().len(), 3);
        assert_eq!(net.plan(none.view(), None).unwrap().pairs, 0.0);
        // The points may be in column-major order.
        let turned = points(3, 2, 9);
        let straight = turned.t().as_standard_layout().into_owned();
        assert_eq!(net.kernels(turned.t()), net.kernels(straight.view()));
    }
}

#[test]
fn invalid_networks_and_points_are_errors() {
    let no_layer = InfiniteWidth::new(&spec(2, 0, Activation::Relu, true));
    assert_eq!(no_layer, Err(ModelError::Zero { field: "hidden_layers" }.into()));
    assert!(InfiniteWidth::new(&spec(2, 1, Activation::Softplus { beta: -1.0 }, true)).is_err());
    let any_width = DenseSpec { width: 0, ..spec(2, 1, Activation::Relu, true) };
    assert_eq!(
        InfiniteWidth::new(&any_width),
        InfiniteWidth::new(&spec(2, 1, Activation::Relu, true))
    );
    let net = infinite(any_width);
    let x = array![[1.0, 0.0], [f64::NAN, 1.0]];
    assert!(matches!(net.kernels(x.view()), Err(InfiniteError::Point { row: 1, .. })));
}

#[test]
fn points_with_the_wrong_number_of_inputs_are_errors() {
    let net = infinite(spec(3, 1, Activation::Relu, true));
    let (wrong, right) = (Array2::zeros([2, 2]), Array2::zeros([2, 3]));
    let expected = InfiniteError::Inputs { found: 2, wanted: 3 };
    assert_eq!(net.kernels(wrong.view()), Err(expected.clone()));
    assert_eq!(net.cross_kernels(right.view(), wrong.view()), Err(expected.clone()));
    assert_eq!(net.plan(wrong.view(), None), Err(expected.clone()));
    let message = expected.to_string();
    assert_eq!(message, "the points have 2 numbers each, the network has 3 inputs");
}

/// Kernels of networks of width `h` at the initialisations `seeds`.
fn empirical(
    spec: DenseSpec,
    h: usize,
    seeds: std::ops::Range<u64>,
    x: ArrayView2<'_, f64>,
) -> Vec<Array2<f64>> {
    let n = x.nrows();
    let net = DenseSpec { width: h, ..spec }.build().unwrap();
    let values: Vec<f64> = x.iter().copied().collect();
    let x = Precision::F64.matrix::<Flex>(&values, [n, spec.inputs], &FlexDevice);
    let of = |seed| {
        let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &FlexDevice);
        let theta = Precision::to_host(kernel(&net.trace(&w, &x).linearise()));
        Array2::from_shape_vec([n, n], theta).unwrap()
    };
    seeds.map(of).collect()
}

fn mean(kernels: &[Array2<f64>]) -> Array2<f64> {
    kernels.iter().fold(Array2::zeros(kernels[0].dim()), |sum, k| sum + k) / kernels.len() as f64
}

fn norm(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// The standard error of the mean, entry by entry.
fn standard_error(kernels: &[Array2<f64>], mean: &Array2<f64>) -> Array2<f64> {
    let n = kernels.len() as f64;
    let squares = kernels.iter().fold(Array2::zeros(mean.dim()), |sum: Array2<f64>, kernel| {
        sum + (kernel - mean).mapv(|v| v * v)
    });
    squares.mapv(|sum: f64| (sum / (n * (n - 1.0))).sqrt())
}

/// A bound on deviations in standard errors, which about one in 10⁵ normal variables exceeds.
const MAX_ERRORS: f64 = 4.5;

/// Means over networks of several widths, with their standard errors.
struct Means {
    width: f64,
    mean: Array2<f64>,
    error: Array2<f64>,
}

/// The largest deviation, in standard errors, of means from `limit + C/h`, with the `C` that
/// fits best for every pair of points. No `C` fits if the limit is wrong by a constant.
fn most_errors_from(limit: &Array2<f64>, means: &[Means]) -> f64 {
    let mut most = 0.0f64;
    for (pair, limit) in limit.indexed_iter() {
        let off: Vec<[f64; 3]> = means
            .iter()
            .map(|Means { width, mean, error }| [1.0 / width, mean[pair] - limit, error[pair]])
            .collect();
        let sum = |f: &dyn Fn(&[f64; 3]) -> f64| off.iter().map(f).sum::<f64>();
        let c = sum(&|[x, y, e]| x * y / (e * e)) / sum(&|[x, _, e]| x * x / (e * e));
        most = off.iter().fold(most, |most, [x, y, e]| most.max((y - c * x).abs() / e));
    }
    most
}

/// Invariant 10: the fluctuation of networks falls as `h^{−1/2}`, and the bias of their mean
/// as `1/h`.
#[test]
fn networks_converge_to_the_limit() {
    let x = points(5, 3, 77);
    let widths = [(64, 128), (128, 96), (256, 64), (512, 48), (1024, 40)];
    let softplus = Activation::Softplus { beta: 5.0 };
    let cases =
        [(Activation::Relu, false), (Activation::Relu, true), (softplus, false), (softplus, true)];
    for ((activation, bias), first_seed) in cases.into_iter().zip((1000..).step_by(1000)) {
        let spec = spec(3, 2, activation, bias);
        let limit = kernels(spec, &x).tangent;
        let (mut fluctuations, mut means) = (Vec::new(), Vec::new());
        for (h, n_seeds) in widths {
            let found = empirical(spec, h, first_seed..first_seed + n_seeds, x.view());
            let mean = mean(&found);
            let spread = (n_seeds as f64 / (n_seeds - 1) as f64).sqrt();
            let of_seed = |theta: &Array2<f64>| (h as f64, spread * norm(&(theta - &mean)));
            fluctuations.push(found.iter().map(of_seed).collect::<Vec<_>>());
            let error = standard_error(&found, &mean);
            means.push(Means { width: h as f64, mean, error });
        }
        let config = BootstrapConfig::default();
        let exponent = exponent_interval(&fluctuations, Pairing::Independent, &config).unwrap();
        let half = Equivalence { target: -0.5, margin: 0.1 };
        let what = format!("{spec:?}: {exponent:?}");
        assert!(exponent.contains(-0.5), "{what}");
        assert_eq!(half.place(exponent.low, exponent.high), Placement::Within, "{what}");

        let most = most_errors_from(&limit, &means);
        assert!(most < MAX_ERRORS, "{spec:?}: {most} standard errors");
        // The same networks reject a limit without biases for networks with biases, and the
        // other way round.
        let wrong = kernels(DenseSpec { bias: !bias, ..spec }, &x).tangent;
        assert!(most_errors_from(&wrong, &means) > 2.0 * MAX_ERRORS, "{spec:?}");
    }
}

/// With one hidden layer both kernels are means over independent units, without a bias at
/// finite width.
#[test]
fn shallow_networks_have_the_limit_as_their_mean() {
    let x = points(4, 3, 5);
    for (k, activation) in SMOOTH.into_iter().chain([Activation::Relu]).enumerate() {
        let spec = spec(3, 1, activation, k % 2 == 0);
        let limit = kernels(spec, &x);
        let found = empirical(spec, 1024, 0..400, x.view());
        let mean = mean(&found);
        let errors = (&mean - &limit.tangent) / standard_error(&found, &mean);
        assert!(errors.iter().all(|e| e.abs() < MAX_ERRORS), "{activation:?}: {errors}");

        let found = outputs_squared(spec, 16, 0..2000, x.view());
        let mean = self::mean(&found);
        let errors = (&mean - &limit.nngp) / standard_error(&found, &mean);
        assert!(errors.iter().all(|e| e.abs() < MAX_ERRORS), "{activation:?}: {errors}");
    }
}

/// `f(x) f(x')` of networks of width `h` at the initialisations `seeds`.
fn outputs_squared(
    spec: DenseSpec,
    h: usize,
    seeds: std::ops::Range<u64>,
    x: ArrayView2<'_, f64>,
) -> Vec<Array2<f64>> {
    let net = DenseSpec { width: h, ..spec }.build().unwrap();
    let values: Vec<f64> = x.iter().copied().collect();
    let x = Precision::F64.matrix::<Flex>(&values, [x.nrows(), spec.inputs], &FlexDevice);
    let of = |seed| {
        let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &FlexDevice);
        let f = Precision::to_host(net.forward(&w, &x));
        Array2::from_shape_fn([f.len(), f.len()], |(i, j)| f[i] * f[j])
    };
    seeds.map(of).collect()
}
