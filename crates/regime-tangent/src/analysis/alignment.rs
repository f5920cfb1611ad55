//! Cosines between kernels, and between a kernel and labels.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{
    AnalysisError, CompareError, HostMatrix,
    host::{labels, largest_entry, symmetric, unit},
    norms::{frobenius, meaningful, same_shape},
};

/// The alignment `⟨A, B⟩_F / (‖A‖_F ‖B‖_F)` of two kernels on the same points.
///
/// It is 1 for kernels that differ only by a positive factor, and between 0 and 1 for
/// kernels on one set of points.
///
/// # Errors
/// [`CompareError`] when the shapes differ or a norm is not positive and finite.
///
/// # Reference
/// N. Cristianini, J. Shawe-Taylor, A. Elisseeff, J. Kandola, "On kernel-target
/// alignment", NIPS 2001, definition 1.
pub fn alignment<'a, 'b>(
    a: impl HostMatrix<'a>,
    b: impl HostMatrix<'b>,
) -> Result<f64, CompareError> {
    let (a, b) = (a.into_host(), b.into_host());
    same_shape(a.view(), b.view())?;
    cosine(a.view(), b.view())
}

/// The alignment of the centred kernels, `HAH` and `HBH` with `H = I − 11ᵀ/n`:
/// *centred kernel alignment* (CKA). A constant that is added to the functions, for example
/// by the bias of a last layer, does not change it.
///
/// # Errors
/// [`CompareError`] when the shapes differ, when a norm is not finite, or when a centred
/// kernel is zero up to rounding.
///
/// # Reference
/// C. Cortes, M. Mohri, A. Rostamizadeh, "Algorithms for learning kernels based on
/// centered alignment", JMLR 13 (2012); S. Kornblith, M. Norouzi, H. Lee,
/// G. Hinton, "Similarity of neural network representations revisited", ICML 2019,
/// section 3.
pub fn centred_alignment<'a, 'b>(
    a: impl HostMatrix<'a>,
    b: impl HostMatrix<'b>,
) -> Result<f64, CompareError> {
    let (a, b) = (a.into_host(), b.into_host());
    same_shape(a.view(), b.view())?;
    let (centred_a, centred_b) = (centre(a.view()), centre(b.view()));
    for (centred, whole) in [(&centred_a, &a), (&centred_b, &b)] {
        if vanished(centred.view(), whole.view()) {
            return Err(CompareError::Reference { norm: 0.0 });
        }
    }
    cosine(centred_a.view(), centred_b.view())
}

/// The alignment `yᵀΘy / (‖Θ‖_F ‖y‖²)` of a kernel with labels, which is its alignment with
/// the kernel `yyᵀ`.
///
/// # Shapes
/// `kernel`: `[n, n]`, `y`: `[n]`
///
/// # Errors
/// [`AnalysisError`] for a kernel that is empty, not square, not symmetric or not
/// finite, for the wrong number of labels, and when kernel or labels are zero.
///
/// # Reference
/// Cristianini et al., as for [`alignment`].
pub fn label_alignment<'a>(
    kernel: impl HostMatrix<'a>,
    y: ArrayView1<'_, f64>,
) -> Result<f64, AnalysisError> {
    let kernel = symmetric(kernel)?;
    labels(y, kernel.nrows())?;
    with_labels(kernel.view(), y)
}

/// As [`label_alignment`], with kernel and labels centred.
///
/// # Shapes
/// `kernel`: `[n, n]`, `y`: `[n]`
///
/// # Errors
/// As for [`label_alignment`]. Labels that are all equal are zero after centring.
///
/// # Reference
/// Cortes et al., as for [`centred_alignment`].
pub fn centred_label_alignment<'a>(
    kernel: impl HostMatrix<'a>,
    y: ArrayView1<'_, f64>,
) -> Result<f64, AnalysisError> {
    let kernel = symmetric(kernel)?;
    labels(y, kernel.nrows())?;
    let centred = centre(kernel.view());
    if vanished(centred.view(), kernel.view()) {
        return Err(AnalysisError::Vanishes { what: "the centred kernel" });
    }
    let mean = y.sum() / y.len() as f64;
    let deviations = y.mapv(|v| v - mean);
    let rounding = f64::EPSILON * y.len() as f64 * y.dot(&y).sqrt();
    if deviations.dot(&deviations).sqrt() <= rounding {
        return Err(AnalysisError::Vanishes { what: "the vector of centred labels" });
    }
    with_labels(centred.view(), deviations.view())
}

/// The centred kernel `HKH` with `H = I − 11ᵀ/n`: the kernel of the features minus their
/// mean. A kernel between two sets of points is centred over each set.
///
/// # Shapes
/// `[rows, columns]`, as the kernel.
pub fn centred<'a>(kernel: impl HostMatrix<'a>) -> Array2<f64> {
    centre(kernel.into_host().view())
}

fn centre(kernel: ArrayView2<'_, f64>) -> Array2<f64> {
    let (rows, columns) = kernel.dim();
    let of_rows = kernel.sum_axis(Axis(1)) / columns as f64;
    let of_columns = kernel.sum_axis(Axis(0)) / rows as f64;
    let of_all = of_rows.sum() / rows as f64;
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        kernel[[i, j]] - of_rows[i] - of_columns[j] + of_all
    })
}

/// Whether the centred kernel is zero up to rounding.
fn vanished(centred: ArrayView2<'_, f64>, whole: ArrayView2<'_, f64>) -> bool {
    let n = whole.nrows().max(whole.ncols()) as f64;
    frobenius(centred) <= n * f64::EPSILON * frobenius(whole)
}

fn cosine(a: ArrayView2<'_, f64>, b: ArrayView2<'_, f64>) -> Result<f64, CompareError> {
    let (norm_a, norm_b) = (meaningful(frobenius(a))?, meaningful(frobenius(b))?);
    // Two divisions, because the product of large norms may overflow.
    Ok(a.iter().zip(&b).map(|(a, b)| (a / norm_a) * (b / norm_b)).sum())
}

fn with_labels(kernel: ArrayView2<'_, f64>, y: ArrayView1<'_, f64>) -> Result<f64, AnalysisError> {
    let largest = largest_entry(kernel);
    if largest == 0.0 {
        return Err(AnalysisError::Vanishes { what: "the kernel" });
    }
    // The squares of large or small numbers may not be float64.
    let (kernel, y) = (kernel.mapv(|v| v / largest), unit(y, kernel.nrows())?);
    Ok(y.dot(&kernel.dot(&y)) / frobenius(kernel.view()) / y.dot(&y))
}
