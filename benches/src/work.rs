//! The timed tasks.

use std::{hint::black_box, thread};

use burn_tensor::backend::Backend;
use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};
use regime_models::{ConvolutionalSpec, FeedForward, Memory, Network, Precision, Trace};
use regime_tangent::kernel;
use regime_train::{
    Flow, FlowSpec, Loss, Sampling, Scheme, Stochastic, StochasticSpec, Stop, System,
};

use crate::{
    bare,
    clock::medians,
    named::Named,
    problem::{INPUTS, Problem, network},
    row::Row,
};

/// Hidden layers of the dense networks.
const LAYERS: usize = 5;

/// Products of cost `n·h²` per layer in an implicit step, in units of the products of a gradient:
/// two gradients, and two solutions with a forward and a reverse product each.
const GRADIENTS_PER_STEP: f64 = 2.0 + 4.0 / 3.0;

/// Gradients per step where only products are timed: rounded down.
const WHOLE_GRADIENTS: usize = GRADIENTS_PER_STEP as usize;

/// Number of steps of a timed flow.
const STEPS: u64 = 2;

/// Multiply-adds of the products and the factorisation of one step with the given number of
/// gradients.
fn step_cost(gradients: f64, n: usize, h: usize) -> f64 {
    gradients * bare::gradient_cost(n, h, LAYERS)
        + bare::kernel_cost(n, h, LAYERS)
        + bare::factorisation_cost(n)
}

/// Number of stochastic steps after which the batch has its full size.
const GROWING: u64 = 3;

/// Number of stochastic steps that draw every training point once.
const ROUND: u64 = 31;

/// Number of timed stochastic steps.
const STOCHASTIC_STEPS: u64 = 2 * ROUND;

/// Flows that are timed from start to end, with their α.
const FLOWS: [(&str, f64); 3] = [
    ("flow, α = 0.03, against reference", 0.03),
    ("flow, α = 1, against reference", 1.0),
    ("flow, α = 100, against reference", 100.0),
];

/// The sizes of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// Small sizes, which check that every task runs.
    Smoke,
    /// The sizes of the table in docs/performance.md.
    Full,
}

/// The tasks to time and their sizes.
#[derive(Debug, Clone, Copy)]
pub struct Selection<'a> {
    /// The sizes of the tasks.
    pub sizes: Sizes,
    /// Times only tasks whose name contains this text.
    pub only: &'a str,
}

/// Times tasks with one element type on a device, once for each number of threads.
///
/// # Errors
/// When a thread pool cannot be created.
pub fn measure<B: Backend>(
    device: &B::Device,
    precision: Precision,
    threads: &[usize],
    selection: Selection<'_>,
    report: &mut (dyn FnMut(&Row) + Send),
) -> Result<Vec<Row>, ThreadPoolBuildError> {
    let mut rows = Vec::new();
    for &threads in threads {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
        let bench = Bench::<B> { device, precision, threads };
        pool.install(|| {
            for (work, time) in bench.works(selection.sizes) {
                if !work.contains(selection.only) {
                    continue;
                }
                let row = time().named(work, precision, threads);
                report(&row);
                rows.push(row);
            }
        });
    }
    Ok(rows)
}

struct Bench<'a, B: Backend> {
    device: &'a B::Device,
    precision: Precision,
    threads: usize,
}

/// The result of a timing: points and width, seconds of the task and of its reference, and the
/// multiply-adds that the task cannot avoid.
struct Timed {
    size: (usize, usize),
    times: [f64; 2],
    cost: f64,
}

impl Timed {
    fn named(self, work: &'static str, precision: Precision, threads: usize) -> Row {
        let Self { size: (n, h), times: [seconds, bare_seconds], cost } = self;
        Row { work, n, h, precision, threads, seconds, bare_seconds, multiply_adds: cost }
    }
}

/// The name of a task, and the function that times it.
type Work<'a> = (&'static str, Box<dyn Fn() -> Timed + 'a>);

