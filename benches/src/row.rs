//! One line of the table of benchmarks.

use regime_models::Precision;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was done.
    pub work: &'static str,
    /// How many points.
    pub n: usize,
    /// Width.
    pub h: usize,
    /// Element type.
    pub precision: Precision,
    /// Threads of the host.
    pub threads: usize,
    /// Seconds, the median.
    pub seconds: f64,
    /// Multiply-adds of the products that it cannot do without.
    pub multiply_adds: f64,
    /// Seconds of those products alone, the median of times taken in turn.
    pub bare_seconds: f64,
}

impl Row {
    /// 10⁹ floating-point operations per second, of those that cannot be done without.
    pub fn gflops(&self) -> f64 {
        2e-9 * self.multiply_adds / self.seconds
    }

    /// How many times longer than the bare products.
    pub fn ratio(&self) -> f64 {
        self.seconds / self.bare_seconds
    }
}
