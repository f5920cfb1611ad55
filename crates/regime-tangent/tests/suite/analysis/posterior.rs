use ndarray::{Array1, Array2, Axis, array};
use regime_tangent::analysis::{
    Accuracy, AnalysisError, GaussianProcess, KernelRegression, Regression, ensemble_covariance,
    predict,
};

use super::{distance, kernel, matrix, numbers};

/// `A⁻¹B` by elimination with pivots.
fn eliminated(a: &Array2<f64>, b: &Array2<f64>) -> Array2<f64> {
    let (n, mut a, mut b) = (a.nrows(), a.clone(), b.clone());
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| a[[i, k]].abs().total_cmp(&a[[j, k]].abs())).unwrap();
        for matrix in [&mut a, &mut b] {
            for column in 0..matrix.ncols() {
                matrix.swap([k, column], [pivot, column]);
            }
        }
        for i in (0..n).filter(|&i| i != k) {
            let factor = a[[i, k]] / a[[k, k]];
            for matrix in [&mut a, &mut b] {
                let row = matrix.row(k).to_owned();
                matrix.row_mut(i).scaled_add(-factor, &row);
            }
        }
    }
    for k in 0..n {
        let scale = a[[k, k]].recip();
        b.row_mut(k).mapv_inplace(|v| v * scale);
    }
    b
}

/// Kernels on `n` training and `m` test points: training, cross and test.
fn blocks(n: usize, m: usize, seed: u64) -> [Array2<f64>; 3] {
    let joint = kernel(n + m, seed);
    let (above, below) = joint.view().split_at(Axis(0), n);
    let (train, _) = above.split_at(Axis(1), n);
    let (cross, test) = below.split_at(Axis(1), n);
    [train.to_owned(), cross.to_owned(), test.to_owned()]
}

fn fit(theta: &Array2<f64>, targets: &Array2<f64>, ridge: f64) -> KernelRegression {
    KernelRegression::fit(theta, targets.view(), None, ridge, Accuracy::default()).unwrap()
}

#[test]
fn two_points_by_hand() {
    // (1.5 + λ) is the eigenvalue of (1, 1), along which the cross-kernel lies.
    let theta = array![[1.0, 0.5], [0.5, 1.0]];
    let (cross, targets) = (array![[0.75, 0.75]], array![[1.0, 3.0], [0.0, -1.0]]);
    for ridge in [0.0, 0.5, 7.0] {
        let fit = fit(&theta, &targets, ridge);
        let mean = fit.predict(&cross, None).unwrap();
        assert!(distance(&mean, &[0.75 / (1.5 + ridge), 1.5 / (1.5 + ridge)]) < 1e-14);
        let variance = fit.posterior_variance(&cross, array![1.0].view()).unwrap();
        assert!((variance[0] - (1.0 - 1.125 / (1.5 + ridge))).abs() < 1e-14);
        assert_eq!(fit.ridge(), ridge);
        assert_eq!(fit.report().rank, 2);
    }
    // With initial values, the difference is fitted.
    let initial = array![[1.0], [0.0]];
    let targets = array![[1.0], [2.0]];
    let accuracy = Accuracy::default();
    let fit = KernelRegression::fit(&theta, targets.view(), Some(initial.view()), 0.0, accuracy);
    let at = fit.unwrap().predict(&cross, Some(array![[10.0]].view())).unwrap();
    assert!((at[[0, 0]] - 11.0).abs() < 1e-14);
}

#[test]
fn mean_and_covariance_agree_with_elimination() {
    for (n, m, outputs, seed) in [(1, 1, 1, 1), (3, 2, 4, 2), (31, 7, 3, 3)] {
        let [theta, cross, prior] = blocks(n, m, seed);
        let targets = matrix(n, outputs, seed + 9);
        for ridge in [0.0, 1e-3, 2.0] {
            let fit = fit(&theta, &targets, ridge);
            let regularised = &theta + &(Array2::<f64>::eye(n) * ridge);
            let mean = cross.dot(&eliminated(&regularised, &targets));
            assert!(distance(&fit.predict(&cross, None).unwrap(), &mean) < 1e-12);
            let explained = eliminated(&regularised, &cross.t().to_owned());
            let covariance = &prior - &cross.dot(&explained);
            let found = fit.posterior_covariance(&cross, &prior).unwrap();
            assert!(distance(&found, &covariance) < 1e-12);
            let variance = fit.posterior_variance(&cross, prior.diag()).unwrap();
            assert!(distance(&variance, covariance.diag()) < 1e-12);
            assert!(distance(&fit.weights(&cross).unwrap(), explained.t()) < 1e-12);
        }
    }
}

