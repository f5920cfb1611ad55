//! Many runs as one: on a device where every call has its price, runs of one shape train together.

use burn_tensor::{Tensor, backend::Backend};
use ndarray::ArrayView2;
use regime_data::Dataset;
use regime_models::{NetworkSpec, Precision, StackedNetwork};
use regime_train::{BatchObserver, End, FlowBatch, Loss, Member, Observation, Probe, Start};

use crate::{
    checkpoint::{FrozenProgress, RunCheckpoint},
    context::{InterruptPolicy, RunContext},
    dynamics::Dynamics,
    error::StudyError,
    measuring_observer::{MeasuringObserver, Quiet},
    place::{BackendName, DeviceName},
    points::tensor,
    ready::Ready,
    record::RunRecord,
    run::run_on,
    spec::RunSpec,
    trainer::TrainerState,
};

/// What runs have in common that can train together.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchShape {
    network: NetworkSpec,
    points: [usize; 2],
    loss: Loss,
    place: (BackendName, DeviceName, Precision),
}

impl RunSpec {
    /// The shape of the run: runs of one shape can train as one batch, whatever their seeds, α,
    /// points and tolerances are. `None` for a run that trains alone: with momentum, by an explicit
    /// scheme or stochastic, or of a network that is not fully connected.
    pub fn batch_shape(&self) -> Option<BatchShape> {
        let Dynamics::Flow(flow) = &self.dynamics else { return None };
        // Whatever backend there is: the question is the same for all.
        let net = self.network.build().ok()?;
        StackedNetwork::of(&net).filter(|_| flow.advances_in_batches())?;
        Some(BatchShape {
            network: self.network.clone(),
            points: [self.data.n_train, self.data.n_kernel],
            loss: self.loss,
            place: (self.backend, self.device, self.precision),
        })
    }

