//! Training with frozen kernels on the task of a trained network.

use burn_tensor::{Tensor, backend::Backend};
use regime_data::Dataset;
use regime_models::{Alpha, FeedForward, NetworkSpec};
use regime_tangent::InfiniteWidth;
use regime_train::{KernelModel, Linearised, Outcome, Probe, System, Targets, TestError};

use crate::{
    checkpoint::{FrozenProgress, RunCheckpoint, SavedWeights},
    context::{InterruptPolicy, Interrupter},
    error::StudyError,
    frozen_kernel::FrozenKernel,
    memory_model::batch_points,
    points::tensor,
    record::{Ending, FrozenOutcome, FrozenRecord},
    spec::RunSpec,
    trainer::{Trainer, TrainerState},
};

/// A task and the network that was trained on it.
pub(crate) struct FrozenTraining<'a, B: Backend> {
    pub(crate) spec: &'a RunSpec,
    pub(crate) net: &'a FeedForward,
    pub(crate) data: &'a Dataset,
    /// Inputs of the training points, `[n, d]`.
    pub(crate) inputs: &'a Tensor<B, 2>,
    pub(crate) initial: Tensor<B, 1>,
    /// The time and the weights at the end of training.
    pub(crate) end: (f64, Tensor<B, 1>),
    pub(crate) saved_weights: &'a [Option<SavedWeights>],
}

