use burn_flex::{Flex, FlexDevice};
use ndarray::{Array2, Axis, array};
use regime_models::Precision;
use regime_tangent::analysis::{
    AnalysisError, CompareError, frobenius_norm, relative_change, spectral_norm, to_host_matrix,
    trace_norm,
};

use super::{SIZES, matrix, rotation, with_eigenvalues};

#[test]
fn norms_of_known_spectra() {
    let kernel = with_eigenvalues(&[3.0, -2.0, 1.0, 0.0], 1);
    assert!((frobenius_norm(&kernel) - 14f64.sqrt()).abs() < 1e-14);
    assert!((spectral_norm(&kernel).unwrap() - 3.0).abs() < 1e-14);
    assert!((trace_norm(&kernel).unwrap() - 6.0).abs() < 1e-14);
    // Between two sets of points.
    let cross = array![[3.0, 0.0, 0.0], [0.0, -4.0, 0.0]];
    assert_eq!(frobenius_norm(&cross), 5.0);
    assert!((spectral_norm(&cross).unwrap() - 4.0).abs() < 1e-15);
    assert!((trace_norm(&cross).unwrap() - 7.0).abs() < 1e-15);
}

#[test]
fn norms_are_ordered_and_invariant_under_rotations() {
    for n in SIZES {
        let a = matrix(n, n, 3);
        let turned = rotation(n, 4).dot(&a).dot(&rotation(n, 5));
        let norms = |m: &Array2<f64>| {
            [spectral_norm(m).unwrap(), frobenius_norm(m), trace_norm(m).unwrap()]
        };
        let (norms, others) = (norms(&a), norms(&turned));
        for (norm, other) in norms.iter().zip(&others) {
            assert!((norm - other).abs() < 1e-13 * norm, "{norm} and {other}, n = {n}");
        }
        let [spectral, frobenius, trace] = norms;
        let rounding = 1.0 + 1e-14;
        assert!(spectral <= rounding * frobenius && frobenius <= rounding * trace);
        assert!(trace <= rounding * (n as f64).sqrt() * frobenius);
    }
}

#[test]
fn tensors_views_and_arrays_give_the_same_results() {
    let (a, b) = (matrix(3, 4, 1), matrix(3, 4, 2));
    let tensor = |m: &Array2<f64>| {
        let values = m.as_slice().unwrap();
        Precision::F64.matrix::<Flex>(values, [m.nrows(), m.ncols()], &FlexDevice)
    };
    assert_eq!(to_host_matrix(tensor(&a)), a);
    let change = relative_change(&a, &b).unwrap();
    assert_eq!(relative_change(tensor(&a), tensor(&b)), Ok(change));
    assert_eq!(relative_change(a.view(), tensor(&b)), Ok(change));
    assert_eq!(frobenius_norm(tensor(&a)), frobenius_norm(&a));
    // A view whose rows are not contiguous in memory.
    let wide = ndarray::concatenate![Axis(1), a, b];
    let (left, right) = wide.view().split_at(Axis(1), 4);
    assert_eq!(relative_change(left, right), Ok(change));
    // Against the definition.
    let (difference, scale) = ((&a - &b).mapv(|v| v * v).sum(), b.mapv(|v| v * v).sum());
    assert!((change - (difference / scale).sqrt()).abs() < 1e-15);
}

#[test]
fn undefined_norms_are_errors() {
    assert_eq!(spectral_norm(&Array2::zeros((0, 0))), Err(AnalysisError::Empty));
    let error = trace_norm(&array![[1.0, f64::NAN]]).unwrap_err();
    assert_eq!(error.to_string(), "the kernel is NaN at row 0, column 1");
    assert!(matches!(
        relative_change(&array![[1.0]], &array![[f64::NAN]]),
        Err(CompareError::Reference { norm }) if norm.is_nan()
    ));
}
