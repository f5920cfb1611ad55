//! The Jacobian of any burn module, by automatic differentiation: see [`ModuleFunction`], and
//! [`ModuleNetwork`] for flows.

mod checked;
mod error;
mod frozen;
mod function;
mod independence;
mod network;
mod network_tape;
mod parameters;
mod statistics;
mod suspects;
mod tapes;
mod ties;
mod token_check;
mod tokens;
mod used;

pub use error::{Difference, ModuleError};
pub use frozen::FrozenBatchNorm;
pub use function::ModuleFunction;
pub use network::{JACOBIAN_LIMIT, ModuleNetwork};
pub use network_tape::{ModuleNetworkTape, ModuleNetworkTrace};
pub use parameters::{Parameter, Parameters};
pub use tapes::{MatrixFreeTape, ModuleTape};
pub use ties::in_precision;
pub use tokens::TokenForward;
