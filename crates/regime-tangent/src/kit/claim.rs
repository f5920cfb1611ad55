use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Slice, concatenate};
use regime_models::Precision;

use super::differences::{self, Function};

/// A function `f(w, x)` and the kernel that is claimed to belong to it.
///
/// Only the number of parameters, `f` and the kernel are required. By default, products with
/// the Jacobian are central differences of `f`. They are independent of the kernel, so the
/// kernel of another function is rejected.
///
/// [`OnBackend`](super::OnBackend) makes a claim from any implementation of
/// [`Network`](regime_models::Network).
///
/// # Shapes
/// - `w`, `v`: `[P]`, `P` = [`Claim::n_params`]
/// - `x`: `[n, d]`, one point per row
/// - `g` and outputs: `[n]`
/// - kernels: `[n, n]`
pub trait Claim {
    /// Number of parameters `P`.
    fn n_params(&self) -> usize;

    /// The outputs `f(w, x)`, `[n]`.
    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64>;

    /// The kernel `Θ(w; x, x)`, `[n, n]`.
    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64>;

    /// The cross-kernel `Θ(w; a, b)`, `[n_a, n_b]`. By default a block of the kernel on the
    /// union of both sets.
    fn cross_kernel(
        &self,
        w: ArrayView1<'_, f64>,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Array2<f64> {
        let both =
            concatenate(Axis(0), &[a, b]).expect("all points have the same number of inputs");
        let n = a.nrows();
        let joint = self.kernel(w, both.view());
        let rows = joint.slice_axis(Axis(0), Slice::from(..n));
        rows.slice_axis(Axis(1), Slice::from(n..)).to_owned()
    }

    /// Kernels of groups of parameters, for example layers. The groups hold every parameter
    /// once. By default one group.
    fn group_kernels(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Vec<GroupKernel> {
        let parameters = std::iter::once(0..self.n_params()).collect();
        vec![GroupKernel { parameters, kernel: self.kernel(w, x) }]
    }

    /// The product `J v`, `[n]`. By default from central differences, in at least four
    /// evaluations of `f`.
    fn jvp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        v: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        differences::along(&on_points(self, x), w, v)
    }

    /// The product `Jᵀ g`, `[P]`. By default from central differences along every parameter,
    /// in at least `4P` evaluations of `f`.
    fn vjp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        g: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        differences::jacobian(&on_points(self, x), w).t().dot(&g)
    }

    /// The Jacobian, `[n, P]`. By default from `n` products with `Jᵀ` if these are exact,
    /// and from central differences otherwise.
    fn jacobian(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        if !self.has_exact_products() {
            return differences::jacobian(&on_points(self, x), w);
        }
        let n = x.nrows();
        let mut jacobian = Array2::zeros((n, self.n_params()));
        for (i, mut row) in jacobian.rows_mut().into_iter().enumerate() {
            let point = x.slice_axis(Axis(0), Slice::from(i..i + 1));
            row.assign(&self.vjp(w, point, Array1::ones(1).view()));
        }
        jacobian
    }

    /// Whether [`Claim::jvp`] and [`Claim::vjp`] are exact up to rounding. Return `true` if
    /// you implement them: then the kernel is compared with them to twelve digits instead
    /// of six, and they are compared with differences of `f`.
    fn has_exact_products(&self) -> bool {
        false
    }

    /// The precision of the computations.
    fn precision(&self) -> Precision {
        Precision::F64
    }
}

/// The function `w ↦ f(w, x)` of a claim.
pub(super) fn on_points<C: Claim + ?Sized>(
    claim: &C,
    x: ArrayView2<'_, f64>,
) -> Function<impl Fn(ArrayView1<'_, f64>) -> Array1<f64>> {
    let f = move |w: ArrayView1<'_, f64>| claim.output(w, x);
    Function { f, n: x.nrows(), precision: claim.precision() }
}

/// The kernel of some of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupKernel {
    /// The parameters, as ranges of the parameter vector.
    pub parameters: Vec<Range<usize>>,
    /// The kernel of these parameters, `[n, n]`.
    pub kernel: Array2<f64>,
}

