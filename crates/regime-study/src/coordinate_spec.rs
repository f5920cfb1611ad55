//! The spec of a coordinate check.

use regime_data::DataSpec;
use regime_models::Precision;
use regime_train::Loss;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::place::{BackendName, DeviceName};

/// Everything that a coordinate check depends on. In a file, absent fields take their defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CoordinateSpec {
    /// Backend that holds the tensors (default `flex`).
    pub backend: BackendName,
    /// Device of the backend: `cpu`, `cuda:0`, `cuda:1` and so on (default `cpu`).
    pub device: DeviceName,
    /// Element type of the tensors (default `f64`).
    pub precision: Precision,
    /// Data set: training points to train on and kernel points to measure on (default: 16 and 32
    /// of the embedded images, ten components).
    pub data: DataSpec,
    /// Network as in a run, without its width (default: dense, three hidden layers, tanh).
    pub network: Map<String, Value>,
    /// Widths of the network, 2 to 100 different ones (default 32, 64, 128, 256, 512).
    pub widths: Vec<usize>,
    /// Number of initialisations per width (1 to 10,000, default 8).
    pub seeds: u64,
    /// Parametrisation, as a name or a table (default `ntk`).
    pub parametrisation: Value,
    /// α of `F = α(f − f₀)`, in the convention of the parametrisation (finite, above 0, default 1).
    pub alpha: f64,
    /// Exponent `a` of the factor `h^(−a)` of α at the width `h` (finite, default 0).
    pub alpha_exponent: f64,
    /// Base learning rate (finite, above 0, default 0.3).
    pub rate: f64,
    /// Exponent `b` of the factor `h^(−b)` of all learning rates at the width `h` (finite, default 0).
    /// The factors of the parametrisation come in addition.
    pub rate_exponent: f64,
    /// Number of steps of gradient descent (1 to 100,000, default 6).
    pub steps: usize,
    /// Loss of one training margin (default `squared`).
    pub loss: Loss,
    /// Parametrisation whose exponents are expected, as a name or a table (default: the one that is
    /// run).
    pub expect: Option<Value>,
    /// Largest deviation of an exponent that counts as agreement (finite, above 0, default 0.2).
    pub margin: f64,
}

impl Default for CoordinateSpec {
    fn default() -> Self {
        let network = json!({
            "architecture": "dense",
            "inputs": 10,
            "hidden_layers": 3,
            "activation": {"kind": "tanh"},
            "bias": true,
        });
        let Value::Object(network) = network else { unreachable!("the literal is an object") };
        Self {
            backend: BackendName::default(),
            device: DeviceName::default(),
            precision: Precision::default(),
            data: DataSpec { n_train: 16, n_test: 1, n_kernel: 32, ..DataSpec::default() },
            network,
            widths: vec![32, 64, 128, 256, 512],
            seeds: 8,
            parametrisation: "ntk".into(),
            alpha: 1.0,
            alpha_exponent: 0.0,
            rate: 0.3,
            rate_exponent: 0.0,
            steps: 6,
            loss: Loss::Squared,
            expect: None,
            margin: 0.2,
        }
    }
}

impl CoordinateSpec {
    /// The spec as JSON with all fields, including those at their defaults.
    pub fn complete(&self) -> Value {
        let mut spec = serde_json::to_value(self).unwrap_or_default();
        if let Some(data) = spec["data"].as_object_mut() {
            data.insert("training_set".into(), json!(self.data.training_set));
        }
        spec
    }

    /// The JSON Schema of a spec in a file, with a description of every field.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(CoordinateSpec).to_value()
    }
}
