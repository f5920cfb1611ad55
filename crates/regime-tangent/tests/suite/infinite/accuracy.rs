//! The error bound of the kernels, and pairs of large variances.

use ndarray::{Array2, array};
use regime_models::Activation;

use super::{SMOOTH, by_trapezoids, by_trapezoids_through, infinite, kernels, points, spec};

/// The largest difference of two kernels relative to `√(K(x,x) K(x',x'))` of the second.
fn largest_difference(found: &Array2<f64>, expected: &Array2<f64>) -> f64 {
    found.indexed_iter().fold(0.0, |most, ((i, j), value)| {
        let scale = (expected[[i, i]] * expected[[j, j]]).sqrt();
        let error = (value - expected[[i, j]]).abs() / scale;
        // A maximum drops NaN.
        assert!(!error.is_nan(), "entry {i}, {j}: {value}");
        most.max(error)
    })
}

#[test]
fn the_bound_holds_and_is_not_too_large() {
    let x = points(5, 3, 3);
    for activation in SMOOTH {
        let spec = spec(3, 3, activation, true);
        let (found, [nngp, tangent]) = (kernels(spec, &x), by_trapezoids_through(&spec, &x));
        assert!(found.relative_error < 1e-11, "{activation:?}: {}", found.relative_error);
        let closed = activation == Activation::Gelu;
        assert!(!closed || found.relative_error < 1e-13, "{}", found.relative_error);
        // The errors of the quadrature, about 1e-15 per layer, come on top.
        let bound = found.relative_error + 3e-14;
        assert!(largest_difference(&found.nngp, &nngp) <= bound, "{activation:?}");
        assert!(largest_difference(&found.tangent, &tangent) <= bound, "{activation:?}");
    }
    for depth in [1, 3, 10] {
        let found = kernels(spec(3, depth, Activation::Relu, true), &x);
        let error = found.relative_error / (depth * (depth + 1)) as f64;
        assert!((1e-16..2e-15).contains(&error), "ReLU, {depth} layers: {error}");
    }
}

/// Two equal points: the kernel has rank 1, and its entries differ by less than the bound, but
/// by more than the rounding of a sum.
#[test]
fn equal_points_differ_by_less_than_the_bound() {
    let x = array![[1.0, -0.3, 0.8], [1.0, -0.3, 0.8], [0.2, 1.0, -0.4]];
    for activation in SMOOTH.into_iter().chain([Activation::Relu]) {
        let found = kernels(spec(3, 5, activation, true), &x);
        for matrix in [&found.nngp, &found.tangent] {
            let [own, pair] = [matrix[[0, 0]], matrix[[0, 1]]];
            assert!((own - pair).abs() <= found.relative_error * own, "{activation:?}");
            let [left, right] = [matrix[[0, 2]], matrix[[1, 2]]];
            assert!((left - right).abs() <= found.relative_error * own, "{activation:?}");
        }
    }
    let limit = infinite(spec(3, 5, Activation::Tanh, true)).lazy_limit(x.view(), x.view());
    let own = kernels(spec(3, 5, Activation::Tanh, true), &x);
    assert!(limit.unwrap().relative_error >= own.relative_error);
}

/// Softplus with β = 5 on inputs up to 10π, where the series of no near pair converges.
#[test]
fn large_inputs_agree_with_a_quadrature() {
    let activation = Activation::Softplus { beta: 5.0 };
    let x = 18.0 * points(4, 1, 21);
    let near = array![[20.0], [20.5], [-30.0], [31.4]];
    for x in [x, near] {
        let found = infinite(spec(1, 1, activation, false)).layer_kernels(x.view()).unwrap();
        for i in 0..4 {
            for j in 0..i {
                let deviations = [x[[i, 0]].abs(), x[[j, 0]].abs()];
                let rho = (x[[i, 0]] * x[[j, 0]]).signum();
                let [value, slope] = by_trapezoids(activation, deviations, rho);
                let own = deviations.map(|r| by_trapezoids(activation, [r, r], 1.0));
                let scale = (own[0][0] * own[1][0]).sqrt();
                assert!((found[1][[i, j]] - value).abs() < 1e-12 * scale, "{i} {j}");
                let product = x[[i, 0]] * x[[j, 0]];
                let scale = product.abs() * (own[0][1] * own[1][1]).sqrt();
                assert!((found[0][[i, j]] - product * slope).abs() < 1e-12 * scale, "{i} {j}");
            }
        }
    }
}
