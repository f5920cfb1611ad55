use super::simulate::BATCH;
use regime_data::DataSpec;
use regime_lab::Spec;
use regime_models::{Activation, DenseSpec, Precision};
use regime_train::{FlowSpec, Loss};
use serde::{Deserialize, Serialize};

/// Everything one run depends on. Equal specs give the same bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunSpec {
    /// Where tensors live.
    pub(crate) backend: BackendName,
    /// Their element type.
    pub(crate) precision: Precision,
    /// The points, and the seed that orders them.
    pub(crate) data: DataSpec,
    /// SHA-256 of the raw data behind them, so that a folder of images whose
    /// content changes is another run; empty until the data have been read.
    pub(crate) data_sha256: String,
    /// The network.
    pub(crate) network: DenseSpec,
    /// α, in the convention of the paper (last layer `/√h`).
    pub(crate) alpha: f64,
    /// The loss of a margin.
    pub(crate) loss: Loss,
    /// How the flow is integrated, and until when.
    pub(crate) flow: FlowSpec,
    /// What the run may cost at most.
    pub(crate) budget: Budget,
    /// Seed of the initial weights.
    pub(crate) seed: u64,
}

/// A limit that, unlike those of the flow, depends on the machine: a run that
/// meets it fails and leaves no record.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Budget {
    /// Wall-clock seconds.
    pub(crate) max_wall_s: f64,
}

/// The backends this program can be built with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BackendName {
    /// `burn-flex`: pure Rust, the default.
    Flex,
    /// `burn-ndarray`.
    Ndarray,
}

impl BackendName {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Flex, Self::Ndarray];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
        }
    }
}

impl RunSpec {
    /// `√h · α`, the combination in which the paper's curves collapse.
    pub(crate) fn root_width_alpha(&self) -> f64 {
        (self.network.width as f64).sqrt() * self.alpha
    }

    /// Multiply-adds of one evaluation of the loss and its gradient.
    pub(crate) fn gradient_cost(&self) -> f64 {
        let DenseSpec { inputs, width, hidden_layers, activation, .. } = self.network;
        let (h, l) = (width as f64, hidden_layers as f64);
        let products = 3.0 * (inputs as f64 * h + (l - 1.0) * h * h + h);
        // A fused activation costs about as much as this many multiply-adds.
        let pointwise = if activation == Activation::Relu { 20.0 } else { 100.0 } * l * h;
        self.data.n_train as f64 * (products + pointwise)
    }

    /// Numbers held at once by one run, in bytes: inputs, slopes and sensitivities
    /// of every layer for two points of the flow, and the active kernel twice.
    pub(crate) fn memory_bytes(&self) -> f64 {
        let DenseSpec { inputs, width, hidden_layers, .. } = self.network;
        let (n, h, l) = (self.data.n_train as f64, width as f64, hidden_layers as f64);
        let size = match self.precision {
            Precision::F64 => 8.0,
            Precision::F32 => 4.0,
        };
        let active = 0.4 * n;
        let evaluation = self.data.n_test.min(BATCH) as f64 * h * 2.0;
        let kernels = 3.0 * (self.data.n_kernel as f64).powi(2);
        let points = (self.data.n_test + self.data.n_train) as f64 * inputs as f64;
        size * (2.0 * 3.0 * n * h * l + 3.0 * active * active + evaluation + points + kernels)
    }
}

impl Spec for RunSpec {
    const KIND: &'static str = "regime-run";
    const VERSION: u32 = 1;

    fn cost(&self) -> f64 {
        self.gradient_cost()
    }
}
