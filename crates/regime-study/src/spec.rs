//! What a run depends on.

use regime_data::DataSpec;
use regime_models::{Alpha, NetworkSpec, Precision};
use regime_train::{FlowSpec, Loss, SpecError, StochasticSpec};
use serde::{Deserialize, Serialize};

use crate::{
    dynamics::Dynamics,
    error::StudyError,
    frozen_kernel::FrozenKernel,
    place::{BackendName, DeviceName},
};

/// Everything one run depends on. Equal specs give the same bits, but for runs that train together
/// on a GPU: see [`run_batch_on`](crate::run_batch_on).
///
/// In a file, what is absent takes its default: all but the network and α.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Where tensors live.
    #[serde(default)]
    pub backend: BackendName,
    /// Which device of the backend. No part of the name of a run on the CPU.
    #[serde(default, skip_serializing_if = "DeviceName::is_cpu")]
    pub device: DeviceName,
    /// Their element type.
    #[serde(default)]
    pub precision: Precision,
    /// The points, and the seed that orders them.
    #[serde(default)]
    pub data: DataSpec,
    /// SHA-256 of the raw data behind them, so that a folder of images whose
    /// content changes is another run; empty until the data have been read.
    #[serde(default)]
    pub data_sha256: String,
    /// The network.
    pub network: NetworkSpec,
    /// α, in the convention of the paper (last layer `/√h`).
    pub alpha: f64,
    /// The loss of a margin.
    #[serde(default = "soft_hinge")]
    pub loss: Loss,
    /// How the network is trained, and until when.
    #[serde(default)]
    pub dynamics: Dynamics,
    /// Kernels to learn with beside the network, on the same points, by the same dynamics.
    /// No part of the name of a run that has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<FrozenKernel>,
    /// `F` at the end is kept on the first so many test points. No part of the name of a
    /// run that keeps none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outputs_kept: usize,
    /// The kernel change is measured at every observation, not only at `t₁` and at the end.
    /// No part of the name of a run without.
    #[serde(default, skip_serializing_if = "is_false")]
    pub kernel_path: bool,
    /// The tangent kernel on the first so many kernel points is kept, as it was at the
    /// beginning and at the end. No part of the name of a run that keeps none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gram_kept: usize,
    /// What the run may cost at most. No part of its name: a run goes on with a larger
    /// budget from where it stands.
    #[serde(default, skip_serializing)]
    pub budget: Budget,
    /// Seed of the initial weights, and of the batches.
    #[serde(default)]
    pub seed: u64,
}

/// The largest number of parameters of a network; more is a typing error.
const MAX_PARAMETERS: usize = 1 << 32;

/// The largest number of frozen kernels.
const MAX_FROZEN: usize = 100;

/// # Errors
/// For more parameters than any memory holds.
pub(crate) fn check_parameters(n_params: usize) -> Result<(), StudyError> {
    if n_params <= MAX_PARAMETERS {
        return Ok(());
    }
    let message =
        format!("network: it has {n_params} parameters, but must have at most {MAX_PARAMETERS}");
    Err(StudyError::Mismatch(message))
}

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

/// A limit that, unlike those of the flow, depends on the machine: a run that
/// meets it fails and leaves a checkpoint, from which the next call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Wall-clock seconds, of one call.
    pub max_wall_s: f64,
}

impl Default for Budget {
    /// An hour.
    fn default() -> Self {
        Self { max_wall_s: 3600.0 }
    }
}

impl RunSpec {
    /// A network at some α (in the convention of the paper), with the defaults for all else:
    /// the implicit gradient flow on 1000 embedded images of MNIST, until every margin is
    /// reached.
    pub fn new(network: NetworkSpec, alpha: f64) -> Self {
        Self {
            backend: BackendName::default(),
            device: DeviceName::default(),
            precision: Precision::default(),
            data: DataSpec::default(),
            data_sha256: String::new(),
            network,
            alpha,
            loss: soft_hinge(),
            dynamics: Dynamics::default(),
            frozen: Vec::new(),
            outputs_kept: 0,
            kernel_path: false,
            gram_kept: 0,
            budget: Budget::default(),
            seed: 0,
        }
    }

