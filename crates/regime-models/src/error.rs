/// An error in the specification of a model.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A size is zero, but has to be at least one.
    #[error("{field} is 0, but must be at least 1")]
    Zero {
        /// The field of the specification.
        field: &'static str,
    },
    /// A size is larger than any machine can hold.
    #[error("{field} is {value}, but must be at most {most}")]
    TooLarge {
        /// The field of the specification.
        field: &'static str,
        /// The value.
        value: usize,
        /// The largest value.
        most: usize,
    },
    /// A number is not finite and positive.
    #[error("{field} is {value}, but must be finite and greater than 0")]
    NotPositive {
        /// The field of the specification.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// The window of a convolution is larger than the padded map.
    #[error(
        "a window of {size} pixels does not fit on {pixels} with {padding} of padding on each side"
    )]
    Window {
        /// Side of the window.
        size: usize,
        /// Pixels of the map along one direction.
        pixels: usize,
        /// Padding on each side.
        padding: usize,
    },
    /// The padding is not smaller than the window.
    #[error("padding is {padding}, but must be smaller than the window of {size}")]
    Padding {
        /// Side of the window.
        size: usize,
        /// Padding on each side.
        padding: usize,
    },
    /// The depth of a wide residual network is not `6n + 4`.
    #[error("depth is {depth}, but must be 6n + 4 with n at least 1: 10, 16, 22, 28…")]
    Depth {
        /// The depth.
        depth: usize,
    },
    /// The network has a layer for which a parametrisation has no exponents.
    #[error(
        "a {architecture} network has a layer whose fan-in and fan-out do not grow with the width, \
             for which a parametrisation has no exponents; choose dense or convolutional"
    )]
    NoParametrisation {
        /// The name of the architecture.
        architecture: &'static str,
    },
}

/// Returns `value` if it is finite and positive.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<f64, ModelError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ModelError::NotPositive { field, value })
    }
}
