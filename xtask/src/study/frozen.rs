//! Learning with kernels that do not change, beside the network they belong to.

use burn::tensor::{Tensor, backend::Backend};
use regime_data::Dataset;
use regime_models::{Alpha, FeedForward, NetworkSpec};
use regime_tangent::InfiniteWidth;
use regime_train::{
    KernelModel, Linearised, Moment, Objective, Observation, Outcome, Probe, System, TestError,
};
use serde::{Deserialize, Serialize};

use super::{
    Ending, FrozenKernel, FrozenLearning, FrozenRecord, Partial, RunSpec,
    foreseen::batch_points,
    simulate::{Interrupted, Patience, tensor},
    trainer::{Trainer, TrainerState},
};

/// The weights of a network at some moment of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) t: f64,
    pub(super) weights: Vec<f64>,
}

impl Kept {
    /// Whether the weights of this observation belong to `kernel`, and are not there
    /// anyhow.
    pub(super) fn asked_for(kernel: FrozenKernel, observation: &Observation) -> bool {
        match kernel {
            FrozenKernel::Initial | FrozenKernel::End | FrozenKernel::InfiniteWidth => false,
            FrozenKernel::HalfLoss => observation.moment == Moment::HalfLoss,
            FrozenKernel::At(t) => observation.t >= t,
        }
    }
}

/// Where the frozen kernels of a run are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Learning {
    /// Those that have ended.
    done: Vec<FrozenRecord>,
    /// The state of the next.
    at: Option<TrainerState>,
}

/// A task with the network that was trained on it.
pub(super) struct Taught<'a, B: Backend> {
    pub(super) spec: &'a RunSpec,
    pub(super) net: &'a FeedForward,
    pub(super) data: &'a Dataset,
    /// Of the training points, `[n, d]`.
    pub(super) inputs: &'a Tensor<B, 2>,
    pub(super) initial: Tensor<B, 1>,
    /// When training ended, and with which weights.
    pub(super) end: (f64, Tensor<B, 1>),
    pub(super) kept: &'a [Option<Kept>],
}

impl<B: Backend> Taught<'_, B> {
    /// Learns with every kernel that the spec asks for, from `learning` on. `partial` is
    /// the whole run with this part of it.
    ///
    /// # Errors
    /// Those of [`Patience::pause`].
    pub(super) fn learn(
        &self,
        Learning { mut done, mut at }: Learning,
        patience: &mut Patience<'_>,
        partial: impl Fn(Learning) -> Partial,
    ) -> anyhow::Result<Vec<FrozenRecord>> {
        for index in done.len()..self.spec.frozen.len() {
            let kernel = self.spec.frozen[index];
            let learning = match self.kernel(index) {
                Err(why) => FrozenLearning::NoKernel(why),
                Ok(source) => self.learn_with(&source, at.take(), patience, |now| {
                    partial(Learning { done: done.clone(), at: Some(now) })
                })?,
            };
            done.push(FrozenRecord { kernel, learning });
        }
        Ok(done)
    }

    /// The kernel with this number in the spec, or why there is none.
    fn kernel(&self, index: usize) -> Result<Source<B>, String> {
        let kept = || {
            let Kept { t, weights } = self.kept[index].as_ref()?;
            let precision = self.spec.precision;
            Some((*t, precision.vector(weights, &self.inputs.device())))
        };
        let kernel = self.spec.frozen[index];
        let (time, weights) = match kernel {
            FrozenKernel::Initial => (0.0, self.initial.clone()),
            FrozenKernel::End => self.end.clone(),
            FrozenKernel::HalfLoss => kept().ok_or("the mean loss has not fallen to half")?,
            FrozenKernel::At(t) => {
                kept().ok_or_else(|| format!("training ended before t = {t}"))?
            }
            FrozenKernel::InfiniteWidth => return self.infinite_width(),
        };
        let model = KernelModel::of(self.net, &weights, self.inputs).map_err(|e| e.to_string())?;
        Ok(Source { kernel, time, model, weights: Some(weights) })
    }

    /// The kernel of infinite width, with the test points beside the training points.
    fn infinite_width(&self) -> Result<Source<B>, String> {
        let NetworkSpec::Dense(dense) = &self.spec.network else {
            // The spec's check has refused it.
            return Err("infinite width is there for dense networks only".into());
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

    /// Learns with one kernel, from `state` on.
    fn learn_with(
        &self,
        source: &Source<B>,
        state: Option<TrainerState>,
        patience: &mut Patience<'_>,
        partial: impl Fn(TrainerState) -> Partial,
    ) -> anyhow::Result<FrozenLearning> {
        let RunSpec { dynamics, seed, loss, .. } = *self.spec;
        let model = &source.model;
        let labels = self.data.train.y.to_vec();
        let f0 = vec![0.0; labels.len()];
        // F does not depend on α here.
        let objective = Objective::new(Alpha::paper(1.0)?, loss, labels, f0)?;
        let system = System::new(model, model.training_points(), objective);
        let resumed = state.and_then(|state| Trainer::resume(&system, dynamics, seed, state)?.ok());
        let mut trainer = match resumed {
            Some(trainer) => trainer,
            None => Trainer::start(&system, dynamics, seed, model.origin())?,
        };
        loop {
            let outcome = trainer.run(&mut Interrupted(patience));
            if let Some(ending) = Ending::of(outcome.end) {
                let test_error = self.test_error(source, trainer.weights())?;
                return Ok(learnt(source.time, ending, outcome, test_error));
            }
            patience.pause(&partial(trainer.state()), || {
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

    /// The test error of what has been learnt.
    fn test_error(&self, source: &Source<B>, c: Tensor<B, 1>) -> anyhow::Result<f64> {
        let labels = self.data.test.y.to_vec();
        let alpha = Alpha::paper(1.0)?;
        // A linearisation holds about twice what a forward pass does.
        let together = batch_points(self.net).div_ceil(2);
        let Some(weights) = &source.weights else {
            let model = &source.model;
            let points = model.other_points().expect("it came with the test points");
            let at = (&model.origin(), alpha);
            return Ok(TestError::new(model, &points, &labels, at, together).read(&c));
        };
        // The kernel between test and training points is not needed: the function is that
        // of a linearised network.
        let linear = Linearised::at(self.net, weights.clone());
        let inputs = tensor(&self.data.test, self.spec.precision, &self.inputs.device());
        let probe = TestError::new(&linear, &inputs, &labels, (weights, alpha), together);
        Ok(probe.read(&linear.weights(self.inputs, c)))
    }
}

/// A kernel to learn with, and where it comes from.
struct Source<B: Backend> {
    kernel: FrozenKernel,
    time: f64,
    /// Those of the network it is the kernel of; none for infinite width, whose model has
    /// the test points beside the training points.
    weights: Option<Tensor<B, 1>>,
    model: KernelModel<B>,
}

fn learnt(kernel_time: f64, ending: Ending, outcome: Outcome, test_error: f64) -> FrozenLearning {
    FrozenLearning::Learnt {
        kernel_time,
        ending,
        steps: outcome.steps,
        rejected: outcome.rejected,
        half_loss_time: outcome.half_loss_time,
        margins_time: outcome.margins_time,
        test_error,
        path: outcome.observations,
    }
}
