//! One run on one backend: data → model → training, observed by its tangent kernel.

use anyhow::{Context, bail};
use burn::tensor::{Tensor, backend::Backend};
use regime_data::{Dataset, Part};
use regime_models::{Alpha, FeedForward, Network, Precision};
use regime_train::{
    Divergence, End, KernelChange, Moment, Objective, Observation, Observer, Probe, System,
    TestError, WeightsByLayer, preactivation_speeds,
};
use serde::{Deserialize, Serialize};

use super::{
    Ending, Measurement, RunRecord, RunSpec,
    spec::batch_points,
    trainer::{Trainer, TrainerState},
};

/// The error of a run that the user stopped.
pub(crate) const STOPPED: &str = "stopped by the user";

/// Wall-clock seconds between two checkpoints of a run.
const CHECKPOINT_EVERY_S: f64 = 60.0;

/// What a run asks of the world around it.
pub(crate) trait World {
    /// Wall-clock seconds since the run started.
    fn elapsed_s(&self) -> f64;

    /// Whether the user wants to stop.
    fn stopped(&self) -> bool;

    /// What an earlier call left of this run.
    fn earlier(&self) -> Option<Partial>;

    /// Keeps what there is of this run.
    ///
    /// # Errors
    /// Whatever keeps it from being kept.
    fn keep(&self, partial: &Partial) -> anyhow::Result<()>;
}

/// A run that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Partial {
    training: TrainerState,
    path: Vec<Measurement>,
}

/// Carries out one run, from where an earlier call left it if one did.
///
/// # Errors
/// When the spec describes nothing that can be run, when the user stops it, and
/// when its wall-clock budget is spent (the run goes on with the next call); training
/// that does not converge for reasons of its own is a record and no error.
pub(crate) fn simulate<B: Backend>(
    spec: &RunSpec,
    data: &Dataset,
    device: &B::Device,
    world: &dyn World,
) -> anyhow::Result<RunRecord> {
    let net = spec.network.build().context("network")?;
    if data.train.dim() != net.n_inputs() {
        bail!(
            "network: it has {} inputs, but the points have {} coordinates",
            net.n_inputs(),
            data.train.dim()
        );
    }
    let alpha = Alpha::paper(spec.alpha)?;
    let precision = spec.precision;
    let w0 = precision.vector::<B>(&net.initial_weights(spec.seed), device);
    let inputs = tensor::<B>(&data.train, precision, device);

    let f0 = Precision::to_host(net.forward(&w0, &inputs));
    let labels = data.train.y.to_vec();
    let objective = Objective::new(alpha, spec.loss, labels, f0)?;
    let system = System::new(&net, inputs, objective);
    let preactivation_speeds =
        preactivation_speeds(&system, &w0, batch_points(&net)).unwrap_or_default();

    let mut witness = Witness::new(spec, &net, data, &w0, device, world);
    let resumed = world.earlier().and_then(|Partial { training, path }| {
        let trainer = Trainer::resume(&system, spec.dynamics, spec.seed, training)?.ok()?;
        witness.path = path;
        Some(trainer)
    });
    let mut trainer = match resumed {
        Some(trainer) => trainer,
        None => Trainer::start(&system, spec.dynamics, spec.seed, w0)?,
    };
    let keep = |trainer: &Trainer<'_, B>, witness: &Witness<'_, B>| {
        world.keep(&Partial { training: trainer.state(), path: witness.path.clone() })
    };

    loop {
        let outcome = trainer.run(&mut witness);
        let ending = match outcome.end {
            End::Converged => Ending::Converged,
            End::Diverged { quantity, step } => {
                let quantity = match quantity {
                    Divergence::Gradient => "the gradient is not finite",
                    Divergence::StepSize => "no step is small enough",
                };
                Ending::Diverged { quantity: quantity.into(), step }
            }
            End::StepsSpent => Ending::StepsSpent,
            End::TimeReached => Ending::TimeReached,
            End::Stalled => Ending::Stalled,
            End::Interrupted => {
                keep(&trainer, &witness)?;
                if world.stopped() {
                    bail!(STOPPED);
                }
                // Where it stands now depends on the machine and its load: that is no
                // record of the spec.
                if witness.over_budget() {
                    let now = trainer.observation();
                    bail!(
                        "not finished within {} s of wall-clock time: {} of {} margins are not \
                         reached at t = {:.4e} after {} steps, test error {:.4}; the same command \
                         goes on from there",
                        spec.budget.max_wall_s,
                        now.n_violating,
                        data.train.len(),
                        now.t,
                        now.steps,
                        witness.test.read(&trainer.weights()),
                    );
                }
                witness.kept_s = world.elapsed_s();
                continue;
            }
        };
        return Ok(RunRecord {
            ending,
            steps: outcome.steps,
            rejected: outcome.rejected,
            half_loss_time: outcome.half_loss_time,
            margins_time: outcome.margins_time,
            preactivation_speeds,
            path: witness.path,
        });
    }
}

