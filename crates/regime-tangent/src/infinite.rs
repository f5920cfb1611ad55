//! The limit of infinite width of fully connected networks.
//!
//! For `h → ∞` the network at initialisation is a Gaussian process whose covariance
//! is the *NNGP kernel*. Its tangent kernel is deterministic and does not change in
//! training: every α is lazy. Both kernels follow from the covariance of the inputs,
//! layer by layer. With `(u, v) ~ N(0, Σˡ)` for a pair of points, φ with its gain, and
//! `b = 1` for layers with biases, `0` without,
//!
//! ```text
//! Σ¹ = x·x'/d            Σˡ⁺¹ = E φ(u) φ(v)
//! Θ¹ = Σ¹ + b            Θˡ⁺¹ = Θˡ · E φ'(u) φ'(v) + Σˡ⁺¹ + b
//! ```
//!
//! The NNGP kernel is `Σᴸ⁺¹`, the tangent kernel `Θᴸ⁺¹`. This is the limit of
//! [`DenseSpec`]: weights `N(0, 1)` with the factors in the forward pass, and biases that
//! start at 0 and are trained. So biases add to the tangent kernel and not to the NNGP
//! kernel. `Θᴸ⁺¹` is the kernel of `f`. The kernel of `F = α(f − f₀)` is `α² Θ`, and with
//! the loss `1/(α² n) Σ ℓ` the flow of `F` is the same for every α.
//!
//! # Method and accuracy
//! - **ReLU**: the closed form (arc-cosine kernels), in terms of the angle of a pair.
//!   Small angles, which a cosine cannot resolve, are computed from the points themselves.
//!   The angle, not its cosine, goes from layer to layer. Every entry is accurate to about
//!   `L·1e-15` of `√(Θ(x,x) Θ(x',x'))`, also for parallel and antiparallel points.
//! - **Smooth activations**: a series `E φ(u)φ(v) = Σ a_k a'_k ρᵏ` for a pair of
//!   correlation ρ. One quadrature per point gives the coefficients `a_k` of `φ(√q g)` in
//!   normalised Hermite polynomials. The truncation error after `K` terms is at most
//!   `|ρ|ᴷ √(R R')` with the known remainders `R`, `R'` of `E φ²` of both points. Every pair
//!   takes as many terms, up to 1024, as bring this bound below 1e-13 of
//!   `√(E φ(u)² E φ(v)²)`, and the same for φ'. 1024 terms suffice for every ρ up to a
//!   `β√q` of about 7 (tanh: a `√q` of 2.5), and for |ρ| < 0.97 always. All other pairs
//!   are computed by quadrature over the plane, with about 10⁵ evaluations of φ each. The
//!   diagonal is computed by quadrature over the line. The tests compare with an
//!   independent quadrature to 1e-12 of the same scale, for a single layer with `β√q` up
//!   to 60 and ρ up to ±1, and for three layers; more digits are not tested.
//!
//! A point at the origin has no direction: all its pairs have `Σ¹ = 0`. The derivative of
//! ReLU at 0 is 0, as in the network.
//!
//! # Costs
//! For ReLU, a few trigonometric functions per pair and layer. For smooth activations, in
//! each layer, about 1400 evaluations of φ per point, about `1400·K` multiply-adds for its
//! coefficients, and up to `2K` multiply-adds per pair, fewer for smaller |ρ|. At unit
//! variance `K` is 48 for GELU and SiLU (β = 1), 160 for tanh, 592 for softplus
//! with β = 5. Rows are computed in parallel on the threads of the current rayon pool; the
//! result does not depend on the number of threads. Memory: two matrices, and `2nK` numbers.
//!
//! # The lazy limit of an experiment
//! The limit of an experiment for wide networks needs two kernels: on the training
//! points, and between test and training points. [`InfiniteWidth::lazy_limit`] returns
//! both, for a kernel flow with any loss or for a regression. This example integrates the
//! flow of the squared loss from `F = 0` to convergence:
//!
//! ```
//! use ndarray::{Array1, array};
//! use regime_models::{Activation, DenseSpec};
//! use regime_tangent::InfiniteWidth;
//!
//! let net = DenseSpec {
//!     inputs: 2,
//!     width: 100, // has no effect here
//!     hidden_layers: 3,
//!     activation: Activation::Softplus { beta: 5.0 },
//!     bias: true,
//! };
//! let train = array![[1.4, 0.2], [1.0, -1.0], [-0.9, 1.1]];
//! let labels = array![1.0, 1.0, -1.0];
//! let test = array![[1.3, -0.5], [-1.0, 0.8]];
//!
//! let limit = InfiniteWidth::new(&net)?.lazy_limit(train.view(), test.view())?;
//! let (mut on_train, mut on_test) = (Array1::<f64>::zeros(3), Array1::<f64>::zeros(2));
//! let step = 1.0 / limit.train.diag().sum();
//! for _ in 0..2000 {
//!     let pull = step * (&labels - &on_train);
//!     on_train += &limit.train.dot(&pull);
//!     on_test += &limit.test_train.dot(&pull);
//! }
//! assert!((&on_train - &labels).iter().all(|error| error.abs() < 1e-3));
//! assert!(on_test[0] > 0.5 && on_test[1] < -0.5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reference
//! Jacot, Gabriel, Hongler, arXiv 1806.07572, theorem 1; Cho, Saul, NIPS 2009
//! (arc-cosine kernels); Lee et al., arXiv 1711.00165 (NNGP).

mod arc_cosine;
mod error;
mod expansion;
mod panels;
mod plane;
mod points;
mod recursion;
mod smooth;

