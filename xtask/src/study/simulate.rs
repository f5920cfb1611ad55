//! One run on one backend: data → model → training, observed by its tangent kernel.

use anyhow::{Context, bail};
use burn::tensor::{Tensor, backend::Backend};
use regime_data::{Dataset, Part};
use regime_models::{Alpha, FeedForward, Network, Precision};
use regime_train::{
    KernelChange, Moment, Objective, Observation, Observer, Outcome, Probe, System, TestError,
    WeightsByLayer, WholeKernel, preactivation_speeds,
};
use serde::{Deserialize, Serialize};

use super::{
    Ending, GramPair, Measurement, RunRecord, RunSpec,
    foreseen::batch_points,
    frozen::{Kept, Learning, Taught},
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

/// Time without end, and nothing to remember.
pub(crate) struct Unlimited;

impl World for Unlimited {
    fn elapsed_s(&self) -> f64 {
        0.0
    }

    fn stopped(&self) -> bool {
        false
    }

    fn earlier(&self) -> Option<Partial> {
        None
    }

    fn keep(&self, _: &Partial) -> anyhow::Result<()> {
        Ok(())
    }
}

/// A run that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Partial {
    training: TrainerState,
    path: Vec<Measurement>,
    /// The weights whose kernels are to be frozen, as far as they were passed; in the
    /// order of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<Option<Kept>>,
    /// Once training has ended, with what outcome, and where the frozen kernels are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    learning: Option<(Outcome, Learning)>,
}

/// When a run is to be interrupted: at the user's wish, at the end of its budget, and
/// to be kept.
pub(super) struct Patience<'a> {
    world: &'a dyn World,
    max_wall_s: f64,
    /// When the last checkpoint was made.
    kept_s: f64,
}

impl<'a> Patience<'a> {
    fn new(world: &'a dyn World, max_wall_s: f64) -> Self {
        Self { world, max_wall_s, kept_s: world.elapsed_s() }
    }

    pub(super) fn runs_out(&self) -> bool {
        let checkpoint_due = self.world.elapsed_s() > self.kept_s + CHECKPOINT_EVERY_S;
        self.world.stopped() || self.over_budget() || checkpoint_due
    }

    fn over_budget(&self) -> bool {
        self.world.elapsed_s() > self.max_wall_s
    }

    /// Keeps an interrupted run, and lets it go on if it may.
    ///
    /// Where it stands when its budget is spent depends on the machine and its load: that
    /// is no record of the spec, and so an error, which `now` tells.
    pub(super) fn pause(
        &mut self,
        partial: &Partial,
        now: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        self.world.keep(partial)?;
        if self.world.stopped() {
            bail!(STOPPED);
        }
        if self.over_budget() {
            bail!(
                "not finished within {} s of wall-clock time: {}; the same command goes on from \
                 there",
                self.max_wall_s,
                now()
            );
        }
        self.kept_s = self.world.elapsed_s();
        Ok(())
    }
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
    let system = System::new(&net, inputs.clone(), objective);
    let preactivation_speeds =
        preactivation_speeds(&system, &w0, batch_points(&net)).unwrap_or_default();

    let mut witness = Witness::new(spec, &net, data, &w0, device);
    let mut patience = Patience::new(world, spec.budget.max_wall_s);
    let mut ended = None;
    let resumed = world.earlier().and_then(|Partial { training, path, kept, learning }| {
        let trainer = Trainer::resume(&system, spec.dynamics, spec.seed, training)?.ok()?;
        witness.path = path;
        witness.kept = kept;
        ended = learning;
        Some(trainer)
    });
    let mut trainer = match resumed {
        Some(trainer) => trainer,
        None => Trainer::start(&system, spec.dynamics, spec.seed, w0.clone())?,
    };
    witness.kept.resize(spec.frozen.len(), None);
    let partial = |training, witness: &Witness<'_, B>, learning| Partial {
        training,
        path: witness.path.clone(),
        kept: witness.kept.clone(),
        learning,
    };

    let (outcome, learning) = match ended {
        Some(ended) => ended,
        None => loop {
            let outcome = trainer.run(&mut (&mut witness, Interrupted(&patience)));
            if Ending::of(outcome.end).is_some() {
                break (outcome, Learning::default());
            }
            patience.pause(&partial(trainer.state(), &witness, None), || {
                let now = trainer.observation();
                format!(
                    "{} of {} margins are not reached at t = {:.4e} after {} steps, test error \
                     {:.4}",
                    now.n_violating,
                    data.train.len(),
                    now.t,
                    now.steps,
                    witness.test.read(&trainer.weights()),
                )
            })?;
        },
    };
    let (end, state) = ((outcome.t, trainer.weights()), trainer.state());
    // What it has worked out for its next step takes memory, and so does the room for it.
    drop(trainer);
    drop(system);
    let mut test_outputs = match spec.outputs_kept {
        0 => Vec::new(),
        _ => witness.test.outputs(&end.1),
    };
    test_outputs.truncate(spec.outputs_kept);
    let test_labels = data.test.y.iter().take(test_outputs.len()).map(|&y| y as i8).collect();
    let gram = match spec.gram_kept {
        0 => None,
        n => gram(&net, data, n, [&w0, &end.1], precision),
    };
    let taught =
        Taught { spec, net: &net, data, inputs: &inputs, initial: w0, end, kept: &witness.kept };
    let frozen = taught.learn(learning, &mut patience, |learning| {
        partial(state.clone(), &witness, Some((outcome.clone(), learning)))
    })?;
    Ok(RunRecord {
        ending: Ending::of(outcome.end).expect("training has ended"),
        steps: outcome.steps,
        rejected: outcome.rejected,
        half_loss_time: outcome.half_loss_time,
        margins_time: outcome.margins_time,
        preactivation_speeds,
        path: witness.path,
        test_outputs,
        test_labels,
        gram,
        frozen,
    })
}