/// Measures what the study is about at the moments that training announces.
struct Witness<'a, B: Backend> {
    world: &'a dyn World,
    max_wall_s: f64,
    /// When the last checkpoint was made.
    kept_s: f64,
    layers: WeightsByLayer,
    kernel: Option<KernelChange<'a, B, FeedForward>>,
    test: TestError<'a, B, FeedForward>,
    path: Vec<Measurement>,
}

impl<'a, B: Backend> Witness<'a, B> {
    fn new(
        spec: &RunSpec,
        net: &'a FeedForward,
        data: &Dataset,
        w0: &Tensor<B, 1>,
        device: &B::Device,
        world: &'a dyn World,
    ) -> Self {
        let precision = spec.precision;
        let alpha = Alpha::paper(spec.alpha).expect("checked before");
        let labels: Vec<f64> = data.test.y.to_vec();
        let inputs = tensor::<B>(&data.test, precision, device);
        let points =
            (!data.kernel.is_empty()).then(|| tensor::<B>(&data.kernel, precision, device));
        Self {
            world,
            max_wall_s: spec.budget.max_wall_s,
            kept_s: world.elapsed_s(),
            layers: WeightsByLayer::from(net, w0),
            kernel: points.map(|points| KernelChange::from(net, points, w0)),
            test: TestError::new(net, &inputs, &labels, (w0, alpha), batch_points(net)),
            path: Vec::new(),
        }
    }

    fn over_budget(&self) -> bool {
        self.world.elapsed_s() > self.max_wall_s
    }
}

impl<B: Backend> Observer<B> for Witness<'_, B> {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        let at_end = observation.moment == Moment::End;
        let kernel_change = match (observation.moment, &self.kernel) {
            (Moment::Start, Some(_)) => Some(0.0),
            (Moment::HalfLoss | Moment::End, Some(kernel)) => {
                kernel.read(w).ok().filter(|change| change.is_finite())
            }
            _ => None,
        };
        let layers = self.layers.read(w);
        let moved = layers.iter().map(|layer| layer.change.powi(2)).sum::<f64>().sqrt();
        self.path.push(Measurement {
            training: *observation,
            test_error: at_end.then(|| self.test.read(w)),
            kernel_change,
            weight_change: moved / self.layers.initial_norm(),
            layers,
        });
    }

    fn interrupts(&mut self) -> bool {
        let checkpoint_due = self.world.elapsed_s() > self.kept_s + CHECKPOINT_EVERY_S;
        self.world.stopped() || self.over_budget() || checkpoint_due
    }
}

/// The points of a part, `[n, d]`.
pub(super) fn tensor<B: Backend>(
    part: &Part,
    precision: Precision,
    device: &B::Device,
) -> Tensor<B, 2> {
    let values: Vec<f64> = part.x.iter().copied().collect();
    precision.matrix(&values, [part.len(), part.dim()], device)
}
