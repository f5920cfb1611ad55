use std::fmt;

/// What a tangent kernel must obey, by group.
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
    /// Group 2: all ways to one kernel agree.
    WaysAgree,
    /// Group 3: the kernels of groups of parameters add up to the kernel, each being that
    /// of its own parameters.
    GroupsAddUp,
    /// Group 3: with a rate per group the kernel is `Σ η_l Θ_l`.
    GroupRates,
    /// Group 4: a cross-kernel is a block of the joint kernel.
    CrossIsBlock,
    /// Group 4: permuting the points permutes the kernel.
    Permutation,
    /// Group 4: points in batches have the outputs and the kernel of all points.
    Batches,
    /// Group 5: `Θ_{αf} = α² Θ_f`, whatever `f₀` is.
    Scale,
    /// Group 5: `F(w₀) = 0`.
    VanishesAtStart,
    /// Group 6: `f(cx) = c f(x)` and `Θ(cx, cx') = c² Θ(x, x')`.
    Homogeneity,
    /// Group 6: `w·∇f = (number of layers) f`.
    Euler,
    /// Group 7: a symmetry of the hidden units keeps `f`.
    SymmetryKeepsOutput,
    /// Group 7: permuting hidden units keeps `Θ`.
    SymmetryKeepsKernel,
    /// Group 7: rescaling hidden units does not keep `Θ`.
    RescalingChangesKernel,
    /// Group 8: `Δf = −ηΘ∂L + O(η²)`.
    StepOrder,
    /// Group 8: `dL/dt = −gᵀΘg ≤ 0`.
    Descent,
    /// Group 9: a flow of outputs with a frozen kernel is its closed form.
    KernelFlow,
    /// Group 9: to flow for `t` and then for `s` is to flow for `t + s`.
    Semigroup,
    /// Group 9: the flow of the linearised weights is the flow with the frozen kernel.
    WeightFlow,
    /// Group 9: its end is ridgeless regression with the kernel.
    Ridgeless,
    /// Group 10: kernels of different initialisations differ by `O(h^{−1/2})`.
    WidthFluctuation,
    /// Group 10: their mean approaches the kernel of infinite width as `O(1/h)`.
    WidthBias,
    /// Group 10: the kernel changes by `O(1/α)`.
    LazyLimit,
}

impl Invariant {
    /// The number of its group in the list that the project keeps, 1 to 10.
    pub fn group(self) -> u8 {
        match self {
            Self::Symmetry | Self::PositiveSemidefinite | Self::Trace => 1,
            Self::Differences | Self::Products | Self::QuadraticForm | Self::WaysAgree => 2,
            Self::GroupsAddUp | Self::GroupRates => 3,
            Self::CrossIsBlock | Self::Permutation | Self::Batches => 4,
            Self::Scale | Self::VanishesAtStart => 5,
            Self::Homogeneity | Self::Euler => 6,
            Self::SymmetryKeepsOutput
            | Self::SymmetryKeepsKernel
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
            Self::WaysAgree => "all ways to a kernel agree",
            Self::GroupsAddUp => "the kernels of groups of parameters add up",
            Self::GroupRates => "with a rate per group the kernel is Σ η_l Θ_l",
            Self::CrossIsBlock => "a cross-kernel is a block of the joint kernel",
            Self::Permutation => "permuting the points permutes the kernel",
            Self::Batches => "the size of batches does not matter",
            Self::Scale => "the kernel of α(f − f₀) is α² that of f",
            Self::VanishesAtStart => "F vanishes at the initial weights",
            Self::Homogeneity => "f(cx) = c f(x) and Θ(cx, cx') = c² Θ(x, x')",
            Self::Euler => "w·∇f = (number of layers) f",
            Self::SymmetryKeepsOutput => "a symmetry of the hidden units keeps f",
            Self::SymmetryKeepsKernel => "permuting hidden units keeps the kernel",
            Self::RescalingChangesKernel => "rescaling hidden units changes the kernel",
            Self::StepOrder => "Δf = −ηΘ∂L + O(η²)",
            Self::Descent => "dL/dt = −gᵀΘg ≤ 0",
            Self::KernelFlow => "a flow with a frozen kernel is its closed form",
            Self::Semigroup => "to flow for t and then for s is to flow for t + s",
            Self::WeightFlow => "the flow of the linearised weights is that of the kernel",
            Self::Ridgeless => "the flow ends at ridgeless regression",
            Self::WidthFluctuation => "kernels fluctuate as h^(−1/2)",
            Self::WidthBias => "the mean kernel approaches its limit as 1/h",
            Self::LazyLimit => "the kernel changes as 1/α",
        })
    }
}

/// An invariant that does not hold, with the numbers that say so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Violation {
    /// Two numbers that should be the same.
    #[error(
        "{invariant}: {what} at {at:?} is {found}, but {expected} was expected, \
         give or take {allowed}"
    )]
    Differs {
        /// What does not hold.
        invariant: Invariant,
        /// The quantity that was looked at.
        what: &'static str,
        /// Where in it, by index.
        at: Vec<usize>,
        /// Its value.
        found: f64,
        /// What it should be.
        expected: f64,
        /// How far apart the two may be.
        allowed: f64,
    },
    /// A number on the wrong side of a bound.
    #[error("{invariant}: {what} is {found}, beyond the bound {bound}")]
    Beyond {
        /// What does not hold.
        invariant: Invariant,
        /// The quantity that was looked at.
        what: &'static str,
        /// Its value.
        found: f64,
        /// The bound.
        bound: f64,
    },
    /// An array of the wrong shape.
    #[error("{invariant}: {what} has shape {found:?}, but {expected:?} was expected")]
    Shape {
        /// The invariant that was being checked.
        invariant: Invariant,
        /// The array that was looked at.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// What it should be.
        expected: Vec<usize>,
    },
    /// An exponent whose interval is not where it should be.
    #[error(
        "{invariant}: the exponent lies between {low} and {high}, but within {margin} of \
         {target} was expected"
    )]
    Exponent {
        /// What does not hold.
        invariant: Invariant,
        /// Lower end of the interval that was fitted.
        low: f64,
        /// Its upper end.
        high: f64,
        /// What the exponent should be.
        target: f64,
        /// How far from it the interval may reach.
        margin: f64,
    },
    /// Numbers from which no exponent can be fitted.
    #[error("{invariant}: no exponent can be fitted")]
    NoExponent {
        /// The invariant that was being checked.
        invariant: Invariant,
        /// Why.
        #[source]
        source: regime_scaling::ExponentError,
    },
    /// A kernel on which the invariant cannot be told from rounding.
    #[error("{invariant}: eigenvalues differ by a factor of {condition}, too much to tell")]
    IllConditioned {
        /// The invariant that was being checked.
        invariant: Invariant,
        /// Ratio of the largest eigenvalue to the one that is neither large enough to
        /// count nor small enough to be rounding.
        condition: f64,
    },
}

impl Violation {
    /// The invariant that does not hold.
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
