//! Compares the implicit scheme with the explicit scheme, in one run on the same data.
//!
//! `cargo bench --bench integrators` prints two tables; `-- agreement` or `-- speed`
//! prints only one of them. Both take minutes, so they are not Criterion benchmarks:
//! each flow runs once, and the flows run one after the other on one thread.
//!
//! *Agreement* compares the final outputs on test points, `t₁` and `t₂` of the implicit
//! scheme at its default tolerance with those of the explicit scheme at a fine bound; a
//! coarser bound changes the outputs little. *Speed* compares wall times at the same final
//! accuracy, where errors are measured against a reference of tolerance 10⁻³. An explicit
//! flow is stopped when it is `MAX_RATIO` times slower.

use std::time::{Duration, Instant};

use burn_tensor::Tensor;
use regime_benches::{Backend, DEVICE, network};
use regime_data::{DataSpec, Dataset, default_cache_dir, prepare};
use regime_models::{Alpha, FeedForward, Network, Precision, Scaled};
use regime_train::{
    End, Flow, FlowSpec, Loss, Objective, Observation, Observer, Outcome, Scheme, StepRule, System,
    Targets,
};

const INPUTS: usize = 10;

/// An explicit flow is stopped once it has taken this many times as long as the
/// implicit one.
const MAX_RATIO: f64 = 12.0;

fn main() {
    let names: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let selected = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    pool.install(|| {
        if selected("agreement") {
            agreement();
        }
        if selected("speed") {
            speed();
        }
    });
}

fn agreement() {
    println!("agreement: n = 500, h = 100, L = 3, soft hinge, test outputs in relative RMS");
    println!(
        "{:>9} {:>7} {:>7} {:>11} {:>11} {:>9} {:>9}",
        "sqrt(h)a", "steps", "expl.", "expl. conv.", "difference", "t1 diff.", "t2 diff."
    );
    for sqrt_h_alpha in [0.1, 10.0, 1e5] {
        let problem = Problem::new(500, 100, 3, sqrt_h_alpha);
        let implicit = problem.run(Scheme::reference(), None);
        let coarse = problem.run(explicit(1e-5), None);
        let fine = problem.run(explicit(1e-6), None);
        for run in [&implicit, &coarse, &fine] {
            assert_eq!(run.outcome.end, End::Converged);
        }
        let off = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a / b - 1.0).abs(),
            _ => f64::NAN,
        };
        println!(
            "{sqrt_h_alpha:>9} {:>7} {:>7} {:>10.3}% {:>10.3}% {:>8.3}% {:>8.3}%",
            implicit.outcome.steps + implicit.outcome.rejected,
            fine.outcome.steps + fine.outcome.rejected,
            100.0 * distance(&coarse.outputs, &fine.outputs),
            100.0 * distance(&implicit.outputs, &fine.outputs),
            100.0 * off(implicit.outcome.t1, fine.outcome.t1),
            100.0 * off(implicit.outcome.t2, fine.outcome.t2),
        );
    }
}

fn speed() {
    println!(
        "speed: n = 1000, h = 100, L = 5, soft hinge, one thread; errors against tolerance 1e-3"
    );
    println!(
        "{:>9} {:>9} {:>7} {:>8} {:>9} {:>7} {:>8} {:>9} {:>8}",
        "sqrt(h)a", "tolerance", "steps", "s", "error", "expl.", "s", "error", "ratio"
    );
    for sqrt_h_alpha in [0.1, 10.0, 1e4] {
        let problem = Problem::new(1000, 100, 5, sqrt_h_alpha);
        let reference =
            problem.run(Scheme::Reference { tolerance: 1e-3, active_above: 1e-3 }, None).outputs;
        let first = problem.run(Scheme::reference(), None);
        let patience = first.time.mul_f64(MAX_RATIO);
        let rival = problem.run(explicit(1e-4), Some(patience));
        let finished = rival.outcome.end == End::Converged;
        let error = |run: &Run| distance(&run.outputs, &reference);
        // The largest tolerance that is as accurate as the explicit flow, if that converged.
        let (mut tolerance, mut implicit) = (1e-2, first);
        if finished {
            for candidate in [4e-2, 2.8e-2, 2e-2, 1.4e-2, 1e-2, 7e-3, 5e-3, 3.5e-3, 2.5e-3] {
                tolerance = candidate;
                implicit = problem.run(Scheme::Reference { tolerance, active_above: 1e-3 }, None);
                if error(&implicit) <= error(&rival) {
                    break;
                }
            }
        }
        let ratio = rival.time.as_secs_f64() / implicit.time.as_secs_f64();
        println!(
            "{sqrt_h_alpha:>9} {tolerance:>9.1e} {:>7} {:>8.2} {:>8.3}% {:>7} {:>8.2} {:>9} {:>8}",
            implicit.outcome.steps + implicit.outcome.rejected,
            implicit.time.as_secs_f64(),
            100.0 * error(&implicit),
            rival.outcome.steps + rival.outcome.rejected,
            rival.time.as_secs_f64(),
            if finished {
                format!("{:.3}%", 100.0 * error(&rival))
            } else {
                format!("{} left", rival.left)
            },
            format!("{}{ratio:.1}", if finished { "" } else { ">" }),
        );
    }
}

