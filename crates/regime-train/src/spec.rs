//! The settings of a run, as serialisable values.

use burn_tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

/// How the flow is integrated.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "scheme")]
#[serde(deny_unknown_fields)]
pub enum Scheme {
    /// First-order steps, one gradient each, with the step size adapted by `rule`. Stability
    /// limits the step size: a run takes 10³ to 10⁷ steps.
    Explicit {
        /// When a step is accepted, and how the next step size is chosen.
        rule: StepRule,
    },
    /// Chooses each step from measurements during the run: an implicit step, which leaves out
    /// settled points, or a large step in function space, after which the weights are updated
    /// once. A run takes from ten steps, where the kernel changes little, to a few hundred.
    Adaptive {
        /// The error of `F` on the training points that is allowed at events and at the end, in
        /// units of `max(1, |F_i|)`; in (0, 1). Default 0.1.
        ///
        /// The error allowed in a single step is a tenth of it, measured as
        /// `max_i |ΔF_i|/max(s, |F_i|)` with `s = min(1, α √⟨f²⟩)`; `s = min(1, α max(1, √⟨f²⟩))` for a
        /// network whose initial outputs are all zero, and `s = 1` for a model that is linear in its
        /// weights and starts at zero. With real-valued targets, their root mean square takes the place
        /// of both 1. How these errors accumulate was measured on a dozen problems,
        /// see `docs/dynamics.md`.
        #[serde(default = "tolerance_at_the_end")]
        tolerance: f64,
    },
    /// The linearly implicit two-stage method ROS2 with the tangent kernel of the points near
    /// their margin: second order, a few hundred steps. One step costs two gradients, one kernel
    /// on the `m` active points and one factorisation of an `m × m` matrix. The adaptive scheme is
    /// compared with it.
    #[serde(alias = "implicit")]
    Reference {
        /// Error allowed in a single step, `max_i |ΔF_i|/max(s, |F_i|)` as in the adaptive scheme;
        /// in (0, 1). Default 10⁻².
        #[serde(default = "tolerance")]
        tolerance: f64,
        /// A point is active when its curvature `ℓ''` exceeds this fraction of the largest
        /// curvature of the loss; in [0, 1). Default 10⁻³.
        #[serde(default = "active_above")]
        active_above: f64,
    },
}

fn tolerance_at_the_end() -> f64 {
    0.1
}

fn tolerance() -> f64 {
    1e-2
}

fn active_above() -> f64 {
    1e-3
}

/// The error allowed in a step, as a fraction of the error allowed at the end.
const OF_A_STEP: f64 = 0.1;

impl Scheme {
    /// The adaptive scheme with its default tolerance.
    pub fn adaptive() -> Self {
        Self::Adaptive { tolerance: tolerance_at_the_end() }
    }

    /// The reference scheme with its default tolerance.
    pub fn reference() -> Self {
        Self::Reference { tolerance: tolerance(), active_above: active_above() }
    }

    /// The error allowed in a single step with the tangent kernel; `None` for a scheme without
    /// such steps.
    pub fn step_tolerance(self) -> Option<f64> {
        self.implicit_steps().map(|steps| steps.tolerance)
    }

    /// The settings of steps with the tangent kernel; `None` for a scheme without such steps.
    pub(crate) fn implicit_steps(self) -> Option<ImplicitSteps> {
        match self {
            Self::Explicit { .. } => None,
            // Measured: `active_above` 0.03 takes as many steps as 10⁻³ with half the kernels; 0.1
            // takes twice as many steps. `safety` 0.75 rejects fewer steps than 0.9: the same
            // work, with less error.
            Self::Adaptive { tolerance } => {
                let tolerance = OF_A_STEP * tolerance;
                Some(ImplicitSteps { tolerance, active_above: 0.03, safety: 0.75 })
            }
            Self::Reference { tolerance, active_above } => {
                Some(ImplicitSteps { tolerance, active_above, safety: 0.9 })
            }
        }
    }

    /// The explicit scheme of the paper's first version.
    pub fn explicit() -> Self {
        Self::Explicit { rule: StepRule::output_change() }
    }
}

/// The settings of steps with the tangent kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ImplicitSteps {
    /// Error allowed in `max_i |ΔF_i|/max(s, |F_i|)`, see [`Scheme`].
    pub(crate) tolerance: f64,
    /// The fraction of the largest curvature above which a point is active.
    pub(crate) active_above: f64,
    /// The next step size is this fraction of the step size whose error would equal the tolerance.
    pub(crate) safety: f64,
}

