use ndarray::{Array2, array};
use regime_models::{Activation, DenseSpec};
use regime_tangent::{
    InfiniteWidth,
    analysis::{
        Accuracy, FactorMethod, Regression, condition, condition_with, equal_points, factorise,
        factorise_with, two_nn, two_nn_with,
    },
};

use super::{distance, kernel, numbers};

/// The kernel with an error of the entries of up to `relative`, symmetric to the bit.
fn disturbed(theta: &Array2<f64>, relative: f64) -> Array2<f64> {
    let n = theta.nrows();
    let noise = numbers(n * n, 77);
    Array2::from_shape_fn(theta.dim(), |(i, j)| {
        theta[[i, j]] * (1.0 + relative * noise[i.min(j) * n + i.max(j)])
    })
}

#[test]
fn equal_points_of_a_series_reduce_the_rank() {
    let (inputs, width, hidden_layers, activation) = (2, 1, 5, Activation::Tanh);
    let net = DenseSpec { inputs, width, hidden_layers, activation, bias: true };
    let x = array![[1.4, 0.2], [1.4, 0.2], [1.0, -1.0], [-0.9, 1.1]];
    let theta = InfiniteWidth::new(&net).unwrap().kernels(x.view()).unwrap().tangent;
    // An error of the size that the series states.
    let theta = disturbed(&theta, 1e-13);
    // Without the error, the difference of two equal points is taken for a direction.
    assert_eq!(condition(&theta).unwrap().eigenvalues.unwrap().rank, 4);

    let accuracy = Accuracy::of_entries(1e-12).unwrap();
    let range = condition_with(&theta, accuracy).unwrap().eigenvalues.unwrap();
    assert_eq!((range.rank, range.number), (3, None));
    assert_eq!(factorise_with(&theta, accuracy).unwrap().report().rank, 3);
    assert_eq!(equal_points(&theta, accuracy).unwrap(), [[0, 1]]);

    // Contradictory labels are fitted by their mean, with small coefficients.
    let y = array![1.0, -1.0, 0.5, 0.0];
    let fit = Regression::with_accuracy(&theta, y.view(), None, accuracy).unwrap();
    assert_eq!(fit.rank(), 3);
    assert!(fit.ridgeless().iter().all(|a| a.abs() < 100.0));
    assert!(distance(&fit.not_fitted(), &[1.0, -1.0, 0.0, 0.0]) < 1e-9);
    assert!(distance(&theta.dot(&fit.ridgeless()), &[0.0, 0.0, 0.5, 0.0]) < 1e-9);
    let solved = factorise_with(&theta, accuracy).unwrap().solve_vector(y.view()).unwrap();
    assert!(distance(&solved, &fit.ridgeless()) < 1e-8);
    // Labels that agree are fitted.
    let y = array![1.0, 1.0, 0.5, 0.0];
    let fit = Regression::with_accuracy(&theta, y.view(), None, accuracy).unwrap();
    assert!(fit.not_fitted().iter().all(|left| left.abs() < 1e-9));
}

#[test]
fn the_error_of_the_entries_sets_the_cutoff() {
    // Rank 6 of 9, and errors of 1e-8.
    let base = kernel(6, 5);
    let exact = Array2::from_shape_fn((9, 9), |(i, j)| base[[i % 6, j % 6]]);
    let theta = disturbed(&exact, 1e-8);
    let accuracy = Accuracy::of_entries(1e-8).unwrap();
    assert!(factorise(&theta).unwrap().report().rank > 6);
    let report = factorise_with(&theta, accuracy).unwrap().report();
    assert_eq!(report.rank, 6);
    assert_ne!(report.method, FactorMethod::Cholesky);
    assert_eq!(equal_points(&theta, accuracy).unwrap(), [[0, 6], [1, 7], [2, 8]]);
    assert!(two_nn(&theta, 0.1).unwrap().n_duplicates < 3);
    assert_eq!(two_nn_with(&theta, 0.1, accuracy).unwrap().n_duplicates, 3);
    // The exact kernel does not need it.
    assert_eq!(factorise(&exact).unwrap().report().rank, 6);
    assert_eq!(equal_points(&exact, Accuracy::default()).unwrap().len(), 3);
    for invalid in [-1e-9, 1.0, f64::NAN] {
        let error = Accuracy::of_entries(invalid).unwrap_err().to_string();
        let expected = "and must be at least 0 and below 1";
        assert!(error.ends_with(expected), "{error}");
    }
    assert_eq!(accuracy.relative_error(), 1e-8);
}
