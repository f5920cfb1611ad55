//! The preparation of a run before training, and its record after training.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::Dataset;
use regime_models::{Alpha, FeedForward};
use regime_train::{Objective, Outcome, System, Targets, preactivation_speeds};

use crate::{
    checkpoint::FrozenProgress,
    context::InterruptPolicy,
    error::StudyError,
    frozen_training::FrozenTraining,
    gram::gram_pair,
    measuring_observer::{MeasuringObserver, RunObserver},
    memory_model::batch_points,
    points::tensor,
    record::{Ending, RunRecord},
    spec::RunSpec,
    trainer::TrainerState,
};

/// A run that is ready to train.
pub(crate) struct Ready<'a, B: Backend> {
    pub(crate) spec: &'a RunSpec,
    pub(crate) data: &'a Dataset,
    pub(crate) net: FeedForward,
    /// The weights at t = 0, `[P]`.
    pub(crate) initial: Tensor<B, 1>,
    /// Inputs of the training points, `[n, d]`.
    pub(crate) inputs: Tensor<B, 2>,
    pub(crate) objective: Objective,
    preactivation_speeds: Vec<f64>,
}

impl<'a, B: Backend> Ready<'a, B> {
    /// Builds the network and the objective, and measures the initial speeds.
    ///
    /// # Errors
    /// When the spec is not valid, or does not fit the data.
    pub(crate) fn of(
        spec: &'a RunSpec,
        data: &'a Dataset,
        device: &B::Device,
    ) -> Result<Self, StudyError> {
        spec.check()?;
        let net = spec.network.build().map_err(StudyError::Network)?;
        fits(&net, data)?;
        if spec.gram_kept > data.kernel.len() {
            let (n, points) = (spec.gram_kept, data.kernel.len());
            let message = format!("gram_kept is {n}, but the data have {points} kernel points");
            return Err(StudyError::Mismatch(message));
        }
        let alpha = Alpha::paper(spec.alpha).map_err(StudyError::Alpha)?;
        let initial = spec.precision.vector::<B>(&net.initial_weights(spec.seed), device);
        let inputs = tensor::<B>(&data.train, spec.precision, device);
        let system = System::builder(&net, &inputs)
            .targets(Targets::signs(data.train.y.to_vec())?)
            .alpha(alpha)
            .loss(spec.loss)
            .weights(&initial)
            .build()?;
        let objective = system.objective().clone();
        let preactivation_speeds =
            preactivation_speeds(&system, &initial, batch_points(&net)).unwrap_or_default();
        drop(system);
        Ok(Self { spec, data, net, initial, inputs, objective, preactivation_speeds })
    }

    pub(crate) fn system(&self) -> System<B, &FeedForward> {
        let Self { net, inputs, objective, initial, .. } = self;
        System::with_objective(net, inputs, objective.clone(), initial)
            .expect("these are parts of a system")
    }

    pub(crate) fn measuring<'b>(
        &'b self,
        device: &B::Device,
        observer: &'b mut dyn RunObserver,
    ) -> MeasuringObserver<'b, B> {
        MeasuringObserver::new(self.spec, &self.net, self.data, &self.initial, device, observer)
    }

    /// The record of a run whose training has ended with this outcome, these weights and this
    /// state. Trains with the frozen kernels of the spec first.
    ///
    /// # Errors
    /// Those of [`InterruptPolicy::pause`].
    pub(crate) fn finish(
        &self,
        (outcome, weights, state): (Outcome, Tensor<B, 1>, TrainerState),
        measuring: MeasuringObserver<'_, B>,
        frozen_progress: FrozenProgress,
        interrupts: &mut InterruptPolicy<'_>,
    ) -> Result<RunRecord, StudyError> {
        let Self { spec, data, net, inputs, .. } = self;
        let (mut test_outputs, test_wrong) = measuring.at_end(&weights);
        test_outputs.truncate(spec.outputs_kept);
        let test_labels = data.test.y.iter().take(test_outputs.len()).map(|&y| y as i8).collect();
        let gram = match spec.gram_kept {
            0 => None,
            n => gram_pair(net, data, n, [&self.initial, &weights], spec.precision),
        };
        let frozen_training = FrozenTraining {
            spec,
            net,
            data,
            inputs,
            initial: self.initial.clone(),
            end: (outcome.t, weights),
            saved_weights: &measuring.saved_weights,
        };
        let frozen = frozen_training.run(frozen_progress, interrupts, |progress| {
            measuring.checkpoint(state.clone(), Some((outcome.clone(), progress)))
        })?;
        Ok(RunRecord {
            ending: Ending::of(outcome.end).expect("training has ended"),
            steps: outcome.steps,
            rejected: outcome.rejected,
            work: outcome.work,
            t1: outcome.t1,
            t2: outcome.t2,
            preactivation_speeds: self.preactivation_speeds.clone(),
            path: measuring.path,
            test_wrong,
            test_outputs,
            test_labels,
            gram,
            frozen,
        })
    }
}

/// Checks that a network has as many inputs as the points have coordinates.
pub(crate) fn fits(net: &FeedForward, data: &Dataset) -> Result<(), StudyError> {
    let (network, points) = (net.n_inputs(), data.train.dim());
    if network == points { Ok(()) } else { Err(StudyError::Inputs { network, points }) }
}
