//! Tangent kernels `Θ(w; x, x') = ∇_w f(w, x) · ∇_w f(w, x')`.
//!
//! What is here: the kernel of a network on a set of points or between two sets,
//! whole or layer by layer; its products with vectors; how far two kernels are
//! apart; what follows from a kernel in closed form ([`analysis`]: alignment, spectrum,
//! dimensions, condition, regression); kernels in [files](mod@file), also those that do not
//! fit into memory; and their [limit of infinite width](infinite). What is not here:
//! training. A kernel is computed from a [`Tape`], the linearisation that
//! `regime-models` makes in one forward and one backward pass, or [`ModuleFunction`] of
//! any burn module by automatic differentiation. A function with several outputs is
//! several tapes: see [`Outputs`]. [`plan`] says beforehand by which [`Method`] a kernel
//! is best computed and what that takes.
//!
//! Start with [`kernel`], or for a module of your own with [`ModuleFunction`];
//! [`relative_change`] is the quantity `‖Θ − Θ₀‖/‖Θ₀‖` by which lazy and feature learning
//! are told apart. Behind the feature `proptest` there is a test kit for kernels, these
//! and those of others.
//!
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use regime_models::{Activation, DenseSpec, Network, Precision, Trace};
//! use regime_tangent::{kernel, relative_change};
//!
//! let net = DenseSpec {
//!     inputs: 2,
//!     width: 32,
//!     hidden_layers: 2,
//!     activation: Activation::Relu,
//!     bias: true,
//! }.build()?;
//! let device = FlexDevice;
//! let x = Precision::F64.matrix::<Flex>(&[1.0, 0.0, 0.6, 0.8, -1.0, 0.3], [3, 2], &device);
//! let theta = |seed| {
//!     let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &device);
//!     kernel(&net.trace(&w, &x).linearise())
//! };
//! let (a, b) = (theta(0), theta(1));
//! assert_eq!(a.dims(), [3, 3]);
//! // Two initialisations differ by a fluctuation, not by nothing and not by all.
//! let change = relative_change(b, a)?;
//! assert!(change > 0.0 && change < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
pub mod file;
mod gram;
pub mod infinite;
mod jacobian;
#[cfg(feature = "proptest")]
pub mod kit;
mod method;
#[cfg(feature = "module")]
mod module;
mod outputs;
mod products;
mod weighted;

pub use analysis::{CompareError, frobenius_norm, relative_change};
pub use gram::{TILE, cross_kernel, kernel, kernel_in, layer_kernels};
pub use infinite::{InfiniteError, InfiniteKernels, InfiniteWidth, LazyLimit};
pub use jacobian::{contracted_kernel, jacobian};
pub use method::{Estimate, KernelPlan, LayerSizes, Method, PlanError, Sizes, plan};
#[cfg(feature = "module")]
pub use module::{
    Difference, ModuleError, ModuleFunction, ModuleTape, Parameter, Parameters, UnheldTape,
    in_precision,
};
pub use outputs::{Outputs, cross_kernel_of_outputs, full_kernel, traced_kernel};
pub use products::{diagonal, multiply};
pub use regime_models::{Precision, Tape};
pub use weighted::weighted_kernel;
