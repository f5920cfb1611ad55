/// What is wrong with the description of a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A size that has to be at least one is zero.
    #[error("{field} is 0, but has to be at least 1")]
    Zero {
        /// The field of the specification.
        field: &'static str,
    },
    /// A number that has to be finite and positive is not.
    #[error("{field} is {value}, but has to be finite and greater than 0")]
    NotPositive {
        /// The field of the specification.
        field: &'static str,
        /// What it was.
        value: f64,
    },
}

/// `Ok(value)` when it is finite and positive.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<f64, ModelError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ModelError::NotPositive { field, value })
    }
}
