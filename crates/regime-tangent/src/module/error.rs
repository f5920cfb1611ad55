use std::fmt;

use burn_tensor::DType;

/// Why a module has no tangent kernel on some points, or none that fits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ModuleError {
    /// No points.
    #[error("there are no points")]
    NoPoints,
    /// No float tensor of the module requires a gradient.
    #[error("the module has no parameters that require gradients")]
    NoParameters,
    /// No outputs.
    #[error(
        "the outputs are {rows} rows of {columns}, but have to be one row for each of {points}"
    )]
    Outputs {
        /// Rows of what the forward function gave.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// Number of points.
        points: usize,
    },
    /// A tensor of the module has another element type than the points.
    #[error(
        "`{name}` is {found:?} but the points are {expected:?}; see regime_tangent::in_precision"
    )]
    ElementType {
        /// Where it lies.
        name: String,
        /// Its element type.
        found: DType,
        /// That of the points.
        expected: DType,
    },
    /// Two places have the same parameter identifier and different values.
    #[error(
        "`{first}` and `{second}` share a parameter identifier but not its values; \
         a layer has to be initialised (read once) before it is cloned to share it"
    )]
    Shared {
        /// One of the places.
        first: String,
        /// The other.
        second: String,
    },
    /// No parameter lies below a name.
    #[error("no parameters below `{prefix}`; there are: {}", known.join(", "))]
    NoGroup {
        /// What was asked for.
        prefix: String,
        /// The names of all parameters.
        known: Vec<String>,
    },
    /// The outputs or gradients of a point depend on the others in the batch.
    #[error("{} mixes the points of a batch: {difference}", named(layer))]
    Mixes {
        /// A layer of a type that is known to, as `path: Type`.
        layer: Option<String>,
        /// What gave it away.
        difference: Difference,
    },
    /// The outputs change from one evaluation to the next.
    #[error(
        "{} is random, so the outputs are no function of the parameters{}",
        named(layer),
        difference.as_ref().map(|d| format!(": {d}")).unwrap_or_default()
    )]
    Random {
        /// A layer of a type that is known to be, as `path: Type`.
        layer: Option<String>,
        /// What gave it away; `None` when only the layer's type did.
        difference: Option<Difference>,
    },
    /// The Jacobian does not fit into the memory that it may take.
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
        /// Bytes that it would take.
        needed: u64,
        /// Bytes that it may take.
        limit: u64,
    },
}

fn named(layer: &Option<String>) -> String {
    match layer {
        Some(layer) => format!("`{layer}`"),
        None => "some layer of the module".to_owned(),
    }
}

/// Two numbers that should be the same and are not.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Of an output.
    Output {
        /// The point.
        point: usize,
        /// The output.
        output: usize,
        /// What it was in its batch.
        first: f64,
        /// What it was otherwise.
        second: f64,
        /// How it was evaluated otherwise: "alone", "again", …
        otherwise: &'static str,
    },
    /// Of a derivative of a weighted sum over points.
    Gradient {
        /// The parameter.
        parameter: String,
        /// Of the whole batch.
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
                "a derivative by `{parameter}` is {first:e} for a batch and {second:e} \
                 for the sum of its points"
            ),
        }
    }
}
