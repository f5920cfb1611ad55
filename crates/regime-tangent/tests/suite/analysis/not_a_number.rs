//! Results that are not numbers are errors, and numbers near the ends of float64 are results.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, array};
use regime_tangent::{
    analysis::{
        AnalysisError, CompareError, Regression, Spectrum, label_alignment, predict,
        relative_change,
    },
    kit::{Claim, loss_falls_at_the_rate_of_the_kernel},
};

use super::{distance, kernel, numbers};

#[test]
fn large_and_small_labels_have_shares_and_an_alignment() {
    let (theta, y) = (kernel(5, 1), numbers(5, 2));
    let spectrum = Spectrum::of(&theta).unwrap();
    let shares = spectrum.shares(y.view()).unwrap();
    let alignment = label_alignment(&theta, y.view()).unwrap();
    for size in [1e200, 1e-200] {
        let y = &y * size;
        assert!(distance(&spectrum.shares(y.view()).unwrap(), &shares) < 1e-14);
        assert!((label_alignment(&theta, y.view()).unwrap() - alignment).abs() < 1e-14);
        let theta = &theta * size;
        assert!((label_alignment(&theta, y.view()).unwrap() - alignment).abs() < 1e-14);
    }
}

#[test]
fn results_beyond_float64_are_errors() {
    let large = array![[1e150, 0.0], [0.0, 1.0]];
    let change = relative_change(&large, &array![[1e-160, 0.0], [0.0, 0.0]]);
    assert!(matches!(change, Err(CompareError::Reference { .. } | CompareError::NotFinite { .. })));
    let change = relative_change(&large, &array![[1e-159, 0.0], [0.0, 0.0]]);
    assert!(matches!(change, Err(CompareError::NotFinite { .. })), "{change:?}");
    let predicted = predict(&array![[1e300, 1e300]], array![1e300, 1.0].view(), None);
    assert!(matches!(predicted, Err(AnalysisError::NotFinite { what: "a prediction is", .. })));
    // 1/λ is not a float64.
    let singular = array![[1.0, 1.0], [1.0, 1.0]];
    let regression = Regression::new(&singular, array![1.0, 0.5].view(), None).unwrap();
    let errors = regression.leave_one_out(1e-310);
    assert!(matches!(errors, Err(AnalysisError::NotFinite { .. })), "{errors:?}");
}

/// A claim whose gradient is NaN.
struct NoGradient;

impl Claim for NoGradient {
    fn n_params(&self) -> usize {
        2
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        x.dot(&w)
    }

    fn kernel(&self, _: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        x.dot(&x.t())
    }

    fn vjp(
        &self,
        _: ArrayView1<'_, f64>,
        _: ArrayView2<'_, f64>,
        _: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        Array1::from_elem(2, f64::NAN)
    }
}

#[test]
fn a_gradient_of_nan_does_not_pass_the_check_of_the_loss() {
    let (w, x, y) = (array![1.0, 2.0], array![[1.0, 0.5], [0.0, 1.0]], array![1.0, -1.0]);
    let checked = loss_falls_at_the_rate_of_the_kernel(&NoGradient, w.view(), x.view(), y.view());
    assert!(checked.unwrap_err().to_string().contains("NaN"));
}
