//! Counts of the work of a flow.

use serde::{Deserialize, Serialize};

/// The work of a flow, in counts that do not depend on the machine.
///
/// Passes made by observers are not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Work {
    /// Points in forward passes.
    pub points_forward: u64,
    /// Points in backward passes.
    pub points_backward: u64,
    /// Points in products with the Jacobian or its transpose.
    pub points_product: u64,
    /// Entries of tangent kernels, `Σm²` over all kernels that were computed, of `m`
    /// points each.
    pub kernel_numbers: u64,
    /// `Σm³` over all factorisations of `m × m` matrices; one takes `m³/3` multiply-adds.
    pub factor_cubes: u64,
    /// Substeps in function space, with a cached kernel.
    pub substeps: u64,
    /// Bytes of the largest kernel.
    pub largest_kernel_bytes: u64,
}

impl Work {
    /// Counts a kernel of `m` points.
    pub(crate) fn kernel(&mut self, m: usize) {
        let numbers = (m as u64).pow(2);
        self.kernel_numbers += numbers;
        self.largest_kernel_bytes = self.largest_kernel_bytes.max(8 * numbers);
    }

    /// Counts a factorisation of an `m × m` matrix.
    pub(crate) fn factorise(&mut self, m: usize) {
        self.factor_cubes += (m as u64).pow(3);
    }
}
