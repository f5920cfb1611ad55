use burn_tensor::{Tensor, backend::Backend};
use ndarray::{Array2, ArrayView2};
use regime_models::{Network, Trace};
use regime_tangent::{CompareError, analysis::to_host_matrix, kernel, relative_change};

use super::Probe;

/// The tangent kernel of `f` on a set of points.
///
/// Each reading is a whole kernel, `[n, n]`: read it at few moments.
#[derive(Debug, Clone)]
pub struct WholeKernel<'a, B: Backend, N> {
    net: &'a N,
    points: Tensor<B, 2>,
}

impl<'a, B: Backend, N: Network<B>> WholeKernel<'a, B, N> {
    /// # Shapes
    /// `points`: `[n, d]`
    pub fn new(net: &'a N, points: Tensor<B, 2>) -> Self {
        Self { net, points }
    }
}

impl<B: Backend, N: Network<B>> Probe<B> for WholeKernel<'_, B, N> {
    type Reading = Tensor<B, 2>;

    fn read(&self, w: &Tensor<B, 1>) -> Tensor<B, 2> {
        kernel(&self.net.trace(w, &self.points).linearise())
    }
}

/// How far the tangent kernel on a set of points has moved, `‖Θ − Θ₀‖_F/‖Θ₀‖_F`.
///
/// The points are fixed during a run. For the quantity in the paper, they have to lie
/// outside the training set.
#[derive(Debug, Clone)]
pub struct KernelChange<'a, B: Backend, N> {
    kernel: WholeKernel<'a, B, N>,
    /// In host memory, where it is compared; otherwise it would be transferred for each
    /// reading.
    initial: Array2<f64>,
}

impl<'a, B: Backend, N: Network<B>> KernelChange<'a, B, N> {
    /// The change since the weights `w0`, `[P]`.
    ///
    /// # Shapes
    /// `points`: `[n, d]`
    pub fn from(net: &'a N, points: Tensor<B, 2>, w0: &Tensor<B, 1>) -> Self {
        let kernel = WholeKernel::new(net, points);
        Self { initial: to_host_matrix(kernel.read(w0)), kernel }
    }
}

impl<'a, B: Backend, N: Network<B>> KernelChange<'a, B, N> {
    /// The kernel at the weights `w`, `[P]`, on the host.
    ///
    /// # Shapes
    /// `[n, n]`
    pub fn whole(&self, w: &Tensor<B, 1>) -> Array2<f64> {
        to_host_matrix(self.kernel.read(w))
    }

    /// The relative change of `theta`, `[n, n]`, from the initial kernel.
    ///
    /// # Errors
    /// As [`relative_change`].
    pub fn change(&self, theta: ArrayView2<'_, f64>) -> Result<f64, CompareError> {
        relative_change(theta, &self.initial)
    }
}

impl<B: Backend, N: Network<B>> Probe<B> for KernelChange<'_, B, N> {
    type Reading = Result<f64, CompareError>;

    fn read(&self, w: &Tensor<B, 1>) -> Self::Reading {
        self.change(self.whole(w).view())
    }
}
