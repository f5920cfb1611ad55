//! Tangent kernels `Θ(w; x, x') = ∇_w f(w, x) · ∇_w f(w, x')`.
//!
//! The crate computes the kernel of a network on a set of points or between two sets,
//! whole or layer by layer; its products with vectors; the distance between two kernels;
//! results in closed form from a kernel ([`analysis`]: alignment, spectrum, dimensions,
//! condition, regression); and the [limit of infinite width](infinite). It stores kernels
//! in [files](mod@file), also kernels that do not fit into memory. It does not train.
//!
//! A kernel is computed from a [`Tape`], a linearised network. `regime-models` makes a tape
//! in one forward and one backward pass; [`ModuleFunction`] makes one from any burn module
//! by automatic differentiation. A function with several outputs has one tape per output:
//! see [`Outputs`]. [`plan`] chooses the best [`Method`] for a kernel and estimates its cost
//! before anything is computed; [`kernel_within`] computes it within a limit on memory.
//!
//! Start with [`kernel`], or with [`ModuleFunction`] for your own module.
//! [`relative_change`] is the quantity `‖Θ − Θ₀‖/‖Θ₀‖`, which separates lazy from feature
//! learning. The feature `proptest` adds a test kit for these kernels and for kernels of
//! other implementations.
//!
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use regime_models::{Activation, DenseSpec, Network, Precision, Trace};
//! use regime_tangent::{analysis::to_host_matrix, kernel, relative_change};
//!
//! let net = DenseSpec::new(2, 32).hidden_layers(2).activation(Activation::Relu).build()?;
//! let device = FlexDevice;
//! let x = Precision::F64.matrix::<Flex>(&[1.0, 0.0, 0.6, 0.8, -1.0, 0.3], [3, 2], &device);
//! let theta = |seed| {
//!     let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &device);
//!     kernel(&net.trace(&w, &x).linearise())
//! };
//! let (a, b) = (theta(0), theta(1));
//! assert_eq!(a.dims(), [3, 3]);
//! println!("{:.3}", to_host_matrix(a.clone()));
//! // The kernels of two initialisations differ by a fluctuation.
//! let change = relative_change(b, a)?;
//! println!("relative distance of the kernels of two initialisations: {change:.3}");
//! assert!(change > 0.0 && change < 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
mod assemble;
pub mod file;
mod gram;
pub mod infinite;
mod jacobian;
mod kernel;
#[cfg(feature = "proptest")]
pub mod kit;
mod method;
#[cfg(feature = "module")]
mod module;
mod outputs;
mod products;
mod shared;
mod weighted;

pub use analysis::{CompareError, frobenius_norm, relative_change};
pub use gram::TILE;
pub use infinite::{
    InfiniteError, InfiniteKernel, InfiniteKernels, InfinitePlan, InfiniteWidth, InitialDeviations,
    LazyLimit, ParameterRates, Readout,
};
pub use jacobian::{contracted_kernel, jacobian};
pub use kernel::{cross_kernel, kernel, kernel_in, layer_kernels};
pub use method::{
    Estimate, KernelPlan, LayerSizes, Method, PlanError, Sizes, Tiles, cross_kernel_within,
    kernel_within, plan,
};
#[cfg(feature = "module")]
pub use module::{
    Difference, FrozenBatchNorm, JACOBIAN_LIMIT, MatrixFreeTape, ModuleError, ModuleFunction,
    ModuleNetwork, ModuleNetworkTape, ModuleNetworkTrace, ModuleTape, Parameter, Parameters,
    TokenForward, in_precision,
};
pub use outputs::{Outputs, cross_kernel_of_outputs, full_kernel, traced_kernel};
pub use products::{diagonal, multiply};
pub use regime_models::{Precision, Tape};
pub use weighted::weighted_kernel;
