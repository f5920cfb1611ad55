//! Whether numbers are tokens.

use burn::tensor::{Tensor, backend::Backend};
use regime_models::Precision;

use super::error::ModuleError;

/// # Shapes
/// `x`: `[n, d]`
///
/// # Errors
/// [`ModuleError::Token`] for a number that is not a token.
pub(super) fn all_tokens<B: Backend>(x: &Tensor<B, 2>) -> Result<(), ModuleError> {
    let d = x.dims()[1];
    let values = Precision::to_host(x.clone());
    // NaN is not equal to its whole part.
    let is_token = |value: &f64| *value >= 0.0 && value.trunc() == *value && value.is_finite();
    match values.iter().position(|value| !is_token(value)) {
        None => Ok(()),
        Some(at) => Err(ModuleError::Token { point: at / d, value: values[at] }),
    }
}
