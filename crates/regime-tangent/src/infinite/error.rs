use regime_models::ModelError;

/// Why there is no kernel of infinite width.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InfiniteError {
    /// The specification is not that of a network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A point is not finite, or so far out that its square overflows.
    #[error("point {row} has the norm {norm}, where one below 1e150 is needed")]
    Point {
        /// Its row.
        row: usize,
        /// Its Euclidean norm.
        norm: f64,
    },
}
