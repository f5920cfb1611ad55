//! Batches of flows: networks of one shape are integrated in one batch, each with its own time and
//! step size. A flow leaves the batch when it ends.

mod active_flow;
mod factor;
mod member;
mod step;
mod system;

use std::sync::OnceLock;

use burn_tensor::{DType, Tensor, backend::Backend};
use rayon::prelude::*;
use regime_models::{FeedForward, Precision, StackedNetwork};

pub use member::{BatchError, BatchObserver, Member, Start};

use self::{
    active_flow::ActiveFlow,
    step::{StackedActive, StackedTrial, attempt},
    system::{StackedPoint, StackedSystem},
};
use crate::{
    control::{Checkpoint, Control},
    digest::{Digest, sizes},
    event::Sample,
    extremes::{largest, smallest},
    objective::{Derivatives, Objective},
    observe::{End, Moment, Observation, Outcome},
    selection::numbered,
    spec::{FlowSpec, SpecError},
    workspace::Workspace,
};

/// Gradient flows of networks of one shape, integrated in one batch.
///
/// Each flow takes small steps with the tangent kernel, with its own time and step size; every call
/// to the backend computes all flows. In a batch, an adaptive flow makes no large steps and leaves
/// no points out. Results agree with those of single flows within the tolerance of the integrator.
/// They are not bit-identical, because the rounding of a product depends on the batch size.
///
/// ```
/// use burn_flex::{Flex, FlexDevice};
/// use regime_models::{Activation, Alpha, DenseSpec, Network, Precision};
/// use regime_train::{FlowBatch, FlowSpec, Loss, Member, Objective, Start, Targets};
///
/// let activation = Activation::Softplus { beta: 5.0 };
/// let net = DenseSpec { inputs: 2, width: 8, hidden_layers: 2, activation, bias: true }.build()?;
/// let inputs = Precision::F64.matrix::<Flex>(&[1.0, 0.2, -0.6, 0.8], [2, 2], &FlexDevice);
/// // The same points, with a different seed and α for each flow.
/// let members = [(0, 0.1), (1, 1.0), (2, 10.0)].into_iter().map(|(seed, alpha)| {
///     let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &FlexDevice);
///     let f0 = Precision::to_host(net.forward(&w, &inputs));
///     let (alpha, loss) = (Alpha::paper(alpha)?, Loss::SoftHinge { beta: 20.0 });
///     let objective = Objective::new(alpha, loss, Targets::signs([1.0, -1.0])?, f0)?;
///     let (spec, start) = (FlowSpec::default(), Start::Weights(w));
///     Ok(Member { objective, inputs: inputs.clone(), spec, start })
/// });
/// let members = members.collect::<Result<_, Box<dyn std::error::Error>>>()?;
/// let outcomes = FlowBatch::start(&net, members)?.run();
/// assert!(outcomes.iter().all(|outcome| outcome.t2.is_some()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FlowBatch<B: Backend> {
    system: StackedSystem<B>,
    at: StackedPoint<B>,
    active: Option<StackedActive<B>>,
    workspace: Workspace,
    net: FeedForward,
    /// The problems of the members, for the digests of their checkpoints.
    problems: Vec<Problem<B>>,
    /// The flows that have not ended, in the order of the stacks.
    flows: Vec<ActiveFlow>,
    /// The flows that have ended, by member, with their weights `[P]`.
    ended: Vec<Option<(Control, Tensor<B, 1>)>>,
}

/// What the digest of a member is computed from.
enum Problem<B: Backend> {
    Started {
        objective: Objective,
        inputs: Tensor<B, 2>,
        initial: Tensor<B, 1>,
        /// Computed for the first checkpoint.
        digest: OnceLock<Digest>,
    },
    /// From a checkpoint with this digest.
    Resumed(Option<Digest>),
}

impl<B: Backend> FlowBatch<B> {
    /// Whether a batch can integrate flows of this network with these settings: the network has to
    /// be fully connected, the scheme adaptive or reference, and the momentum none.
    pub fn takes(net: &FeedForward, spec: &FlowSpec) -> bool {
        spec.advances_in_batches() && StackedNetwork::of(net).is_some()
    }

