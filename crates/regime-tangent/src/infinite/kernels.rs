//! What is computed for a network of infinite width.

use ndarray::{Array2, ArrayView2, Axis, concatenate};
use regime_models::Activation;

use super::{
    error::InfiniteError,
    limit::InfiniteWidth,
    plan::{InfinitePlan, work_of_sums},
    points::Points,
    profile::Profile,
    recursion::{Pairs, Propagated, propagate, work_of_pair, work_of_point},
};
use crate::analysis::{Accuracy, AnalysisError};

/// Both kernels of infinite width, on the same points or between two sets.
#[derive(Debug, Clone, PartialEq)]
pub struct InfiniteKernels {
    /// The covariance `E f(x) f(x')` over initialisations, `[n_a, n_b]`.
    pub nngp: Array2<f64>,
    /// The tangent kernel `∇f(x)·∇f(x')`, `[n_a, n_b]`.
    pub tangent: Array2<f64>,
    /// Bound on the error of every entry of both kernels, relative to `√(K(x,x) K(x',x'))` of
    /// the kernel: rounding, and the truncation of series. With [`Readout::Mean`](super::Readout::Mean)
    /// the error is relative to the means of the norms over the pixels, which are larger than `√K(x,x)`
    /// where pixels cancel. Directions in which a kernel is
    /// smaller than this times its trace are not known: see the [accuracy](super#accuracy).
    pub relative_error: f64,
}

/// The tangent kernels that lazy learning at infinite width needs.
#[derive(Debug, Clone, PartialEq)]
pub struct LazyLimit {
    /// On the training points, `[n, n]`, symmetric to the bit.
    pub train: Array2<f64>,
    /// Between test points (rows) and training points, `[n_test, n]`.
    pub test_train: Array2<f64>,
    /// Bound on the error of every entry of both, as
    /// [`InfiniteKernels::relative_error`].
    pub relative_error: f64,
}

/// Points whose pairs are looked at for a plan, and fewer where each has many positions.
const SAMPLE: usize = 24;
const SAMPLE_OF_IMAGES: usize = 5;

