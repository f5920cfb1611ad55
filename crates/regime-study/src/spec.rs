//! The spec of a run.

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

/// Everything that one run depends on. Equal specs give the same bits, except for runs that train
/// as one batch on a GPU: see [`run_batch_on`](crate::run_batch_on).
///
/// In a file, absent fields take their defaults; only `network` and `alpha` are required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Backend that holds the tensors (default `flex`).
    #[serde(default)]
    pub backend: BackendName,
    /// Device of the backend: `cpu`, `cuda:0`, `cuda:1` and so on (default `cpu`). The default is
    /// not part of the key of the run.
    #[serde(default, skip_serializing_if = "DeviceName::is_cpu")]
    pub device: DeviceName,
    /// Element type of the tensors (default `f64`).
    #[serde(default)]
    pub precision: Precision,
    /// Data set, with the seed of the order of its points.
    #[serde(default)]
    pub data: DataSpec,
    /// SHA-256 of the raw data as hexadecimal digits (default: empty, until the data have been
    /// read). A folder of images whose content has changed is therefore another run.
    #[serde(default)]
    pub data_sha256: String,
    /// Network to train.
    pub network: NetworkSpec,
    /// α of `F = α(f − f₀)`, in the convention of the paper, last layer `/√h` (finite, above 0).
    pub alpha: f64,
    /// Loss of one training margin (default: soft hinge with β = 20).
    #[serde(default = "soft_hinge")]
    pub loss: Loss,
    /// Training method and its end (default: the adaptive gradient flow until every margin is
    /// reached).
    #[serde(default)]
    pub dynamics: Dynamics,
    /// Frozen kernels to train on the same points with the same dynamics (at most 100, default
    /// none). The default is not part of the key of the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<FrozenKernel>,
    /// Number of test points, counted from the first, whose final `F` is recorded (0 to
    /// `data.n_test`, default 0). The default is not part of the key of the run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outputs_kept: usize,
    /// Whether to measure the kernel change at every observation, and not only at `t₁` and at the
    /// end (default false). The default is not part of the key of the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub kernel_path: bool,
    /// Number of kernel points, counted from the first, whose initial and final tangent kernel is
    /// recorded (0 to `data.n_kernel`, default 0). The default is not part of the key of the run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gram_kept: usize,
    /// Limit on the cost of the run (default: one hour of wall-clock time). It is not part of the
    /// key of the run: with a larger budget, the run continues from its checkpoint.
    #[serde(default, skip_serializing)]
    pub budget: Budget,
    /// Seed of the initial weights and of the batches (any whole number from 0, default 0).
    #[serde(default)]
    pub seed: u64,
}

/// The largest number of parameters of a network; a larger one is a typing error.
const MAX_PARAMETERS: usize = 1 << 32;

/// The largest number of frozen kernels.
const MAX_FROZEN: usize = 100;

/// Checks the number of parameters of a network.
///
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// The loss of the paper's later version.
fn soft_hinge() -> Loss {
    Loss::SoftHinge { beta: 20.0 }
}

/// A limit that depends on the machine, unlike the limits of the flow. A run that
/// reaches it fails and leaves a checkpoint, from which the next call continues.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Largest wall-clock time of one call, in seconds (above 0, default 3600).
    pub max_wall_s: f64,
}

impl Default for Budget {
    /// An hour.
    fn default() -> Self {
        Self { max_wall_s: 3600.0 }
    }
}

impl RunSpec {
    /// A run of `network` at `alpha` (in the convention of the paper) with all other fields at
    /// their defaults: the adaptive gradient flow on 1000 embedded images of MNIST, until every
    /// margin is reached.
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

    /// The spec as JSON with all fields, including those at their defaults.
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

    /// Checks everything that can be checked without the data.
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
                    "frozen: infinite-width needs a dense network, but this one is {}",
                    self.network.architecture()
                )));
            }
        }
        let requests = [
            ("outputs_kept", self.outputs_kept, self.data.n_test, "data.n_test"),
            ("gram_kept", self.gram_kept, self.data.n_kernel, "data.n_kernel"),
        ];
        for (field, requested, max, of) in requests {
            if requested > max {
                let requirement = format!("must be at most {max}, {of}");
                return Err(StudyError::field(field, requested, requirement));
            }
        }
        let max_wall_s = self.budget.max_wall_s;
        if max_wall_s.is_nan() || max_wall_s <= 0.0 {
            let requirement = "must be greater than 0";
            return Err(StudyError::field("budget.max_wall_s", max_wall_s, requirement));
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
