use std::f64::consts::PI;

use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use regime_tangent::analysis::{AnalysisError, Spectrum, eigenvalues};

use super::{SIZES, distance, for_all, kernel, numbers, sizes, with_eigenvalues};

/// The second difference with fixed ends: eigenvalues `2 − 2cos(kπ/(n+1))`.
pub(crate) fn second_difference(n: usize) -> Array2<f64> {
    Array2::from_shape_fn((n, n), |(i, j)| match i.abs_diff(j) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    })
}

pub(crate) fn of_second_difference(n: usize) -> Array1<f64> {
    (1..=n).rev().map(|k| 2.0 - 2.0 * (k as f64 * PI / (n + 1) as f64).cos()).collect()
}

#[test]
fn spectra_in_closed_form() {
    for n in SIZES {
        let spectrum = Spectrum::of(&second_difference(n)).unwrap();
        let expected = of_second_difference(n);
        assert!(distance(&spectrum.eigenvalues, &expected) < 1e-14, "n = {n}");
        assert!(distance(&eigenvalues(&second_difference(n)).unwrap(), &expected) < 1e-14);
        // The eigenvectors are sines; the k-th from the end has k half waves.
        for (at, v) in spectrum.eigenvectors.columns().into_iter().enumerate() {
            let k = (n - at) as f64;
            let sine = |i: usize| (k * (i + 1) as f64 * PI / (n + 1) as f64).sin();
            let norm = (2.0 / (n + 1) as f64).sqrt();
            let cosine: f64 = v.iter().enumerate().map(|(i, v)| norm * sine(i) * v).sum();
            assert!((cosine.abs() - 1.0).abs() < 1e-12, "n = {n}, k = {k}");
            let largest = v.iter().fold(0.0, |m: f64, &v| if v.abs() > m.abs() { v } else { m });
            assert!(largest > 0.0);
        }
    }
    let diagonal = Array2::from_diag(&array![1.0, 5.0, -3.0]);
    let spectrum = Spectrum::of(&diagonal).unwrap();
    assert!(distance(&spectrum.eigenvalues, &[5.0, 1.0, -3.0]) < 1e-15);
    let axes = array![[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
    assert!(distance(&spectrum.eigenvectors, &axes) < 1e-15);
    // Rank one: the only nonzero eigenvalue is ‖v‖².
    let v = array![1.0, -2.0, 3.0, 0.5];
    let rank_one = Array2::from_shape_fn((4, 4), |(i, j)| v[i] * v[j]);
    let spectrum = Spectrum::of(&rank_one).unwrap();
    assert!((spectrum.eigenvalues[0] - v.dot(&v)).abs() < 1e-14 * v.dot(&v));
    assert!(spectrum.eigenvalues.iter().skip(1).all(|l| l.abs() < 1e-14));
    assert!(distance(spectrum.eigenvectors.column(0), &(&v / v.dot(&v).sqrt())) < 1e-14);
}

#[test]
fn a_spectrum_reproduces_the_kernel() {
    for_all(16, (sizes(), any::<u64>()), |(n, seed)| {
        let theta = kernel(n, seed);
        let Spectrum { eigenvalues, eigenvectors: v } = Spectrum::of(&theta).unwrap();
        prop_assert!(eigenvalues.windows(2).into_iter().all(|pair| pair[0] >= pair[1]));
        prop_assert!(distance(&(&v * &eigenvalues).dot(&v.t()), &theta) < 1e-13);
        prop_assert!(distance(&v.t().dot(&v), &Array2::eye(n)) < 1e-13);
        Ok(())
    });
}

#[test]
fn labels_along_the_eigenvectors() {
    let theta = with_eigenvalues(&[4.0, 3.0, 2.0, 1.0], 7);
    let spectrum = Spectrum::of(&theta).unwrap();
    let v = |k| spectrum.eigenvectors.column(k).to_owned();
    let y = v(0) * 6.0 - v(2) * 8.0;
    let close = |a: &Array1<f64>, b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-14);
    assert!(distance(&spectrum.components(y.view()).unwrap(), &[6.0, 0.0, -8.0, 0.0]) < 1e-14);
    assert!(close(&spectrum.shares(y.view()).unwrap(), [0.36, 0.0, 0.64, 0.0]));
    assert!(close(&spectrum.cumulative_shares(y.view()).unwrap(), [0.36, 0.36, 1.0, 1.0]));
    let leading = |share| spectrum.leading_for_share(y.view(), share).unwrap();
    assert_eq!(leading(0.1), Some(1));
    assert_eq!(leading(0.36), Some(1));
    assert_eq!(leading(0.37), Some(3));
    assert_eq!(leading(1.0), Some(3));
    // The two leading pairs hold only a part of the labels.
    let two = Spectrum {
        eigenvalues: spectrum.eigenvalues.slice_axis(Axis(0), (..2).into()).to_owned(),
        eigenvectors: spectrum.eigenvectors.slice_axis(Axis(1), (..2).into()).to_owned(),
    };
    assert_eq!(two.leading_for_share(y.view(), 0.3).unwrap(), Some(1));
    assert_eq!(two.leading_for_share(y.view(), 0.5).unwrap(), None);

    for_all(16, (sizes(), any::<u64>()), |(n, seed)| {
        let spectrum = Spectrum::of(&kernel(n, seed)).unwrap();
        let y = numbers(n, seed ^ 1);
        prop_assert!((spectrum.shares(y.view()).unwrap().sum() - 1.0).abs() < 1e-13);
        let all = spectrum.leading_for_share(y.view(), 1.0).unwrap();
        prop_assert!(all.is_some_and(|k| k <= n));
        Ok(())
    });
}

#[test]
fn a_small_asymmetry_is_averaged_and_a_large_one_is_an_error() {
    let theta = array![[2.0, 1.0 + 1e-9], [1.0 - 1e-9, 2.0]];
    assert!(distance(&eigenvalues(&theta).unwrap(), &[3.0, 1.0]) < 1e-15);
    let error = eigenvalues(&array![[2.0, 1.0], [0.5, 2.0]]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the kernel is not symmetric: entries (1, 0) and (0, 1) differ by 0.5, and the largest \
         entry is 2"
    );
}

#[test]
fn undefined_spectra_are_errors() {
    assert_eq!(Spectrum::of(&Array2::zeros((0, 0))), Err(AnalysisError::Empty));
    assert_eq!(
        eigenvalues(&Array2::zeros((3, 2))),
        Err(AnalysisError::NotSquare { rows: 3, columns: 2 })
    );
    let error = Spectrum::of(&array![[1.0, 0.0], [0.0, f64::NEG_INFINITY]]).unwrap_err();
    assert_eq!(error.to_string(), "the kernel is -inf at row 1, column 1");
    let spectrum = Spectrum::of(&array![[1.0]]).unwrap();
    for share in [0.0, 1.1, f64::NAN] {
        let error = spectrum.leading_for_share(array![1.0].view(), share).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the share is {share}, and must be above 0 and at most 1")
        );
    }
    assert_eq!(
        spectrum.shares(array![0.0].view()),
        Err(AnalysisError::Vanishes { what: "the vector of labels" })
    );
    assert_eq!(
        spectrum.shares(array![1.0, 2.0].view()),
        Err(AnalysisError::Length { what: "number of labels", expected: 1, found: 2 })
    );
}
