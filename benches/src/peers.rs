//! The works that `torch_peers.py` times too, as runs do them on a device: a run on a device with
//! memory of its own is a batch, be it of one.

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

/// Seconds for which a work is repeated, and how often at least and at most.
const BUDGET_S: f64 = 1.0;
const REPETITIONS: [usize; 2] = [3, 50];

/// Trial steps of a flow that is timed, beside those of a shorter one.
const STEPS: [u64; 2] = [2, 10];

/// Points, width and hidden layers of small runs: those of the profile `smoke`.
const SMALL: (usize, usize, usize) = (200, 32, 3);

/// A work, timed.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerRow {
    /// What was done.
    pub work: &'static str,
    /// How many points.
    pub n: usize,
    /// Width.
    pub h: usize,
    /// Seconds, the median.
    pub seconds: f64,
}

/// Times the works for each number of points and width, and `many` small runs together.
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
        for (work, together) in [("one of many small runs", many), ("a small run by itself", 1)] {
            report(&PeerRow { work, n, h, seconds: peers.small_runs(together) });
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

    /// The median of the times of a work, once it has been done.
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
            // The labels only turn signs.
            let slopes = loss.slopes(trace.outputs() - f0.clone()).mul_scalar((n as f64).recip());
            drop(black_box(trace.linearise().vjp(&slopes)));
        })
    }

    /// With the forward and the backward pass that it needs.
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

    /// That of the backend; `None` where it has none.
    fn factorisation(&self, n: usize) -> Option<f64> {
        let numbers = matrix_on::<B>(n, 20, Precision::F64, self.device);
        let m = numbers.clone().matmul(numbers.transpose()).unsqueeze::<3>();
        let root = Tensor::ones([1, n], (self.device, burn_tensor::DType::F64));
        cholesky_of_shifted(m.clone(), root.clone())?;
        Some(self.seconds(|| drop(black_box(cholesky_of_shifted(m.clone(), root.clone())))))
    }

    /// One of the steps by which a long flow is longer than a short one.
    fn step(&self, n: usize, h: usize) -> f64 {
        // The curvature of this loss is the same everywhere.
        let net = network(INPUTS, h, LAYERS);
        let Problem { w, x, objective } = self.problem(&net, n, Loss::Squared, 0);
        let flow = |max_steps| {
            let stop = Stop { max_steps, margin: 0.999, ..Stop::default() };
            let spec = FlowSpec { stop, scheme: Scheme::reference(), ..FlowSpec::default() };
            if !self.on_device() {
                let system = System::new(&net, x.clone(), objective.clone());
                let flow = Flow::start(&system, spec, w.clone());
                return drop(black_box(flow.expect("the spec is right").run(&mut ())));
            }
            let start = Start::Weights(w.clone());
            let member = Member { objective: objective.clone(), inputs: x.clone(), spec, start };
            let batch = FlowBatch::start(&net, vec![member]);
            drop(black_box(batch.expect("the spec is right").run(&mut ())));
        };
        let [few, many] = STEPS;
        let [short, long] = [few, many].map(|steps| self.seconds(|| flow(steps)));
        (long - short) / (many - few) as f64
    }

    /// Seconds per run for `together` small runs of at most 200 steps.
    fn small_runs(&self, together: usize) -> f64 {
        let loss = Loss::SoftHinge { beta: 20.0 };
        let (n, h, layers) = SMALL;
        let net = network(INPUTS, h, layers);
        let problems: Vec<Problem<B>> =
            (0..together).map(|seed| self.problem(&net, n, loss, seed as u64)).collect();
        let members = || {
            let member = |problem: &Problem<B>| Member {
                objective: problem.objective.clone(),
                inputs: problem.x.clone(),
                // Labels that alternate along such points take some time to learn.
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
            drop(black_box(batch.expect("the spec is right").run(&mut ())));
        };
        self.seconds(run) / together as f64
    }
}
