//! One run on one backend: data → model → flow, observed by its tangent kernel.

use anyhow::{Context, bail};
use burn::tensor::{Tensor, backend::Backend};
use regime_data::{Dataset, Part};
use regime_models::{Alpha, FeedForward, Network, Precision, Scaled, Trace};
use regime_tangent::{kernel, relative_change};
use regime_train::{Divergence, End, Flow, Moment, Objective, Observation, Observer, System};

use super::{Ending, Measurement, RunRecord, RunSpec, spec::batch_points};

/// The error of a run that the user stopped.
pub(crate) const STOPPED: &str = "stopped by the user";

/// What a run asks of the world: how long it has been going on, and whether the
/// user wants to stop.
pub(crate) trait Clock {
    /// Wall-clock seconds since the run started.
    fn elapsed_s(&self) -> f64;
    /// Whether the user wants to stop.
    fn stopped(&self) -> bool;
}

/// Carries out one run.
///
/// # Errors
/// When the spec describes nothing that can be run, when the user stops it, and
/// when its wall-clock budget is spent; a flow that does not converge for reasons
/// of its own is a record and no error.
pub(crate) fn simulate<B: Backend>(
    spec: &RunSpec,
    data: &Dataset,
    device: &B::Device,
    clock: &dyn Clock,
) -> anyhow::Result<RunRecord> {
    let net = spec.network.build().context("network")?;
    let alpha = Alpha::paper(spec.alpha)?;
    let precision = spec.precision;
    let w0 = precision.vector::<B>(&net.initial_weights(spec.seed), device);
    let inputs = tensor::<B>(&data.train, precision, device);

    let f0 = Precision::to_host(net.forward(&w0, &inputs));
    let labels = data.train.y.to_vec();
    let objective = Objective::new(alpha, spec.loss, labels, f0)?;
    let system = System::new(&net, inputs, objective);
    let mut witness = Witness::new(spec, &net, data, w0.clone(), device, clock);
    let mut flow = Flow::start(&system, spec.flow, w0)?;
    let outcome = flow.run(&mut witness);

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
        End::Interrupted if clock.stopped() => bail!(STOPPED),
        // Where it stands then depends on the machine and its load: that is no
        // record of the spec, and the next call tries again.
        End::Interrupted => bail!(
            "not finished within {} s of wall-clock time: {} of {} margins are not reached after {} \
             steps",
            spec.budget.max_wall_s,
            flow.observation(Moment::End).n_violating,
            data.train.len(),
            outcome.steps,
        ),
        End::Stalled => Ending::Stalled,
    };
    Ok(RunRecord {
        ending,
        steps: outcome.steps,
        rejected: outcome.rejected,
        half_loss_time: outcome.half_loss_time,
        margins_time: outcome.margins_time,
        path: witness.path,
    })
}

/// Measures what the study is about at the moments the flow announces.
struct Witness<'a, B: Backend> {
    net: &'a FeedForward,
    clock: &'a dyn Clock,
    max_wall_s: f64,
    w0: Tensor<B, 1>,
    kernel_points: Option<Tensor<B, 2>>,
    initial_kernel: Option<Tensor<B, 2>>,
    test: Vec<TestBatch<B>>,
    path: Vec<Measurement>,
}

/// Test points with their labels and the outputs that `F` subtracts.
struct TestBatch<B: Backend> {
    inputs: Tensor<B, 2>,
    labels: Vec<f64>,
    scaled: Scaled<B>,
}

impl<'a, B: Backend> Witness<'a, B> {
    fn new(
        spec: &RunSpec,
        net: &'a FeedForward,
        data: &Dataset,
        w0: Tensor<B, 1>,
        device: &B::Device,
        clock: &'a dyn Clock,
    ) -> Self {
        let precision = spec.precision;
        let alpha = Alpha::paper(spec.alpha).expect("checked before");
        let labels: Vec<f64> = data.test.y.to_vec();
        let all = tensor::<B>(&data.test, precision, device);
        let batch = batch_points(net);
        let test = (0..data.test.len())
            .step_by(batch)
            .map(|start| {
                let end = (start + batch).min(data.test.len());
                let inputs = all.clone().narrow(0, start, end - start);
                let scaled = Scaled::at(net, &w0, &inputs, alpha);
                TestBatch { inputs, labels: labels[start..end].to_vec(), scaled }
            })
            .collect();
        let kernel_points =
            (!data.kernel.is_empty()).then(|| tensor::<B>(&data.kernel, precision, device));
        let initial_kernel = kernel_points.as_ref().map(|x| kernel(&net.trace(&w0, x).linearise()));
        let max_wall_s = spec.budget.max_wall_s;
        Self { net, clock, max_wall_s, w0, kernel_points, initial_kernel, test, path: Vec::new() }
    }

    fn kernel_change(&self, w: &Tensor<B, 1>) -> Option<f64> {
        let theta = kernel(&self.net.trace(w, self.kernel_points.as_ref()?).linearise());
        relative_change(theta, self.initial_kernel.clone()?).ok().filter(|c| c.is_finite())
    }

    fn test_error(&self, w: &Tensor<B, 1>) -> f64 {
        let mut wrong = 0;
        let mut n = 0;
        for TestBatch { inputs, labels, scaled } in &self.test {
            let f = Precision::to_host(scaled.output(self.net.forward(w, inputs)));
            // Written so that an output that is not a number counts as wrong.
            wrong += f.iter().zip(labels).filter(|(f, y)| !(*f * **y > 0.0)).count();
            n += labels.len();
        }
        wrong as f64 / n as f64
    }
}

impl<B: Backend> Observer<B> for Witness<'_, B> {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        let at_end = observation.moment == Moment::End;
        let measure_kernel = at_end || observation.moment == Moment::HalfLoss;
        let kernel_change = match observation.moment {
            Moment::Start => self.initial_kernel.as_ref().map(|_| 0.0),
            _ if measure_kernel => self.kernel_change(w),
            _ => None,
        };
        let norm = |v: Tensor<B, 1>| Precision::to_host((v.clone() * v).sum())[0].sqrt();
        self.path.push(Measurement {
            training: *observation,
            test_error: at_end.then(|| self.test_error(w)),
            kernel_change,
            weight_change: norm(w.clone() - self.w0.clone()) / norm(self.w0.clone()),
        });
    }

    fn interrupts(&mut self) -> bool {
        self.clock.stopped() || self.clock.elapsed_s() > self.max_wall_s
    }
}

fn tensor<B: Backend>(part: &Part, precision: Precision, device: &B::Device) -> Tensor<B, 2> {
    let values: Vec<f64> = part.x.iter().copied().collect();
    precision.matrix(&values, [part.len(), part.dim()], device)
}
