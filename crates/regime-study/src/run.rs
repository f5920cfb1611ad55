//! One run on one backend: data → network → training, observed by its tangent kernel.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::{Dataset, default_cache_dir, prepare};
use regime_models::{Alpha, FeedForward, Network, Precision};
use regime_train::{Objective, Outcome, Probe, System, preactivation_speeds};

use crate::{
    checkpoint::{FrozenProgress, RunCheckpoint},
    context::{InterruptPolicy, Interrupter, RunContext, Uninterrupted},
    cost_model::batch_points,
    error::StudyError,
    frozen_training::FrozenTraining,
    gram::gram_pair,
    measuring_observer::{MeasuringObserver, RunObserver},
    points::tensor,
    record::{Ending, RunRecord},
    spec::RunSpec,
    trainer::Trainer,
};

/// Carries out a run without interruptions (its budget is ignored): prepares its data from the embedded or fetched data
/// sets, trains the network on the device, and returns the record.
///
/// The backend is the type parameter; the one that the spec names is ignored.
/// `observer` sees every measurement as it is made; `&mut Quiet` ignores them, and a closure
/// `|m: &Measurement| …` is an observer.
///
/// # Errors
/// [`StudyError`] when the spec describes nothing that can be run, or its data cannot be
/// read. Training that does not converge is a record.
pub fn run<B: Backend>(
    spec: &RunSpec,
    device: &B::Device,
    observer: &mut dyn RunObserver,
) -> Result<RunRecord, StudyError> {
    spec.check()?;
    let data = prepare(&spec.data, &default_cache_dir())?;
    run_on::<B>(spec, &data, device, &Uninterrupted, observer)
}

/// Carries out a run on prepared data, in a context that may interrupt it; goes on from the
/// context's checkpoint if there is one.
///
/// # Errors
/// As [`run`]; [`StudyError::Stopped`] when the context asks for it, and
/// [`StudyError::BudgetSpent`] when the wall-clock budget of the spec is spent. Both leave a
/// checkpoint from which the next call goes on.
pub fn run_on<B: Backend>(
    spec: &RunSpec,
    data: &Dataset,
    device: &B::Device,
    context: &dyn RunContext,
    observer: &mut dyn RunObserver,
) -> Result<RunRecord, StudyError> {
    spec.check()?;
    let net = spec.network.build().map_err(StudyError::Network)?;
    fits(&net, data)?;
    if spec.gram_kept > data.kernel.len() {
        let (kept, points) = (spec.gram_kept, data.kernel.len());
        let message = format!("gram_kept is {kept}, but the data have {points} kernel points");
        return Err(StudyError::Mismatch(message));
    }
    let alpha = Alpha::paper(spec.alpha).map_err(StudyError::Alpha)?;
    let precision = spec.precision;
    let w0 = precision.vector::<B>(&net.initial_weights(spec.seed), device);
    let inputs = tensor::<B>(&data.train, precision, device);

    let f0 = Precision::to_host(net.forward(&w0, &inputs));
    let labels = data.train.y.to_vec();
    let objective = Objective::new(alpha, spec.loss, labels, f0)?;
    let system = System::new(&net, inputs.clone(), objective);
    let preactivation_speeds =
        preactivation_speeds(&system, &w0, batch_points(&net)).unwrap_or_default();

    let mut measuring = MeasuringObserver::new(spec, &net, data, &w0, device, observer);
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
        None => Trainer::start(&system, spec.dynamics, spec.seed, w0.clone())?,
    };

    let (outcome, frozen_progress) = match trained {
        Some(trained) => trained,
        None => train(&mut trainer, &mut measuring, &mut interrupts, data)?,
    };
    let (end, state) = ((outcome.t, trainer.weights()), trainer.state());
    // The trainer's preparations for a next step take memory, and so does its scratch buffer.
    drop(trainer);
    drop(system);
    let mut test_outputs = match spec.outputs_kept {
        0 => Vec::new(),
        _ => measuring.test.outputs(&end.1),
    };
    test_outputs.truncate(spec.outputs_kept);
    let test_labels = data.test.y.iter().take(test_outputs.len()).map(|&y| y as i8).collect();
    let gram = match spec.gram_kept {
        0 => None,
        n => gram_pair(&net, data, n, [&w0, &end.1], precision),
    };
    let frozen_training = FrozenTraining {
        spec,
        net: &net,
        data,
        inputs: &inputs,
        initial: w0,
        end,
        saved_weights: &measuring.saved_weights,
    };
    let frozen = frozen_training.run(frozen_progress, &mut interrupts, |progress| {
        measuring.checkpoint(state.clone(), Some((outcome.clone(), progress)))
    })?;
    Ok(RunRecord {
        ending: Ending::of(outcome.end).expect("training has ended"),
        steps: outcome.steps,
        rejected: outcome.rejected,
        half_loss_time: outcome.half_loss_time,
        margins_time: outcome.margins_time,
        preactivation_speeds,
        path: measuring.path,
        test_outputs,
        test_labels,
        gram,
        frozen,
    })
}

/// Whether a network takes the points of a data set.
pub(crate) fn fits(net: &FeedForward, data: &Dataset) -> Result<(), StudyError> {
    let (network, points) = (net.n_inputs(), data.train.dim());
    if network == points { Ok(()) } else { Err(StudyError::Inputs { network, points }) }
}

/// Trains to the end, with a checkpoint at every interruption.
fn train<B: Backend>(
    trainer: &mut Trainer<'_, B, FeedForward>,
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
