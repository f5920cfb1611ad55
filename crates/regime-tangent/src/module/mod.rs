//! The Jacobian of any burn module, by automatic differentiation.
//!
//! A [`ModuleFunction`] is a module over an autodiff backend, the function that
//! evaluates it, and points. It gives a [`Tape`](regime_models::Tape) for every output,
//! and so everything this crate makes of tapes: held ([`ModuleTape`], the Jacobian in
//! memory) or not ([`UnheldTape`], which differentiates again whenever it is asked).
//!
//! # What is differentiated
//! Every row of the Jacobian comes from a forward and a backward pass on *one* point.
//! The parameters are the float tensors of the module that require gradients, in the
//! order in which the module shows them. A parameter that is found in several places is
//! one parameter, with one column for each of its numbers; a layer that is called
//! several times needs no care. Parameters on which an output does not depend have
//! derivative 0. Tensors that require no gradient (buffers, frozen parameters) are
//! constants.
//!
//! # What is refused
//! A tangent kernel is defined for a function of one point. [`ModuleFunction::new`]
//! compares the outputs for the whole batch with those for single points, for the first
//! half and for the reversed batch, and the gradient of a weighted sum over up to eight
//! points with the sum of the single points' gradients; a layer that mixes the points of
//! a batch shows itself in one or the other (a normalisation whose scale is still zero
//! only in the gradient). Differences count as rounding up to `ε^(2/3)` of the largest
//! number of the same output, or of the same gradient: 4·10⁻¹¹ in float64. Outputs that
//! change from one evaluation to the next are refused likewise, and so is a dropout that
//! is switched on even where the few evaluations happened to agree. Errors name the layer
//! where its type is a known one (`BatchNorm`, `Dropout`, …), otherwise the point. A
//! module is evaluated as in training, so a batch norm's running statistics have moved
//! when it is refused.
//!
//! # Precision
//! The kernel has the element type of the points, and the module's parameters must have
//! the same: [`in_precision`] makes a module one of float64. Backward passes of
//! burn-autodiff 0.21 keep it, with one exception: that of `div_scalar` rounds the
//! reciprocal of the divisor to float32, an error of up to 6·10⁻⁸ unless the divisor is
//! a power of two. Write `mul_scalar(1.0 / c)` in a forward pass instead.

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
pub use tapes::{ModuleTape, UnheldTape};
pub use ties::in_precision;