/// How an explicit step is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "rule")]
#[serde(deny_unknown_fields)]
pub enum StepRule {
    /// Rule of the paper's first version. With `df = max_i |ΔF_i|` over a step: above `undo_above`
    /// the step is rejected and retried with dt/10; below `grow_below` it is accepted and dt is
    /// multiplied by 1.1 (by 10 when `df` is 0); otherwise it is accepted and dt stays the same.
    OutputChange {
        /// A step that changes any `F` by more is rejected and retried with dt/10; the paper: 10⁻².
        undo_above: f64,
        /// dt is multiplied by 1.1 after a step that changes every `F` by less; the paper: 10⁻⁴.
        grow_below: f64,
    },
    /// Rule of the later version. A step is accepted, and dt is multiplied by 1.1, when
    /// `‖g − g'‖²/(‖g‖‖g'‖)` of the gradients before and after is below `max_turn` and
    /// `max_i |ΔF_i|` below `max_output_change`; otherwise it is rejected and retried with dt/10.
    GradientTurn {
        /// Largest accepted `‖g − g'‖²/(‖g‖‖g'‖)` of the gradients before and after a step; the later version: 10⁻⁴.
        max_turn: f64,
        /// Largest accepted change of any `F` in a step; the later version: 0.1.
        max_output_change: f64,
    },
}

impl StepRule {
    /// The first version's rule with its constants.
    pub fn output_change() -> Self {
        Self::OutputChange { undo_above: 1e-2, grow_below: 1e-4 }
    }

    /// The later version's rule with its constants.
    pub fn gradient_turn() -> Self {
        Self::GradientTurn { max_turn: 1e-4, max_output_change: 0.1 }
    }
}

/// The inertia of `dw/dt = v`, `dv/dt = −(v + ∇L)/τ`.
///
/// Over an explicit step of size dt the velocity becomes `x v − (1 − x) ∇L`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "inertia")]
#[serde(deny_unknown_fields)]
pub enum Momentum {
    /// Plain gradient flow, `x = 0`.
    #[default]
    None,
    /// `x = e^{−dt/τ}`.
    Constant {
        /// Memory time τ > 0, in the time of the flow.
        tau: f64,
    },
    /// `τ = t/μ`, so `x = (t/(t + dt))^μ`; the paper takes μ = 1000, which is very
    /// close to plain gradient flow.
    Proportional {
        /// μ > 0.
        mu: f64,
    },
}

impl Momentum {
    /// The factor `x` for a step of size `dt` that starts at time `t`.
    pub fn memory(self, t: f64, dt: f64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Constant { tau } => (-dt / tau).exp(),
            Self::Proportional { mu } => (t / (t + dt)).powf(mu),
        }
    }

    /// `1 − x`, to full precision also where the step is much shorter than the memory time.
    pub fn forgetting(self, t: f64, dt: f64) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Constant { tau } => -(-dt / tau).exp_m1(),
            Self::Proportional { mu } => -(-mu * (dt / t).ln_1p()).exp_m1(),
        }
    }

    /// The velocity after a step: `x v − (1 − x) ∇L`.
    pub(crate) fn pull<B: Backend>(
        self,
        velocity: &Tensor<B, 1>,
        gradient: Tensor<B, 1>,
        (t, dt): (f64, f64),
    ) -> Tensor<B, 1> {
        let pull = gradient.mul_scalar(-self.forgetting(t, dt));
        velocity.clone().mul_scalar(self.memory(t, dt)) + pull
    }

    pub(crate) fn check(self) -> Result<(), SpecError> {
        match self {
            Self::None => Ok(()),
            Self::Constant { tau } => positive("momentum.tau", tau),
            Self::Proportional { mu } => positive("momentum.mu", mu),
        }
    }

    /// The memory time τ at time `t`; 0 for none.
    pub fn memory_time(self, t: f64) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Constant { tau } => tau,
            Self::Proportional { mu } => t / mu,
        }
    }
}

/// When a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// The stopping margin: the margin `u` that every training point has to reach; the paper: 1.
    /// With a quadratic hinge or a squared loss, margins reach 1 only as t → ∞: set a smaller
    /// margin, or set `max_time`. A flow ends with its smallest margin at most 10⁻³ beyond the
    /// stopping margin: a step that goes farther is rejected and retried with a shorter step, up
    /// to six times.
    ///
    /// With classes, the margin of a point is `F_y − max_{k≠y} F_k`. With real-valued targets it is
    /// the largest residual of the point, times −1: see [`Stop::residual`].
    pub margin: f64,
    /// Maximum number of steps, accepted or rejected.
    pub max_steps: u64,
    /// Maximum time, in the time of the flow; `None` for no limit.
    pub max_time: Option<f64>,
    /// Whether the run ends as soon as `t₁` is found, the time at which the mean loss falls below
    /// half its initial value. Default: no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_half_loss: bool,
}

