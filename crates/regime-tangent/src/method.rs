//! The choice of a method for a kernel, and an estimate of its cost.

mod compute;
mod cost;
mod plan;
mod within;

pub use cost::{LayerSizes, Sizes, Tiles};
pub use plan::{Estimate, KernelPlan, PlanError, plan};
pub use within::{cross_kernel_within, kernel_within};

/// A method to compute a kernel. All methods give the same numbers, up to rounding.
///
/// Costs are multiply-adds of the products for `n` points, `P` parameters and one output;
/// `k` and `m` are a layer's inputs and outputs, `p` the positions at which it is used,
/// `β` 1 with biases and 0 without, and `r` the cost of one row of the Jacobian
/// ([`row_cost`](regime_models::Tape::row_cost)). With `K` outputs, a traced kernel costs
/// `K` times as much; the cost of a full kernel is given for each method. All methods but
/// [`Products`](Self::Products) use the symmetry of the kernel. Memory is given in numbers:
/// everything held in addition to the tapes, including the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// The cheapest of the other methods that the tape offers and that stays within the
    /// memory limit.
    #[default]
    Auto,
    /// From the factors of the layers' gradients, for tapes with blocks: see
    /// [`kernel`](crate::kernel).
    ///
    /// Cost: `n² (k + m)/2` for a layer that is used once per point, and
    /// `n p k m + n² (k + β) m/2` for one that is used at `p > 1` positions, whose
    /// gradients are formed some outputs at a time. A full kernel needs another
    /// `K (K − 1)/2` cross-kernels, each at twice the cost. (Pairs of pixels are not used.
    /// They cost `n² D² (2C + F)/2` for maps of `D` pixels, `C` channels and windows of
    /// `F`, which is less on small maps with many channels: on 3 × 3 maps with windows of
    /// 5 × 5, from 13 channels on.)
    ///
    /// Memory: `n²`, and the tiles that are in work ([`Tiles`]): with `t` threads, `2 t` tiles of
    /// 128 rows on Flex, otherwise up to `6 t` tiles of 256 rows (on a GPU 3 tiles of 2048) and a
    /// copy of the layers' inputs, `n (k + β)` each. Layers with `p > 1` take twice the gradients
    /// that are formed at once, at most 2²⁵ numbers or those of a single output. The sum over
    /// several outputs takes `n²` more, and a full kernel takes `(nK)²` more.
    Structured,
    /// From rows of the Jacobian: `J Jᵀ`, some points at a time.
    ///
    /// Cost: `n r + n² P/2` when the whole Jacobian is held. Otherwise rows are computed
    /// repeatedly: the rows in block `j` of the points `j + 1` times. For a full kernel,
    /// `nK` replaces `n`.
    ///
    /// Memory: `n²`, the tiles that are in work, and `n P` for a Jacobian that is held or
    /// `(2 b + 4) P + b²` and the tape of `b` points for blocks of `b` points, the largest `b` that
    /// the limit allows (`nK` in place of `n` for a full kernel, whose Jacobian takes `2 n K P`
    /// while it is joined).
    Contraction,
    /// Column by column, as `J (Jᵀ eᵢ)`: useful as a check, for a few columns, and if two
    /// rows of the Jacobian do not fit into memory.
    ///
    /// Cost: `2 n² r`; a full kernel: `(K + 1) K n² r`.
    ///
    /// Memory: `n²`, `2 P`, and `n (1 + p m)` for the widest layer (`(nK)²` for a full kernel).
    Products,
}
