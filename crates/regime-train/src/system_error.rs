//! Why a system cannot be created or evaluated.

use crate::objective_error::ObjectiveError;

/// Why a [`System`](crate::System) could not be created, or not be evaluated at some points.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SystemError {
    /// A kernel takes too much memory.
    #[error(
        "a kernel of {rows} rows takes {bytes:e} bytes, the limit is {limit:e}: take fewer points, or write \
         it to a file (regime_tangent::file)"
    )]
    KernelMemory {
        /// Its rows.
        rows: usize,
        /// The bytes it takes.
        bytes: f64,
        /// The limit in bytes.
        limit: f64,
    },
    /// The targets, the loss and the initial outputs do not make an objective.
    #[error(transparent)]
    Objective(#[from] ObjectiveError),
    /// A part of the system was not given.
    #[error("the system has no {part}: call `.{call}` before `.build()`")]
    Missing {
        /// The part.
        part: &'static str,
        /// The method that gives it.
        call: &'static str,
    },
    /// There are no points.
    #[error("there are no points: the inputs have 0 rows")]
    NoPoints,
    /// Inputs and targets differ in number.
    #[error("there are {inputs} inputs, but targets for {targets} points")]
    Counts {
        /// Number of inputs.
        inputs: usize,
        /// Number of points with a target.
        targets: usize,
    },
    /// The points have another number of coordinates than the network has inputs.
    #[error("a point has {columns} coordinates, but the network takes {n_inputs}")]
    Columns {
        /// Coordinates of a point.
        columns: usize,
        /// Number of inputs of the network.
        n_inputs: usize,
    },
    /// The network has another number of outputs than the targets need.
    #[error("the network has {network} outputs for a point, but the targets need {targets}")]
    Outputs {
        /// Outputs of the network.
        network: usize,
        /// Outputs that the targets need.
        targets: usize,
    },
    /// The weights have another length than the network's.
    #[error("there are {found} weights, but the network has {n_params}")]
    Weights {
        /// Number of weights.
        found: usize,
        /// Number of parameters of the network.
        n_params: usize,
    },
    /// An initial weight is not finite.
    #[error("initial weight {index} is {value}, but must be finite")]
    WeightNotFinite {
        /// Its index.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A coordinate of a point is not finite.
    #[error("coordinate {column} of point {row} is {value}, but must be finite")]
    InputNotFinite {
        /// The point.
        row: usize,
        /// The coordinate.
        column: usize,
        /// Its value.
        value: f64,
    },
    /// The network is not defined at a point.
    #[error("{0}")]
    Inputs(String),
    /// An entry of a tangent kernel is not finite.
    #[error("entry ({row}, {column}) of the tangent kernel is {value} at these weights")]
    KernelNotFinite {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// Its value.
        value: f64,
    },
}
