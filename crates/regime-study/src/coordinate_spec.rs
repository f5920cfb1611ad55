//! What a coordinate check depends on.

use regime_data::DataSpec;
use regime_models::Precision;
use regime_train::Loss;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::place::{BackendName, DeviceName};

/// What a coordinate check depends on. In a file, what is absent takes its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CoordinateSpec {
    /// Where tensors live.
    pub backend: BackendName,
    /// Which device of the backend. Default: cpu.
    pub device: DeviceName,
    /// Their element type.
    pub precision: Precision,
    /// The points to learn from, and, as its kernel points, those to measure on.
    /// Default: 16 and 32 of the embedded images, ten components.
    pub data: DataSpec,
    /// The network as in a run, without its width. Default: dense, three hidden
    /// layers, tanh.
    pub network: Map<String, Value>,
    /// The widths, two or more. Default: 32 to 512 in powers of 2.
    pub widths: Vec<usize>,
    /// How many initialisations per width. Default: 8.
    pub seeds: u64,
    /// The parametrisation: a name or a table. Default: ntk.
    pub parametrisation: Value,
    /// α of `F = α(f − f₀)`, in the convention of that parametrisation. Default: 1.
    pub alpha: f64,
    /// α falls with the width `h` as `h^−this`. Default: 0.
    pub alpha_exponent: f64,
    /// The base learning rate. Default: 0.3.
    pub rate: f64,
    /// All rates fall as `h^−this`, beside what the parametrisation says. Default: 0.
    pub rate_exponent: f64,
    /// Steps of descent, at least 1. Default: 6.
    pub steps: usize,
    /// The loss of a margin. Default: squared.
    pub loss: Loss,
    /// The parametrisation whose exponents are expected, if not the one that is run.
    pub expect: Option<Value>,
    /// The deviation of an exponent that still counts as agreement. Default: 0.2.
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
        let Value::Object(network) = network else { unreachable!("it is written as an object") };
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
    /// The JSON Schema of a spec in a file, with a description of every field.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(CoordinateSpec).to_value()
    }
}