/// The tolerance for numbers that differ by rounding alone, relative to the largest one:
/// `10⁻¹²` in float64, and the same number of units of roundoff in float32 (`5·10⁻⁴`).
pub fn tolerance(precision: Precision) -> f64 {
    1e-12 * (precision.epsilon() / f64::EPSILON)
}

/// The tolerance between a kernel and products with the Jacobian: [`tolerance`] if the
/// products are exact, `10⁻⁶` (float32: 0.02) if they come from differences.
pub fn accuracy<C: Claim + ?Sized>(claim: &C) -> f64 {
    let precision = claim.precision();
    if claim.has_exact_products() { tolerance(precision) } else { differences::accuracy(precision) }
}

/// The function of one claim with another kernel.
///
/// The kernel, its blocks and its groups are new. The rest is taken from the claim.
///
/// # Examples
/// A kernel with a wrong factor is not the kernel of the function:
/// ```
/// use ndarray::{Array1, Array2, ArrayView1, ArrayView2, array};
/// use regime_tangent::kit::{Claim, Invariant, WithKernel, audit};
///
/// /// `f = x·w`.
/// struct Line;
///
/// impl Claim for Line {
///     fn n_params(&self) -> usize {
///         2
///     }
///     fn output(&self, w: ArrayView1<f64>, x: ArrayView2<f64>) -> Array1<f64> {
///         x.dot(&w)
///     }
///     fn kernel(&self, _: ArrayView1<f64>, x: ArrayView2<f64>) -> Array2<f64> {
///         x.dot(&x.t())
///     }
/// }
///
/// let (w, x) = (array![0.3, -1.0], array![[1.0, 2.0], [0.5, -1.0], [0.1, 0.7]]);
/// assert_eq!(audit(&Line, w.view(), x.view()), []);
///
/// let half = WithKernel::new(Line, |_, x| 0.5 * x.dot(&x.t()));
/// let found = audit(&half, w.view(), x.view());
/// assert!(found.iter().any(|violation| violation.invariant() == Invariant::Products));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct WithKernel<C, K> {
    claim: C,
    kernel: K,
}

impl<C, K> WithKernel<C, K>
where
    C: Claim,
    K: Fn(ArrayView1<'_, f64>, ArrayView2<'_, f64>) -> Array2<f64>,
{
    /// Replaces the kernel of `claim` by `kernel`, a function of weights and points.
    pub fn new(claim: C, kernel: K) -> Self {
        Self { claim, kernel }
    }
}

impl<C, K> Claim for WithKernel<C, K>
where
    C: Claim,
    K: Fn(ArrayView1<'_, f64>, ArrayView2<'_, f64>) -> Array2<f64>,
{
    fn n_params(&self) -> usize {
        self.claim.n_params()
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        self.claim.output(w, x)
    }

    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        (self.kernel)(w, x)
    }

    fn jvp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        v: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        self.claim.jvp(w, x, v)
    }

    fn vjp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        g: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        self.claim.vjp(w, x, g)
    }

    fn has_exact_products(&self) -> bool {
        self.claim.has_exact_products()
    }

    fn precision(&self) -> Precision {
        self.claim.precision()
    }
}

impl<C: Claim + ?Sized> Claim for &C {
    fn n_params(&self) -> usize {
        (**self).n_params()
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        (**self).output(w, x)
    }

    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        (**self).kernel(w, x)
    }

    fn cross_kernel(
        &self,
        w: ArrayView1<'_, f64>,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Array2<f64> {
        (**self).cross_kernel(w, a, b)
    }

    fn group_kernels(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Vec<GroupKernel> {
        (**self).group_kernels(w, x)
    }

    fn jvp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        v: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        (**self).jvp(w, x, v)
    }

    fn vjp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        g: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        (**self).vjp(w, x, g)
    }

    fn jacobian(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        (**self).jacobian(w, x)
    }

    fn has_exact_products(&self) -> bool {
        (**self).has_exact_products()
    }

    fn precision(&self) -> Precision {
        (**self).precision()
    }
}