    /// Starts flows of `net`, one for each of `members`.
    ///
    /// # Errors
    /// [`BatchError`] for members that cannot be integrated in one batch, and for settings out of
    /// their range.
    pub fn start(net: &FeedForward, members: Vec<Member<B>>) -> Result<Self, BatchError> {
        let Some(first) = members.first() else { return Err(BatchError::Empty) };
        let Some(stacked) = StackedNetwork::of(net) else { return Err(BatchError::Network) };
        let (shape, loss) = (first.inputs.dims(), first.objective.loss());
        let dtype = first.inputs.dtype();
        for (member, Member { objective, inputs, spec, start }) in members.iter().enumerate() {
            let right = [objective.n_points(), net.n_inputs()];
            let same =
                inputs.dims() == shape && inputs.dtype() == dtype && objective.loss() == loss;
            if !same || shape != right {
                return Err(BatchError::Different { member });
            }
            if !objective.has_labels() {
                return Err(BatchError::Targets { member });
            }
            if !Self::takes(net, spec) {
                return Err(BatchError::Scheme { member });
            }
            spec.check()?;
            let found = match start {
                Start::Weights(w) => w.dims()[0],
                Start::Checkpoint(checkpoint) => checkpoint.weights.len(),
            };
            SpecError::check_parameter_count(found, net.n_params())?;
            if let Start::Checkpoint(checkpoint) = start
                && let Some(digest) = checkpoint.digest
            {
                let now = Digest::of(&sizes::<B, _>(net), objective, inputs, digest.initial);
                digest.check(now).map_err(|error| BatchError::OtherProblem { member, error })?;
            }
        }
        let problems = members.iter().map(|member| match &member.start {
            Start::Weights(w) => {
                let (objective, inputs) = (member.objective.clone(), member.inputs.clone());
                Problem::Started { objective, inputs, initial: w.clone(), digest: OnceLock::new() }
            }
            Start::Checkpoint(checkpoint) => Problem::Resumed(checkpoint.digest),
        });
        let problems = problems.collect();
        let inputs = members.iter().map(|m| m.inputs.clone().unsqueeze::<3>()).collect();
        let inputs: Tensor<B, 3> = Tensor::cat(inputs, 0);
        let (device, precision) = (inputs.device(), Precision::of(inputs.dtype()));
        let w = members.iter().map(|member| match &member.start {
            Start::Weights(w) => w.clone().unsqueeze::<2>(),
            Start::Checkpoint(checkpoint) => {
                precision.matrix(&checkpoint.weights, [1, net.n_params()], &device)
            }
        });
        let w = Tensor::cat(w.collect(), 0);
        let objectives: Vec<Objective> = members.iter().map(|m| m.objective.clone()).collect();
        let system = StackedSystem::new(stacked.clone(), inputs.clone(), &objectives);
        // Products of many networks may be rounded differently from those of one. At the initial
        // weights F has to be exactly 0 for every α: f₀ is replaced by the outputs that the batch
        // computes.
        let outputs = system.outputs(&w);
        let rows = outputs.chunks_exact(shape[0]);
        let objectives: Vec<Objective> = objectives
            .into_iter()
            .zip(rows.zip(&members))
            .map(|(objective, (row, member))| match member.start {
                Start::Weights(_) => objective.with_initial(row.to_vec()),
                Start::Checkpoint(_) => objective,
            })
            .collect();
        let system = StackedSystem::new(stacked, inputs, &objectives);
        let at = system.point(w);
        let r = members.len();
        let speeds = at.tape.jvp(&at.gradient);
        let [margins, speeds] = [at.margins.clone(), speeds].map(|t| t.cast(DType::F64));
        let found = Tensor::cat(vec![margins, speeds, at.squares()], 1);
        let found = Precision::to_host(found);
        let n = shape[0];
        let members = members.into_iter().zip(objectives);
        let flows = found.chunks_exact(2 * n + 1).zip(members).enumerate();
        let flows = flows.map(|(k, (row, (Member { spec, start, .. }, objective)))| {
            let (margins, rates, square) = (row[..n].to_vec(), &row[n..2 * n], row[2 * n]);
            let Derivatives { mean_loss, curvature, .. } = objective.derivatives(&margins);
            let alpha = objective.alpha().value();
            let now = |t| Sample { t, loss: mean_loss, loss_rate: -alpha.powi(2) * square };
            let has_kernel =
                matches!(&start, Start::Checkpoint(checkpoint) if checkpoint.is_prepared);
            let n_points = objective.n_points() as u64;
            let control = match start {
                Start::Weights(_) => {
                    let speed = largest(rates.iter().map(|v| alpha * v.abs()));
                    let mut control =
                        Control::start(spec, now(0.0), (speed, objective.unit(&margins)), 1.0);
                    let work = &mut control.outcome.work;
                    // The initial gradient.
                    (work.points_forward, work.points_backward, work.points_product) =
                        (n_points, n_points, n_points);
                    control
                }
                Start::Checkpoint(checkpoint) => {
                    Control::resume(spec, now(checkpoint.t), *checkpoint, 1.0)
                }
            };
            ActiveFlow {
                member: k,
                objective,
                control,
                margins,
                curvature: curvature.into_diagonal().expect("a batch has labels ±1"),
                has_kernel,
                failed: None,
            }
        });
        let flows = flows.collect();
        let ended = (0..r).map(|_| None).collect();
        let (workspace, net) = (Workspace::default(), net.clone());
        Ok(Self { system, at, active: None, workspace, net, problems, flows, ended })
    }

