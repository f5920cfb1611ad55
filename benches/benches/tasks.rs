//! Ten classes of digits and a real-valued teacher, learned by feature and by lazy networks, with
//! the frozen kernel of each network beside it.
//!
//! `cargo bench --bench tasks` prints the tables of docs/tasks.md, and `-- --write` writes them to
//! that file. It takes some ten minutes: a step with ten outputs on 500 points factorises matrices
//! of up to 5000 rows. All runs use one thread, one after the other.

use std::{fmt::Write, path::Path};

use burn_tensor::Tensor;
use ndarray::ArrayView2;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use rand_distr::StandardNormal;
use regime_benches::{Backend, DEVICE};
use regime_data::{DataSpec, InputSpec, PcaSpec, prepare};
use regime_models::{Activation, Alpha, DenseSpec, MultiOutput, Network, Precision, Trace};
use regime_tangent::relative_change;
use regime_train::{Flow, FlowSpec, Linearised, Loss, Outcome, Stop, System, Targets};

const BEGIN: &str = "<!-- tasks: written by `cargo bench --bench tasks -- --write` -->";
const END: &str = "<!-- tasks: end -->";

const WIDTH: usize = 100;
const N_TRAIN: usize = 500;

/// `√h·α` of a network that learns features and of a lazy one.
const SIDES: [(&str, f64); 2] = [("feature", 0.1), ("lazy", 1000.0)];

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread starts");
    let tables = pool.install(|| format!("{}\n{}", teacher(), digits()));
    if std::env::args().any(|argument| argument == "--write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tasks.md");
        let text = std::fs::read_to_string(&path).expect("docs/tasks.md can be read");
        let (before, rest) = text.split_once(BEGIN).expect("docs/tasks.md has the start marker");
        let (_, after) = rest.split_once(END).expect("docs/tasks.md has the end marker");
        let text = format!("{before}{BEGIN}\n{tables}{END}{after}");
        std::fs::write(&path, text).expect("docs/tasks.md can be written");
    }
}

/// A table that is printed line by line.
struct Table(String);

impl Table {
    fn add(&mut self, line: &str) {
        println!("{line}");
        writeln!(self.0, "{line}").expect("writing to a string does not fail");
    }
}

/// The test error of outputs.
type TestError<'a> = Box<dyn Fn(&[f64]) -> f64 + 'a>;

/// Points with their targets, and how well outputs fit test points.
struct Problem<'a> {
    train: Tensor<Backend, 2>,
    test: Tensor<Backend, 2>,
    targets: Targets,
    /// The test error of outputs `F`, `[n_test·K]`.
    error: TestError<'a>,
}

/// A network and its initial weights.
struct Start {
    net: MultiOutput,
    w0: Tensor<Backend, 1>,
}

impl Start {
    fn new(inputs: usize, outputs: usize) -> Self {
        let activation = Activation::Softplus { beta: 5.0 };
        let spec = DenseSpec { inputs, width: WIDTH, hidden_layers: 3, activation, bias: true };
        let net = spec.build_outputs(outputs).expect("the sizes are valid");
        let w0 = Precision::F64.vector(&net.initial_weights(1), &DEVICE);
        Self { net, w0 }
    }

    /// The row of a table: the network under the flow, then its frozen kernel.
    fn row(
        &self,
        name: &str,
        side: (&str, f64),
        problem: &Problem,
        loss: Loss,
        stop: Stop,
    ) -> String {
        let alpha = side.1 / (WIDTH as f64).sqrt();
        let Self { net, w0 } = self;
        let of_paper = Alpha::paper(alpha).expect("alpha is positive");
        let builder = System::builder(net, &problem.train).targets(problem.targets.clone());
        let system = builder.alpha(of_paper).loss(loss).weights(w0).build();
        let system = system.expect("the parts fit");
        let spec = FlowSpec { stop, ..FlowSpec::default() };
        let own = Flow::start(&system, spec).expect("the spec is valid").run();
        let error = (problem.error)(&own.outputs(&problem.test).expect("the points fit"));

        let frozen = system.frozen(w0).expect("the kernel is finite");
        let frozen = Flow::start(frozen, spec).expect("the spec is valid").run();
        // Its function at the test points, by the linearised network.
        let linear = Linearised::at(net, w0.clone());
        let trained = linear.weights(&problem.train, frozen.weights());
        let [before, after] =
            [w0, &trained].map(|w| Precision::to_host(Network::forward(&linear, w, &problem.test)));
        let outputs: Vec<f64> = after.iter().zip(before).map(|(f, f0)| alpha * (f - f0)).collect();
        let error_of_frozen = (problem.error)(&outputs);
        let kernel = |w| {
            let points = problem.train.clone().narrow(0, 0, 100);
            regime_tangent::kernel(&net.trace(w, &points).linearise())
        };
        let change = relative_change(kernel(&own.weights()), kernel(w0)).expect("a kernel");
        let time = |t: Option<f64>| t.map_or("–".into(), |t| format!("{t:.3}"));
        let Outcome { t1, t2, steps, work, .. } = own.outcome.clone();
        format!(
            "| {name} | {} | {} | {} | {steps} | {:.0} | {change:.2} | {:.3} | {:.3} | {} |",
            side.0,
            time(t1),
            time(t2),
            work.points_forward as f64 / N_TRAIN as f64,
            error,
            error_of_frozen,
            time(frozen.t2),
        )
    }
}

