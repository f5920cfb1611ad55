/// Why a kernel cannot be analysed as requested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnalysisError {
    /// There are no points.
    #[error("the kernel is on no points")]
    Empty,
    /// The kernel is between two sets of points, but must be on a single set.
    #[error("a kernel on one set of points is square, this one is {rows} × {columns}")]
    NotSquare {
        /// Rows of the kernel.
        rows: usize,
        /// Columns of the kernel.
        columns: usize,
    },
    /// An entry is infinite or not a number.
    #[error("{what} {value} at row {row}, column {column}")]
    NotFinite {
        /// The array, with a verb: "the kernel is".
        what: &'static str,
        /// The first such row.
        row: usize,
        /// The first such column in this row.
        column: usize,
        /// The value of the entry.
        value: f64,
    },
    /// Opposite entries differ by more than rounding.
    #[error(
        "the kernel is not symmetric: entries ({row}, {column}) and ({column}, {row}) differ by \
         {difference}, and the largest entry is {largest}"
    )]
    NotSymmetric {
        /// Row of the worst pair.
        row: usize,
        /// Column of the worst pair.
        column: usize,
        /// Difference of the worst pair.
        difference: f64,
        /// The largest entry's magnitude.
        largest: f64,
    },
    /// An eigenvalue is negative by more than rounding explains.
    #[error(
        "the kernel is not positive: its smallest eigenvalue is {smallest}, its largest {largest}, \
         and only magnitudes below {cutoff} of the largest count as rounding"
    )]
    NotPositive {
        /// The smallest eigenvalue.
        smallest: f64,
        /// The largest eigenvalue.
        largest: f64,
        /// The fraction of the largest eigenvalue that counts as rounding.
        cutoff: f64,
    },
    /// An array has the wrong length.
    #[error("{what}: {found}, expected {expected}")]
    Length {
        /// The length that is wrong.
        what: &'static str,
        /// The length that fits the kernel.
        expected: usize,
        /// The length of the array.
        found: usize,
    },
    /// A parameter is outside of its range.
    #[error("{what} is {value}, and must be {wanted}")]
    Value {
        /// The parameter.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Its range.
        wanted: &'static str,
    },
    /// A divisor is zero.
    #[error("{what} is zero up to rounding, so the quantity has no meaning")]
    Vanishes {
        /// The divisor.
        what: &'static str,
    },
    /// A dense eigenvalue or singular value iteration does not converge.
    #[error("the decomposition of a {rows} × {columns} matrix does not converge")]
    NoDecomposition {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// The leading eigenpairs do not converge within the budget of products.
    #[error(
        "{converged} of {wanted} eigenpairs after {products} products: the worst residual is \
         {residual} of the largest eigenvalue, more than the tolerance {tolerance}"
    )]
    NotConverged {
        /// Number of requested eigenpairs.
        wanted: usize,
        /// Number of eigenpairs whose residual is within the tolerance.
        converged: usize,
        /// Number of products.
        products: usize,
        /// The largest `‖Θv − λv‖` among the requested pairs, relative to the largest
        /// eigenvalue.
        residual: f64,
        /// The tolerance on this residual.
        tolerance: f64,
    },
}
