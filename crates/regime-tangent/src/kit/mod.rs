//! Tests for tangent kernels, behind the cargo feature `proptest`: what every kernel must
//! obey, as functions that can be called on a kernel or a model of your own, in any test
//! framework. This workspace tests its kernels with the same functions.
//!
//! A [`Claim`] is a function `f(w, x)` together with the kernel that is said to be its
//! own. [`check`] asks all that holds for any claim; the kernel is compared with
//! derivatives of `f` itself, so that one which belongs to something else is caught even
//! where it is symmetric and positive. Where only matrices are at hand, [`symmetric`],
//! [`positive_semidefinite`] and [`ways_agree`] take them. What does not hold comes back as
//! a [`Violation`], with the numbers that say so.
//!
//! Strategies for networks, weights and points stand in [`strategies`], and kernels that
//! are broken on purpose, to see that a suite catches them, in [`mutations`].
//!
//! # Examples
//! A network of this workspace, or whatever else implements
//! [`Network`](regime_models::Network):
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use ndarray::{Array1, Array2};
//! use regime_models::{Activation, DenseSpec};
//! use regime_tangent::kit::{OnBackend, check, numbers};
//!
//! let net = DenseSpec {
//!     inputs: 2,
//!     width: 16,
//!     hidden_layers: 2,
//!     activation: Activation::Tanh,
//!     bias: true,
//! }.build()?;
//! let w = Array1::from_vec(numbers(net.n_params(), 1));
//! let x = Array2::from_shape_vec((5, 2), numbers(10, 2))?;
//! check(&OnBackend::<Flex, _>::new(&net, &FlexDevice), w.view(), x.view())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! An output of a burn module is a claim through [`OnModule`], and [`WithKernel`] has an
//! example of a claim from scratch.
//!
//! # Tolerances
//! In float64, relative to the largest entry that is compared: `10⁻¹²` where the two
//! sides differ by rounding alone ([`tolerance`]), `10⁻⁶` where one of them is a central
//! difference ([`accuracy`]). Symmetry and `F(w₀) = 0` are exact; no eigenvalue may be
//! below `−c·n·ε·‖Θ‖` ([`ROUNDING`]). In float32 the first is as many units of roundoff,
//! and the second 0.02.

mod agreement;
mod arrays;
mod audit;
mod claim;
mod compare;
mod differences;
mod eigen;
mod flow;
mod groups;
mod hidden;
mod homogeneous;
mod limits;
mod matrix;
pub mod mutations;
mod on_backend;
mod on_module;
mod points;
mod scaled;
mod step;
mod violation;

pub use agreement::{
    diagonal_of_gradients, kernel_is_that_of_the_function, products_are_derivatives,
};
pub use arrays::arrays;
pub use audit::{audit, check};
pub use claim::{Claim, GroupKernel, WithKernel, accuracy, tolerance};
pub use flow::{flow_ends_at_ridgeless_regression, kernel_flow, weight_flow_is_kernel_flow};
pub use groups::{groups_add_up, rates_weight_the_groups};
pub use hidden::{
    permuted_units, rescaled_units, rescaling_changes_the_kernel, symmetry_keeps_the_kernel,
};
pub use homogeneous::{euler, positively_homogeneous};
pub use limits::{
    bias_falls_with_width, fluctuations_fall_with_width, kernel_change_falls_with_alpha,
};
pub use matrix::{ROUNDING, positive_semidefinite, symmetric, ways_agree};
pub use on_backend::OnBackend;
pub use on_module::OnModule;
pub use points::{batches_do_not_matter, cross_is_a_block, permutation_permutes};
pub use regime_models::kit::{Problem, close, distance, for_all, numbers, strategies};
pub use scaled::{Scaled, alpha_enters_squared, vanishes_at_the_start};
pub use step::{loss_falls_at_the_rate_of_the_kernel, remainder_of_a_step};
pub use violation::{Invariant, Violation};

/// The page that explains all this to others: its code has to compile and to hold.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/testing-kernels.md")]
pub struct Page;
