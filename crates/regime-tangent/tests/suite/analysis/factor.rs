use ndarray::{Array1, Array2, array};
use proptest::prelude::*;
use regime_tangent::analysis::{AnalysisError, FactorMethod, Spectrum, eigenvalues, factorise};

use super::{distance, for_all, kernel, matrix, numbers, sizes, smooth_kernel, with_eigenvalues};

/// `K⁺b` from the eigenvalues above `cutoff` times the largest.
fn pseudo_inverse(theta: &Array2<f64>, b: &Array2<f64>, cutoff: f64) -> Array2<f64> {
    let Spectrum { eigenvalues, eigenvectors: v } = Spectrum::of(theta).unwrap();
    let least = cutoff * eigenvalues[0];
    let inverse: Array1<f64> =
        eigenvalues.mapv(|l| if l > least && l > 0.0 { l.recip() } else { 0.0 });
    (&v * &inverse).dot(&v.t().dot(b))
}

/// The kernel with duplicates of its first points.
fn with_duplicates(theta: &Array2<f64>, n: usize) -> Array2<f64> {
    let m = theta.nrows();
    Array2::from_shape_fn((n, n), |(i, j)| theta[[i % m, j % m]])
}

#[test]
fn a_well_conditioned_kernel_has_a_cholesky_factor() {
    for_all(16, (sizes(), any::<u64>()), |(n, seed)| {
        let (theta, right) = (kernel(n, seed), matrix(n, 2, seed ^ 1));
        let factorisation = factorise(&theta).unwrap();
        let report = factorisation.report();
        prop_assert_eq!((report.method, report.rank), (FactorMethod::Cholesky, n));
        prop_assert_eq!((report.n_points, report.dropped), (n, 0.0));
        // The bound is at most 30 % above the smallest eigenvalue.
        let l = eigenvalues(&theta).unwrap()[n - 1];
        prop_assert!(report.smallest_kept >= l * (1.0 - 1e-12) && report.smallest_kept < 1.3 * l);
        let solution = factorisation.solve(right.view()).unwrap();
        prop_assert!(distance(&theta.dot(&solution), &right) < 1e-12);
        let first = factorisation.solve_vector(right.column(0)).unwrap();
        prop_assert!(distance(&first, solution.column(0)) < 1e-14);
        Ok(())
    });
}

#[test]
fn a_singular_kernel_is_solved_by_pivoted_cholesky() {
    for_all(24, (sizes(), 1..5usize, any::<u64>()), |(m, more, seed)| {
        let n = m + more;
        let theta = with_duplicates(&kernel(m, seed), n);
        let factorisation = factorise(&theta).unwrap();
        let report = factorisation.report();
        prop_assert_eq!((report.method, report.rank), (FactorMethod::PivotedCholesky, m.min(n)));
        prop_assert!(report.smallest_kept > 1e-3 && report.dropped < 1e-13);
        // Labels that are equal on duplicates are fitted exactly; otherwise their mean is.
        let same = Array2::from_shape_fn((n, 1), |(i, _)| ((i % m) as f64).sin());
        let solution = factorisation.solve(same.view()).unwrap();
        prop_assert!(distance(&theta.dot(&solution), &same) < 1e-11);
        let any = matrix(n, 2, seed ^ 1);
        let solution = factorisation.solve(any.view()).unwrap();
        prop_assert!(distance(&solution, &pseudo_inverse(&theta, &any, 1e-12)) < 1e-10);
        let fitted = theta.dot(&solution);
        for i in 0..n {
            let copies: Vec<usize> = (0..n).filter(|j| j % m == i % m).collect();
            let mean = copies.iter().map(|&j| any[[j, 0]]).sum::<f64>() / copies.len() as f64;
            prop_assert!((fitted[[i, 0]] - mean).abs() < 1e-11);
        }
        Ok(())
    });
}

#[test]
fn more_pivots_than_a_block_holds() {
    // faer works in blocks of 128 pivots: ranks on both sides of a border.
    for rank in [127, 128, 150] {
        let x = matrix(200, rank, 9);
        let theta = x.dot(&x.t());
        let theta = (&theta + &theta.t()) * 0.5;
        let factorisation = factorise(&theta).unwrap();
        let report = factorisation.report();
        assert_eq!((report.method, report.rank), (FactorMethod::PivotedCholesky, rank));
        let right = theta.dot(&matrix(200, 1, 10));
        let solution = factorisation.solve(right.view()).unwrap();
        assert!(distance(&theta.dot(&solution), &right) < 1e-9);
    }
}

