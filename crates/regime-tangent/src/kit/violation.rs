use std::fmt;

/// The invariants of tangent kernels, by group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Invariant {
    /// Group 1: `Θ` is symmetric to the bit.
    Symmetry,
    /// Group 1: no eigenvalue of `Θ` is negative beyond rounding.
    PositiveSemidefinite,
    /// Group 1: `Θ_ii = ‖∇f(x_i)‖²`.
    Trace,
    /// Group 2: `J` is the derivative of `f`, by central differences.
    Differences,
    /// Group 2: `Θ g = J(Jᵀg)`.
    Products,
    /// Group 2: `gᵀΘg = ‖Jᵀg‖²`.
    QuadraticForm,
    /// Group 2: all ways to compute a kernel agree.
    MethodsAgree,
    /// Group 3: the kernel of each group of parameters is that of its own parameters, and
    /// these kernels add up to the kernel.
    GroupsAddUp,
    /// Group 3: with a rate per group the kernel is `Σ η_l Θ_l`.
    GroupRates,
    /// Group 4: a cross-kernel is a block of the joint kernel.
    CrossIsBlock,
    /// Group 4: permuting the points permutes the kernel.
    Permutation,
    /// Group 4: outputs and kernel do not depend on the batch size.
    Batches,
    /// Group 5: `Θ_{αf} = α² Θ_f`, for any `f₀`.
    Scale,
    /// Group 5: `F(w₀) = 0`.
    ZeroAtInitialisation,
    /// Group 6: `f(cx) = c f(x)` and `Θ(cx, cx') = c² Θ(x, x')`.
    Homogeneity,
    /// Group 6: `w·∇f = (number of layers) f`.
    Euler,
    /// Group 7: a symmetry of the hidden units does not change `f`.
    SymmetryPreservesOutput,
    /// Group 7: permuting hidden units does not change `Θ`.
    SymmetryPreservesKernel,
    /// Group 7: rescaling hidden units changes `Θ`.
    RescalingChangesKernel,
    /// Group 8: `Δf = −ηΘ∂L + O(η²)`.
    StepOrder,
    /// Group 8: `dL/dt = −gᵀΘg ≤ 0`.
    Descent,
    /// Group 9: a flow of outputs with a frozen kernel equals its closed form.
    KernelFlow,
    /// Group 9: a flow for `t` and then for `s` equals a flow for `t + s`.
    Semigroup,
    /// Group 9: the flow of the linearised weights is the flow with the frozen kernel.
    WeightFlow,
    /// Group 9: this flow converges to ridgeless regression with the kernel.
    Ridgeless,
    /// Group 10: kernels of different initialisations differ by `O(h^{−1/2})`.
    WidthFluctuation,
    /// Group 10: their mean approaches the kernel of infinite width as `O(1/h)`.
    WidthBias,
    /// Group 10: the kernel changes by `O(1/α)`.
    LazyLimit,
}

