//! Which way to the kernel, and what it will cost.

mod compute;
mod cost;
mod plan;

pub use cost::{LayerSizes, Sizes};
pub use plan::{Estimate, KernelPlan, PlanError, plan};

/// A way to the kernel. All lead to the same numbers, up to rounding.
///
/// Costs are multiply-adds of the products for `n` points, `P` parameters and one output;
/// `k` and `m` are a layer's inputs and outputs, `p` the positions at which it is used,
/// `β` 1 with biases and 0 without, and `r` the cost of one row of the Jacobian
/// ([`row_cost`](regime_models::Tape::row_cost)). With `K` outputs, a traced kernel costs
/// `K` times as much; what a full one costs stands beside. Symmetry is used everywhere
/// but in products. Memory is in numbers and counts what is held beside the tapes, the
/// result included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// The cheapest of the others that the tape offers and that stays within the limit
    /// of memory.
    #[default]
    Auto,
    /// From the factors of the layers' gradients, for tapes that have blocks: see
    /// [`kernel`](crate::kernel).
    ///
    /// Cost: `n² (k + m)/2` for a layer that is used once per point, and
    /// `n p k m + n² (k + β) m/2` for one that is used at `p > 1` positions, whose
    /// gradients are formed some outputs at a time. (Pairs of pixels, `n² D² (2C + F)/2`
    /// for maps of `D` pixels, `C` channels and windows of `F`, would take less on small
    /// maps with many channels, 3 × 3 from 13 channels on for windows of 5 × 5, but are
    /// not used.) A full kernel has `K (K − 1)/2`
    /// cross-kernels beside, each of twice the cost.
    ///
    /// Memory: `3 n²` while tiles are put together, `4 n²` when several terms are added
    /// up; and for layers with `p > 1` three times the gradients that are formed at once,
    /// at most 2²⁵ numbers or those of a single output. A full kernel: `2 (nK)²` and that.
    Structured,
    /// From rows of the Jacobian: `J Jᵀ`, some points at a time.
    ///
    /// Cost: `n r + n² P/2` when the Jacobian is held, otherwise rows are formed again:
    /// those in block `j` of the points `j + 1` times. A full kernel: of `nK` rows.
    ///
    /// Memory: `2 n²`, and `2 n P` for a Jacobian that is held or `3 b P` for blocks of
    /// `b` points, the largest that the limit allows (`nK` in place of `n` for a full
    /// kernel).
    Contraction,
    /// Column by column, as `J (Jᵀ eᵢ)`: useful as a check, for a few columns, and where
    /// two rows of the Jacobian do not fit into memory.
    ///
    /// Cost: `2 n² r`; a full kernel: `(K + 1) K n² r`.
    ///
    /// Memory: `2 n²` and `2 P` (`2 (nK)²` for a full kernel).
    Products,
}
