//! The limit of infinite width of fully connected and convolutional networks.
//!
//! For `h → ∞` the network at initialisation is a Gaussian process whose covariance
//! is the *NNGP kernel*. Its tangent kernel is deterministic and does not change in
//! training: every α is lazy. Both kernels follow from the covariance of the inputs,
//! layer by layer. With `(u, v) ~ N(0, Σˡ)` for a pair of points, φ with its gain,
//!
//! ```text
//! Σ¹ = σ_w² x·x'/d + σ_b²          Σˡ⁺¹ = σ_w² E φ(u) φ(v) + σ_b²
//! Θ¹ = λ_w x·x'/d + λ_b            Θˡ⁺¹ = σ_w² Θˡ E φ'(u) φ'(v) + λ_w E φ(u) φ(v) + λ_b
//! ```
//!
//! The NNGP kernel is `Σᴸ⁺¹`, the tangent kernel `Θᴸ⁺¹`. With the defaults, σ_w = 1, σ_b = 0,
//! λ_w = 1 and λ_b = 1 (0 for a network without biases), this is the limit of [`DenseSpec`]:
//! weights `N(0, 1)` with the factors in the forward pass, and biases that start at 0 and
//! are trained. So biases add to the tangent kernel and not to the NNGP kernel. `Θᴸ⁺¹` is the
//! kernel of `f`. The kernel of `F = α(f − f₀)` is `α² Θ`, and with the loss `1/(α² n) Σ ℓ` the
//! flow of `F` is the same for every α.
//!
//! # Deviations and rates
//! [`InitialDeviations`] are the standard deviations σ_w, σ_b of the parameters themselves,
//! at initialisation. [`ParameterRates`] are the learning rates λ_w, λ_b of the parameters, the
//! factors of their contributions to the tangent kernel. A layer computes `W a/√n + b`, so
//! that the derivatives are `a/√n` and 1. A library with its factors elsewhere has
//! the same kernels with other rates: a factor `c` in front of a parameter that starts
//! as `N(0, 1)` is a deviation `c` with the rate `c²`.
//!
//! | neural-tangents, `parameterization="ntk"` | here |
//! |---|---|
//! | `Dense(n, W_std, b_std)`: `W_std/√n W a + b_std b` with `W, b ~ N(0, 1)` | σ_w = `W_std`, σ_b = `b_std`, λ_w = `W_std²`, λ_b = `b_std²` |
//! | `b_std=None` | `bias: false`, or `b_std = 0` |
//! | `Relu()`, `Gelu()`, …: without a gain | [`with_bare_activation`](InfiniteWidth::with_bare_activation) |
//! | all of these in every layer | [`neural_tangents(W_std, b_std)`](InfiniteWidth::neural_tangents) |
//! | `Conv(n, window, W_std=…, b_std=…)` | the same: both divide by `window² · channels` |
//! | `GlobalAvgPool()`, `Flatten()` | [`Readout::Mean`], [`Readout::Flatten`] |
//!
//! # Convolutions
//! The preactivations at a position `p` are a sum over the taps `t` of a window. Their
//! covariance is that of the layer before, averaged over the window in both arguments, and
//! zero outside of the image:
//!
//! ```text
//! Σˡ⁺¹(p, p') = σ_w²/taps · Σ_t E φ(u(p + t)) φ(v(p' + t)) + σ_b²
//! ```
//!
//! and the same for Θ. With the mean over the pixels at the end, [`Readout::Mean`], the kernels
//! are means over all pairs `(p, p')` of the last maps, and every layer needs all pairs. If
//! one layer reads all pixels, [`Readout::Flatten`], only equal positions are needed.
//!
//! # Accuracy
//! [`InfiniteKernels::relative_error`] bounds the error of every entry, relative to
//! `√(K(x,x) K(x',x'))`. It follows from the errors of one layer and the recursion, with
//! rounding errors counted as independent. Two equal points then have rows that differ by up to
//! this bound, and an analysis should treat smaller eigenvalues as noise.
//!
//! - **ReLU**: the closed form (arc-cosine kernels), in terms of the angle of a pair.
//!   Small angles, which a cosine cannot resolve, are computed from the points themselves.
//!   From layer to layer goes `1 − cos`, as a sum of positive terms. The bound is about
//!   `L²·1e-15`, also for parallel and antiparallel points.
//! - **GELU**: a closed form, with a bound of about `L·1e-14`.
//! - **Other smooth activations**: a series `E φ(u)φ(v) = Σ a_k a'_k ρᵏ` for a pair of
//!   correlation ρ. One quadrature per point gives the coefficients `a_k` of `φ(√q g)` in
//!   normalised Hermite polynomials. The truncation error after `K` terms is at most
//!   `|ρ|ᴷ √(R R')` with the known remainders `R`, `R'` of `E φ²` of both points. Every pair
//!   takes as many terms, up to 1024, as bring this bound below 1e-13 of
//!   `√(E φ(u)² E φ(v)²)`, and the same for φ'. 1024 terms suffice for every ρ up to a
//!   `β√q` of about 7 (tanh: a `√q` of 2.5), and for |ρ| < 0.97 always. For all other pairs φ
//!   is a mean over smoothed copies of `max(0, z)` or `sign z`, whose pairs have closed
//!   forms: a Gauss rule with 14² of them, to about 1e-14. The diagonal is computed by quadrature
//!   over the line. The bound is a few 1e-13 per layer, and larger where φ is sharp. The
//!   tests compare with an independent quadrature to 1e-12 of the same scale, for a single
//!   layer with `β√q` up to 155 and ρ up to ±1, and for three layers.
//!
//! A point at the origin has no direction: without biases that start away from 0, all its
//! pairs have `Σ¹ = 0`. The derivative of ReLU at 0 is 0, as in the network.
//!
//! # Costs
//! Each pair of points takes in each layer one mean over a pair of normal variables; in a
//! convolution one for each pair of positions, and five multiply-adds for each pair of positions
//! and tap. A mean takes about 25 ns (ReLU, GELU), up to `2K` multiply-adds (series), or about
//! 6 µs (the other pairs of smooth activations). At unit variance `K` is 48 for SiLU
//! (β = 1), 160 for tanh, 592 for softplus with β = 5, and fewer for smaller |ρ|. Each point
//! (in a convolution each position) takes in each layer about 1400 evaluations of φ and
//! `1400·K` multiply-adds for its coefficients. The paper's setup B has 28,561, 14,641, 625
//! and 81 pairs of positions with the mean over the pixels, and 169, 121, 25 and 9
//! positions without it.
//!
//! Memory: two matrices, and for the smooth activations `2K` numbers per point (and position) and
//! layer. [`InfiniteWidth::plan`] states memory and work before anything is computed. Kernels
//! above [a limit](InfiniteWidth::with_memory) are refused with an error; they are computed in
//! tiles ([`fill_tiles`](InfiniteWidth::fill_tiles)), also into a file that can be resumed
//! ([`write_kernel`](InfiniteWidth::write_kernel)). Rows are computed in parallel on the
//! threads of the current rayon pool; the result does not depend on the number of threads.
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
//! (arc-cosine kernels); Lee et al., arXiv 1711.00165 (NNGP); Arora et al.,
//! arXiv 1904.11955, and Novak et al., arXiv 1810.05148 (convolutions).
//!
//! [`DenseSpec`]: regime_models::DenseSpec

mod arc_cosine;
mod engine;
mod error;
mod expansion;
mod initialisation;
mod kernels;
mod kolmogorov;
mod law;
mod layout;
mod limit;
mod mixture;
mod panels;
mod plan;
mod plane;
mod points;
mod profile;
mod recursion;
mod smooth;
mod tiles;

pub use error::InfiniteError;
pub use initialisation::{InitialDeviations, ParameterRates};
pub use kernels::{InfiniteKernels, LazyLimit};
pub use layout::Readout;
pub use limit::InfiniteWidth;
pub use plan::{DEFAULT_MEMORY, InfinitePlan};
pub use tiles::{InfiniteFileError, InfiniteKernel, InfiniteTile};
