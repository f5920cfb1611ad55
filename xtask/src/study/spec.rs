use regime_data::DataSpec;
use regime_lab::Spec;
use regime_models::{Activation, FeedForward, NetworkSpec, Precision};
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
    pub(crate) network: NetworkSpec,
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
        (self.network.width() as f64).sqrt() * self.alpha
    }

    /// Multiply-adds of one evaluation of the loss and its gradient; 0 for a network
    /// that cannot be built.
    pub(crate) fn gradient_cost(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        // A fused activation costs about as much as this many multiply-adds, and the
        // trace holds two numbers per unit.
        let pointwise = if self.network.activation() == Activation::Relu { 10.0 } else { 50.0 };
        let per_point = 3.0 * net.forward_cost() + pointwise * net.trace_size();
        self.data.n_train as f64 * per_point
    }

    /// Numbers held at once by one run, in bytes: what linearisations of two points
    /// of the flow keep, and the active kernel twice.
    pub(crate) fn memory_bytes(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        let n = self.data.n_train as f64;
        let size = match self.precision {
            Precision::F64 => 8.0,
            Precision::F32 => 4.0,
        };
        let active = 0.4 * n;
        let evaluation = self.data.n_test.min(batch_points(&net)) as f64 * net.trace_size();
        let kernels = 3.0 * (self.data.n_kernel as f64).powi(2);
        let points = (self.data.n_test + self.data.n_train) as f64 * net.n_inputs() as f64;
        let weights = 8.0 * net.n_params() as f64;
        let traces = 2.0 * 1.5 * n * net.trace_size();
        size * (traces + 3.0 * active * active + evaluation + points + kernels + weights)
    }
}

/// Points evaluated together, which bounds the memory of a large test set.
pub(super) fn batch_points(net: &FeedForward) -> usize {
    const NUMBERS: f64 = 1e7;
    (NUMBERS / net.trace_size()).clamp(1.0, 1e5) as usize
}

impl Spec for RunSpec {
    const KIND: &'static str = "regime-run";
    const VERSION: u32 = 2;

    fn cost(&self) -> f64 {
        self.gradient_cost()
    }
}