fn explicit(max_turn: f64) -> Scheme {
    Scheme::Explicit { rule: StepRule::GradientTurn { max_turn, max_output_change: 0.1 } }
}

/// The paper's setup (A) on the embedded digits.
struct Problem {
    net: FeedForward,
    alpha: Alpha,
    data: Dataset,
    w0: Tensor<Backend, 1>,
}

/// The result of a flow.
struct Run {
    outcome: Outcome,
    time: Duration,
    /// `F` on the test points.
    outputs: Vec<f64>,
    /// Number of points that have not reached the margin.
    left: usize,
}

impl Problem {
    fn new(n: usize, width: usize, hidden_layers: usize, sqrt_h_alpha: f64) -> Self {
        let spec = DataSpec { n_train: n, n_test: 1000, n_kernel: 0, ..DataSpec::default() };
        let data = prepare(&spec, &default_cache_dir()).expect("the digits are embedded");
        let net = network(INPUTS, width, hidden_layers);
        let alpha = Alpha::paper(sqrt_h_alpha / (width as f64).sqrt()).expect("α is positive");
        let w0 = Precision::F64.vector(&net.initial_weights(0), &DEVICE);
        Self { net, alpha, data, w0 }
    }

    fn run(&self, scheme: Scheme, patience: Option<Duration>) -> Run {
        let points = |part: &regime_data::Part| {
            let values: Vec<f64> = part.x.iter().copied().collect();
            Precision::F64.matrix::<Backend>(&values, [part.len(), INPUTS], &DEVICE)
        };
        let inputs = points(&self.data.train);
        let f0 = Precision::to_host(self.net.forward(&self.w0, &inputs));
        let labels = self.data.train.y.to_vec();
        let loss = Loss::SoftHinge { beta: 20.0 };
        let objective =
            Objective::new(self.alpha, loss, Targets::signs(labels).expect("labels are ±1"), f0)
                .expect("the digits have two classes");
        let system = System::with_objective(&self.net, inputs, objective, &self.w0)
            .expect("the parts fit each other");
        let spec = FlowSpec { scheme, ..FlowSpec::default() };
        let start = Instant::now();
        let mut flow = Flow::start(&system, spec).expect("the spec is valid");
        let patience = patience.map(|patience| start + patience);
        let outcome = flow.run_with(&mut Deadline(patience)).outcome;
        let time = start.elapsed();
        let test = points(&self.data.test);
        let scaled = Scaled::at(&self.net, &self.w0, &test, self.alpha);
        let outputs = Precision::to_host(scaled.output(self.net.forward(&flow.weights(), &test)));
        let left = flow.observation(regime_train::Moment::End).n_violating;
        Run { outcome, time, outputs, left }
    }
}

struct Deadline(Option<Instant>);

impl Observer<Backend> for Deadline {
    fn observe(&mut self, _: &Observation, _: &Tensor<Backend, 1>) {}

    fn interrupts(&mut self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() > deadline)
    }
}

/// `‖a − b‖/‖b‖`.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = square(&mut a.iter().zip(b).map(|(a, b)| a - b));
    (difference / square(&mut b.iter().copied())).sqrt()
}