impl Stop {
    /// Ends when every residual `|F − y|` of real-valued targets is at most `residual`, which is the
    /// stopping margin `−residual`.
    pub fn residual(residual: f64) -> Self {
        Self { margin: -residual, ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), SpecError> {
        if !self.margin.is_finite() {
            let value = self.margin;
            return Err(SpecError { field: "stop.margin", value, right: "finite" });
        }
        if let Some(value) = self.max_time {
            positive("stop.max_time", value)?;
        }
        positive("stop.max_steps", self.max_steps as f64)
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { margin: 1.0, max_steps: 1_000_000, max_time: None, at_half_loss: false }
    }
}

/// The settings of a flow, without its system and its initial weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct FlowSpec {
    /// The integrator.
    pub scheme: Scheme,
    /// The inertia of the flow.
    pub momentum: Momentum,
    /// When to end.
    pub stop: Stop,
    /// Observations per decade of time, at least 1; the first lies within one step of the start.
    /// The network is observed at these times also inside a large step.
    pub observations_per_decade: u32,
}

impl Default for FlowSpec {
    fn default() -> Self {
        Self {
            scheme: Scheme::adaptive(),
            momentum: Momentum::None,
            stop: Stop::default(),
            observations_per_decade: 4,
        }
    }
}

impl FlowSpec {
    /// Whether a [`FlowBatch`](crate::FlowBatch) can integrate flows with these settings: they
    /// need implicit steps and no momentum.
    pub fn advances_in_batches(&self) -> bool {
        self.scheme.implicit_steps().is_some() && self.momentum == Momentum::None
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`SpecError`] naming the first parameter that is out of its range.
    pub fn check(self) -> Result<Self, SpecError> {
        match self.scheme {
            Scheme::Explicit { rule: StepRule::OutputChange { undo_above, grow_below } } => {
                positive("scheme.rule.undo_above", undo_above)?;
                positive("scheme.rule.grow_below", grow_below)?;
                if grow_below > undo_above {
                    let right = "at most undo_above";
                    return Err(SpecError {
                        field: "scheme.rule.grow_below",
                        value: grow_below,
                        right,
                    });
                }
            }
            Scheme::Explicit { rule: StepRule::GradientTurn { max_turn, max_output_change } } => {
                positive("scheme.rule.max_turn", max_turn)?;
                positive("scheme.rule.max_output_change", max_output_change)?;
            }
            Scheme::Adaptive { .. } | Scheme::Reference { .. } => {}
        }
        if let Scheme::Adaptive { tolerance } | Scheme::Reference { tolerance, .. } = self.scheme {
            positive("scheme.tolerance", tolerance)?;
            if tolerance >= 1.0 {
                let right = "smaller than 1";
                return Err(SpecError { field: "scheme.tolerance", value: tolerance, right });
            }
        }
        if let Scheme::Reference { active_above, .. } = self.scheme
            && !(0.0..1.0).contains(&active_above)
        {
            let right = "at least 0 and smaller than 1";
            return Err(SpecError { field: "scheme.active_above", value: active_above, right });
        }
        self.momentum.check()?;
        self.stop.check()?;
        positive("observations_per_decade", f64::from(self.observations_per_decade))?;
        Ok(self)
    }
}

/// A parameter out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} is {value}, but must be {right}")]
pub struct SpecError {
    /// The path of the field in its spec, such as `stop.margin`.
    pub field: &'static str,
    /// Its value.
    pub value: f64,
    /// The requirement that the value fails.
    pub right: &'static str,
}

impl SpecError {
    /// Reports a checkpoint with `found` values for a network of `n_params` parameters.
    pub(crate) fn check_parameter_count(found: usize, n_params: usize) -> Result<(), Self> {
        if found == n_params {
            return Ok(());
        }
        let right = "the number of parameters of the network";
        Err(Self { field: "length of the checkpoint", value: found as f64, right })
    }
}

impl SpecError {
    /// Reports a list in a checkpoint that is not a list of distinct points, in increasing order,
    /// of a training set of `n` points.
    pub(crate) fn check_points(
        field: &'static str,
        points: &[usize],
        n: usize,
    ) -> Result<(), Self> {
        let increase = points.windows(2).all(|pair| pair[0] < pair[1]);
        if increase && points.last().is_some_and(|&last| last < n) {
            return Ok(());
        }
        let right = "a list of distinct points of the training set, in increasing order";
        Err(Self { field, value: points.len() as f64, right })
    }
}

/// Reports a field whose value is not finite and positive.
pub(crate) fn positive(field: &'static str, value: f64) -> Result<(), SpecError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(SpecError { field, value, right: "finite and greater than 0" })
    }
}