#[test]
fn a_kernel_with_a_negative_part_is_truncated() {
    // `swap` has no diagonal pivot, but it is regular.
    let swap = array![[0.0, 1.0], [1.0, 0.0]];
    let theta = with_eigenvalues(&[4.0, 1.0, 0.5, -2.0], 3);
    for (theta, rank, dropped) in [(swap, 1, 1.0), (theta, 3, 2.0)] {
        let factorisation = factorise(&theta).unwrap();
        let report = factorisation.report();
        assert_eq!((report.method, report.rank), (FactorMethod::TruncatedEigenvalues, rank));
        assert!((report.dropped - dropped).abs() < 1e-14);
        let right = matrix(theta.nrows(), 3, 4);
        let solution = factorisation.solve(right.view()).unwrap();
        assert!(distance(&solution, &pseudo_inverse(&theta, &right, 1e-12)) < 1e-13);
    }
    let report = factorise(&array![[0.0, 1.0], [1.0, 0.0]]).unwrap().report();
    assert_eq!(
        report.to_string(),
        "truncated eigenvalues of rank 1 of 2, smallest eigenvalue 1.0e0, dropped up to 1.0e0"
    );
}

#[test]
fn kernels_without_positive_eigenvalues_have_rank_zero() {
    for theta in [Array2::<f64>::zeros((3, 3)), -Array2::<f64>::eye(3)] {
        let factorisation = factorise(&theta).unwrap();
        let report = factorisation.report();
        assert_eq!((report.method, report.rank), (FactorMethod::TruncatedEigenvalues, 0));
        assert_eq!(report.smallest_kept, 0.0);
        let solution = factorisation.solve_vector(numbers(3, 1).view()).unwrap();
        assert_eq!(solution, Array1::<f64>::zeros(3));
    }
}

#[test]
fn ill_conditioned_kernels_give_finite_solutions_and_small_residuals() {
    // The eigenvalues fall below rounding without a gap.
    let hilbert = |n: usize| Array2::from_shape_fn((n, n), |(i, j)| 1.0 / (i + j + 1) as f64);
    let close = numbers(60, 2);
    for theta in [hilbert(3), hilbert(12), hilbert(40), smooth_kernel(&close, &close)] {
        let n = theta.nrows();
        let factorisation = factorise(&theta).unwrap();
        let report = factorisation.report();
        if n > 3 {
            assert_ne!(report.method, FactorMethod::Cholesky);
            assert!(report.rank < n && report.dropped < 1e-13, "{report}");
        }
        // A right side in the range of the kernel, with coefficients of order one.
        let right = theta.dot(&matrix(n, 1, 3));
        let solution = factorisation.solve(right.view()).unwrap();
        assert!(distance(&theta.dot(&solution), &right) < 1e-6, "{report}");
        // The solution is finite for any right side.
        factorisation.solve(matrix(n, 1, 5).view()).unwrap();
    }
}

#[test]
fn invalid_systems_are_errors() {
    let theta = kernel(3, 1);
    let factorisation = factorise(&theta).unwrap();
    assert_eq!(
        factorisation.solve_vector(numbers(2, 1).view()).unwrap_err().to_string(),
        "number of rows of the right side: 2, expected 3"
    );
    assert_eq!(
        factorisation.solve_vector(array![0.0, f64::NAN, 1.0].view()).unwrap_err().to_string(),
        "the right side is NaN at row 1, column 0"
    );
    // A solution that overflows float64.
    let tiny = factorise(&array![[1e-300]]).unwrap();
    assert!(matches!(
        tiny.solve_vector(array![1e100].view()),
        Err(AnalysisError::NotFinite { what: "the solution is", .. })
    ));
    assert!(matches!(factorise(&array![[f64::NAN]]), Err(AnalysisError::NotFinite { .. })));
    assert!(matches!(
        factorise(&array![[1.0, 2.0], [0.0, 1.0]]),
        Err(AnalysisError::NotSymmetric { row: 1, column: 0, .. })
    ));
}
