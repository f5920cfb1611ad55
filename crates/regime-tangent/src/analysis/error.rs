/// Why a kernel cannot be analysed as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnalysisError {
    /// There are no points.
    #[error("the kernel is on no points")]
    Empty,
    /// A kernel between two sets of points where one on a single set is needed.
    #[error("a kernel on one set of points is square, this one is {rows} × {columns}")]
    NotSquare {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// An entry is infinite or not a number.
    #[error("{what} {value} at row {row}, column {column}")]
    NotFinite {
        /// Of what.
        what: &'static str,
        /// The first such row.
        row: usize,
        /// The first such column in it.
        column: usize,
        /// What is there.
        value: f64,
    },
    /// Opposite entries differ by more than rounding.
    #[error(
        "the kernel is not symmetric: entries ({row}, {column}) and ({column}, {row}) differ by \
         {difference}, where the largest entry is {largest}"
    )]
    NotSymmetric {
        /// Row of the worst pair.
        row: usize,
        /// Column of the worst pair.
        column: usize,
        /// By how much they differ.
        difference: f64,
        /// The largest entry's magnitude.
        largest: f64,
    },
    /// An eigenvalue is negative by more than rounding explains.
    #[error(
        "the kernel is not positive: its smallest eigenvalue is {smallest}, its largest {largest}, \
         and what is below {cutoff} of the largest counts as rounding"
    )]
    NotPositive {
        /// Its smallest eigenvalue.
        smallest: f64,
        /// Its largest eigenvalue.
        largest: f64,
        /// The part of the largest that counts as nothing.
        cutoff: f64,
    },
    /// Two things that belong together have different lengths.
    #[error("{what}: {found}, where the kernel asks for {expected}")]
    Length {
        /// What is too long or too short.
        what: &'static str,
        /// What the kernel asks for.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A parameter outside of its range.
    #[error("{what} is {value}, and must be {wanted}")]
    Value {
        /// Which parameter.
        what: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        wanted: &'static str,
    },
    /// Something vanishes by which one would have to divide.
    #[error("{what} is zero up to rounding, so the quantity has no meaning")]
    Vanishes {
        /// What vanishes.
        what: &'static str,
    },
    /// A dense eigenvalue or singular value iteration gave up.
    #[error("the decomposition of a {rows} × {columns} matrix does not converge")]
    NoDecomposition {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// The leading eigenpairs are not found within the budget of products.
    #[error(
        "{converged} of {wanted} eigenpairs after {products} products: the worst residual is \
         {residual} of the largest eigenvalue, where {tolerance} is asked for"
    )]
    NotConverged {
        /// Eigenpairs asked for.
        wanted: usize,
        /// Those whose residual is small enough.
        converged: usize,
        /// Products made.
        products: usize,
        /// The largest `‖Θv − λv‖` among those wanted, relative to the largest
        /// eigenvalue.
        residual: f64,
        /// What it should have been at most.
        tolerance: f64,
    },
}