    /// Integrates until every flow has ended, and returns the outcomes, by member.
    pub fn run(&mut self) -> Vec<Outcome> {
        self.run_with(&mut ())
    }

    /// Integrates until every flow has ended or the observer interrupts, and returns the outcomes,
    /// by member.
    pub fn run_with(&mut self, observer: &mut impl BatchObserver<B>) -> Vec<Outcome> {
        let fresh = |flow: &ActiveFlow| flow.control.outcome.observations.is_empty();
        let fresh = (0..self.flows.len()).filter(|&k| fresh(&self.flows[k]));
        let start = fresh.map(|k| (k, Moment::Start)).collect::<Vec<_>>();
        self.note(&start, observer);
        loop {
            self.remove_ended(observer);
            if self.flows.is_empty() {
                break;
            }
            if observer.interrupts() {
                let interrupted =
                    |flow: &mut ActiveFlow| flow.control.outcome.end = End::Interrupted;
                self.flows.iter_mut().for_each(interrupted);
                break;
            }
            let observed = self.advance();
            self.note(&observed, observer);
        }
        (0..self.ended.len()).map(|member| self.control(member).outcome.clone()).collect()
    }

    /// The current weights of a member, `[P]`; its last weights if it has ended.
    ///
    /// # Panics
    /// When `member` is out of range.
    pub fn weights(&self, member: usize) -> Tensor<B, 1> {
        match &self.ended[member] {
            Some((_, w)) => w.clone(),
            None => self.row(
                self.flows
                    .iter()
                    .position(|f| f.member == member)
                    .expect("a member has ended or is in the batch"),
            ),
        }
    }

    /// The state of a member between two steps. A batch or a [`Flow`](crate::Flow) can resume from
    /// it.
    ///
    /// # Panics
    /// When `member` is out of range.
    pub fn checkpoint(&self, member: usize) -> Checkpoint {
        let weights = Precision::to_host(self.weights(member));
        let mut checkpoint = self.control(member).checkpoint(weights, None);
        let flow = self.flows.iter().find(|flow| flow.member == member);
        checkpoint.is_prepared = flow.is_some_and(|flow| flow.has_kernel);
        checkpoint.digest = self.digest(member);
        checkpoint
    }

    /// The digest of the problem of a member.
    fn digest(&self, member: usize) -> Option<Digest> {
        match &self.problems[member] {
            Problem::Resumed(digest) => *digest,
            Problem::Started { objective, inputs, initial, digest } => {
                Some(*digest.get_or_init(|| Digest::whole(&self.net, objective, inputs, initial)))
            }
        }
    }

    /// Removes a member from the batch, with [`End::Interrupted`].
    ///
    /// # Panics
    /// When `member` is out of range.
    pub fn release(&mut self, member: usize) {
        let Some(k) = self.flows.iter().position(|flow| flow.member == member) else {
            assert!(self.ended[member].is_some(), "there is no such member");
            return;
        };
        let weights = self.row(k);
        let mut flow = self.flows.remove(k);
        flow.control.outcome.end = End::Interrupted;
        self.ended[member] = Some((flow.control, weights));
        let left: Vec<usize> = (0..=self.flows.len()).filter(|&other| other != k).collect();
        self.keep_rows(&left);
    }

    /// Continues with these rows of the stacks only.
    fn keep_rows(&mut self, rows: &[usize]) {
        if !rows.is_empty() {
            self.system = self.system.networks(rows);
            self.at = self.at.networks(rows);
        }
        self.active = None;
    }

