//! The memory that a run needs, estimated from its spec.

use regime_models::{FeedForward, NetworkSpec};
use regime_train::{FlowSpec, Scheme};

use crate::{dynamics::Dynamics, frozen_kernel::FrozenKernel, place::DeviceName, spec::RunSpec};

impl RunSpec {
    /// Estimated bytes of host memory that one run on a processor needs at its peak, the program itself not
    /// included (35 MB).
    ///
    /// The factors were fitted to the measured peaks of 50 runs (dense nets of 16 to 2500 units, convolutional
    /// and wide residual nets, 50 to 4800 points, every scheme). On 16 other runs the estimate was 0.87 to 1.18
    /// times the peak. Runs that are stopped after a few steps need less, down to 0.4 of the estimate.
    /// `benches/memory.py` measures it again.
    pub fn memory_bytes(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        let size = self.precision.bytes() as f64;
        let has_maps = !matches!(self.network, NetworkSpec::Dense(_));
        let [n, n_test, n_kernel] =
            [self.data.n_train, self.data.n_test, self.data.n_kernel].map(|n| n as f64);
        let all_traces = n * net.trace_size();
        // Values of the traces and of what is computed beside them, and entries of kernels, which are of
        // float64 in any case.
        let traces_held = if has_maps { 4.6 } else { 3.6 };
        let (traces, mut kernels) = match self.dynamics {
            Dynamics::Flow(FlowSpec { scheme, .. }) => match scheme {
                Scheme::Adaptive { .. } => (traces_held * all_traces, 3.2 * n.min(8192.0).powi(2)),
                Scheme::Reference { .. } => (traces_held * all_traces, 3.0 * (0.4 * n).powi(2)),
                Scheme::Explicit { .. } => (2.2 * all_traces, 0.0),
            },
            Dynamics::Stochastic(spec) => {
                let batch = traces_held * n.min(spec.largest_batch as f64) * net.trace_size();
                (batch + 2.0 * all_traces.min(EVALUATED_NUMBERS), 0.0)
            }
        };
        if !self.frozen.is_empty() {
            kernels = kernels.max(5.4 * n * n);
        }
        if self.frozen.contains(&FrozenKernel::InfiniteWidth) {
            kernels += 5.0 * n_test * n;
        }
        let weights = (15.5 + self.frozen.len() as f64) * net.n_params() as f64;
        let on_kernel_points = 2.5 * n_kernel * n_kernel + 12.0 * (self.gram_kept as f64).powi(2);
        let inputs = 2.0 * (n + n_test + n_kernel) * net.n_inputs() as f64;
        size * (traces + weights + on_kernel_points) + 8.0 * (kernels + inputs)
    }

    /// Estimated bytes of a device's memory that one run needs: the linearisations at two points of the
    /// flow and the kernels of a step, or an evaluation of all points; then a frozen kernel while it is computed
    /// and trained with.
    pub fn device_memory_bytes(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        let n = self.data.n_train as f64;
        let size = self.precision.bytes() as f64;
        let evaluation = batch_points(&net) as f64 * net.trace_size();
        let (traced, active) = match self.dynamics {
            Dynamics::Flow(_) => (2.0 * n, 0.4 * n),
            Dynamics::Stochastic(spec) => (spec.largest_batch as f64, 0.0),
        };
        let kernels = 3.0 * (self.data.n_kernel as f64).powi(2);
        let points = (self.data.n_test + self.data.n_train) as f64 * net.n_inputs() as f64;
        let weights = 8.0 * net.n_params() as f64;
        let traces = 1.5 * traced * net.trace_size();
        // Large steps hold the kernels of both ends, and one while it is made.
        let followed = match self.dynamics {
            Dynamics::Flow(FlowSpec { scheme: Scheme::Adaptive { .. }, .. }) => n.min(8192.0),
            _ => 0.0,
        };
        // Those are of float64 numbers in any case.
        let kernels_of_steps = 3.0 * f64::max(active.powi(2), followed.powi(2) * 8.0 / size);
        let training = traces + kernels_of_steps;
        let learning = if self.frozen.is_empty() {
            0.0
        } else {
            let kept = 8.0 / size * self.frozen.len() as f64 * net.n_params() as f64;
            // A trace and the same points joined; between test and training points the
            // kernel of infinite width, in float64, and its copies.
            let made = 2.5 * n * net.trace_size() + 3.0 * n * n;
            let rows = match self.frozen.contains(&FrozenKernel::InfiniteWidth) {
                true => 8.0 / size * 4.0 * self.data.n_test as f64 * n,
                false => 0.0,
            };
            kept + rows + made.max(n * n + 3.0 * active * active)
        };
        // On a GPU patches of many points are made together, with a few copies.
        let patches = match (self.device, &self.network) {
            (DeviceName::Cuda(_), NetworkSpec::Convolutional(_)) => 1e8,
            _ => 0.0,
        };
        size * (training.max(learning) + evaluation + points + kernels + weights + patches)
    }
}

/// Numbers in the traces of the points that are evaluated at once.
const EVALUATED_NUMBERS: f64 = 1e7;

/// Points evaluated at once, which bounds the memory of a large test set.
pub(crate) fn batch_points(net: &FeedForward) -> usize {
    (EVALUATED_NUMBERS / net.trace_size()).clamp(1.0, 1e5) as usize
}
