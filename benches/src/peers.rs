//! The tasks that `torch_peers.py` also times, implemented as in a run. A run on a device with its
//! own memory is a batch, even if the batch has a single member.

use std::hint::black_box;

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{
    FeedForward, Memory, Network, Precision, StackedNetwork, Trace, cholesky_of_shifted,
};
use regime_tangent::kernel;
use regime_train::{Flow, FlowBatch, FlowSpec, Loss, Member, Scheme, Start, Stop, System};

use crate::{
    clock::median,
    problem::{INPUTS, Problem, matrix_on, network},
};

/// Hidden layers.
const LAYERS: usize = 5;

/// Seconds for which a task is repeated.
const BUDGET_S: f64 = 1.0;

/// Minimum and maximum number of repetitions of a task.
const REPETITIONS: [usize; 2] = [3, 50];

/// Trial steps of the short and of the long flow that are timed.
const STEPS: [u64; 2] = [2, 10];

/// Points, width and hidden layers of small runs, as in the profile `smoke`.
const SMALL: (usize, usize, usize) = (200, 32, 3);

/// The time of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerRow {
    /// The name of the task.
    pub work: &'static str,
    /// Number of points.
    pub n: usize,
    /// Width.
    pub h: usize,
    /// Median time in seconds.
    pub seconds: f64,
}

/// Times the tasks for each pair of number of points and width, and `many` small runs in one batch.
pub fn measure_peers<B: Backend>(
    device: &B::Device,
    precision: Precision,
    sizes: &[(usize, usize)],
    many: usize,
    report: &mut (dyn FnMut(&PeerRow) + Send),
) {
    let peers = Peers::<B> { device, precision };
    for &(n, h) in sizes {
        let mut row = |work, seconds| report(&PeerRow { work, n, h, seconds });
        row("loss and gradient", peers.gradient(n, h));
        row("structured kernel", peers.kernel(n, h));
        row("implicit step, all points active", peers.step(n, h));
        if let Some(seconds) = peers.factorisation(n) {
            row("Cholesky factorisation", seconds);
        }
    }
    if many > 0 {
        let (n, h, _) = SMALL;
        for (work, n_runs) in [("one of many small runs", many), ("a small run by itself", 1)] {
            report(&PeerRow { work, n, h, seconds: peers.small_runs(n_runs) });
        }
    }
}

struct Peers<'a, B: Backend> {
    device: &'a B::Device,
    precision: Precision,
}

impl<B: Backend> Peers<'_, B> {
    fn problem(&self, net: &FeedForward, n: usize, loss: Loss, seed: u64) -> Problem<B> {
        Problem::of(net, n, (loss, seed), self.precision, self.device)
    }

    fn on_device(&self) -> bool {
        Memory::of::<B>(self.device) == Memory::Device
    }

    /// The median time of a task, after a first run that is not timed.
    fn seconds(&self, work: impl Fn()) -> f64 {
        let work = || {
            work();
            let _ = B::sync(self.device);
        };
        median(BUDGET_S, REPETITIONS, work).as_secs_f64()
    }

    fn gradient(&self, n: usize, h: usize) -> f64 {
        let loss = Loss::SoftHinge { beta: 20.0 };
        let net = network(INPUTS, h, LAYERS);
        let problem = self.problem(&net, n, loss, 0);
        if !self.on_device() {
            return self.seconds(|| drop(black_box(problem.loss_and_gradient(&net))));
        }
        let Problem { w, x, .. } = problem;
        let stack = StackedNetwork::of(&net).expect("a dense network");
        let scales = stack.scales::<B>(self.precision, self.device);
        let (w, x) = (w.unsqueeze::<2>(), x.unsqueeze::<3>());
        let f0 = stack.trace(&w, &scales, &x).outputs();
        self.seconds(|| {
            let trace = stack.trace(&w, &scales, &x);
            // The labels would only change signs.
            let slopes = loss.slopes(trace.outputs() - f0.clone()).mul_scalar((n as f64).recip());
            drop(black_box(trace.linearise().vjp(&slopes)));
        })
    }

    /// Includes the forward and the backward pass for the kernel.
    fn kernel(&self, n: usize, h: usize) -> f64 {
        let net = network(INPUTS, h, LAYERS);
        let Problem { w, x, .. } = self.problem(&net, n, Loss::Squared, 0);
        if !self.on_device() {
            return self.seconds(|| drop(black_box(kernel(&net.trace(&w, &x).linearise()))));
        }
        let stack = StackedNetwork::of(&net).expect("a dense network");
        let scales = stack.scales::<B>(self.precision, self.device);
        let (w, x) = (w.unsqueeze::<2>(), x.unsqueeze::<3>());
        self.seconds(|| drop(black_box(stack.trace(&w, &scales, &x).linearise().kernel())))
    }

    /// The time of the backend's Cholesky factorisation; `None` if it has none.
    fn factorisation(&self, n: usize) -> Option<f64> {
        let numbers = matrix_on::<B>(n, 20, Precision::F64, self.device);
        let m = numbers.clone().matmul(numbers.transpose()).unsqueeze::<3>();
        let root = Tensor::ones([1, n], (self.device, burn_tensor::DType::F64));
        cholesky_of_shifted(m.clone(), root.clone())?;
        Some(self.seconds(|| drop(black_box(cholesky_of_shifted(m.clone(), root.clone())))))
    }

    /// The time of one step, from the difference between a long and a short flow.
    fn step(&self, n: usize, h: usize) -> f64 {
        // The curvature of this loss is constant, so every point is active.
        let net = network(INPUTS, h, LAYERS);
        let Problem { w, x, objective } = self.problem(&net, n, Loss::Squared, 0);
        let flow = |max_steps| {
            let stop = Stop { max_steps, margin: 0.999, ..Stop::default() };
            let spec = FlowSpec { stop, scheme: Scheme::reference(), ..FlowSpec::default() };
            if !self.on_device() {
                let system = System::with_objective(&net, &x, objective.clone(), &w)
                    .expect("the parts fit each other");
                let flow = Flow::start(&system, spec);
                return drop(black_box(flow.expect("the spec is valid").run()));
            }
            let start = Start::Weights(w.clone());
            let member = Member { objective: objective.clone(), inputs: x.clone(), spec, start };
            let batch = FlowBatch::start(&net, vec![member]);
            drop(black_box(batch.expect("the spec is valid").run()));
        };
        let [few, many] = STEPS;
        let [short, long] = [few, many].map(|steps| self.seconds(|| flow(steps)));
        (long - short) / (many - few) as f64
    }

    /// Seconds per run for a batch of `n_runs` small runs of at most 200 steps.
    fn small_runs(&self, n_runs: usize) -> f64 {
        let loss = Loss::SoftHinge { beta: 20.0 };
        let (n, h, layers) = SMALL;
        let net = network(INPUTS, h, layers);
        let problems: Vec<Problem<B>> =
            (0..n_runs).map(|seed| self.problem(&net, n, loss, seed as u64)).collect();
        let members = || {
            let member = |problem: &Problem<B>| Member {
                objective: problem.objective.clone(),
                inputs: problem.x.clone(),
                // The alternating labels take many steps to learn.
                spec: FlowSpec {
                    stop: Stop { max_steps: 200, ..Stop::default() },
                    scheme: Scheme::reference(),
                    ..FlowSpec::default()
                },
                start: Start::Weights(problem.w.clone()),
            };
            problems.iter().map(member).collect()
        };
        let run = || {
            let batch = FlowBatch::start(&net, members());
            drop(black_box(batch.expect("the spec is valid").run()));
        };
        self.seconds(run) / n_runs as f64
    }
}
