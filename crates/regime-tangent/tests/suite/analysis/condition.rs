use ndarray::{Array2, array};
use proptest::prelude::*;
use regime_tangent::analysis::{AnalysisError, condition};

use super::{for_all, kernel, sizes, with_eigenvalues};

#[test]
fn the_condition_of_known_kernels() {
    let report = condition(&Array2::from_diag(&array![8.0, 2.0, 4.0])).unwrap();
    let range = report.eigenvalues.unwrap();
    assert_eq!((range.smallest, range.largest, range.number), (2.0, 8.0, Some(4.0)));
    assert_eq!((range.rank, range.negative_part), (3, 0.0));
    assert_eq!(range.rounding, 24.0 * f64::EPSILON);
    assert_eq!((report.n_points, report.n_not_finite, report.asymmetry), (3, 0, 0.0));
    assert!(report.is_full_rank());
    assert_eq!(
        report.to_string(),
        "kernel on 3 points: eigenvalues from 2.000e0 to 8.000e0, condition 4.000e0, rank 3 above \
         5.3e-15"
    );

    let report = condition(&Array2::from_diag(&array![1.0, 0.0, -0.25, -0.25])).unwrap();
    let range = report.eigenvalues.unwrap();
    assert_eq!((range.smallest, range.number), (-0.25, None));
    assert_eq!((range.rank, range.negative_part), (1, 0.5));
    assert!(!report.is_full_rank());
    assert_eq!(
        report.to_string(),
        "kernel on 4 points: eigenvalues from -2.500e-1 to 1.000e0, condition beyond rounding, rank \
         1 above 8.9e-16, negative part 5.0e-1"
    );
}

#[test]
fn the_condition_agrees_with_the_spectrum() {
    for_all(16, (sizes(), any::<u64>(), 0.0..14.0f64), |(n, seed, decades)| {
        // Eigenvalues with equal spacing in the logarithm.
        let last = (n as f64 - 1.0).max(1.0);
        let eigenvalues: Vec<f64> =
            (0..n).map(|k| 10f64.powf(-decades * k as f64 / last)).collect();
        let report = condition(&with_eigenvalues(&eigenvalues, seed)).unwrap();
        let range = report.eigenvalues.unwrap();
        prop_assert!((range.largest - 1.0).abs() < 1e-13);
        prop_assert!((range.smallest - eigenvalues[n - 1]).abs() < 1e-14);
        if let Some(number) = range.number {
            let expected = 1.0 / eigenvalues[n - 1];
            prop_assert!((number / expected - 1.0).abs() < 1e-14 * expected + 1e-13);
        }
        prop_assert!(range.number.is_some() || decades > 13.0);
        Ok(())
    });
}

#[test]
fn a_duplicate_point_reduces_the_rank() {
    let theta = kernel(5, 3);
    let again = |i: usize| if i < 5 { i } else { 2 };
    let twice = Array2::from_shape_fn((6, 6), |(i, j)| theta[[again(i), again(j)]]);
    let range = condition(&twice).unwrap().eigenvalues.unwrap();
    assert_eq!((range.rank, range.number), (5, None));
    assert!(range.smallest.abs() < range.rounding);
}

#[test]
fn faults_are_reported_and_are_not_errors() {
    let report = condition(&array![[2.0, 1.0], [0.5, 2.0]]).unwrap();
    assert_eq!(report.asymmetry, 0.25);
    assert!((report.eigenvalues.unwrap().largest - 2.75).abs() < 1e-15);
    assert!(report.to_string().ends_with(", asymmetry 2.5e-1"));

    let nan = array![[4.0, f64::NAN, 1.0], [2.0, 1.0, 0.0], [0.0, 0.0, f64::INFINITY]];
    let report = condition(&nan).unwrap();
    assert_eq!((report.n_not_finite, report.eigenvalues), (2, None));
    assert_eq!(report.asymmetry, 0.25);
    assert!(!report.is_full_rank());
    assert_eq!(
        report.to_string(),
        "kernel on 3 points: 2 entries are not finite, asymmetry 2.5e-1"
    );
}

#[test]
fn empty_and_rectangular_kernels_are_errors() {
    assert_eq!(condition(&Array2::zeros((0, 0))), Err(AnalysisError::Empty));
    assert_eq!(
        condition(&Array2::zeros((1, 2))),
        Err(AnalysisError::NotSquare { rows: 1, columns: 2 })
    );
}