/// The tangent kernel on the first `n` kernel points at two sets of weights; `None` where it
/// is not finite.
fn gram<B: Backend>(
    net: &FeedForward,
    data: &Dataset,
    n: usize,
    [before, after]: [&Tensor<B, 1>; 2],
    precision: Precision,
) -> Option<GramPair> {
    let points = tensor::<B>(&data.kernel, precision, &before.device()).narrow(0, 0, n);
    let kernel = WholeKernel::new(net, points);
    let triangle = |w: &Tensor<B, 1>| {
        let whole = Precision::to_host(kernel.read(w));
        let rows = whole.chunks(n).enumerate();
        let upper: Vec<f64> = rows.flat_map(|(i, row)| row[i..].iter().copied()).collect();
        upper.iter().all(|value| value.is_finite()).then_some(upper)
    };
    Some(GramPair {
        labels: data.kernel.y.iter().take(n).map(|&y| y as i8).collect(),
        classes: data.kernel.class[..n].to_vec(),
        before: triangle(before)?,
        after: triangle(after)?,
    })
}

/// Interrupts what it observes, and looks away otherwise.
pub(super) struct Interrupted<'a>(pub(super) &'a Patience<'a>);

impl<B: Backend> Observer<B> for Interrupted<'_> {
    fn observe(&mut self, _: &Observation, _: &Tensor<B, 1>) {}

    fn interrupts(&mut self) -> bool {
        self.0.runs_out()
    }
}

/// Measures what the study is about at the moments that training announces.
struct Witness<'a, B: Backend> {
    spec: &'a RunSpec,
    layers: WeightsByLayer,
    kernel: Option<KernelChange<'a, B, FeedForward>>,
    test: TestError<'a, B, FeedForward>,
    path: Vec<Measurement>,
    /// See [`Partial`].
    kept: Vec<Option<Kept>>,
}

impl<'a, B: Backend> Witness<'a, B> {
    fn new(
        spec: &'a RunSpec,
        net: &'a FeedForward,
        data: &Dataset,
        w0: &Tensor<B, 1>,
        device: &B::Device,
    ) -> Self {
        let precision = spec.precision;
        let alpha = Alpha::paper(spec.alpha).expect("checked before");
        let labels: Vec<f64> = data.test.y.to_vec();
        let inputs = tensor::<B>(&data.test, precision, device);
        let points =
            (!data.kernel.is_empty()).then(|| tensor::<B>(&data.kernel, precision, device));
        Self {
            spec,
            layers: WeightsByLayer::from(net, w0),
            kernel: points.map(|points| KernelChange::from(net, points, w0)),
            test: TestError::new(net, &inputs, &labels, (w0, alpha), batch_points(net)),
            path: Vec::new(),
            kept: Vec::new(),
        }
    }
}

impl<B: Backend> Observer<B> for Witness<'_, B> {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        let at_end = observation.moment == Moment::End;
        let kernel_change = match (observation.moment, &self.kernel) {
            (Moment::Start, Some(_)) => Some(0.0),
            (moment, Some(kernel)) if self.spec.kernel_path || moment != Moment::Scheduled => {
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
        for (kernel, kept) in self.spec.frozen.iter().zip(&mut self.kept) {
            if kept.is_none() && Kept::asked_for(*kernel, observation) {
                *kept = Some(Kept { t: observation.t, weights: Precision::to_host(w.clone()) });
            }
        }
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
