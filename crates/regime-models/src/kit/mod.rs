//! A test kit for networks, behind the cargo feature `proptest`: awkward sizes, networks
//! of every architecture, weights and points, and a deterministic check of a property on
//! them.
//!
//! The crates of this workspace use it in their tests. It is public, so that other crates
//! can use it too. The properties of a *kernel* are in the test kit of `regime-tangent`.
//!
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use regime_models::{Network, Precision};
//! use regime_models::kit::{close, for_all, strategies};
//!
//! // The output at a point does not depend on the other points of the batch.
//! for_all(4, strategies::problems(strategies::activations()), |problem| {
//!     let (w, x) = problem.tensors::<Flex>(Precision::F64, &FlexDevice);
//!     let batch = Precision::to_host(problem.net.forward(&w, &x));
//!     let first = Precision::to_host(problem.net.forward(&w, &x.narrow(0, 0, 1)));
//!     assert!(close(batch[0], first[0], 1e-12));
//!     Ok(())
//! });
//! ```

mod backends;
mod cases;
mod problem;
pub mod strategies;

#[cfg(feature = "tch")]
#[doc(hidden)]
pub use backends::{LibTorch, libtorch_device};
pub use cases::{close, distance, for_all, numbers};
pub use problem::Problem;
