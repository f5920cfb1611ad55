use ndarray::{Array1, Array2, Axis, array};
use proptest::prelude::*;
use regime_tangent::analysis::{
    AnalysisError, CompareError, alignment, centred, centred_alignment, centred_label_alignment,
    label_alignment,
};

use super::{distance, for_all, kernel, matrix, numbers, rotation, sizes, with_eigenvalues};

/// `vvᵀ`
fn outer(v: &Array1<f64>) -> Array2<f64> {
    let column = v.view().insert_axis(Axis(1));
    column.dot(&column.t())
}

#[test]
fn alignment_is_a_cosine() {
    for_all(24, (sizes(), any::<u64>(), 1e-3..1e3f64), |(n, seed, factor)| {
        let (a, b) = (kernel(n, seed), kernel(n, seed ^ 1));
        let cosine = alignment(&a, &b).unwrap();
        prop_assert!((alignment(&a, &a).unwrap() - 1.0).abs() < 1e-14);
        prop_assert!((-1e-14..=1.0 + 1e-14).contains(&cosine));
        prop_assert!((alignment(&b, &a).unwrap() - cosine).abs() < 1e-14);
        prop_assert!((alignment(&(&a * factor), &b).unwrap() - cosine).abs() < 1e-13);
        prop_assert!((alignment(&(&a * -factor), &b).unwrap() + cosine).abs() < 1e-13);
        // A common rotation changes nothing.
        let q = rotation(n, seed ^ 2);
        let turned = |m: &Array2<f64>| q.dot(m).dot(&q.t());
        prop_assert!((alignment(&turned(&a), &turned(&b)).unwrap() - cosine).abs() < 1e-13);
        Ok(())
    });
    // cos 60°.
    let (a, b) = (array![[1.0, 1.0], [1.0, 1.0]], array![[1.0, 0.0], [0.0, 0.0]]);
    assert!((alignment(&a, &b).unwrap() - 0.5).abs() < 1e-15);
}

#[test]
fn kernels_of_orthogonal_features_are_not_aligned() {
    let (u, v) = (array![1.0, -1.0, 0.0, 0.0], array![0.0, 0.0, 1.0, -1.0]);
    assert_eq!(alignment(&outer(&u), &outer(&v)).unwrap(), 0.0);
    assert_eq!(centred_alignment(&outer(&u), &outer(&v)).unwrap(), 0.0);
    // A common constant feature aligns them; centring removes it.
    let (u, v) = (outer(&u) + 1.0, outer(&v) + 1.0);
    assert!((alignment(&u, &v).unwrap() - 0.8).abs() < 1e-15);
    assert!(centred_alignment(&u, &v).unwrap().abs() < 1e-15);
}

#[test]
fn centred_alignment_agrees_with_centred_features() {
    for_all(24, (sizes(), any::<u64>()), |(n, seed)| {
        prop_assume!(n > 1);
        let (x, y) = (matrix(n, 3, seed), matrix(n, 4, seed ^ 1));
        let (a, b) = (x.dot(&x.t()), y.dot(&y.t()));
        let cka = centred_alignment(&a, &b).unwrap();
        // From the features: ‖XᵀY‖²/(‖XᵀX‖ ‖YᵀY‖) of features minus their means.
        let less_mean = |m: &Array2<f64>| m - &m.mean_axis(Axis(0)).unwrap();
        let (x, y) = (less_mean(&x), less_mean(&y));
        let norm = |m: Array2<f64>| m.mapv(|v| v * v).sum().sqrt();
        let expected = norm(x.t().dot(&y)).powi(2) / (norm(x.t().dot(&x)) * norm(y.t().dot(&y)));
        prop_assert!((cka - expected).abs() < 1e-12, "{cka} and {expected}");
        // Constants and factors do not change it.
        let other = centred_alignment(&(&a * 3.0 + 5.0), &(&b - 2.0)).unwrap();
        prop_assert!((cka - other).abs() < 1e-11);
        prop_assert!((centred_alignment(&a, &(&a * 0.1 + 1.0)).unwrap() - 1.0).abs() < 1e-11);
        // Centring twice equals centring once.
        let once = centred(&a);
        prop_assert!(distance(&once, &centred(&once)) < 1e-13);
        prop_assert!(distance(&once, &x.dot(&x.t())) < 1e-13);
        Ok(())
    });
}

#[test]
fn alignment_with_labels() {
    for_all(16, (sizes(), any::<u64>()), |(n, seed)| {
        let y = numbers(n, seed);
        let (ideal, theta) = (outer(&y), kernel(n, seed ^ 1));
        prop_assert!((label_alignment(&ideal, y.view()).unwrap() - 1.0).abs() < 1e-14);
        let identity = label_alignment(&Array2::<f64>::eye(n), y.view()).unwrap();
        prop_assert!((identity - (n as f64).sqrt().recip()).abs() < 1e-14);
        let with_labels = label_alignment(&theta, y.view()).unwrap();
        prop_assert!((with_labels - alignment(&theta, &ideal).unwrap()).abs() < 1e-14);
        prop_assert!(
            (label_alignment(&theta, (&y * -7.0).view()).unwrap() - with_labels).abs() < 1e-14
        );
        if n > 1 {
            let with_labels = centred_label_alignment(&theta, y.view()).unwrap();
            let expected = centred_alignment(&theta, &ideal).unwrap();
            prop_assert!((with_labels - expected).abs() < 1e-12);
            let with_constants =
                centred_label_alignment(&(&theta + 1.0), (&y + 3.0).view()).unwrap();
            prop_assert!((with_labels - with_constants).abs() < 1e-12);
        }
        Ok(())
    });
}

#[test]
fn undefined_alignments_are_errors() {
    let zero = Array2::<f64>::zeros((2, 2));
    let one = Array2::<f64>::ones((2, 2));
    assert_eq!(alignment(&zero, &one), Err(CompareError::Reference { norm: 0.0 }));
    assert_eq!(alignment(&one, &zero), Err(CompareError::Reference { norm: 0.0 }));
    assert_eq!(centred_alignment(&one, &one), Err(CompareError::Reference { norm: 0.0 }));
    assert_eq!(
        alignment(&one, &array![[1.0]]),
        Err(CompareError::Shapes { left: [2, 2], right: [1, 1] })
    );
    let y = array![1.0, 1.0];
    let refused = |result: Result<f64, AnalysisError>, message: &str| {
        assert_eq!(result.unwrap_err().to_string(), message);
    };
    let vanishes = "is zero up to rounding, so the quantity has no meaning";
    refused(label_alignment(&zero, y.view()), &format!("the kernel {vanishes}"));
    refused(
        label_alignment(&one, array![0.0, 0.0].view()),
        &format!("the vector of labels {vanishes}"),
    );
    let theta = with_eigenvalues(&[2.0, 1.0], 1);
    refused(
        centred_label_alignment(&theta, y.view()),
        &format!("the vector of centred labels {vanishes}"),
    );
    refused(
        centred_label_alignment(&one, array![1.0, -1.0].view()),
        &format!("the centred kernel {vanishes}"),
    );
    refused(label_alignment(&theta, array![1.0].view()), "number of labels: 1, expected 2");
    refused(
        label_alignment(&theta, array![1.0, f64::INFINITY].view()),
        "a label is inf at row 1, column 0",
    );
    refused(
        label_alignment(&array![[1.0, 2.0]], y.view()),
        "a kernel on one set of points is square, this one is 1 × 2",
    );
}