impl InfiniteWidth {
    /// Memory and work of both kernels between the points `a` and `b`, or on the points `a`,
    /// before they are computed.
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]`
    ///
    /// # Errors
    /// [`InfiniteError::Inputs`], [`InfiniteError::Point`] and [`InfiniteError::Overflow`],
    /// for the points of the sample.
    pub fn plan(
        &self,
        a: ArrayView2<'_, f64>,
        b: Option<ArrayView2<'_, f64>>,
    ) -> Result<InfinitePlan, InfiniteError> {
        let (layout, factors) = (self.layout(), self.factors());
        let most = if layout.layers[0].positions == 1 { SAMPLE } else { SAMPLE_OF_IMAGES };
        let sample = |x: ArrayView2<'_, f64>| {
            let step = x.nrows().div_ceil(most).max(1);
            let rows: Vec<usize> = (0..x.nrows()).step_by(step).collect();
            x.select(Axis(0), &rows)
        };
        self.checked(&a)?;
        let mut points = sample(a);
        if let Some(b) = b {
            self.checked(&b)?;
            points = concatenate(Axis(0), &[points.view(), sample(b).view()])
                .expect("both have the inputs of the network");
        }
        let points = Points::of(&[points.view()], &layout, &factors)?;
        let (of_pair, of_point) = match self.activation {
            Activation::Relu => {
                let law = self.arc_cosine();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                let pair = work_of_pair(&law, &layout, &factors, &profile);
                (pair, work_of_point(&layout, &profile))
            }
            _ => {
                let law = self.smooth();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                let pair = work_of_pair(&law, &layout, &factors, &profile);
                (pair, work_of_point(&layout, &profile))
            }
        };
        let work = [work_of_sums(&layout, &factors) + of_pair, of_point];
        Ok(self.sizes(1).plan(a.nrows(), b.map(|b| b.nrows()), work))
    }

    /// Both kernels on the points `x`.
    ///
    /// # Shapes
    /// `[n, d]` → `[n, n]`, symmetric to the bit.
    ///
    /// # Errors
    /// [`InfiniteError::Inputs`], [`InfiniteError::Point`], [`InfiniteError::Overflow`];
    /// [`InfiniteError::Memory`] when the kernels need more than
    /// [the limit](Self::with_memory).
    pub fn kernels(&self, x: ArrayView2<'_, f64>) -> Result<InfiniteKernels, InfiniteError> {
        self.check_memory(x.nrows(), None)?;
        Ok(self.propagated(&[x], Pairs::own(x.nrows()), 1)?.into())
    }

    /// Both kernels between two sets of points.
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]` → `[n_a, n_b]`, up to rounding a block of the kernels on the
    /// union of both sets.
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels), where the points of `b` are counted after those of `a`.
    pub fn cross_kernels(
        &self,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Result<InfiniteKernels, InfiniteError> {
        self.check_memory(a.nrows(), Some(b.nrows()))?;
        Ok(self.propagated(&[a, b], Pairs::between(a.nrows(), b.nrows()), 1)?.into())
    }

    /// The contribution of each layer's parameters (weights and biases) to the tangent
    /// kernel, from the first layer to the last. Their sum is the tangent kernel.
    ///
    /// # Shapes
    /// `[n, d]` → `L + 1` times `[n, n]`, symmetric to the bit.
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels).
    pub fn layer_kernels(&self, x: ArrayView2<'_, f64>) -> Result<Vec<Array2<f64>>, InfiniteError> {
        let parts = self.layout().layers.len() + 1;
        self.sizes(parts).check(x.nrows(), None)?;
        Ok(self.propagated(&[x], Pairs::own(x.nrows()), parts)?.contributions)
    }

    /// The tangent kernels that predict an experiment's lazy limit for wide networks.
    ///
    /// # Shapes
    /// `[n, d]`, `[n_test, d]` → `[n, n]` and `[n_test, n]`
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels), for the training points and for both sets. In the second
    /// case the training points are counted after the test points.
    pub fn lazy_limit(
        &self,
        train: ArrayView2<'_, f64>,
        test: ArrayView2<'_, f64>,
    ) -> Result<LazyLimit, InfiniteError> {
        let own = self.kernels(train)?;
        let cross = self.cross_kernels(test, train)?;
        Ok(LazyLimit {
            train: own.tangent,
            test_train: cross.tangent,
            relative_error: own.relative_error.max(cross.relative_error),
        })
    }

    /// # Errors
    /// [`InfiniteError::Memory`]
    pub(super) fn check_memory(&self, a: usize, b: Option<usize>) -> Result<(), InfiniteError> {
        self.sizes(1).check(a, b)
    }

    /// Checks everything that can be wrong with points.
    ///
    /// # Errors
    /// As [`kernels`](Self::kernels), without [`InfiniteError::Memory`].
    pub(super) fn check_deviations(&self, x: ArrayView2<'_, f64>) -> Result<(), InfiniteError> {
        // The kernels between the points and no others.
        self.propagated(&[x], Pairs::between(x.nrows(), 0), 1).map(|_| ())
    }

    fn propagated(
        &self,
        sets: &[ArrayView2<'_, f64>],
        pairs: Pairs,
        parts: usize,
    ) -> Result<Propagated, InfiniteError> {
        sets.iter().try_for_each(|set| self.checked(set))?;
        let (layout, factors) = (self.layout(), self.factors());
        let points = Points::of(sets, &layout, &factors)?;
        match self.activation {
            Activation::Relu => {
                let law = self.arc_cosine();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                Ok(propagate(&law, &layout, &factors, &profile, pairs, parts))
            }
            _ => {
                let law = self.smooth();
                let profile = Profile::of(&law, &layout, &factors, points)?;
                Ok(propagate(&law, &layout, &factors, &profile, pairs, parts))
            }
        }
    }
}

impl InfiniteKernels {
    /// The accuracy of both kernels, for their analysis.
    ///
    /// # Errors
    /// [`AnalysisError::Value`] when the bound is not below 1.
    pub fn accuracy(&self) -> Result<Accuracy, AnalysisError> {
        Accuracy::of_entries(self.relative_error)
    }
}

impl LazyLimit {
    /// The accuracy of both kernels, for their analysis.
    ///
    /// # Errors
    /// [`AnalysisError::Value`] when the bound is not below 1.
    pub fn accuracy(&self) -> Result<Accuracy, AnalysisError> {
        Accuracy::of_entries(self.relative_error)
    }
}

impl From<Propagated> for InfiniteKernels {
    fn from(mut propagated: Propagated) -> Self {
        Self {
            nngp: propagated.nngp,
            tangent: propagated.contributions.remove(0),
            relative_error: propagated.relative_error,
        }
    }
}