fn tensor(x: ArrayView2<'_, f64>) -> Tensor<Backend, 2> {
    let values: Vec<f64> = x.iter().copied().collect();
    Precision::F64.matrix(&values, [x.nrows(), x.ncols()], &DEVICE)
}

/// Ten classes of MNIST digits, from 20 principal components.
fn digits() -> String {
    let n_test = 2000;
    let pca = InputSpec::default().pca.map(|pca| PcaSpec { components: 20, ..pca });
    let inputs = InputSpec { pca, ..InputSpec::default() };
    let spec = DataSpec { inputs, n_train: N_TRAIN, n_test, n_kernel: 10, ..DataSpec::default() };
    // The digits are embedded: no folder is read.
    let data = prepare(&spec, Path::new("")).expect("the digits are embedded");
    let classes = |part: &[u8]| part.iter().map(|&c| usize::from(c)).collect::<Vec<_>>();
    let right = classes(&data.test.class);
    let error = |outputs: &[f64]| {
        let top = |i: usize| {
            (0..10).max_by(|a, b| outputs[a * n_test + i].total_cmp(&outputs[b * n_test + i]))
        };
        (0..n_test).filter(|&i| top(i) != Some(right[i])).count() as f64 / n_test as f64
    };
    let problem = Problem {
        train: tensor(data.train.x.view()),
        test: tensor(data.test.x.view()),
        targets: Targets::classes(classes(&data.train.class), 10).expect("digits are below 10"),
        error: Box::new(error),
    };
    let start = Start::new(20, 10);
    let mut table = Table(String::new());
    table.add("Ten digits:\n");
    table.add("| loss | side | t₁ | t₂ | steps | passes | kernel change | test error | frozen kernel: test error | its t₂ |");
    table.add("|---|---|---|---|---|---|---|---|---|---|");
    for (name, loss, margin) in [
        ("soft hinge, β = 20", Loss::SoftHinge { beta: 20.0 }, 1.0),
        ("cross-entropy", Loss::CrossEntropy, 1.0),
        ("squared", Loss::Squared, 0.5),
    ] {
        let stop = Stop { margin, max_steps: 2000, ..Stop::default() };
        for side in SIDES {
            table.add(&start.row(name, side, &problem, loss, stop));
        }
    }
    table.0
}

/// The outputs of a small network with random weights, in 15 dimensions.
fn teacher() -> String {
    let (d, n_test) = (15, 2000);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut normal =
        |n: usize| -> Vec<f64> { (0..n).map(|_| rng.sample(StandardNormal)).collect() };
    let activation = Activation::Tanh;
    let spec = DenseSpec { inputs: d, width: 3, hidden_layers: 1, activation, bias: false };
    let net = spec.build().expect("the sizes are valid");
    let w = Precision::F64.vector(&normal(Network::<Backend>::n_params(&net)), &DEVICE);
    let points =
        |n: usize, values: Vec<f64>| Precision::F64.matrix::<Backend>(&values, [n, d], &DEVICE);
    let (train, test) = (points(N_TRAIN, normal(N_TRAIN * d)), points(n_test, normal(n_test * d)));
    let targets = |x| Precision::to_host(net.forward(&w, x));
    let (y, right) = (targets(&train), targets(&test));
    let scale = (y.iter().map(|y| y * y).sum::<f64>() / N_TRAIN as f64).sqrt();
    let error = |outputs: &[f64]| {
        let squares = outputs.iter().zip(&right).map(|(f, y)| (f - y / scale).powi(2));
        squares.sum::<f64>() / n_test as f64
    };
    let values: Vec<f64> = y.iter().map(|y| y / scale).collect();
    let problem = Problem {
        train,
        test,
        targets: Targets::values(values, 1).expect("the targets are finite"),
        error: Box::new(error),
    };
    let start = Start::new(d, 1);
    let mut table = Table(String::new());
    table.add("A teacher (d = 15, targets of variance 1):\n");
    table.add("| loss | side | t₁ | t₂ | steps | passes | kernel change | test error | frozen kernel: test error | its t₂ |");
    table.add("|---|---|---|---|---|---|---|---|---|---|");
    let stop = Stop { max_steps: 5000, ..Stop::residual(0.1) };
    for side in SIDES {
        table.add(&start.row("squared", side, &problem, Loss::Squared, stop));
    }
    table.0
}
