//! Analysis of a kernel: norms and changes, alignment, spectrum, dimensions, condition,
//! linear solves, and regression in closed form.
//!
//! All functions work on the host in float64. A kernel is a tensor, a view or a reference
//! to an array ([`HostMatrix`]). To pass a tensor to several functions, copy it once with
//! [`to_host_matrix`]. If the matrix itself is too large, [`top_eigenpairs`] and
//! [`condition_bounds`] need only its products with vectors ([`operator`] computes them
//! from a tape).
//!
//! Report the condition of every kernel that you solve with: [`condition`] computes it,
//! and [`factorise`] solves with kernels of any condition and reports its method. If the entries
//! of a kernel have a larger error than rounding in float64, pass it on as an [`Accuracy`].
//!
//! Three functions fit targets with a kernel:
//!
//! | to get | take |
//! |---|---|
//! | a fit with a ridge to one column of targets | [`ridge`] |
//! | the limit of the flow with the squared loss, its time course, which points are not fitted | [`Regression`] |
//! | means and variances for several columns of targets, with or without a ridge | [`KernelRegression`] |
//!
//! ```
//! use ndarray::array;
//! use regime_tangent::analysis::{Spectrum, condition, label_alignment, ridge};
//!
//! let theta = array![[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 0.5]];
//! let y = array![1.0, 1.0, -1.0];
//! assert!(condition(&theta)?.is_full_rank());
//! let spectrum = Spectrum::of(&theta)?;
//! // Two thirds of the labels lie along the first eigenvector.
//! assert_eq!(spectrum.leading_for_share(y.view(), 0.66)?, Some(1));
//! assert!(label_alignment(&theta, y.view())? > 0.6);
//! let fit = ridge(&theta, y.view(), None, 1e-3)?;
//! assert!((fit.predict(&theta, None)?[0] - 1.0).abs() < 1e-3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accuracy;
mod alignment;
mod condition;
mod dimension;
mod error;
mod factor;
mod host;
mod krylov;
mod norms;
mod posterior;
mod regression;
mod ridge;
mod spectrum;
mod top;
mod two_nn;

pub use accuracy::{Accuracy, equal_points};
pub use alignment::{
    alignment, centred, centred_alignment, centred_label_alignment, label_alignment,
};
pub use condition::{
    Condition, ConditionBounds, EigenvalueRange, condition, condition_bounds, condition_with,
};
pub use dimension::{effective_dimension, intrinsic_dimension, participation_ratio, stable_rank};
pub use error::AnalysisError;
pub use factor::{FactorMethod, FactorReport, Factorisation, factorise, factorise_with};
pub use host::{HostMatrix, MAX_ASYMMETRY, to_host_matrix};
pub use krylov::START_STREAM;
pub use norms::{CompareError, frobenius_norm, relative_change, spectral_norm, trace_norm};
pub use posterior::{GaussianProcess, KernelRegression, ensemble_covariance};
pub use regression::Regression;
pub use ridge::{RidgeFit, predict, ridge};
pub use spectrum::{Spectrum, eigenvalues};
pub use top::{Lanczos, TopSpectrum, operator, top_eigenpairs};
pub use two_nn::{TwoNn, two_nn, two_nn_with};
