use regime_models::ModelError;

/// Why a kernel of infinite width cannot be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InfiniteError {
    /// The specification does not describe a network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A point is not finite, or so large that its square may overflow.
    #[error("point {row} has the norm {norm}, which must be below 1e150")]
    Point {
        /// Row of the point.
        row: usize,
        /// Euclidean norm of the point.
        norm: f64,
    },
}
