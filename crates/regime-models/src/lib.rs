//! Networks with an explicit parametrisation, and `F = α(f − f₀)`.
//!
//! This crate provides the architectures of the laboratory as plain functions
//! `f(w, x)` of a *flat* parameter vector `w` of length `P` and a batch `x`. One
//! forward and one backward pass give the exact linearisation: `J v`, `Jᵀ g` and
//! the blocks from which a tangent kernel is computed. The forward pass contains
//! every factor that depends on the width or on α, and each factor is documented;
//! none hides in the initialisation or in a learning rate.
//!
//! The crate contains no data sets, losses, optimisers or kernels.
//!
//! Three additions serve research of your own: networks with several outputs ([`MultiOutput`]),
//! your own non-linearity ([`ActivationFunction`]), and a learning rate for every layer or
//! parameter as the metric of a flow ([`WithRates`]).
//!
//! Start with [`NetworkSpec`] (or one of [`DenseSpec`], [`ConvolutionalSpec`],
//! [`WideResNetSpec`]) and [`Network`]; [`Scaled`] adds α and `f₀`. The feature
//! `proptest` makes the crate's test kit public.
//!
//! ```
//! use burn::tensor::Tensor;
//! use burn_flex::{Flex, FlexDevice};
//! use regime_models::{Alpha, DenseSpec, Network, Precision, Scaled, Tape, Trace, dot};
//!
//! let net = DenseSpec::new(3, 16).hidden_layers(2).build()?;
//! let device = FlexDevice;
//! let w = Precision::F64.vector::<Flex>(&net.initial_weights(7), &device);
//! let x = Precision::F64.matrix::<Flex>(&[0.1, -1.0, 0.5, 2.0, 0.3, -0.7], [2, 3], &device);
//!
//! // F is 0 at the initial weights for every α.
//! let scaled = Scaled::at(&net, &w, &x, Alpha::paper(10.0)?);
//! let f: Tensor<Flex, 1> = scaled.output(net.forward(&w, &x));
//! assert_eq!(Precision::to_host(f), [0.0, 0.0]);
//!
//! // The gradient of f(x₀) with respect to all P parameters.
//! let tape = net.trace(&w, &x).linearise();
//! let gradient: Tensor<Flex, 1> = tape.vjp(Precision::F64.vector(&[1.0, 0.0], &device));
//! assert_eq!(gradient.dims(), [net.n_params()]);
//! let square = dot(gradient.clone(), gradient.clone());
//! println!("‖∇f(x₀)‖² = {square:.3} over {} parameters", net.n_params());
//!
//! // A small step against the gradient lowers F(x₀) by α · step · ‖∇f(x₀)‖², to first order.
//! let after = scaled.output(net.forward(&(w - gradient.mul_scalar(1e-4)), &x));
//! let after = Precision::to_host(after);
//! println!("F after a small step: {after:.5?}, to first order {:.5}", -1e-3 * square);
//! assert!((after[0] + 1e-3 * square).abs() < 0.05 * square * 1e-3);
//! # Ok::<(), regime_models::ModelError>(())
//! ```

mod activation;
mod alpha;
mod block;
mod check_activation;
mod convolutional;
mod dense;
mod dispatch;
mod error;
mod evaluate;
mod feed_forward;
mod gradients;
#[cfg(feature = "flex")]
mod host;
mod init;
#[cfg(feature = "proptest")]
pub mod kit;
mod layer;
#[cfg(feature = "tch")]
mod libtorch;
mod linear_algebra;
mod memory;
mod multi_output;
mod multi_tape;
mod network;
mod operations;
mod own_activation;
mod parametrisation;
mod patches;
mod pointwise;
mod precision;
mod quadrature;
mod rates;
mod rows;
mod scaled;
mod shared;
mod spec;
mod stacked;
mod stacked_tape;
mod tape;
mod tensors;
mod wide_resnet;
mod window;
mod with_rates;

pub use activation::Activation;
pub use alpha::Alpha;
pub use block::Block;
pub use check_activation::check_activation;
pub use convolutional::{ConvolutionalSpec, ImageShape};
pub use dense::DenseSpec;
pub use error::ModelError;
pub use evaluate::logistic;
pub use feed_forward::{FeedForward, FeedForwardTrace};
pub use init::INIT_STREAM;
pub use linear_algebra::{cholesky_of_shifted, cholesky_solve, factorises};
pub use memory::Memory;
pub use multi_output::{MultiOutput, MultiTrace};
pub use multi_tape::MultiTape;
pub use network::{Network, Tape, Trace, dot};
pub use operations::Factorised;
pub use own_activation::{ActivationFunction, MAX_PARAMETERS, OwnActivation};
pub use parametrisation::{
    Abc, BiasExponents, Convention, LayerRates, Layout, Limit, Parametrisation, Role, TimeRatio,
    UnstableLimit,
};
pub use precision::Precision;
pub use quadrature::{gauss_legendre, gaussian_mean};
pub use rates::Rates;
pub use scaled::Scaled;
pub use shared::{SharedLayer, SharedLayers};
pub use spec::NetworkSpec;
pub use stacked::{StackedNetwork, StackedTrace};
pub use stacked_tape::StackedTape;
pub use tape::BlockTape;
pub use wide_resnet::WideResNetSpec;
pub use window::Window;
pub use with_rates::{RatesTape, RatesTrace, WithRates};
