//! The timed tasks and their references, shared by the benchmarks of this crate and by
//! `cargo xtask bench`: the problems ([`network`], [`matrix`]), the bare matrix products of the
//! same shapes ([`bare`]), the tasks ([`measure`]), the tasks that are also timed with PyTorch
//! ([`measure_peers`]), flows of several kinds ([`named()`]), and a clock that times two tasks
//! alternately ([`clock`]).
//!
//! ```
//! use regime_benches::{bare, clock::medians};
//! use regime_models::Precision;
//!
//! let products = bare::gradient(100, 20, 2, Precision::F64);
//! let [forms, references] = medians(3, &products, &products);
//! assert!(forms.as_nanos() > 0 && references.as_nanos() > 0);
//! ```

pub mod bare;
pub mod clock;
mod named;
mod peers;
mod problem;
mod row;
mod work;

pub use named::{Named, NamedError, Prepared, Reached, named};
pub use peers::{PeerRow, measure_peers};
pub use problem::{Backend, DEVICE, INPUTS, matrix, matrix_on, network};
pub use row::Row;
pub use work::{Selection, Sizes, measure};