impl<B: Backend> FrozenTraining<'_, B> {
    /// Trains with every frozen kernel of the spec, starting from the given progress.
    /// `checkpoint` makes the checkpoint of the whole run from the progress of this part.
    ///
    /// # Errors
    /// Those of [`InterruptPolicy::pause`].
    pub(crate) fn run(
        &self,
        FrozenProgress { mut done, mut next }: FrozenProgress,
        interrupts: &mut InterruptPolicy<'_>,
        checkpoint: impl Fn(FrozenProgress) -> RunCheckpoint,
    ) -> Result<Vec<FrozenRecord>, StudyError> {
        for index in done.len()..self.spec.frozen.len() {
            let kernel = self.spec.frozen[index];
            let learning = match self.kernel(index) {
                Err(why) => FrozenOutcome::NoKernel(why),
                Ok(source) => self.train_with(&source, next.take(), interrupts, |state| {
                    checkpoint(FrozenProgress { done: done.clone(), next: Some(state) })
                })?,
            };
            done.push(FrozenRecord { kernel, learning });
        }
        Ok(done)
    }

    /// The kernel at `index` in the spec, or the reason why it does not exist.
    fn kernel(&self, index: usize) -> Result<Source<B>, String> {
        let saved = || {
            let SavedWeights { t, weights } = self.saved_weights[index].as_ref()?;
            let precision = self.spec.precision;
            Some((*t, precision.vector(weights, &self.inputs.device())))
        };
        let kernel = self.spec.frozen[index];
        let (time, weights) = match kernel {
            FrozenKernel::Initial => (0.0, self.initial.clone()),
            FrozenKernel::End => self.end.clone(),
            FrozenKernel::HalfLoss => saved().ok_or("the mean loss has not fallen to half")?,
            FrozenKernel::At(t) => {
                saved().ok_or_else(|| format!("training ended before t = {t}"))?
            }
            FrozenKernel::InfiniteWidth => return self.infinite_width(),
        };
        let model = KernelModel::of(self.net, &weights, self.inputs).map_err(|e| e.to_string())?;
        Ok(Source { kernel, time, model, weights: Some(weights) })
    }

    /// The kernel of infinite width, between training points and with the test points.
    fn infinite_width(&self) -> Result<Source<B>, String> {
        let NetworkSpec::Dense(dense) = &self.spec.network else {
            // The check of the spec reports this error first.
            return Err("infinite width needs a dense network".into());
        };
        let limit = InfiniteWidth::new(dense)
            .and_then(|infinite| {
                infinite.lazy_limit(self.data.train.x.view(), self.data.test.x.view())
            })
            .map_err(|e| e.to_string())?;
        let (precision, device) = (self.spec.precision, self.inputs.device());
        let (rows, columns) = limit.test_train.dim();
        let values: Vec<f64> = limit.test_train.iter().copied().collect();
        let model = KernelModel::from_host(limit.train.view(), precision, &device)
            .and_then(|model| {
                model.with_points(precision.matrix(&values, [rows, columns], &device))
            })
            .map_err(|e| e.to_string())?;
        Ok(Source { kernel: FrozenKernel::InfiniteWidth, time: 0.0, model, weights: None })
    }

    /// Trains with one kernel, from `state` or from the start.
    fn train_with(
        &self,
        source: &Source<B>,
        state: Option<TrainerState>,
        interrupts: &mut InterruptPolicy<'_>,
        checkpoint: impl Fn(TrainerState) -> RunCheckpoint,
    ) -> Result<FrozenOutcome, StudyError> {
        let RunSpec { dynamics, seed, loss, .. } = *self.spec;
        let model = &source.model;
        let labels = self.data.train.y.to_vec();
        let system =
            System::of_kernel(model.clone()).targets(Targets::signs(labels)?).loss(loss).build()?;
        let resumed = state.and_then(|state| Trainer::resume(&system, dynamics, seed, state)?.ok());
        let mut trainer = match resumed {
            Some(trainer) => trainer,
            None => Trainer::start(&system, dynamics, seed)?,
        };
        loop {
            let outcome = trainer.run(&mut Interrupter(interrupts));
            if let Some(ending) = Ending::of(outcome.end) {
                let test_error = self.test_error(source, trainer.weights())?;
                return Ok(trained(source.time, ending, outcome, test_error));
            }
            interrupts.pause(&checkpoint(trainer.state()), || {
                let now = trainer.observation();
                format!(
                    "with the frozen kernel {}, {} of {} margins are not reached at t = {:.4e}",
                    source.kernel.name(),
                    now.n_violating,
                    self.data.train.len(),
                    now.t
                )
            })?;
        }
    }

    /// The test error of the trained kernel model, whose weights are `c`.
    fn test_error(&self, source: &Source<B>, c: Tensor<B, 1>) -> Result<f64, StudyError> {
        let labels = self.data.test.y.to_vec();
        let alpha = Alpha::paper(1.0).map_err(StudyError::Alpha)?;
        // A linearisation takes about twice the memory of a forward pass.
        let batch_size = batch_points(self.net).div_ceil(2);
        let Some(weights) = &source.weights else {
            let model = &source.model;
            let points =
                model.other_points().expect("the model of infinite width has the test points");
            let at = (&model.origin(), alpha);
            return Ok(
                TestError::new(model, &points, Targets::signs(labels)?, at, batch_size).read(&c)
            );
        };
        // This model is a linearised network, which is evaluated without the kernel between
        // test and training points.
        let linear = Linearised::at(self.net, weights.clone());
        let inputs = tensor(&self.data.test, self.spec.precision, &self.inputs.device());
        let probe =
            TestError::new(&linear, &inputs, Targets::signs(labels)?, (weights, alpha), batch_size);
        Ok(probe.read(&linear.weights(self.inputs, c)))
    }
}

/// A frozen kernel and its origin.
struct Source<B: Backend> {
    kernel: FrozenKernel,
    time: f64,
    /// Weights of the network whose tangent kernel it is; `None` for infinite width, whose model
    /// contains the test points.
    weights: Option<Tensor<B, 1>>,
    model: KernelModel<B>,
}

fn trained(kernel_time: f64, ending: Ending, outcome: Outcome, test_error: f64) -> FrozenOutcome {
    FrozenOutcome::Trained {
        kernel_time,
        ending,
        steps: outcome.steps,
        rejected: outcome.rejected,
        t1: outcome.t1,
        t2: outcome.t2,
        test_error,
        path: outcome.observations,
    }
}