    /// Bytes of the device's memory that each run of a batch takes: three linearisations of its
    /// points, the kernel of all of them with its factor and what both are made of, and what is measured.
    pub fn batch_memory_bytes(&self) -> f64 {
        let Ok(net) = self.network.build() else { return 0.0 };
        let Some(stacked) = StackedNetwork::of(&net) else { return self.memory_bytes() };
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
    /// Multiply-adds of a step of a run in a batch in which all points are active: its kernel, the
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
    /// What it is.
    pub spec: &'a RunSpec,
    /// Its points.
    pub data: &'a Dataset,
    /// What it asks of the program around it.
    pub context: &'a dyn RunContext,
}

/// Carries out runs together, as [`run_on`] does each of them, and returns what became of each.
///
/// Training and the kernels that are measured on its way are computed for all at once;
/// records agree with those of single runs within the integrator's tolerance, and not to the bit.
/// Runs that cannot train together are made one after the other.
///
/// # Errors
/// Those of [`run_on`], run by run.
pub fn run_batch_on<B: Backend>(
    runs: &[BatchRun<'_>],
    device: &B::Device,
) -> Vec<Result<RunRecord, StudyError>> {
    let shape = runs.first().and_then(|run| run.spec.batch_shape());
    let together =
        runs.len() > 1 && shape.is_some() && runs.iter().all(|run| run.spec.batch_shape() == shape);
    let alone =
        |run: &BatchRun<'_>| run_on::<B>(run.spec, run.data, device, run.context, &mut Quiet);
    if !together {
        return runs.iter().map(alone).collect();
    }
    // A run that has trained already has no place among those that train.
    let trains = |run: &BatchRun<'_>| {
        run.context.checkpoint().is_none_or(|checkpoint| checkpoint.frozen.is_none())
    };
    let (train, rest): (Vec<usize>, Vec<usize>) = (0..runs.len()).partition(|&k| trains(&runs[k]));
    let mut records: Vec<(usize, _)> = rest.into_iter().map(|k| (k, alone(&runs[k]))).collect();
    let ready = |&k: &usize| Ready::<B>::of(runs[k].spec, runs[k].data, device);
    let ready: Vec<_> = train.iter().map(ready).collect();
    let mut trainees = Vec::new();
    for (k, ready) in train.into_iter().zip(&ready) {
        match ready {
            Ok(ready) => trainees.push((k, ready, runs[k].context)),
            Err(error) => records.push((k, Err(error.clone()))),
        }
    }
    records.extend(trained(&trainees, device));
    records.sort_by_key(|(k, _)| *k);
    records.into_iter().map(|(_, record)| record).collect()
}

type Trainee<'a, 'b, B> = (usize, &'a Ready<'b, B>, &'a dyn RunContext);

/// Trains runs that are ready, and finishes each.
fn trained<B: Backend>(
    trainees: &[Trainee<'_, '_, B>],
    device: &B::Device,
) -> Vec<(usize, Result<RunRecord, StudyError>)> {
    let Some((_, first, _)) = trainees.first() else { return Vec::new() };
    let mut quiet: Vec<Quiet> = trainees.iter().map(|_| Quiet).collect();
    let mut measuring: Vec<MeasuringObserver<'_, B>> = trainees
        .iter()
        .zip(&mut quiet)
        .map(|((_, ready, _), quiet)| ready.measuring(device, quiet))
        .collect();
    let mut policies: Vec<InterruptPolicy<'_>> = trainees
        .iter()
        .map(|&(_, ready, context)| InterruptPolicy::new(context, ready.spec.budget.max_wall_s))
        .collect();
    let members = trainees.iter().zip(&mut measuring).map(|((_, ready, context), measuring)| {
        let Dynamics::Flow(spec) = ready.spec.dynamics else { unreachable!("its shape was asked") };
        let start = match context.checkpoint() {
            Some(RunCheckpoint {
                training: TrainerState::Flow(state),
                path,
                saved_weights,
                ..
            }) => {
                measuring.resume(path, saved_weights);
                Start::Checkpoint(Box::new(state))
            }
            _ => Start::Weights(ready.initial.clone()),
        };
        let (objective, inputs) = (ready.objective.clone(), ready.inputs.clone());
        Member { objective, inputs, spec, start }
    });
    let batch = FlowBatch::start(&first.net, members.collect());
    let mut batch = match batch {
        Ok(batch) => batch,
        Err(error) => {
            let failed =
                |(k, ..): &Trainee<'_, '_, B>| (*k, Err(StudyError::Mismatch(error.to_string())));
            return trainees.iter().map(failed).collect();
        }
    };
    let mut kernels = Kernels::of(trainees, device);
    let mut failures: Vec<Option<StudyError>> = trainees.iter().map(|_| None).collect();
    let outcomes = loop {
        let mut observer = Together {
            kernels: &mut kernels,
            measuring: &mut measuring,
            policies: &policies,
            failures: &failures,
        };
        let outcomes = batch.run(&mut observer);
        let mut left = false;
        for (member, outcome) in outcomes.iter().enumerate() {
            if outcome.end != End::Interrupted || failures[member].is_some() {
                continue;
            }
            let state = TrainerState::Flow(batch.checkpoint(member));
            let checkpoint = measuring[member].checkpoint(state, None);
            let progress = || {
                let error = measuring[member].test.read(&batch.weights(member));
                let outcome = &outcomes[member];
                let (t, steps) = (outcome.t, outcome.steps);
                format!("at t = {t:.4e} after {steps} steps, test error {error:.4}")
            };
            match policies[member].pause(&checkpoint, progress) {
                Ok(()) => left = true,
                Err(error) => {
                    failures[member] = Some(error);
                    batch.release(member);
                }
            }
        }
        if !left {
            break outcomes;
        }
    };
    let mut records = Vec::with_capacity(trainees.len());
    let ends = outcomes.into_iter().zip(measuring).zip(policies.iter_mut()).zip(failures);
    for (member, (((outcome, measuring), policy), failure)) in ends.enumerate() {
        let (k, ready, _) = trainees[member];
        let record = match failure {
            Some(error) => Err(error),
            None => {
                let state = TrainerState::Flow(batch.checkpoint(member));
                let end = (outcome, batch.weights(member), state);
                ready.finish(end, measuring, FrozenProgress::default(), policy)
            }
        };
        records.push((k, record));
    }
    records
}

/// Kernels on the kernel points of several runs at once.
struct Kernels<B: Backend> {
    net: StackedNetwork,
    /// `[1, P]`
    scales: Tensor<B, 2>,
    /// By member, `[n, d]`; none where kernels are not measured.
    points: Vec<Tensor<B, 2>>,
}

impl<B: Backend> Kernels<B> {
    fn of(trainees: &[Trainee<'_, '_, B>], device: &B::Device) -> Self {
        let (_, first, _) = &trainees[0];
        let net = StackedNetwork::of(&first.net).expect("its shape was asked");
        let points = |(_, ready, _): &Trainee<'_, '_, B>| {
            let kernel = &ready.data.kernel;
            (!kernel.is_empty()).then(|| tensor::<B>(kernel, ready.spec.precision, device))
        };
        let points = trainees.iter().filter_map(points).collect();
        Self { scales: net.scales(first.spec.precision, device), net, points }
    }

    /// The kernels of some members with their weights `[r, P]`, on the host one after the other.
    fn read(&self, members: &[usize], w: &Tensor<B, 2>) -> Vec<f64> {
        let points = members.iter().map(|&member| self.points[member].clone().unsqueeze::<3>());
        let points = Tensor::cat(points.collect(), 0);
        Precision::to_host(self.net.trace(w, &self.scales, &points).linearise().kernel())
    }
}

/// Measures the runs of a batch.
struct Together<'o, 'm, 'p, B: Backend> {
    kernels: &'o mut Kernels<B>,
    measuring: &'o mut [MeasuringObserver<'m, B>],
    policies: &'o [InterruptPolicy<'p>],
    /// Those that will not go on.
    failures: &'o [Option<StudyError>],
}

