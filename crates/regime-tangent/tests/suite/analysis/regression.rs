use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use regime_tangent::analysis::{AnalysisError, FactorMethod, Regression, predict, ridge};

use super::{distance, for_all, kernel, matrix, numbers, sizes, smooth_kernel, with_eigenvalues};

/// `A⁻¹b` by LU.
fn solved(a: &Array2<f64>, b: &Array1<f64>) -> Array1<f64> {
    let n = b.len();
    let lu = faer::Mat::from_fn(n, n, |i, j| a[[i, j]]).partial_piv_lu();
    let right = faer::Mat::from_fn(n, 1, |i, _| b[i]);
    let solution = faer::prelude::Solve::solve(&lu, &right);
    (0..n).map(|i| solution[(i, 0)]).collect()
}

fn with_ridge(theta: &Array2<f64>, ridge: f64) -> Array2<f64> {
    theta + &(Array2::<f64>::eye(theta.nrows()) * ridge)
}

/// The kernel on training points, and that between test and training points.
fn split(n: usize, m: usize, seed: u64) -> (Array2<f64>, Array2<f64>) {
    let joint = kernel(n + m, seed);
    let (training, test) = joint.view().split_at(Axis(1), n).0.split_at(Axis(0), n);
    (training.to_owned(), test.to_owned())
}

#[test]
fn ridge_regression_solves_the_normal_equations_of_its_features() {
    for_all(24, (sizes(), any::<u64>(), -6.0..3.0f64), |(n, seed, exponent)| {
        // In the space of three features: (XᵀX + λ) w = Xᵀ(y − F₀).
        let lambda = 10f64.powf(exponent);
        let (x, test) = (matrix(n, 3, seed), matrix(4, 3, seed ^ 1));
        let (y, f0, f0_test) = (numbers(n, seed ^ 2), numbers(n, seed ^ 3), numbers(4, seed ^ 4));
        let w = solved(&with_ridge(&x.t().dot(&x), lambda), &x.t().dot(&(&y - &f0)));
        let theta = x.dot(&x.t());
        let fit = ridge(&theta, y.view(), Some(f0.view()), lambda).unwrap();
        let cross = test.dot(&x.t());
        let expected = test.dot(&w) + &f0_test;
        let predicted = fit.predict(&cross, Some(f0_test.view())).unwrap();
        prop_assert!(distance(&predicted, &expected) < 1e-8);
        prop_assert_eq!(fit.report.method, FactorMethod::Cholesky);
        prop_assert_eq!(fit.ridge, lambda);
        // `Regression` agrees with `ridge`.
        let regression = Regression::new(&theta, y.view(), Some(f0.view())).unwrap();
        let other = regression.ridge(lambda).unwrap();
        let other = predict(&cross, other.view(), Some(f0_test.view())).unwrap();
        prop_assert!(distance(&other, &expected) < 1e-8);
        Ok(())
    });
}

#[test]
fn ridge_regression_converges_to_ridgeless_regression() {
    for_all(16, (sizes(), any::<u64>()), |(n, seed)| {
        let (theta, cross) = split(n, 3, seed);
        let y = numbers(n, seed ^ 1);
        let regression = Regression::new(&theta, y.view(), None).unwrap();
        let ridgeless = regression.ridgeless();
        prop_assert!(distance(&ridgeless, &solved(&theta, &y)) < 1e-12);
        prop_assert!(distance(&predict(&theta, ridgeless.view(), None).unwrap(), &y) < 1e-12);
        prop_assert_eq!(&regression.ridge(0.0).unwrap(), &ridgeless);
        // The distance is proportional to the ridge.
        let limit = predict(&cross, ridgeless.view(), None).unwrap();
        let off = |lambda: f64| {
            let fit = ridge(&theta, y.view(), None, lambda).unwrap();
            let predicted = fit.predict(&cross, None).unwrap();
            predicted.iter().zip(&limit).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
        };
        let ratio = off(1e-4) / off(1e-5);
        prop_assert!((ratio - 10.0).abs() < 0.1, "ratio {ratio}");
        Ok(())
    });
}

#[test]
fn ridgeless_regression_is_the_fit_of_least_norm() {
    // Three features, two points: (XᵀX is singular) w = Xᵀ(XXᵀ)⁻¹y.
    let x = array![[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]];
    let y = array![1.0, -1.0];
    let regression = Regression::new(&x.dot(&x.t()), y.view(), None).unwrap();
    let w = x.t().dot(&regression.ridgeless());
    // By hand: XXᵀ = [[5, 2], [2, 2]], its inverse times y is (4, −7)/6.
    assert!(distance(&w, &[4.0 / 6.0, 1.0 / 6.0, 7.0 / 6.0]) < 1e-14);
    // A duplicate point with two labels is fitted by their mean, with half the coefficient on
    // each copy.
    let again = x.select(Axis(0), &[0, 1, 1]);
    let labels = array![1.0, -3.0, 1.0];
    let regression = Regression::new(&again.dot(&again.t()), labels.view(), None).unwrap();
    assert_eq!(regression.rank(), 2);
    let a = regression.ridgeless();
    assert!(distance(&a, &[4.0 / 6.0, -7.0 / 12.0, -7.0 / 12.0]) < 1e-13);
}

