use std::{fmt, str::FromStr};

use anyhow::{Context, bail};
use regime_data::DataSpec;
use regime_lab::Spec;
use regime_models::{Alpha, NetworkSpec, Precision};
use regime_train::{FlowSpec, Loss, Scheme, StochasticSpec, Stop};
use serde::{Deserialize, Serialize};

/// Everything one run depends on. Equal specs give the same bits.
///
/// In a file, what is absent takes its default: all but the network and α.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunSpec {
    /// Where tensors live.
    #[serde(default)]
    pub(crate) backend: BackendName,
    /// Which device of the backend. No part of the name of a run on the CPU.
    #[serde(default, skip_serializing_if = "DeviceName::is_cpu")]
    pub(crate) device: DeviceName,
    /// Their element type.
    #[serde(default)]
    pub(crate) precision: Precision,
    /// The points, and the seed that orders them.
    #[serde(default)]
    pub(crate) data: DataSpec,
    /// SHA-256 of the raw data behind them, so that a folder of images whose
    /// content changes is another run; empty until the data have been read.
    #[serde(default)]
    pub(crate) data_sha256: String,
    /// The network.
    pub(crate) network: NetworkSpec,
    /// α, in the convention of the paper (last layer `/√h`).
    pub(crate) alpha: f64,
    /// The loss of a margin.
    #[serde(default = "soft_hinge")]
    pub(crate) loss: Loss,
    /// How the network is trained, and until when.
    #[serde(default)]
    pub(crate) dynamics: Dynamics,
    /// Kernels to learn with beside the network, on the same points, by the same dynamics.
    /// No part of the name of a run that has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) frozen: Vec<FrozenKernel>,
    /// `F` at the end is kept on the first so many test points. No part of the name of a
    /// run that keeps none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) outputs_kept: usize,
    /// The kernel change is measured at every observation, not only at `t₁` and at the end.
    /// No part of the name of a run without.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) kernel_path: bool,
    /// The tangent kernel on the first so many kernel points is kept, as it was at the
    /// beginning and at the end. No part of the name of a run that keeps none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) gram_kept: usize,
    /// What the run may cost at most. No part of its name: a run goes on with a larger
    /// budget from where it stands.
    #[serde(default, skip_serializing)]
    pub(crate) budget: Budget,
    /// Seed of the initial weights, and of the batches.
    #[serde(default)]
    pub(crate) seed: u64,
}

/// Parameters beyond which a network is a slip of the finger.
const MOST_PARAMETERS: usize = 1 << 32;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The loss of the paper's later version.
fn soft_hinge() -> Loss {
    Loss::SoftHinge { beta: 20.0 }
}

/// How a network is trained.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Dynamics {
    /// The gradient flow on all points.
    Flow(FlowSpec),
    /// Batches of points, as in the paper's setup (B).
    Stochastic(StochasticSpec),
}

impl Default for Dynamics {
    fn default() -> Self {
        Self::Flow(FlowSpec::default())
    }
}

impl Dynamics {
    /// A few words for tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flow(FlowSpec { scheme: Scheme::Implicit { .. }, .. }) => "implicit",
            Self::Flow(FlowSpec { scheme: Scheme::Explicit { .. }, .. }) => "explicit",
            Self::Stochastic(_) => "stochastic",
        }
    }

    /// What the implicit scheme keeps the error of a step below; the others have no such
    /// number.
    pub(crate) fn tolerance(self) -> Option<f64> {
        match self {
            Self::Flow(FlowSpec { scheme: Scheme::Implicit { tolerance, .. }, .. }) => {
                Some(tolerance)
            }
            _ => None,
        }
    }

    /// When it ends.
    pub(crate) fn stop_mut(&mut self) -> &mut Stop {
        match self {
            Self::Flow(spec) => &mut spec.stop,
            Self::Stochastic(spec) => &mut spec.stop,
        }
    }
}

