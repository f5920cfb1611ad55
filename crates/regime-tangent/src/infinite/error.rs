use regime_models::ModelError;

/// Why a kernel of infinite width cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InfiniteError {
    /// The specification does not describe a network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The limit of this architecture is not offered.
    #[error(
        "the limit of a network of the architecture `{architecture}` is not offered, only of `dense` and `convolutional`"
    )]
    Architecture {
        /// The serialised name of the architecture.
        architecture: &'static str,
    },
    /// A deviation or a rate is out of range.
    #[error("`{field}` is {value}, it must be {wanted}")]
    Parameter {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// What would be right.
        wanted: &'static str,
    },
    /// The points do not have the network's number of inputs.
    #[error("the points have {found} numbers each, the network has {wanted} inputs")]
    Inputs {
        /// Columns of the points.
        found: usize,
        /// Inputs of the network.
        wanted: usize,
    },
    /// A point is not finite, or so large that its square may overflow.
    #[error("point {row} has the norm {norm}, which must be below 1e150")]
    Point {
        /// Row of the point.
        row: usize,
        /// Euclidean norm of the point.
        norm: f64,
    },
    /// The preactivations of a point become so large that their squares may overflow.
    #[error(
        "the preactivations of point {row} in layer {layer} have the standard deviation {deviation}, which must be below 1e150: use smaller deviations at initialisation or smaller points"
    )]
    Overflow {
        /// Row of the point.
        row: usize,
        /// Number of the layer, from 1.
        layer: usize,
        /// The standard deviation.
        deviation: f64,
    },
    /// The kernels take more memory than the limit.
    #[error("kernels between {} and {} points take up to {needed} bytes in memory, the limit is {limit}: compute them in tiles with `fill_tiles` or `write_kernel`, or raise the limit with `with_memory`", points[0], points[1])]
    Memory {
        /// Numbers of points of both sets.
        points: [usize; 2],
        /// Bytes that the computation needs at most.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
}