#[test]
fn the_flow_solves_its_equation() {
    for_all(16, (sizes(), any::<u64>(), 0.0..20.0f64), |(n, seed, t)| {
        let (theta, cross) = split(n, 3, seed);
        let (y, f0, f0_test) = (numbers(n, seed ^ 1), numbers(n, seed ^ 2), numbers(3, seed ^ 3));
        let regression = Regression::new(&theta, y.view(), Some(f0.view())).unwrap();
        let on_training =
            |t: f64| predict(&theta, regression.flow(t).unwrap().view(), Some(f0.view())).unwrap();
        let on_test = |t: f64| {
            predict(&cross, regression.flow(t).unwrap().view(), Some(f0_test.view())).unwrap()
        };
        prop_assert_eq!(&on_training(0.0), &f0);
        // dF/dt = −(1/n) Θ (F − y), on training and on test points.
        let e = 1e-4;
        let pull = (&y - &on_training(t + e)) / n as f64;
        let rate = |f: &dyn Fn(f64) -> Array1<f64>| (f(t + 2.0 * e) - f(t)) / (2.0 * e);
        let scale = theta.dot(&(&y - &f0)).iter().fold(1e-3, |m: f64, v| m.max(v.abs()));
        for (found, expected) in
            [(rate(&on_training), theta.dot(&pull)), (rate(&on_test), cross.dot(&pull))]
        {
            for (a, b) in found.iter().zip(&expected) {
                prop_assert!((a - b).abs() < 1e-6 * scale, "{a} and {b}");
            }
        }
        Ok(())
    });
}

#[test]
fn the_flow_of_one_point_by_hand() {
    // F(t) = y (1 − e^{−Θt}) + f₀ e^{−Θt}.
    let regression =
        Regression::new(&array![[2.0]], array![1.0].view(), Some(array![0.5].view())).unwrap();
    for t in [0.0, 0.3, 2.0, 50.0] {
        let f = predict(&array![[2.0]], regression.flow(t).unwrap().view(), None).unwrap()[0];
        assert!((f - 0.5 * (1.0 - (-2.0 * t).exp())).abs() < 1e-15);
    }
    // Two points with zero kernel between them: each at half the rate.
    let theta = Array2::from_diag(&array![2.0, 4.0]);
    let regression = Regression::new(&theta, array![1.0, -1.0].view(), None).unwrap();
    let f = predict(&theta, regression.flow(1.0).unwrap().view(), None).unwrap();
    assert!((f[0] - (1.0 - (-1.0f64).exp())).abs() < 1e-15);
    assert!((f[1] + (1.0 - (-2.0f64).exp())).abs() < 1e-15);
}

#[test]
fn the_flow_is_a_semigroup_and_converges_to_ridgeless_regression() {
    for_all(24, (sizes(), any::<u64>(), 0.0..9.0f64, 0.0..9.0f64), |(n, seed, s, t)| {
        let (theta, cross) = split(n, 3, seed);
        let (y, f0, f0_test) = (numbers(n, seed ^ 1), numbers(n, seed ^ 2), numbers(3, seed ^ 3));
        let whole = Regression::new(&theta, y.view(), Some(f0.view())).unwrap();
        let first = whole.flow(s).unwrap();
        let middle = predict(&theta, first.view(), Some(f0.view())).unwrap();
        let middle_test = predict(&cross, first.view(), Some(f0_test.view())).unwrap();
        let rest = Regression::new(&theta, y.view(), Some(middle.view())).unwrap();
        let second = rest.flow(t).unwrap();
        prop_assert!(distance(&(&first + &second), &whole.flow(s + t).unwrap()) < 1e-12);
        let in_two = predict(&cross, second.view(), Some(middle_test.view())).unwrap();
        let at_once =
            predict(&cross, whole.flow(s + t).unwrap().view(), Some(f0_test.view())).unwrap();
        prop_assert!(distance(&in_two, &at_once) < 1e-12);

        // The training loss never rises.
        let loss = |t: f64| {
            let f = predict(&theta, whole.flow(t).unwrap().view(), Some(f0.view())).unwrap();
            (&f - &y).mapv(|v| v * v).sum()
        };
        prop_assert!(loss(s + t) <= loss(s) * (1.0 + 1e-12));
        prop_assert_eq!(&whole.flow(f64::INFINITY).unwrap(), &whole.ridgeless());
        prop_assert!(distance(&whole.flow(1e4).unwrap(), &whole.ridgeless()) < 1e-12);
        Ok(())
    });
}