#[test]
fn limits_of_the_ridge() {
    let [theta, cross, prior] = blocks(5, 3, 8);
    let (targets, initial) = (matrix(5, 2, 1), matrix(3, 2, 2));
    // λ → ∞: nothing is learnt.
    let much = fit(&theta, &targets, 1e12);
    assert!(distance(&much.predict(&cross, Some(initial.view())).unwrap(), &initial) < 1e-10);
    let covariance = much.posterior_covariance(&cross, &prior).unwrap();
    assert!(distance(&covariance, &prior) < 1e-10);
    // λ → 0: the targets are fitted and certain at the training points.
    let none = fit(&theta, &targets, 0.0);
    assert!(distance(&none.predict(&theta, None).unwrap(), &targets) < 1e-12);
    let variance = none.posterior_variance(&theta, theta.diag()).unwrap();
    assert!(variance.iter().all(|v| (0.0..1e-13).contains(v)), "{variance}");
    let little = fit(&theta, &targets, 1e-9).predict(&cross, None).unwrap();
    assert!(distance(&little, &none.predict(&cross, None).unwrap()) < 1e-7);
}

#[test]
fn the_covariance_of_an_ensemble_of_linear_models() {
    // f = φ·w with w ~ N(0, 1), trained with a rate for each parameter: the kernel of the flow is
    // φ D φᵀ, that of the initialisation φ φᵀ.
    let (features, test) = (matrix(3, 5, 4), matrix(2, 5, 5));
    let rates = array![1.0, 2.0, 0.5, 1.5, 0.1];
    let tangent = |a: &Array2<f64>, b: &Array2<f64>| (a * &rates).dot(&b.t());
    let (theta, cross) = (tangent(&features, &features), tangent(&test, &features));
    let theta = (&theta + &theta.t()) * 0.5;
    let [nngp, nngp_cross, nngp_test] =
        [features.dot(&features.t()), test.dot(&features.t()), test.dot(&test.t())];
    let prior = GaussianProcess {
        train: nngp.view(),
        test_train: nngp_cross.view(),
        test: nngp_test.view(),
    };
    let y = numbers(3, 6);
    let regression = Regression::new(&theta, y.view(), None).unwrap();
    let trained = fit(&theta, &y.clone().insert_axis(Axis(1)), 0.0);
    for (t, weights) in [
        (3.0, regression.flow_weights(&cross, 3.0).unwrap()),
        (f64::INFINITY, trained.weights(&cross).unwrap()),
    ] {
        let mean = predict(&cross, regression.flow(t).unwrap().view(), None).unwrap();
        assert!(distance(&weights.dot(&y), &mean) < 1e-12);
        let covariance = ensemble_covariance(weights.view(), prior).unwrap();
        // The outputs of a member, by gradient descent in small steps, are A y + M w₀: each
        // column of M is the output of a member that starts from a unit vector with labels 0.
        let (steps, t) = (20_000, if t.is_finite() { t } else { 400.0 });
        let step = t / steps as f64 / 3.0;
        let mut members = Array2::<f64>::eye(5);
        for _ in 0..steps {
            let pull = features.t().dot(&features.dot(&members));
            members.scaled_add(-step, &(&pull * &rates.view().insert_axis(Axis(1))));
        }
        let outputs = test.dot(&members);
        assert!(distance(&covariance, &outputs.dot(&outputs.t())) < 2e-3, "{covariance}");
    }
    // With the NNGP kernel in place of the tangent kernel it is the posterior covariance.
    let nngp = (&nngp + &nngp.t()) * 0.5;
    let exact = fit(&nngp, &y.insert_axis(Axis(1)), 0.0);
    let prior = GaussianProcess { train: nngp.view(), ..prior };
    let weights = exact.weights(&nngp_cross).unwrap();
    let posterior = exact.posterior_covariance(&nngp_cross, &nngp_test).unwrap();
    assert!(distance(&ensemble_covariance(weights.view(), prior).unwrap(), &posterior) < 1e-11);
}

#[test]
fn invalid_arguments_are_errors() {
    let theta = kernel(3, 1);
    let targets = matrix(3, 2, 2);
    let says = |ridge: f64, targets: &Array2<f64>, message: &str| {
        let accuracy = Accuracy::default();
        let fit = KernelRegression::fit(&theta, targets.view(), None, ridge, accuracy);
        assert_eq!(fit.unwrap_err().to_string(), message);
    };
    says(-1.0, &targets, "the ridge is -1, and must be at least 0 and finite");
    says(0.0, &matrix(2, 1, 1), "number of rows of the targets: 2, expected 3");
    let mut nan = targets.clone();
    nan[[1, 1]] = f64::NAN;
    says(0.0, &nan, "a target is NaN at row 1, column 1");
    let fit = fit(&theta, &targets, 0.1);
    assert!(matches!(fit.predict(&matrix(2, 4, 1), None), Err(AnalysisError::Length { .. })));
    let wrong: Array1<f64> = numbers(2, 1);
    assert!(fit.posterior_variance(&theta, wrong.view()).is_err());
    let initial = matrix(3, 1, 1);
    assert!(fit.predict(&theta, Some(initial.view())).is_err());
}
