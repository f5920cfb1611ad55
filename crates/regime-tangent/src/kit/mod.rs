//! Tests for tangent kernels, behind the cargo feature `proptest`.
//!
//! The functions check the invariants of tangent kernels, on your own kernel or model and in
//! any test framework. This workspace tests its kernels with the same functions.
//!
//! A [`Claim`] is a function `f(w, x)` and the kernel that is claimed to belong to it.
//! [`check`] checks all invariants that hold for every claim. It compares the kernel with
//! derivatives of `f` itself, so the kernel of another function fails even if it is
//! symmetric and positive. If you have only matrices, use [`symmetric`],
//! [`positive_semidefinite`] and [`methods_agree`]. A failed check returns a [`Violation`]
//! with its numbers.
//!
//! [`strategies`] has strategies for networks, weights and points. [`mutations`] has kernels
//! that are broken on purpose, to test that a suite rejects them.
//!
//! # Examples
//! A network of this workspace, or any other implementation of
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
//! [`differences_give_the_kernel`] compares the kernel of a network with any number of outputs with
//! finite differences of its outputs. For an output of a burn module, use [`OnModule`]. [`WithKernel`] has an example that
//! implements [`Claim`].
//!
//! # Tolerances
//! In float64, relative to the largest compared entry: `10⁻¹²` if the two sides differ by
//! rounding alone ([`tolerance`]), `10⁻⁶` if one of them is a central difference
//! ([`accuracy`]). Symmetry and `F(w₀) = 0` are exact; no eigenvalue may be below
//! `−c·n·ε·‖Θ‖` ([`ROUNDING`]). In float32 the first tolerance is the same number of units
//! of roundoff, and the second is 0.02.

mod agreement;
mod arrays;
mod audit;
mod by_differences;
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
pub use by_differences::{differences_give_the_kernel, kernel_by_differences};
pub use claim::{Claim, GroupKernel, WithKernel, accuracy, tolerance};
pub use flow::{flow_ends_at_ridgeless_regression, kernel_flow, weight_flow_is_kernel_flow};
pub use groups::{groups_add_up, rates_weight_the_groups};
pub use hidden::{
    permuted_units, rescaled_units, rescaling_changes_the_kernel, symmetry_preserves_the_kernel,
};
pub use homogeneous::{euler, positively_homogeneous};
pub use limits::{
    bias_falls_with_width, fluctuations_fall_with_width, kernel_change_falls_with_alpha,
};
pub use matrix::{ROUNDING, methods_agree, positive_semidefinite, symmetric};
pub use on_backend::OnBackend;
pub use on_module::OnModule;
pub use points::{cross_is_a_block, kernel_is_equivariant, kernel_is_independent_of_batches};
pub use regime_models::kit::{Problem, close, distance, for_all, numbers, strategies};
pub use scaled::{Scaled, alpha_enters_squared, is_zero_at_initialisation};
pub use step::{loss_falls_at_the_rate_of_the_kernel, remainder_of_a_step};
pub use violation::{Invariant, Violation};

/// The documentation page of the kit. Its code is compiled and run as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/testing-kernels.md")]
pub struct Page;
