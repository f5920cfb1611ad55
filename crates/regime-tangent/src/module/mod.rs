//! The Jacobian of any burn module, by automatic differentiation: see [`ModuleFunction`].

mod checked;
mod error;
mod function;
mod independence;
mod parameters;
mod suspects;
mod tapes;
mod ties;

pub use error::{Difference, ModuleError};
pub use function::ModuleFunction;
pub use parameters::{Parameter, Parameters};
pub use tapes::{MatrixFreeTape, ModuleTape};
pub use ties::in_precision;
