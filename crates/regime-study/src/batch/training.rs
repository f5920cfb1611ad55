//! Training of the runs of a batch, with the measurements and the interrupts of each run.

use burn_tensor::backend::Backend;
use regime_train::{FlowBatch, Member, Outcome, Probe, Start};

use super::observer::{BatchMeasurements, Kernels};
use crate::{
    checkpoint::{FrozenProgress, RunCheckpoint},
    context::{InterruptPolicy, RunContext},
    dynamics::Dynamics,
    error::StudyError,
    measuring_observer::{MeasuringObserver, NoObserver},
    ready::Ready,
    record::RunRecord,
    trainer::TrainerState,
};

/// A run that is to train in a batch.
pub(super) struct Trainee<'a, 'b, B: Backend> {
    pub(super) ready: &'a Ready<'b, B>,
    pub(super) context: &'a dyn RunContext,
}

/// Trains runs of one shape as one batch, and makes the record of each.
pub(super) fn train<B: Backend>(
    trainees: &[Trainee<'_, '_, B>],
    device: &B::Device,
) -> Vec<Result<RunRecord, StudyError>> {
    let mut quiet: Vec<NoObserver> = trainees.iter().map(|_| NoObserver).collect();
    match Training::start(trainees, &mut quiet, device) {
        Ok(mut training) => {
            let outcomes = training.run();
            training.finish(trainees, outcomes)
        }
        Err(error) => trainees.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// A batch in training. All lists are indexed by member of the batch.
struct Training<'t, B: Backend> {
    batch: FlowBatch<B>,
    kernels: Kernels<B>,
    measuring: Vec<MeasuringObserver<'t, B>>,
    policies: Vec<InterruptPolicy<'t>>,
    /// Whether the member has neither ended nor failed.
    active_flow: Vec<bool>,
    /// Whether a checkpoint with the end of the member is saved.
    saved: Vec<bool>,
    failures: Vec<Option<StudyError>>,
}

impl<'t, B: Backend> Training<'t, B> {
    fn start(
        trainees: &'t [Trainee<'_, '_, B>],
        quiet: &'t mut [NoObserver],
        device: &B::Device,
    ) -> Result<Self, StudyError> {
        let Some(first) = trainees.first() else {
            return Err(StudyError::Mismatch("a batch needs at least one run".into()));
        };
        let net = &first.ready.net;
        let pairs = trainees.iter().zip(quiet);
        let mut measuring: Vec<MeasuringObserver<'t, B>> =
            pairs.map(|(trainee, quiet)| trainee.ready.measuring(device, quiet)).collect();
        let members = trainees.iter().zip(&mut measuring).map(member).collect::<Result<_, _>>()?;
        let batch = FlowBatch::start(net, members)
            .map_err(|error| StudyError::Mismatch(error.to_string()))?;
        let policy = |trainee: &'t Trainee<'_, '_, B>| {
            InterruptPolicy::new(trainee.context, trainee.ready.spec.budget.max_wall_s)
        };
        let ready = trainees.iter().map(|trainee| trainee.ready);
        Ok(Self {
            batch,
            kernels: Kernels::of(net, ready, device),
            measuring,
            policies: trainees.iter().map(policy).collect(),
            active_flow: vec![true; trainees.len()],
            saved: vec![false; trainees.len()],
            failures: trainees.iter().map(|_| None).collect(),
        })
    }

    /// Trains until all members have ended, with checkpoints at every interruption.
    fn run(&mut self) -> Vec<Outcome> {
        loop {
            let Self { batch, kernels, measuring, policies, active_flow, .. } = self;
            let outcomes = batch.run_with(&mut BatchMeasurements {
                kernels,
                measuring,
                policies,
                active_flow,
            });
            if !self.active_flow.contains(&true) {
                return outcomes;
            }
            for (member, outcome) in outcomes.iter().enumerate() {
                if let Err(error) = self.pause(member, outcome) {
                    self.failures[member] = Some(error);
                    self.active_flow[member] = false;
                    self.batch.release(member);
                }
            }
        }
    }

    /// Saves the state of a member in training, or, once, the end of a member that has ended.
    fn pause(&mut self, member: usize, outcome: &Outcome) -> Result<(), StudyError> {
        let (batch, measuring) = (&self.batch, &self.measuring[member]);
        let state = || TrainerState::Flow(batch.checkpoint(member));
        if self.active_flow[member] {
            let progress = || {
                let error = measuring.test.read(&batch.weights(member));
                let (t, steps) = (outcome.t, outcome.steps);
                format!("at t = {t:.4e} after {steps} steps, test error {error:.4}")
            };
            return self.policies[member].pause(&measuring.checkpoint(state(), None), progress);
        }
        if self.failures[member].is_none() && !self.saved[member] {
            let end = Some((outcome.clone(), FrozenProgress::default()));
            self.policies[member].save(&measuring.checkpoint(state(), end))?;
            self.saved[member] = true;
        }
        Ok(())
    }

    fn finish(
        self,
        trainees: &[Trainee<'_, '_, B>],
        outcomes: Vec<Outcome>,
    ) -> Vec<Result<RunRecord, StudyError>> {
        let Self { batch, kernels, measuring, mut policies, failures, .. } = self;
        let ends = outcomes.into_iter().enumerate().map(|(member, outcome)| {
            let state = TrainerState::Flow(batch.checkpoint(member));
            (outcome, batch.weights(member), state)
        });
        let ends: Vec<_> = ends.collect();
        // Free the memory of the batch: training with frozen kernels may need it.
        drop((batch, kernels));
        let mut records = Vec::with_capacity(trainees.len());
        let all = trainees.iter().zip(ends).zip(measuring).zip(&mut policies).zip(failures);
        for ((((trainee, end), measuring), policy), failure) in all {
            records.push(match failure {
                Some(error) => Err(error),
                None => {
                    // The time of the other members does not count for this one.
                    policy.restart();
                    trainee.ready.finish(end, measuring, FrozenProgress::default(), policy)
                }
            });
        }
        records
    }
}

/// A run as a member of the batch. It starts from its checkpoint, if that one fits the network.
fn member<B: Backend>(
    (trainee, measuring): (&Trainee<'_, '_, B>, &mut MeasuringObserver<'_, B>),
) -> Result<Member<B>, StudyError> {
    let ready = trainee.ready;
    let Dynamics::Flow(spec) = ready.spec.dynamics else {
        return Err(StudyError::Mismatch("stochastic training has no batches of runs".into()));
    };
    let start = match trainee.context.checkpoint() {
        Some(RunCheckpoint {
            training: TrainerState::Flow(state), path, saved_weights, ..
        }) if state.n_params() == ready.net.n_params() => {
            measuring.resume(path, saved_weights);
            Start::Checkpoint(Box::new(state))
        }
        _ => Start::Weights(ready.initial.clone()),
    };
    let (objective, inputs) = (ready.objective.clone(), ready.inputs.clone());
    Ok(Member { objective, inputs, spec, start })
}