#[test]
fn singular_kernels_flow_and_fit_without_nan() {
    // Duplicate points, and a spectrum that falls below rounding.
    let x = numbers(40, 6) * 2.0;
    let twice: Array1<f64> = x.iter().chain(x.iter().take(10)).copied().collect();
    let theta = smooth_kernel(&twice, &twice);
    let y = twice.mapv(|x| (2.0 * x).sin());
    let regression = Regression::new(&theta, y.view(), None).unwrap();
    assert!(regression.rank() < 40);
    let test = numbers(20, 7) * 1.5;
    let cross = smooth_kernel(&test, &twice);
    let truth = test.mapv(|x| (2.0 * x).sin());
    let fitted = |a: Array1<f64>, tolerance: f64| {
        assert!(a.iter().all(|a| a.is_finite()));
        assert!(distance(&predict(&cross, a.view(), None).unwrap(), &truth) < tolerance);
    };
    fitted(regression.ridgeless(), 1e-4);
    fitted(regression.flow(f64::INFINITY).unwrap(), 1e-4);
    fitted(regression.flow(1e12).unwrap(), 1e-3);
    fitted(regression.ridge(1e-8).unwrap(), 1e-3);
    let direct = ridge(&theta, y.view(), None, 1e-8).unwrap();
    assert_eq!(direct.report.method, FactorMethod::Cholesky);
    fitted(direct.coefficients, 1e-3);
    // A ridge below rounding leaves the kernel singular; the report shows it.
    let direct = ridge(&theta, y.view(), None, 1e-17).unwrap();
    assert_ne!(direct.report.method, FactorMethod::Cholesky);
    assert!(direct.report.rank < 40);
    fitted(direct.coefficients, 1e-3);
}

#[test]
fn leave_one_out_agrees_with_fits_without_a_point() {
    for_all(16, (sizes(), any::<u64>(), -4.0..2.0f64), |(n, seed, exponent)| {
        let lambda = 10f64.powf(exponent);
        let (theta, y, f0) = (kernel(n, seed), numbers(n, seed ^ 1), numbers(n, seed ^ 2));
        let regression = Regression::new(&theta, y.view(), Some(f0.view())).unwrap();
        for lambda in [lambda, 0.0] {
            let errors = regression.leave_one_out(lambda).unwrap();
            for out in [0, n / 2, n - 1] {
                let others: Vec<usize> = (0..n).filter(|&i| i != out).collect();
                let left = (&y - &f0).select(Axis(0), &others);
                let part = theta.select(Axis(0), &others).select(Axis(1), &others);
                let a = solved(&with_ridge(&part, lambda), &left);
                let predicted = f0[out] + theta.row(out).select(Axis(0), &others).dot(&a);
                let expected = y[out] - predicted;
                prop_assert!(
                    (errors[out] - expected).abs() < 1e-11,
                    "{} and {expected}, n = {n}",
                    errors[out]
                );
            }
        }
        Ok(())
    });
}

#[test]
fn invalid_arguments_are_errors() {
    let (theta, y) = (kernel(3, 1), numbers(3, 2));
    let says = |result: Result<Regression, AnalysisError>, message: &str| {
        assert_eq!(result.unwrap_err().to_string(), message);
    };
    says(Regression::new(&theta, numbers(4, 1).view(), None), "number of labels: 4, expected 3");
    says(
        Regression::new(&theta, y.view(), Some(numbers(1, 1).view())),
        "number of initial values: 1, expected 3",
    );
    says(
        Regression::new(&theta, array![1.0, 0.0, f64::NAN].view(), None),
        "a label is NaN at row 2, column 0",
    );
    says(Regression::new(&Array2::zeros((0, 0)), y.view(), None), "the kernel is on no points");
    says(
        Regression::with_cutoff(&theta, y.view(), None, 1.0),
        "the cutoff is 1, and must be at least 0 and below 1",
    );
    let negative = with_eigenvalues(&[1.0, 0.5, -1e-6], 4);
    assert!(matches!(
        Regression::new(&negative, y.view(), None),
        Err(AnalysisError::NotPositive { smallest, .. }) if (smallest + 1e-6).abs() < 1e-12
    ));
    let coarse = Regression::with_cutoff(&negative, y.view(), None, 1e-5).unwrap();
    assert_eq!(coarse.rank(), 2);

    let regression = Regression::new(&theta, y.view(), None).unwrap();
    let says = |result: Result<Array1<f64>, AnalysisError>, message: &str| {
        assert_eq!(result.unwrap_err().to_string(), message);
    };
    says(regression.ridge(-1.0), "the ridge is -1, and must be at least 0 and finite");
    says(regression.flow(f64::NAN), "the time is NaN, and must be at least 0");
    says(coarse.leave_one_out(0.0), "the ridge is 0, and must be positive for a singular kernel");
    says(predict(&theta, numbers(2, 1).view(), None), "number of coefficients: 2, expected 3");
    says(
        predict(&theta, y.view(), Some(numbers(2, 1).view())),
        "number of initial values: 2, expected 3",
    );
    for value in [0.0, f64::NAN] {
        assert_eq!(
            ridge(&theta, y.view(), None, value).unwrap_err().to_string(),
            format!("the ridge is {value}, and must be positive and finite")
        );
    }
}