impl<B: Backend> Bench<'_, B> {
    fn works(&self, sizes: Sizes) -> Vec<Work<'_>> {
        let gradient =
            |n, h| -> Work<'_> { ("loss and gradient", Box::new(move || self.gradient(n, h))) };
        let kernel =
            |n, h| -> Work<'_> { ("structured kernel", Box::new(move || self.kernel(n, h))) };
        let step = |n, h| -> Work<'_> {
            ("implicit step, all points active", Box::new(move || self.step(n, h)))
        };
        let convolution = |n, h| -> Work<'_> {
            ("loss and gradient, setup (B)", Box::new(move || self.convolution(n, h)))
        };
        let stochastic = |n, h| -> Work<'_> {
            ("stochastic step, setup (B)", Box::new(move || self.stochastic(n, h)))
        };
        let mut works = match sizes {
            Sizes::Smoke => vec![
                gradient(100, 16),
                kernel(60, 16),
                step(60, 16),
                convolution(10, 4),
                stochastic(4, 4),
            ],
            Sizes::Full => {
                let mut works = Vec::new();
                for (n, h) in [(1000, 100), (1000, 400), (5000, 100), (5000, 400)] {
                    works.extend([gradient(n, h), kernel(n, h), step(n, h)]);
                }
                works.extend([kernel(2000, 100), convolution(500, 32), stochastic(32, 16)]);
                // The slowest size of the paper's grid. It takes minutes on a CPU.
                if Memory::of::<B>(self.device) == Memory::Device {
                    works.push(step(5000, 800));
                }
                works
            }
        };
        if self.precision == Precision::F64 {
            for (work, alpha) in FLOWS {
                let (n, h) = match sizes {
                    Sizes::Smoke => (60, 16),
                    Sizes::Full => (1000, 64),
                };
                works.push((work, Box::new(move || self.whole_flow(n, h, alpha))));
            }
        }
        // The two runs use one thread each, so the size of the pool does not matter.
        if self.threads == 1 {
            let (n, h) = match sizes {
                Sizes::Smoke => (60, 16),
                Sizes::Full => (1000, 100),
            };
            works.push((
                "two runs side by side, against in turn",
                Box::new(move || self.side_by_side(n, h)),
            ));
            works.push((
                "bare products of two runs side by side",
                Box::new(move || self.bare_side_by_side(n, h)),
            ));
        }
        if self.precision == Precision::F32 {
            let (n, h) = match sizes {
                Sizes::Smoke => (100, 16),
                Sizes::Full => (5000, 100),
            };
            works.push((
                "loss and gradient, against float64",
                Box::new(move || self.against_f64(n, h)),
            ));
        }
        works
    }

    /// Median times in seconds, with fewer repetitions of expensive tasks.
    fn times(&self, cost: f64, form: impl Fn(), reference: impl Fn()) -> [f64; 2] {
        let repetitions = match cost {
            cost if cost > 3e10 => 1,
            cost if cost > 5e9 => 3,
            _ => 9,
        };
        // A call to a GPU returns before its work is done.
        let form = || {
            form();
            let _ = B::sync(self.device);
        };
        let reference = || {
            reference();
            let _ = B::sync(self.device);
        };
        medians(repetitions, form, reference).map(|time| time.as_secs_f64())
    }

    /// The mean loss of `n` points and its gradient with respect to all parameters.
    fn gradient(&self, n: usize, h: usize) -> Timed {
        let net = network(INPUTS, h, LAYERS);
        let bare = bare::gradient(n, h, LAYERS, self.precision);
        let cost = bare::gradient_cost(n, h, LAYERS);
        let form = self.loss_and_gradient(&net, n);
        Timed { size: (n, h), times: self.times(cost, form, bare), cost }
    }

    /// The loss and gradient in this element type, against float64.
    fn against_f64(&self, n: usize, h: usize) -> Timed {
        let net = network(INPUTS, h, LAYERS);
        let cost = bare::gradient_cost(n, h, LAYERS);
        let of = |precision| Bench::<B> { precision, ..*self }.loss_and_gradient(&net, n);
        let times = self.times(cost, of(self.precision), of(Precision::F64));
        Timed { size: (n, h), times, cost }
    }

    fn loss_and_gradient<'n>(&self, net: &'n FeedForward, n: usize) -> impl Fn() + use<'n, B> {
        let problem = self.problem(net, n, Loss::SoftHinge { beta: 20.0 });
        move || drop(black_box(problem.loss_and_gradient(net)))
    }

    /// The tangent kernel of `n` points, from the linearised network.
    fn kernel(&self, n: usize, h: usize) -> Timed {
        let net = network(INPUTS, h, LAYERS);
        let Problem { w, x, .. } = self.problem(&net, n, Loss::Squared);
        let tape = net.trace(&w, &x).linearise();
        let bare = bare::kernel(n, h, LAYERS, self.precision);
        let cost = bare::kernel_cost(n, h, LAYERS);
        let times = self.times(cost, || drop(black_box(kernel(&tape))), bare);
        Timed { size: (n, h), times, cost }
    }

    /// One step of the implicit integrator in which every point is active.
    fn step(&self, n: usize, h: usize) -> Timed {
        let gradient = bare::gradient(n, h, LAYERS, self.precision);
        let grams = bare::kernel(n, h, LAYERS, self.precision);
        let factor = bare::factorisation(n);
        let cost = step_cost(GRADIENTS_PER_STEP, n, h);
        let parts = || {
            grams();
            factor();
        };
        let [steps, start] = self.times(cost, self.steps(n, h), self.start(n, h));
        let [parts, gradient] = self.times(cost, parts, gradient);
        let times = [(steps - start) / STEPS as f64, GRADIENTS_PER_STEP * gradient + parts];
        Timed { size: (n, h), times, cost }
    }

    /// A flow of [`STEPS`] steps, including its start.
    fn steps(&self, n: usize, h: usize) -> impl Fn() {
        self.flow(n, h, |mut flow| drop(black_box(flow.run())))
    }

    /// The start of the flow alone.
    fn start(&self, n: usize, h: usize) -> impl Fn() {
        self.flow(n, h, |flow| drop(black_box(flow)))
    }

    fn flow(&self, n: usize, h: usize, then: impl Fn(Flow<B, &FeedForward>)) -> impl Fn() {
        let net = network(INPUTS, h, LAYERS);
        // The curvature of this loss is constant, so every point is active.
        let Problem { w, x, objective } = self.problem(&net, n, Loss::Squared);
        let spec = FlowSpec {
            scheme: Scheme::reference(),
            stop: Stop { max_steps: STEPS, margin: 0.999, ..Stop::default() },
            ..FlowSpec::default()
        };
        move || {
            let system = System::with_objective(&net, &x, objective.clone(), &w)
                .expect("the parts fit each other");
            then(Flow::start(&system, spec).expect("the spec is valid"));
        }
    }

    /// A complete flow on digits with the adaptive scheme, against one with the reference scheme
    /// at the same error per step.
    fn whole_flow(&self, n: usize, h: usize, alpha: f64) -> Timed {
        let problem = Named::setup_a(n, h, alpha);
        let problem = problem.prepare::<B>(0, self.device).expect("the digits are embedded");
        let (step, adaptive) = (0.03, Scheme::Adaptive { tolerance: 0.3 });
        let reference = Scheme::Reference { tolerance: step, active_above: 1e-3 };
        let run = |scheme| drop(black_box(problem.run(scheme, None)));
        let times = medians(3, || run(adaptive), || run(reference));
        // The cost of the unavoidable products is unknown.
        Timed { size: (n, h), times: times.map(|time| time.as_secs_f64()), cost: 0.0 }
    }

    /// Two short flows in parallel, one thread each, against one after the other.
    fn side_by_side(&self, n: usize, h: usize) -> Timed {
        let cost = 2.0 * STEPS as f64 * step_cost(GRADIENTS_PER_STEP, n, h);
        let times = self.twice(cost, |_| self.steps(n, h)());
        Timed { size: (n, h), times, cost }
    }

    /// The products and factorisations of two flows in parallel, against one after the other. The
    /// ratio shows how much two cores of the machine speed up such products.
    fn bare_side_by_side(&self, n: usize, h: usize) -> Timed {
        let bare_steps = || {
            let gradient = bare::gradient(n, h, LAYERS, self.precision);
            let grams = bare::kernel(n, h, LAYERS, self.precision);
            let factor = bare::factorisation(n);
            move || {
                for _ in 0..STEPS {
                    (0..WHOLE_GRADIENTS).for_each(|_| gradient());
                    grams();
                    factor();
                }
            }
        };
        let bare_steps = alone(|| [bare_steps(), bare_steps()]);
        let cost = 2.0 * STEPS as f64 * step_cost(WHOLE_GRADIENTS as f64, n, h);
        let times = self.twice(cost, |which| bare_steps[which]());
        Timed { size: (n, h), times, cost }
    }

    /// One task on each of two threads in parallel, against both tasks on one thread.
    fn twice(&self, cost: f64, work: impl Fn(usize) + Sync) -> [f64; 2] {
        let one = |which| alone(|| work(which));
        let parallel = || {
            thread::scope(|scope| {
                scope.spawn(|| one(0));
                one(1);
            });
        };
        let sequential = || (0..2).for_each(one);
        self.times(cost, parallel, sequential)
    }

    /// Loss and gradient of the convolutional net of setup (B).
    fn convolution(&self, n: usize, h: usize) -> Timed {
        let net = ConvolutionalSpec::setup_b(h).build().expect("the paper's net");
        let bare = bare::convolutions(n, h, self.precision);
        let cost = 3.0 * n as f64 * net.forward_cost();
        let form = self.loss_and_gradient(&net, n);
        Timed { size: (n, h), times: self.times(cost, form, bare), cost }
    }

    /// A step of stochastic training of the net of setup (B), including its share of the
    /// observations of all points, against loss and gradient of the batch.
    fn stochastic(&self, batch: usize, h: usize) -> Timed {
        let net = ConvolutionalSpec::setup_b(h).build().expect("the paper's net");
        let n = ROUND as usize * batch;
        let loss = Loss::SoftHinge { beta: 20.0 };
        let Problem { w, x, objective } = self.problem(&net, n, loss);
        let system =
            System::with_objective(&net, x, objective, w).expect("the parts fit each other");
        let steps = |max_steps: u64| {
            let spec = StochasticSpec {
                // The weights do not move, so the batch grows to its full size at once.
                temperature: 1e-200,
                largest_batch: batch,
                sampling: Sampling::Points,
                // Each observation evaluates all points, and a short time would have many.
                observations_per_decade: 1,
                stop: Stop { max_steps, ..Stop::default() },
                ..StochasticSpec::default()
            };
            let training = Stochastic::start(&system, spec, 0);
            drop(black_box(training.expect("the spec is valid").run()));
        };
        let gradient = self.loss_and_gradient(&net, batch);
        let gradients = || (0..STOCHASTIC_STEPS).for_each(|_| gradient());
        let cost = 3.0 * batch as f64 * net.forward_cost();
        let all = STOCHASTIC_STEPS as f64;
        let long = || steps(GROWING + STOCHASTIC_STEPS);
        let [long, gradients] = self.times(all * cost, long, gradients);
        let [short, _] = self.times(cost, || steps(GROWING), || ());
        let times = [(long - short) / all, gradients / all];
        Timed { size: (batch, h), times, cost }
    }

    fn problem(&self, net: &FeedForward, n: usize, loss: Loss) -> Problem<B> {
        Problem::of(net, n, (loss, 0), self.precision, self.device)
    }
}

/// Runs `work` in a separate pool of one thread.
fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    pool.install(work)
}
