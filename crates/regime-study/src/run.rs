//! One run on one backend: data → network → training, with measurements of the tangent kernel.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::{Dataset, default_cache_dir, prepare};
use regime_models::FeedForward;
use regime_train::{Outcome, Probe};

use crate::{
    checkpoint::{FrozenProgress, RunCheckpoint},
    context::{InterruptPolicy, Interrupter, RunContext, Uninterrupted},
    error::StudyError,
    measuring_observer::{MeasuringObserver, RunObserver},
    ready::Ready,
    record::{Ending, RunRecord},
    spec::RunSpec,
    trainer::Trainer,
};

/// Computes a run without interruptions: prepares the data from the embedded or fetched data
/// sets, trains the network on the device, and returns the record.
///
/// The backend is the type parameter; the backend and the budget of the spec are ignored.
/// `observer` receives every measurement as it is made. `&mut NoObserver` ignores them; a closure
/// `|m: &Measurement| …` is an observer.
///
/// # Errors
/// [`StudyError`] when the spec is not valid or its data cannot be read. Training that does
/// not converge gives a record.
pub fn run<B: Backend>(
    spec: &RunSpec,
    device: &B::Device,
    observer: &mut dyn RunObserver,
) -> Result<RunRecord, StudyError> {
    spec.check()?;
    let data = prepare(&spec.data, &default_cache_dir())?;
    run_on::<B>(spec, &data, device, &Uninterrupted, observer)
}

/// Computes a run on prepared data, in a context that may interrupt it. Continues from the
/// checkpoint of the context if there is one.
///
/// # Errors
/// As [`run`]; [`StudyError::Stopped`] when the context requests a stop, and
/// [`StudyError::BudgetSpent`] when the wall-clock budget of the spec is spent. Both leave a
/// checkpoint, from which the next call continues.
pub fn run_on<B: Backend>(
    spec: &RunSpec,
    data: &Dataset,
    device: &B::Device,
    context: &dyn RunContext,
    observer: &mut dyn RunObserver,
) -> Result<RunRecord, StudyError> {
    let ready = Ready::<B>::of(spec, data, device)?;
    let system = ready.system();
    let mut measuring = ready.measuring(device, observer);
    let mut interrupts = InterruptPolicy::new(context, spec.budget.max_wall_s);
    let mut trained = None;
    let resumed = context.checkpoint().and_then(|checkpoint| {
        let RunCheckpoint { training, path, saved_weights, frozen } = checkpoint;
        let trainer = Trainer::resume(&system, spec.dynamics, spec.seed, training)?.ok()?;
        measuring.resume(path, saved_weights);
        trained = frozen;
        Some(trainer)
    });
    let mut trainer = match resumed {
        Some(trainer) => trainer,
        None => Trainer::start(&system, spec.dynamics, spec.seed)?,
    };

    let (outcome, frozen_progress) = match trained {
        Some(trained) => trained,
        None => train(&mut trainer, &mut measuring, &mut interrupts, data)?,
    };
    let (weights, state) = (trainer.weights(), trainer.state());
    // Free the trainer's preparations for a next step and its scratch buffer.
    drop(trainer);
    drop(system);
    ready.finish((outcome, weights, state), measuring, frozen_progress, &mut interrupts)
}

/// Trains to the end, with a checkpoint at every interruption.
fn train<B: Backend>(
    trainer: &mut Trainer<B, &FeedForward>,
    measuring: &mut MeasuringObserver<'_, B>,
    interrupts: &mut InterruptPolicy<'_>,
    data: &Dataset,
) -> Result<(Outcome, FrozenProgress), StudyError> {
    loop {
        let outcome = trainer.run(&mut (&mut *measuring, Interrupter(interrupts)));
        if Ending::of(outcome.end).is_some() {
            return Ok((outcome, FrozenProgress::default()));
        }
        interrupts.pause(&measuring.checkpoint(trainer.state(), None), || {
            let now = trainer.observation();
            let weights: Tensor<B, 1> = trainer.weights();
            format!(
                "{} of {} margins are not reached at t = {:.4e} after {} steps, test error {:.4}",
                now.n_violating,
                data.train.len(),
                now.t,
                now.steps,
                measuring.test.read(&weights),
            )
        })?;
    }
}