    fn control(&self, member: usize) -> &Control {
        match &self.ended[member] {
            Some((control, _)) => control,
            None => {
                let flow = self.flows.iter().find(|flow| flow.member == member);
                &flow.expect("a member has ended or is in the batch").control
            }
        }
    }

    /// The weights in one row of the stack, `[P]`.
    fn row(&self, k: usize) -> Tensor<B, 1> {
        let [_, n_params] = self.at.w.dims();
        // A copy: a view would hold the weights of the whole batch in memory.
        self.at.w.clone().select(0, numbered::<B>(&[k], &self.system.device())).reshape([n_params])
    }

    /// Makes one trial step of every flow; returns the moments to observe, with the row of the
    /// flow.
    fn advance(&mut self) -> Vec<(usize, Moment)> {
        let mut clocks = Vec::with_capacity(self.flows.len());
        for flow in &mut self.flows {
            let steps = flow.control.outcome.steps;
            // A flow that cannot continue leaves the batch after this step.
            let clock = flow.control.next_step().unwrap_or_else(|quantity| {
                flow.failed = Some(End::Diverged { quantity, step: steps });
                flow.control.clock
            });
            clocks.push(clock);
        }
        if self.active.is_none() {
            let curvatures: Vec<&[f64]> =
                self.flows.iter().map(|flow| &flow.curvature[..]).collect();
            let limits: Vec<f64> = self.flows.iter().map(ActiveFlow::least_curvature).collect();
            self.active = StackedActive::of(&self.at.tape, &curvatures, &limits);
        }
        let dts: Vec<f64> = clocks.iter().map(|clock| clock.dt).collect();
        let active = self.active.as_ref();
        let StackedTrial { point, reports } =
            attempt(&self.system, &self.at, active, &dts, &self.workspace);
        // In parallel: for many flows, these computations on the host take as long as the step on
        // the device.
        let settled = self.flows.par_iter_mut().zip(reports);
        let settled: Vec<Option<Vec<Moment>>> = settled
            .map(|(flow, report)| flow.failed.is_none().then(|| flow.settle(report)).flatten())
            .collect();
        let takes: Vec<bool> = settled.iter().map(Option::is_some).collect();
        let moments = settled.into_iter().map(Option::unwrap_or_default).enumerate();
        let observed = moments.flat_map(|(k, moments)| moments.into_iter().map(move |m| (k, m)));
        let observed: Vec<(usize, Moment)> = observed.collect();
        if takes.contains(&true) {
            self.active = None;
            self.at = self.at.or(&point, &takes);
        }
        observed
    }

    fn note(&mut self, observed: &[(usize, Moment)], observer: &mut impl BatchObserver<B>) {
        if observed.is_empty() {
            return;
        }
        let observations: Vec<(usize, Observation)> = observed
            .iter()
            .map(|&(k, moment)| (self.flows[k].member, self.flows[k].observation(moment)))
            .collect();
        let numbers: Vec<usize> = observed.iter().map(|&(k, _)| k).collect();
        let w = self.at.w.clone().select(0, numbered::<B>(&numbers, &self.system.device()));
        observer.observe(&observations, &w);
        for (&(k, _), (_, observation)) in observed.iter().zip(observations) {
            self.flows[k].control.outcome.observations.push(observation);
        }
    }

    /// Records the flows that have ended and removes them from the batch.
    fn remove_ended(&mut self, observer: &mut impl BatchObserver<B>) {
        let end = |flow: &ActiveFlow| {
            flow.failed.or_else(|| flow.control.end(smallest(&flow.margins), false))
        };
        let ends: Vec<Option<End>> = self.flows.iter().map(end).collect();
        let observed: Vec<(usize, Moment)> =
            ends.iter().enumerate().filter_map(|(k, end)| end.map(|_| (k, Moment::End))).collect();
        if observed.is_empty() {
            return;
        }
        self.note(&observed, observer);
        let weights: Vec<Option<Tensor<B, 1>>> =
            ends.iter().enumerate().map(|(k, end)| end.map(|_| self.row(k))).collect();
        let mut left = Vec::new();
        let flows = std::mem::take(&mut self.flows);
        for (k, ((mut flow, end), w)) in flows.into_iter().zip(ends).zip(weights).enumerate() {
            match (end, w) {
                (Some(end), Some(w)) => {
                    flow.control.outcome.end = end;
                    self.ended[flow.member] = Some((flow.control, w));
                }
                _ => {
                    left.push(k);
                    self.flows.push(flow);
                }
            }
        }
        self.keep_rows(&left);
    }
}
