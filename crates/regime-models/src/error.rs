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
    /// A spec names an activation that the program has not registered.
    #[error("no activation is registered under the name `{name}`; {}", names(.registered))]
    UnknownActivation {
        /// The name.
        name: String,
        /// The names of all registered activations.
        registered: Vec<&'static str>,
    },
    /// Two different activations have one name.
    #[error("another activation has the name `{name}`; choose a different name")]
    ActivationTaken {
        /// The name.
        name: &'static str,
    },
    /// The name of an activation contains other characters.
    #[error("`{name}` must not be the name of an activation: use letters, digits, `-` and `_`")]
    ActivationName {
        /// The name.
        name: &'static str,
    },
    /// The parameters of an own activation are not those that it has.
    #[error("the parameters of the activation `{name}` are {parameters:?}, but {problem}")]
    ActivationParameters {
        /// The name of the activation.
        name: &'static str,
        /// The names of its parameters.
        parameters: &'static [&'static str],
        /// What is wrong.
        problem: String,
    },
    /// The slope of an activation is not the derivative of its value.
    #[error(
        "at z = {z} the activation `{name}` has the value {value} and the slope {slope}, but finite \
         differences of its values give the slope {expected}"
    )]
    ActivationSlope {
        /// The name of the activation.
        name: &'static str,
        /// The point.
        z: f64,
        /// Its value there.
        value: f64,
        /// The slope that it returns.
        slope: f64,
        /// The slope by finite differences.
        expected: f64,
    },
    /// An activation has no finite, positive mean square, so it cannot be normalised.
    #[error(
        "the mean of φ(g)² over normal g is {mean_square} for the activation `{name}`, but must be \
         finite and greater than 0"
    )]
    NotNormalisable {
        /// The name of the activation.
        name: &'static str,
        /// The mean square.
        mean_square: f64,
    },
    /// A learning rate is negative or not finite.
    #[error("the rate of parameter {parameter} is {rate}, but must be finite and at least 0")]
    Rate {
        /// The number of the parameter, from 0.
        parameter: usize,
        /// Its rate.
        rate: f64,
    },
    /// The number of learning rates differs from the number of what has a rate.
    #[error("there are {found} rates for {expected} {of}; give each one rate")]
    RateCount {
        /// What has a rate: layers or parameters.
        of: &'static str,
        /// How many there are.
        expected: usize,
        /// The number of rates.
        found: usize,
    },
    /// A range of parameters with a learning rate does not exist or has two rates.
    #[error(
        "the parameters {range:?} cannot have a rate: ranges must lie below {n_params}, the number of \
         parameters, and must not overlap"
    )]
    RateRange {
        /// The range.
        range: std::ops::Range<usize>,
        /// Number of parameters.
        n_params: usize,
    },
}

/// The registered names as the end of a sentence.
fn names(registered: &[&str]) -> String {
    match registered {
        [] => "none is registered".to_owned(),
        names => format!("registered are: {}", names.join(", ")),
    }
}

/// Returns `value` if it is finite and positive.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<f64, ModelError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ModelError::NotPositive { field, value })
    }
}