    /// The JSON Schema of a spec in a file, with a description of every field.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(RunSpec).to_value()
    }

    /// The spec as JSON with all fields, those at their defaults too.
    pub fn complete(&self) -> serde_json::Value {
        let mut spec = serde_json::to_value(self).unwrap_or_default();
        let left_out = serde_json::json!({
            "device": self.device,
            "frozen": self.frozen,
            "outputs_kept": self.outputs_kept,
            "kernel_path": self.kernel_path,
            "gram_kept": self.gram_kept,
            "budget": self.budget,
        });
        if let (Some(fields), serde_json::Value::Object(left_out)) =
            (spec.as_object_mut(), left_out)
        {
            fields.extend(left_out);
        }
        if let Some(data) = spec["data"].as_object_mut() {
            data.insert("training_set".into(), serde_json::json!(self.data.training_set));
        }
        if let Dynamics::Flow(FlowSpec { stop, .. })
        | Dynamics::Stochastic(StochasticSpec { stop, .. }) = self.dynamics
            && let Some(fields) = spec["dynamics"]["stop"].as_object_mut()
        {
            fields.insert("at_half_loss".into(), stop.at_half_loss.into());
        }
        spec
    }

    /// Checks all that can be checked without the data.
    ///
    /// # Errors
    /// One line that names the first field out of its range.
    pub fn check(&self) -> Result<(), StudyError> {
        let net = self.network.build().map_err(StudyError::Network)?;
        Alpha::paper(self.alpha).map_err(StudyError::Alpha)?;
        self.loss.check()?;
        self.data.check()?;
        match self.dynamics {
            Dynamics::Flow(spec) => spec.check().map(drop),
            Dynamics::Stochastic(spec) => spec.check().map(drop),
        }
        .map_err(|SpecError { field, value, right }| {
            StudyError::field(format!("dynamics.{field}"), value, format!("must be {right}"))
        })?;
        for (index, kernel) in self.frozen.iter().enumerate() {
            if let FrozenKernel::At(t) = *kernel
                && !(t.is_finite() && t > 0.0)
            {
                let requirement = "must be finite and greater than 0";
                return Err(StudyError::field(format!("frozen[{index}].at"), t, requirement));
            }
            if *kernel == FrozenKernel::InfiniteWidth
                && !matches!(self.network, NetworkSpec::Dense(_))
            {
                return Err(StudyError::Mismatch(format!(
                    "frozen: infinite-width exists for dense networks only, but this network is {}",
                    self.network.architecture()
                )));
            }
        }
        let kept = [
            ("outputs_kept", self.outputs_kept, self.data.n_test, "data.n_test"),
            ("gram_kept", self.gram_kept, self.data.n_kernel, "data.n_kernel"),
        ];
        for (field, kept, most, of) in kept {
            if kept > most {
                return Err(StudyError::field(
                    field,
                    kept,
                    format!("must be at most {most}, {of}"),
                ));
            }
        }
        let most = self.budget.max_wall_s;
        if most.is_nan() || most <= 0.0 {
            let requirement = "must be greater than 0";
            return Err(StudyError::field("budget.max_wall_s", most, requirement));
        }
        if self.frozen.len() > MAX_FROZEN {
            let requirement = format!("must be at most {MAX_FROZEN}");
            return Err(StudyError::field(
                "the number of frozen kernels",
                self.frozen.len(),
                requirement,
            ));
        }
        check_parameters(net.n_params())
    }

    /// `√h · α`, the combination in which the paper's curves collapse.
    pub fn sqrt_h_alpha(&self) -> f64 {
        (self.network.width() as f64).sqrt() * self.alpha
    }
}
