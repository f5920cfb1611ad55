//! Batches of runs: on a device where every call has a fixed cost, runs of one shape share the calls.

mod observer;
mod training;

use burn_tensor::backend::Backend;
use regime_data::Dataset;
use regime_models::{Memory, NetworkSpec, Precision, StackedNetwork};
use regime_train::Loss;

use self::training::Trainee;
use crate::{
    context::RunContext,
    dynamics::Dynamics,
    error::StudyError,
    measuring_observer::NoObserver,
    place::{BackendName, DeviceName},
    ready::Ready,
    record::RunRecord,
    run::run_on,
    spec::RunSpec,
};

/// The shape of a run. Runs of equal shape can train as one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchShape {
    network: NetworkSpec,
    points: [usize; 2],
    loss: Loss,
    place: (BackendName, DeviceName, Precision),
}

impl RunSpec {
    /// The shape of the run. Runs of one shape can train as one batch, whatever their seeds, α,
    /// points and tolerances. `None` for a run that trains alone: with momentum, with an explicit
    /// scheme, with stochastic training, or of a network that is not fully connected.
    pub fn batch_shape(&self) -> Option<BatchShape> {
        let Dynamics::Flow(flow) = &self.dynamics else { return None };
        // The answer does not depend on the backend.
        let net = self.network.build().ok()?;
        StackedNetwork::of(&net).filter(|_| flow.advances_in_batches())?;
        Some(BatchShape {
            network: self.network,
            points: [self.data.n_train, self.data.n_kernel],
            loss: self.loss,
            place: (self.backend, self.device, self.precision),
        })
    }

    /// Estimated bytes of device memory that each run of a batch takes: the linearisations of its
    /// points, the kernel of all training points with its factor and the intermediate results of
    /// both, and the measurements.
    pub fn batch_memory_bytes(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        let Some(stacked) = StackedNetwork::of(&net) else { return self.device_memory_bytes() };
        let n = self.data.n_train as f64;
        let size = match self.precision {
            Precision::F64 => 8.0,
            Precision::F32 => 4.0,
        };
        let kernels = 4.0 * n * n + 4.0 * (self.data.n_kernel as f64).powi(2);
        let traces = 4.0 * n * stacked.trace_size();
        let points = (self.data.n_train + self.data.n_test) as f64 * net.n_inputs() as f64;
        size * (traces + points + 12.0 * net.n_params() as f64) + 8.0 * kernels
    }
}

impl RunSpec {
    /// Multiply-adds of one step of a run in a batch if all points are active: the kernel, its
    /// factorisation and the products.
    pub fn batch_step_cost(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        let n = self.data.n_train as f64;
        let columns = StackedNetwork::of(&net).map_or(0.0, |net| net.trace_size()) / 2.0;
        0.5 * n * n * columns + n.powi(3) / 6.0 + 10.0 * n * net.forward_cost()
    }
}

/// One run of a batch.
#[derive(Clone, Copy)]
pub struct BatchRun<'a> {
    /// The spec.
    pub spec: &'a RunSpec,
    /// The prepared data.
    pub data: &'a Dataset,
    /// The interface to the program that calls it.
    pub context: &'a dyn RunContext,
}

/// Computes several runs as one batch, and returns the result of each as [`run_on`] does.
///
/// The training steps and the measured kernels are computed for all runs at once. Records
/// agree with those of single runs within the tolerance of the integrator, but not bit for bit.
/// Runs that cannot form a batch are computed one after the other. On a device with its own
/// memory, a single run is also a batch.
///
/// # Errors
/// Those of [`run_on`], separately for each run. If the batch as a whole cannot start, every run
/// that was to train gets that error.
pub fn run_batch_on<B: Backend>(
    runs: &[BatchRun<'_>],
    device: &B::Device,
) -> Vec<Result<RunRecord, StudyError>> {
    let shape = |run: &BatchRun<'_>| {
        let points = [run.data.train.len(), run.data.kernel.len()];
        run.spec.batch_shape().map(|shape| (shape, points))
    };
    let first = runs.first().and_then(shape);
    let batch_pays = runs.len() > 1 || Memory::of::<B>(device) == Memory::Device;
    let one_batch = batch_pays && first.is_some() && runs.iter().all(|run| shape(run) == first);
    let alone =
        |run: &BatchRun<'_>| run_on::<B>(run.spec, run.data, device, run.context, &mut NoObserver);
    if !one_batch {
        return runs.iter().map(alone).collect();
    }
    // A run whose training has ended already is not part of the batch.
    let trains = |run: &BatchRun<'_>| {
        run.context.checkpoint().is_none_or(|checkpoint| checkpoint.frozen.is_none())
    };
    let (train, rest): (Vec<usize>, Vec<usize>) = (0..runs.len()).partition(|&k| trains(&runs[k]));
    let mut records: Vec<(usize, _)> = Vec::new();
    let ready = |&k: &usize| Ready::<B>::of(runs[k].spec, runs[k].data, device);
    let ready: Vec<_> = train.iter().map(ready).collect();
    let (mut places, mut trainees) = (Vec::new(), Vec::new());
    for (k, ready) in train.into_iter().zip(&ready) {
        match ready {
            Ok(ready) => {
                places.push(k);
                trainees.push(Trainee { ready, context: runs[k].context });
            }
            Err(error) => records.push((k, Err(error.clone()))),
        }
    }
    records.extend(places.into_iter().zip(training::train(&trainees, device)));
    records.extend(rest.into_iter().map(|k| (k, alone(&runs[k]))));
    records.sort_by_key(|(k, _)| *k);
    records.into_iter().map(|(_, record)| record).collect()
}
