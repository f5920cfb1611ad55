use std::fmt;

use burn_tensor::DType;

/// Why the tangent kernel of a module cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModuleError {
    /// There are no points.
    #[error("there are no points")]
    NoPoints,
    /// No float tensor of the module requires a gradient.
    #[error("the module has no parameters that require gradients")]
    NoParameters,
    /// The outputs have the wrong shape.
    #[error(
        "the outputs have shape [{rows}, {columns}], but need one row for each of {points} points"
    )]
    Outputs {
        /// Rows of the result of the forward function.
        rows: usize,
        /// Columns of the result.
        columns: usize,
        /// Number of points.
        points: usize,
    },
    /// A tensor of the module has another element type than the points.
    #[error(
        "`{name}` is {found:?} but the points are {expected:?}; see regime_tangent::in_precision"
    )]
    ElementType {
        /// Path of the tensor.
        name: String,
        /// Element type of the tensor.
        found: DType,
        /// Element type of the points.
        expected: DType,
    },
    /// Two places have the same parameter identifier and different values.
    #[error(
        "`{first}` and `{second}` share a parameter identifier but not its values; \
         a layer must be initialised (read once) before it is cloned to share it"
    )]
    Shared {
        /// Path of the first place.
        first: String,
        /// Path of the second place.
        second: String,
    },
    /// No parameter lies below a path.
    #[error("no parameters below `{prefix}`; the module has: {}", known.join(", "))]
    NoGroup {
        /// The requested path.
        prefix: String,
        /// The names of all parameters.
        known: Vec<String>,
    },
    /// The outputs or gradients of a point depend on the others in the batch.
    #[error(
        "{} mixes the points of a batch: {difference}{}",
        mixing(layer, *is_called),
        advice(layer)
    )]
    Mixes {
        /// A layer of a type that is known to mix points, as `path: Type`. Layers that the
        /// forward pass does not call are not named.
        layer: Option<String>,
        /// Whether it is certain that the forward pass calls this layer. It is not if the
        /// layer has no parameters that require gradients.
        is_called: bool,
        /// The numbers that differ.
        difference: Difference,
    },
    /// The outputs change from one evaluation to the next.
    #[error("{}", random(layer, difference))]
    Random {
        /// A layer of a type that is known to be random, as `path: Type`. Whether the forward
        /// pass calls it is not known.
        layer: Option<String>,
        /// The numbers that differ; `None` when only the type of the layer is known.
        difference: Option<Difference>,
    },
    /// An output or a derivative of a point is infinite or NaN.
    #[error("{quantity} of point {point} is {value}")]
    NotFinite {
        /// The output, or the derivative with the name of its parameter.
        quantity: String,
        /// The point.
        point: usize,
        /// Its value.
        value: f64,
    },
    /// A token of a point is not a whole number from 0 on.
    #[error("a token of point {point} is {value}, but tokens are whole numbers from 0 on")]
    Token {
        /// The point.
        point: usize,
        /// The token.
        value: f64,
    },
    /// Points have another shape than those with which the network was made.
    #[error(
        "a point has shape {found:?}, but the network was made for points of shape {expected:?}"
    )]
    PointShape {
        /// The shape of one of the points.
        found: Vec<usize>,
        /// The shape that the network expects.
        expected: Vec<usize>,
    },
    /// The forward or the backward pass panicked.
    #[error(
        "the module panicked: {message}; an index such as a token may be out of range, or a layer may create a \
         tensor in float32, as recurrent layers do for their states: then call \
         burn::tensor::set_default_dtypes before the first tensor is created"
    )]
    Panicked {
        /// The first line of the panic's message.
        message: String,
    },
    /// The Jacobians exceed the memory limit.
    #[error(
        "{tapes} Jacobians of {points} points and {parameters} parameters take {needed} bytes \
         while they are made, the limit is {limit}"
    )]
    Memory {
        /// Number of outputs.
        tapes: usize,
        /// Number of points.
        points: usize,
        /// Number of parameters.
        parameters: usize,
        /// Bytes that the Jacobians need.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

fn mixing(layer: &Option<String>, is_called: bool) -> String {
    match layer {
        Some(layer) if is_called => format!("`{layer}`"),
        Some(layer) => format!("some layer of the module, possibly `{layer}`,"),
        None => "some layer of the module".to_owned(),
    }
}

/// What to use in place of a batch norm.
fn advice(layer: &Option<String>) -> &'static str {
    match layer {
        Some(layer) if layer.contains("BatchNorm") => {
            "; under automatic differentiation a batch norm uses the mean and the variance of the \
             batch, so the output for a point is not a function of this point alone: use \
             regime_tangent::FrozenBatchNorm, which has the running mean and variance as constants"
        }
        _ => "",
    }
}

fn random(layer: &Option<String>, difference: &Option<Difference>) -> String {
    match (layer, difference) {
        (Some(layer), Some(difference)) => format!(
            "`{layer}` is random if the forward pass calls it, and the outputs change from one \
             evaluation to the next: {difference}"
        ),
        (Some(layer), None) => format!(
            "`{layer}` is random if the forward pass calls it: set its probability to 0, or remove it"
        ),
        (None, Some(difference)) => format!(
            "some layer of the module is random, so the outputs are not a function of the \
             parameters: {difference}"
        ),
        (None, None) => "some layer of the module is random".to_owned(),
    }
}

/// Two numbers that should be equal but differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Two values of an output.
    Output {
        /// The point.
        point: usize,
        /// The output.
        output: usize,
        /// The value in the batch.
        first: f64,
        /// The value in the other evaluation.
        second: f64,
        /// The other evaluation: "alone", "in the reversed batch", …
        otherwise: &'static str,
    },
    /// Two values of a derivative of a weighted sum over points.
    Gradient {
        /// The parameter.
        parameter: String,
        /// The value from the whole batch.
        first: f64,
        /// The sum over single points.
        second: f64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output { point, output, first, second, otherwise } => write!(
                f,
                "output {output} of point {point} is {first:e} in its batch and \
                 {second:e} {otherwise}"
            ),
            Self::Gradient { parameter, first, second } => write!(
                f,
                "a derivative with respect to `{parameter}` is {first:e} for a batch and \
                 {second:e} for the sum over its points"
            ),
        }
    }
}
