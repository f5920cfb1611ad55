use std::f64::consts::TAU;

use ndarray::{Array1, Array2, ArrayView1, Axis, array};
use proptest::prelude::*;
use regime_tangent::analysis::{
    AnalysisError, effective_dimension, eigenvalues, intrinsic_dimension, participation_ratio,
    stable_rank, two_nn,
};

use super::{for_all, kernel, matrix, numbers, rotation, sizes};

#[test]
fn dimensions_of_known_spectra() {
    // r equal eigenvalues and zeros have dimension r by every measure.
    let flat = array![2.0, 2.0, 2.0, 0.0, 0.0];
    assert_eq!(participation_ratio(flat.view()), Ok(3.0));
    assert_eq!(stable_rank(flat.view()), Ok(3.0));
    assert_eq!(intrinsic_dimension(flat.view()), Ok(3.0));
    assert_eq!(effective_dimension(flat.view(), 2.0), Ok(1.5));
    let l = array![1.0, 4.0, 3.0];
    assert!((participation_ratio(l.view()).unwrap() - 64.0 / 26.0).abs() < 1e-15);
    assert!((stable_rank(l.view()).unwrap() - 26.0 / 16.0).abs() < 1e-15);
    assert_eq!(intrinsic_dimension(l.view()), Ok(2.0));
    assert!((effective_dimension(l.view(), 1.0).unwrap() - (0.5 + 0.8 + 0.75)).abs() < 1e-15);
    // Rounding below zero counts as zero.
    let l = array![1.0, -1e-17];
    assert_eq!(participation_ratio(l.view()), Ok(1.0));
    assert_eq!(effective_dimension(l.view(), 1e-17), Ok(1.0));
}

#[test]
fn dimensions_agree_with_other_formulas() {
    for_all(16, (sizes(), any::<u64>(), 1e-3..1e3f64), |(n, seed, ridge)| {
        let theta = kernel(n, seed);
        let l = eigenvalues(&theta).unwrap();
        // tr K (K + λ)⁻¹ = n − λ tr (K + λ)⁻¹.
        let regularised =
            faer::Mat::from_fn(n, n, |i, j| theta[[i, j]] + if i == j { ridge } else { 0.0 });
        let identity = faer::Mat::<f64>::identity(n, n);
        let inverse = faer::prelude::Solve::solve(&regularised.partial_piv_lu(), &identity);
        let trace: f64 = (0..n).map(|i| inverse[(i, i)]).sum();
        let effective = effective_dimension(l.view(), ridge).unwrap();
        prop_assert!((effective - (n as f64 - ridge * trace)).abs() < 1e-11 * n as f64);
        prop_assert!(effective_dimension(l.view(), 2.0 * ridge).unwrap() < effective);
        prop_assert!(
            (effective_dimension(l.view(), 1e-14).unwrap() - n as f64).abs() < 1e-11 * n as f64
        );
        let trace = theta.diag().sum();
        let squares = theta.mapv(|v| v * v).sum();
        let participation = participation_ratio(l.view()).unwrap();
        prop_assert!((participation - trace * trace / squares).abs() < 1e-12 * n as f64);
        // Factors do not matter, and the measures are ordered.
        let scaled = &l * ridge;
        prop_assert!((participation_ratio(scaled.view()).unwrap() - participation).abs() < 1e-11);
        let (stable, intrinsic) =
            (stable_rank(l.view()).unwrap(), intrinsic_dimension(l.view()).unwrap());
        let rounding = 1.0 + 1e-13;
        prop_assert!(stable <= intrinsic * rounding && intrinsic <= participation * rounding);
        prop_assert!(participation <= n as f64 * rounding && stable >= 1.0);
        Ok(())
    });
}

/// The kernel `x·x'` of points, whose distances are those of the points.
fn linear(points: &Array2<f64>) -> Array2<f64> {
    points.dot(&points.t())
}

/// Points on the unit cube.
fn cube(n: usize, d: usize, seed: u64) -> Array2<f64> {
    matrix(n, d, seed)
}

