//! One line of the table of benchmarks.

use regime_models::Precision;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The name of the task.
    pub work: &'static str,
    /// Number of points.
    pub n: usize,
    /// Width.
    pub h: usize,
    /// Element type.
    pub precision: Precision,
    /// Number of host threads.
    pub threads: usize,
    /// Median time in seconds.
    pub seconds: f64,
    /// Multiply-adds of the products that the task cannot avoid.
    pub multiply_adds: f64,
    /// Median time of these products alone in seconds, timed alternately with the task.
    pub bare_seconds: f64,
}

impl Row {
    /// 10⁹ floating-point operations per second, of the unavoidable products only.
    pub fn gflops(&self) -> f64 {
        2e-9 * self.multiply_adds / self.seconds
    }

    /// The time of the task divided by the time of the bare products.
    pub fn ratio(&self) -> f64 {
        self.seconds / self.bare_seconds
    }
}
