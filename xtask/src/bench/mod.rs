//! The benchmarks that matter, on any backend, each beside the bare matrix products of the same
//! shapes.

mod memory;
mod work;

pub(crate) use memory::peak_memory;
pub(crate) use work::{Selection, Sizes, measure};

use regime_models::Precision;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// What was done.
    pub(crate) work: &'static str,
    /// How many points.
    pub(crate) n: usize,
    /// Width.
    pub(crate) h: usize,
    /// Element type.
    pub(crate) precision: Precision,
    /// Threads of the host.
    pub(crate) threads: usize,
    /// Seconds, the median.
    pub(crate) seconds: f64,
    /// Multiply-adds of the products that it cannot do without.
    pub(crate) multiply_adds: f64,
    /// Seconds of those products alone, the median of times taken in turn.
    pub(crate) bare_seconds: f64,
}

impl Row {
    /// 10⁹ floating-point operations per second, of those that cannot be done without.
    pub(crate) fn gflops(&self) -> f64 {
        2e-9 * self.multiply_adds / self.seconds
    }

    /// How many times longer than the bare products.
    pub(crate) fn ratio(&self) -> f64 {
        self.seconds / self.bare_seconds
    }
}