use ndarray::{Array2, ArrayView2};
use regime_models::{Activation, DenseSpec};

use arc_cosine::ArcCosine;
use points::Points;
use recursion::{Pairs, Propagated, propagate};
use smooth::Smooth;

pub use error::InfiniteError;

/// The kernels of a fully connected network of infinite width.
///
/// See the [module's documentation](self) for formulas, accuracy and costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InfiniteWidth {
    inputs: usize,
    hidden_layers: usize,
    activation: Activation,
    bias: bool,
}

/// Both kernels of infinite width, on the same points or between two sets.
#[derive(Debug, Clone, PartialEq)]
pub struct InfiniteKernels {
    /// The covariance `E f(x) f(x')` over initialisations, `[n_a, n_b]`.
    pub nngp: Array2<f64>,
    /// The tangent kernel `∇f(x)·∇f(x')`, `[n_a, n_b]`.
    pub tangent: Array2<f64>,
}

/// The tangent kernels that lazy learning at infinite width needs.
#[derive(Debug, Clone, PartialEq)]
pub struct LazyLimit {
    /// On the training points, `[n, n]`, symmetric to the bit.
    pub train: Array2<f64>,
    /// Between test points (rows) and training points, `[n_test, n]`.
    pub test_train: Array2<f64>,
}

impl InfiniteWidth {
    /// The limit `h → ∞` of `spec`; the width of `spec` is ignored.
    ///
    /// # Errors
    /// [`InfiniteError::Model`] for sizes of 0 (except the width) or a sharpness that is
    /// not positive.
    pub fn new(spec: &DenseSpec) -> Result<Self, InfiniteError> {
        let DenseSpec { inputs, hidden_layers, activation, bias, .. } = *spec;
        DenseSpec { width: 1, ..*spec }.build()?;
        Ok(Self { inputs, hidden_layers, activation, bias })
    }

    /// Both kernels on the points `x`.
    ///
    /// # Shapes
    /// `[n, d]` → `[n, n]`, symmetric to the bit.
    ///
    /// # Errors
    /// [`InfiniteError::Point`]
    ///
    /// # Panics
    /// When `x` does not have `inputs` columns.
    pub fn kernels(&self, x: ArrayView2<'_, f64>) -> Result<InfiniteKernels, InfiniteError> {
        let (points, pairs) = self.own(x)?;
        Ok(self.propagate(&points, pairs, 1).into())
    }

    /// Both kernels between two sets of points.
    ///
    /// # Shapes
    /// `[n_a, d]`, `[n_b, d]` → `[n_a, n_b]`, up to rounding a block of the kernels on the
    /// union of both sets.
    ///
    /// # Errors
    /// [`InfiniteError::Point`], where the points of `b` are counted after those of `a`.
    ///
    /// # Panics
    /// When `a` or `b` does not have `inputs` columns.
    pub fn cross_kernels(
        &self,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Result<InfiniteKernels, InfiniteError> {
        let points = Points::of(&[self.checked(a), self.checked(b)])?;
        Ok(self.propagate(&points, Pairs::between(a.nrows(), b.nrows()), 1).into())
    }

    /// The contribution of each layer's parameters (weights and biases) to the tangent
    /// kernel, from the first layer to the last. Their sum is the tangent kernel.
    ///
    /// # Shapes
    /// `[n, d]` → `L + 1` times `[n, n]`, symmetric to the bit.
    ///
    /// # Errors
    /// [`InfiniteError::Point`]
    ///
    /// # Panics
    /// When `x` does not have `inputs` columns.
    pub fn layer_kernels(&self, x: ArrayView2<'_, f64>) -> Result<Vec<Array2<f64>>, InfiniteError> {
        let (points, pairs) = self.own(x)?;
        Ok(self.propagate(&points, pairs, self.hidden_layers + 1).contributions)
    }

    /// The tangent kernels that predict an experiment's lazy limit for wide networks.
    ///
    /// # Shapes
    /// `[n, d]`, `[n_test, d]` → `[n, n]` and `[n_test, n]`
    ///
    /// # Errors
    /// [`InfiniteError::Point`]
    ///
    /// # Panics
    /// When `train` or `test` does not have `inputs` columns.
    pub fn lazy_limit(
        &self,
        train: ArrayView2<'_, f64>,
        test: ArrayView2<'_, f64>,
    ) -> Result<LazyLimit, InfiniteError> {
        Ok(LazyLimit {
            train: self.kernels(train)?.tangent,
            test_train: self.cross_kernels(test, train)?.tangent,
        })
    }

    fn own(&self, x: ArrayView2<'_, f64>) -> Result<(Points, Pairs), InfiniteError> {
        Ok((Points::of(&[self.checked(x)])?, Pairs::own(x.nrows())))
    }

    fn checked<'a>(&self, x: ArrayView2<'a, f64>) -> ArrayView2<'a, f64> {
        assert_eq!(x.ncols(), self.inputs, "the points have the wrong number of inputs");
        x
    }

    fn propagate(&self, points: &Points, pairs: Pairs, parts: usize) -> Propagated {
        let bias = if self.bias { 1.0 } else { 0.0 };
        match self.activation {
            Activation::Relu => {
                propagate(&ArcCosine, self.hidden_layers, bias, points, pairs, parts)
            }
            smooth => {
                propagate(&Smooth::new(smooth), self.hidden_layers, bias, points, pairs, parts)
            }
        }
    }
}

impl From<Propagated> for InfiniteKernels {
    fn from(mut propagated: Propagated) -> Self {
        Self { nngp: propagated.nngp, tangent: propagated.contributions.remove(0) }
    }
}