#[test]
fn neighbours_give_the_dimension_of_the_points() {
    let n = 1500;
    let circle = {
        let angles = numbers(n, 1) * (0.5 * TAU);
        ndarray::stack![Axis(1), angles.mapv(f64::cos), angles.mapv(f64::sin)]
    };
    // A flat torus has no border: (cos a, sin a, cos b, sin b).
    let torus = {
        let angles = matrix(n, 2, 2) * (0.5 * TAU);
        let (a, b) = (angles.column(0), angles.column(1));
        let coordinates = [a.mapv(f64::cos), a.mapv(f64::sin), b.mapv(f64::cos), b.mapv(f64::sin)];
        Array2::from_shape_fn((n, 4), |(i, j)| coordinates[j][i])
    };
    // A three-dimensional cube in a space of seven dimensions.
    let embedded = {
        let flat = cube(n, 3, 3);
        let turned = rotation(7, 4);
        flat.dot(&turned.slice_axis(Axis(0), (..3).into())) * 5.0
    };
    // Tolerances of three standard deviations, d/√n each, and as much for the cube's border.
    for (points, dimension, tolerance) in
        [(circle, 1.0, 0.08), (torus, 2.0, 0.16), (embedded, 3.0, 0.4)]
    {
        let found = two_nn(&linear(&points), 0.1).unwrap();
        assert!((found.dimension - dimension).abs() < tolerance, "{dimension}: {found:?}");
        assert_eq!((found.n_fitted, found.n_duplicates), (1350, 0));
        // Units do not matter, and the discarded part matters little.
        let scaled = two_nn(&(linear(&points) * 1e-6), 0.1).unwrap();
        assert!((scaled.dimension - found.dimension).abs() < 1e-6);
        let other = two_nn(&linear(&points), 0.3).unwrap();
        assert!((other.dimension - dimension).abs() < 1.5 * tolerance, "{dimension}: {other:?}");
    }
}

#[test]
fn a_kink_of_the_kernel_doubles_the_dimension() {
    let x = numbers(1500, 5) * 0.5 * TAU;
    let of = |kernel: &dyn Fn(f64) -> f64| {
        let kernel = Array2::from_shape_fn((1500, 1500), |(i, j)| kernel((x[i] - x[j]).abs()));
        two_nn(&kernel, 0.1).unwrap().dimension
    };
    // Two kernels on the line: one is smooth at 0, and one has a kink.
    assert!((of(&|d| (-0.5 * d * d).exp()) - 1.0).abs() < 0.08);
    assert!((of(&|d| (-d).exp()) - 2.0).abs() < 0.16);
}

#[test]
fn the_fit_agrees_with_a_calculation_by_hand_and_skips_duplicates() {
    // On the line: distances to two neighbours (1, 2), (1, 2), (2, 3), (3, 5).
    let x: Array1<f64> = array![0.0, 1.0, 3.0, 6.0];
    let points = |x: ArrayView1<'_, f64>| linear(&x.to_owned().insert_axis(Axis(1)));
    let found = two_nn(&points(x.view()), 0.0).unwrap();
    // Ratios 3/2, 5/3, 2, 2 at F = 1/4, 1/2, 3/4; the last one is at F = 1.
    let ratios: [f64; 3] = [1.5, 5.0 / 3.0, 2.0];
    let above: [f64; 3] = [0.75, 0.5, 0.25];
    let products: f64 = ratios.iter().zip(&above).map(|(r, a)| -r.ln() * a.ln()).sum();
    let squares: f64 = ratios.iter().map(|r| r.ln().powi(2)).sum();
    assert!((found.dimension - products / squares).abs() < 1e-13);
    assert_eq!((found.n_fitted, found.n_duplicates), (3, 0));
    // Duplicates change nothing.
    let twice = two_nn(&points(array![0.0, 1.0, 3.0, 1.0, 6.0, 6.0].view()), 0.0).unwrap();
    assert!((twice.dimension - found.dimension).abs() < 1e-13);
    assert_eq!(twice.n_duplicates, 2);
}

#[test]
fn undefined_dimensions_are_errors() {
    let none = Array1::<f64>::zeros(0);
    assert_eq!(participation_ratio(none.view()), Err(AnalysisError::Empty));
    let what = "the largest eigenvalue";
    assert_eq!(stable_rank(array![0.0, -1.0].view()), Err(AnalysisError::Vanishes { what }));
    assert_eq!(
        intrinsic_dimension(array![1.0, f64::NAN].view()).unwrap_err().to_string(),
        "an eigenvalue is NaN at row 1, column 0"
    );
    for ridge in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            effective_dimension(array![1.0].view(), ridge).unwrap_err().to_string(),
            format!("the ridge is {ridge}, and must be positive and finite")
        );
    }
    let same = Array2::<f64>::ones((4, 4));
    assert_eq!(
        two_nn(&same, 0.1).unwrap_err().to_string(),
        "the number of different points is 1, and must be at least 3"
    );
    assert_eq!(
        two_nn(&Array2::<f64>::eye(4), 1.0).unwrap_err().to_string(),
        "the discarded part is 1, and must be at least 0 and below 1"
    );
    // The corners of a simplex have equal distances.
    assert!(matches!(two_nn(&Array2::<f64>::eye(4), 0.1), Err(AnalysisError::Vanishes { .. })));
}