impl Invariant {
    /// The number of the invariant's group, 1 to 10.
    pub fn group(self) -> u8 {
        match self {
            Self::Symmetry | Self::PositiveSemidefinite | Self::Trace => 1,
            Self::Differences | Self::Products | Self::QuadraticForm | Self::MethodsAgree => 2,
            Self::GroupsAddUp | Self::GroupRates => 3,
            Self::CrossIsBlock | Self::Permutation | Self::Batches => 4,
            Self::Scale | Self::ZeroAtInitialisation => 5,
            Self::Homogeneity | Self::Euler => 6,
            Self::SymmetryPreservesOutput
            | Self::SymmetryPreservesKernel
            | Self::RescalingChangesKernel => 7,
            Self::StepOrder | Self::Descent => 8,
            Self::KernelFlow | Self::Semigroup | Self::WeightFlow | Self::Ridgeless => 9,
            Self::WidthFluctuation | Self::WidthBias | Self::LazyLimit => 10,
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Symmetry => "a kernel is symmetric to the bit",
            Self::PositiveSemidefinite => "a kernel has no negative eigenvalue",
            Self::Trace => "the diagonal holds the squared norms of the gradients",
            Self::Differences => "the Jacobian is the derivative of f",
            Self::Products => "Θ g = J(Jᵀg)",
            Self::QuadraticForm => "gᵀΘg = ‖Jᵀg‖²",
            Self::MethodsAgree => "all ways to compute a kernel agree",
            Self::GroupsAddUp => "the kernels of groups of parameters add up",
            Self::GroupRates => "with a rate per group the kernel is Σ η_l Θ_l",
            Self::CrossIsBlock => "a cross-kernel is a block of the joint kernel",
            Self::Permutation => "permuting the points permutes the kernel",
            Self::Batches => "the size of batches does not matter",
            Self::Scale => "the kernel of α(f − f₀) is α² times that of f",
            Self::ZeroAtInitialisation => "F is zero at the initial weights",
            Self::Homogeneity => "f(cx) = c f(x) and Θ(cx, cx') = c² Θ(x, x')",
            Self::Euler => "w·∇f = (number of layers) f",
            Self::SymmetryPreservesOutput => "a symmetry of the hidden units does not change f",
            Self::SymmetryPreservesKernel => "permuting hidden units does not change the kernel",
            Self::RescalingChangesKernel => "rescaling hidden units changes the kernel",
            Self::StepOrder => "Δf = −ηΘ∂L + O(η²)",
            Self::Descent => "dL/dt = −gᵀΘg ≤ 0",
            Self::KernelFlow => "a flow with a frozen kernel equals its closed form",
            Self::Semigroup => "a flow for t and then for s equals a flow for t + s",
            Self::WeightFlow => "the flow of the linearised weights is the flow of the kernel",
            Self::Ridgeless => "the flow converges to ridgeless regression",
            Self::WidthFluctuation => "kernels fluctuate as h^(−1/2)",
            Self::WidthBias => "the mean kernel approaches its limit as 1/h",
            Self::LazyLimit => "the kernel changes as 1/α",
        })
    }
}

/// An invariant that does not hold, with the numbers of the failed check.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Violation {
    /// Two numbers differ that should be equal.
    #[error("{invariant}: {what} at {at:?} is {found}, expected {expected} ± {allowed}")]
    Differs {
        /// The violated invariant.
        invariant: Invariant,
        /// The quantity that was checked.
        what: &'static str,
        /// The index of the number in the quantity.
        at: Vec<usize>,
        /// The value of the number.
        found: f64,
        /// The expected value.
        expected: f64,
        /// The largest allowed difference.
        allowed: f64,
    },
    /// A number is on the wrong side of a bound.
    #[error("{invariant}: {what} is {found}, beyond the bound {bound}")]
    Beyond {
        /// The violated invariant.
        invariant: Invariant,
        /// The quantity that was checked.
        what: &'static str,
        /// The value of the quantity.
        found: f64,
        /// The bound.
        bound: f64,
    },
    /// An array has the wrong shape.
    #[error("{invariant}: {what} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The invariant that was being checked.
        invariant: Invariant,
        /// The array that was checked.
        what: &'static str,
        /// The shape of the array.
        found: Vec<usize>,
        /// The expected shape.
        expected: Vec<usize>,
    },
    /// The interval of an exponent is not within the margin of the expected value.
    #[error(
        "{invariant}: the exponent lies between {low} and {high}, expected {target} ± {margin}"
    )]
    Exponent {
        /// The violated invariant.
        invariant: Invariant,
        /// Lower end of the fitted interval.
        low: f64,
        /// Upper end of the fitted interval.
        high: f64,
        /// The expected exponent.
        target: f64,
        /// The largest allowed distance of the interval's ends from `target`.
        margin: f64,
    },
    /// No exponent can be fitted to the numbers.
    #[error("{invariant}: no exponent can be fitted")]
    NoExponent {
        /// The invariant that was being checked.
        invariant: Invariant,
        /// The reason.
        #[source]
        source: regime_scaling::ExponentError,
    },
    /// The kernel is too ill-conditioned to distinguish a violation from rounding.
    #[error("{invariant}: eigenvalues differ by a factor of {condition}, too much for a check")]
    IllConditioned {
        /// The invariant that was being checked.
        invariant: Invariant,
        /// Ratio of the largest eigenvalue to the smallest that counts, or to one that is too
        /// small to count and too large to be rounding.
        condition: f64,
    },
}

impl Violation {
    /// The violated invariant.
    pub fn invariant(&self) -> Invariant {
        match self {
            Self::Differs { invariant, .. }
            | Self::Beyond { invariant, .. }
            | Self::Shape { invariant, .. }
            | Self::Exponent { invariant, .. }
            | Self::NoExponent { invariant, .. }
            | Self::IllConditioned { invariant, .. } => *invariant,
        }
    }
}
