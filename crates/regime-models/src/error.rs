/// What is wrong with the description of a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A size that has to be at least one is zero.
    #[error("{field} is 0, but has to be at least 1")]
    Zero {
        /// The field of the specification.
        field: &'static str,
    },
    /// A size that no machine can hold, and that is a typing error.
    #[error("{field} is {value}, but has to be at most {most}")]
    TooLarge {
        /// The field of the specification.
        field: &'static str,
        /// What it was.
        value: usize,
        /// The largest value.
        most: usize,
    },
    /// A number that has to be finite and positive is not.
    #[error("{field} is {value}, but has to be finite and greater than 0")]
    NotPositive {
        /// The field of the specification.
        field: &'static str,
        /// What it was.
        value: f64,
    },
    /// A convolution's window is larger than what it slides over.
    #[error(
        "a window of {size} pixels does not fit on {pixels} with {padding} of padding on each side"
    )]
    Window {
        /// Its side.
        size: usize,
        /// Pixels along that direction.
        pixels: usize,
        /// Padding on each side.
        padding: usize,
    },
    /// Padding that is no smaller than the window.
    #[error("padding is {padding}, but has to be smaller than the window of {size}")]
    Padding {
        /// The window's side.
        size: usize,
        /// What it was.
        padding: usize,
    },
    /// A depth that no wide residual network has.
    #[error("depth is {depth}, but has to be 6n + 4 with n at least 1: 10, 16, 22, 28…")]
    Depth {
        /// What it was.
        depth: usize,
    },
    /// A network with a layer for which parametrisations have no row.
    #[error(
        "a {architecture} network has a layer that does not grow with the width at all, for \
             which parametrisations have no row; choose dense or convolutional"
    )]
    Unparametrised {
        /// Its name.
        architecture: &'static str,
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
