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
mod initialisation;
mod law;
mod layout;
mod limit;
mod mixture;
mod panels;
mod plan;
mod points;
mod profile;
mod recursion;
mod smooth;
mod tiles;

pub use error::InfiniteError;
pub use initialisation::{InitialDeviations, ParameterRates};
pub use layout::Readout;
pub use limit::{InfiniteKernels, InfiniteWidth, LazyLimit};
pub use plan::{DEFAULT_MEMORY, InfinitePlan};
pub use tiles::{InfiniteFileError, InfiniteKernel, InfiniteTile};
