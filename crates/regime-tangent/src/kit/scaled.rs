//! Group 5: `F = α(f − f₀)`.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use regime_models::{Precision, kit::numbers};

use super::{
    Claim, GroupKernel, Invariant, Violation, accuracy,
    compare::{Comparison, largest},
};

/// The function `F = α(f − f₀)` of a claim about `f`, with the kernel `α²Θ`.
#[derive(Debug, Clone)]
pub struct Scaled<C> {
    claim: C,
    alpha: f64,
    w0: Array1<f64>,
}

impl<C: Claim> Scaled<C> {
    /// Creates the scaled claim; `w0`, `[P]`, are the weights at which `F` is zero.
    pub fn new(claim: C, alpha: f64, w0: Array1<f64>) -> Self {
        Self { claim, alpha, w0 }
    }

    /// The claim about `f`.
    pub fn bare(&self) -> &C {
        &self.claim
    }

    /// The weights at which `F` is zero.
    pub fn initial_weights(&self) -> ArrayView1<'_, f64> {
        self.w0.view()
    }

    /// α.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }
}

impl<C: Claim> Claim for Scaled<C> {
    fn n_params(&self) -> usize {
        self.claim.n_params()
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        (self.claim.output(w, x) - self.claim.output(self.w0.view(), x)) * self.alpha
    }

    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        self.claim.kernel(w, x) * self.alpha.powi(2)
    }

    fn cross_kernel(
        &self,
        w: ArrayView1<'_, f64>,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Array2<f64> {
        self.claim.cross_kernel(w, a, b) * self.alpha.powi(2)
    }

    fn group_kernels(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Vec<GroupKernel> {
        let mut groups = self.claim.group_kernels(w, x);
        groups.iter_mut().for_each(|group| group.kernel *= self.alpha.powi(2));
        groups
    }

    fn jvp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        v: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        self.claim.jvp(w, x, v) * self.alpha
    }

    fn vjp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        g: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        self.claim.vjp(w, x, g) * self.alpha
    }

    fn has_exact_products(&self) -> bool {
        self.claim.has_exact_products()
    }

    fn precision(&self) -> Precision {
        self.claim.precision()
    }
}

/// Checks that `F` is exactly zero at the initial weights, on every point.
///
/// # Errors
/// A point where `F` is not zero.
pub fn is_zero_at_initialisation<C: Claim + ?Sized>(
    scaled: &C,
    w0: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let found = scaled.output(w0, x);
    let zeros = Array1::zeros(x.nrows());
    Comparison::of(Invariant::ZeroAtInitialisation, "F", 0.0).arrays(&found, &zeros)
}

/// Checks that the kernel of `F = α(f − f₀)` is `α²` times the kernel of `f`, and that a
/// random step of the weights changes `F` by α times the change of `f`.
///
/// `bare` is a claim about `f`. `scaled` is a claim about `F`: [`Scaled`] or your own.
///
/// # Errors
/// The entry that differs.
pub fn alpha_enters_squared<F: Claim + ?Sized, S: Claim + ?Sized>(
    bare: &F,
    scaled: &S,
    alpha: f64,
    w: ArrayView1<'_, f64>,
    x: ArrayView2<'_, f64>,
) -> Result<(), Violation> {
    let relative = accuracy(bare).max(accuracy(scaled));
    let expected = bare.kernel(w, x) * alpha.powi(2);
    Comparison::of(Invariant::Scale, "the kernel of F", relative)
        .arrays(&scaled.kernel(w, x), &expected)?;
    let step = Array1::from_vec(numbers(w.len(), 5)) * 0.1;
    let moved = &w + &step;
    let by = |at: ArrayView1<'_, f64>, from: ArrayView1<'_, f64>| {
        (scaled.output(at, x) - scaled.output(from, x), bare.output(at, x) - bare.output(from, x))
    };
    let (found, bare_change) = by(moved.view(), w);
    let floor = alpha.abs() * largest(&bare.output(w, x));
    Comparison::of(Invariant::Scale, "a change of F", super::tolerance(bare.precision()))
        .with_floor(floor)
        .arrays(&found, &(bare_change * alpha))
}