/// A kernel that does not change while it learns. In a file: `"initial"`, `"half-loss"`,
/// `"end"`, `{"at": t}` or `"infinite-width"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FrozenKernel {
    /// The tangent kernel of the network at its initial weights: the limit of large α.
    Initial,
    /// Its tangent kernel just after `t₁`.
    HalfLoss,
    /// Its tangent kernel when training ended.
    End,
    /// Its tangent kernel at the first observation at or after this time, in the
    /// convention of the paper. Observations are log-spaced.
    At(f64),
    /// That of the fully connected network of infinite width: the lazy limit of the
    /// experiment, without fluctuations.
    InfiniteWidth,
}

impl FrozenKernel {
    /// As in a table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Initial => "initial".into(),
            Self::HalfLoss => "half-loss".into(),
            Self::End => "end".into(),
            Self::At(t) => format!("t={t}"),
            Self::InfiniteWidth => "infinite-width".into(),
        }
    }
}

/// A limit that, unlike those of the flow, depends on the machine: a run that
/// meets it fails and leaves a checkpoint, from which the next call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budget {
    /// Wall-clock seconds, of one call.
    pub(crate) max_wall_s: f64,
}

impl Default for Budget {
    /// An hour.
    fn default() -> Self {
        Self { max_wall_s: 3600.0 }
    }
}

/// The backends this program can be built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BackendName {
    /// `burn-flex`: pure Rust, the default.
    #[default]
    Flex,
    /// `burn-ndarray`.
    Ndarray,
    /// `burn-tch`: LibTorch.
    Tch,
}

/// A device, `cpu` or `cuda:0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The GPU of this number, counted from 0.
    Cuda(u8),
}

impl DeviceName {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let index = || text.strip_prefix("cuda:")?.parse().ok();
        match (text, index()) {
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(index)) => Ok(Self::Cuda(index)),
            _ => Err(format!("there is no device '{text}': choose cpu, or cuda:0 and so on")),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(device: DeviceName) -> Self {
        device.to_string()
    }
}

impl BackendName {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Flex, Self::Ndarray, Self::Tch];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Tch => "tch",
        }
    }
}

impl RunSpec {
    /// Checks all that can be checked without the data.
    ///
    /// # Errors
    /// One line that names the first field out of its range.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let net = self.network.build().context("network")?;
        Alpha::paper(self.alpha)?;
        self.loss.check()?;
        self.data.check()?;
        match self.dynamics {
            Dynamics::Flow(spec) => spec.check().map(drop)?,
            Dynamics::Stochastic(spec) => spec.check().map(drop)?,
        }
        for kernel in &self.frozen {
            if let FrozenKernel::At(t) = *kernel
                && !(t.is_finite() && t > 0.0)
            {
                bail!(
                    "the time of a frozen kernel is {t}, but has to be finite and greater than 0"
                );
            }
            if *kernel == FrozenKernel::InfiniteWidth
                && !matches!(self.network, NetworkSpec::Dense(_))
            {
                bail!(
                    "frozen: infinite-width is there for a dense network, but this one is {}",
                    self.network.architecture()
                );
            }
        }
        if self.outputs_kept > self.data.n_test {
            bail!(
                "outputs_kept is {}, but there are {} test points",
                self.outputs_kept,
                self.data.n_test
            );
        }
        if self.gram_kept > self.data.n_kernel {
            bail!(
                "gram_kept is {}, but there are {} kernel points",
                self.gram_kept,
                self.data.n_kernel
            );
        }
        let most = self.budget.max_wall_s;
        if most.is_nan() || most <= 0.0 {
            bail!("budget.max_wall_s is {most}, but has to be greater than 0");
        }
        if net.n_params() > MOST_PARAMETERS {
            bail!("network: it has {} parameters, more than any memory holds", net.n_params());
        }
        Ok(())
    }

    /// `√h · α`, the combination in which the paper's curves collapse.
    pub(crate) fn root_width_alpha(&self) -> f64 {
        (self.network.width() as f64).sqrt() * self.alpha
    }
}

impl Spec for RunSpec {
    const KIND: &'static str = "regime-run";
    const VERSION: u32 = 3;

    fn cost(&self) -> f64 {
        self.run_cost()
    }
}