impl<B: Backend> BatchObserver<B> for Together<'_, '_, '_, B> {
    fn observe(&mut self, observed: &[(usize, Observation)], w: &Tensor<B, 2>) {
        let [_, n_params] = w.dims();
        let row = |k: usize| w.clone().narrow(0, k, 1);
        let wanted: Vec<usize> = (0..observed.len())
            .filter(|&k| self.measuring[observed[k].0].wants_kernel(observed[k].1.moment))
            .collect();
        let mut thetas: Vec<Option<Vec<f64>>> = vec![None; observed.len()];
        if !wanted.is_empty() {
            let members: Vec<usize> = wanted.iter().map(|&k| observed[k].0).collect();
            let weights = match wanted.len() == observed.len() {
                true => w.clone(),
                false => Tensor::cat(wanted.iter().map(|&k| row(k)).collect(), 0),
            };
            let all = self.kernels.read(&members, &weights);
            let size = all.len() / wanted.len();
            for (&k, theta) in wanted.iter().zip(all.chunks_exact(size)) {
                thetas[k] = Some(theta.to_vec());
            }
        }
        let weights = Precision::to_host(w.clone());
        let weights = weights.chunks_exact(n_params);
        for (k, (((member, observation), weights), theta)) in
            observed.iter().zip(weights).zip(&thetas).enumerate()
        {
            let theta = theta.as_ref().map(|theta| {
                let n = theta.len().isqrt();
                ArrayView2::from_shape((n, n), theta).expect("a kernel is square")
            });
            let w = row(k).reshape([n_params]);
            self.measuring[*member].record(observation, &w, weights, theta);
        }
    }

    fn interrupts(&mut self) -> bool {
        let pairs = self.policies.iter().zip(self.failures);
        pairs.filter(|(_, failure)| failure.is_none()).any(|(policy, _)| policy.is_due())
    }
}
