//! Tests of training with frozen kernels, against linearised networks, closed forms and
//! networks.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::{Tensor, backend::Backend};
use faer::{Mat, linalg::solvers::Solve};
use ndarray::Array2;
use regime_models::{Alpha, FeedForward, Network, Precision, Tape, Trace};
use regime_tangent::{Method, Outputs, Sizes, cross_kernel, diagonal, kernel, multiply, plan};
use regime_train::{
    Checkpoint, End, Flow, FlowSpec, KernelChange, KernelModel, KernelModelError, Linearised, Loss,
    Moment, Momentum, Objective, Outcome, Recorder, Sampling, Scheme, StepRule, Stochastic,
    StochasticSpec, Stop, System, Targets, TestError, WholeKernel, cross_rows,
};

use crate::{
    flow::{frozen, until, worst},
    problem::{InterruptAfter, dense, labels, numbers, system},
};

/// The system of a given kernel.
fn kernel_system<'a, B: Backend>(
    model: &'a KernelModel<B>,
    y: &[f64],
    alpha: f64,
    loss: Loss,
) -> System<B, &'a KernelModel<B>> {
    let alpha = Alpha::paper(alpha).unwrap();
    let objective =
        Objective::new(alpha, loss, Targets::signs(y).unwrap(), vec![0.0; y.len()]).unwrap();
    System::with_objective(model, model.training_points(), objective, model.origin()).unwrap()
}

/// A network with points to train and to test it on.
struct Case<B: Backend> {
    net: FeedForward,
    w0: Tensor<B, 1>,
    inputs: Tensor<B, 2>,
    labels: Vec<f64>,
    others: Tensor<B, 2>,
    model: KernelModel<B>,
}

impl<B: Backend> Case<B> {
    /// The training points are those of [`system`].
    fn new(width: usize, n: usize, device: &B::Device) -> Self {
        let net = dense(2, width);
        let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
        let x = numbers(n * 2, 17);
        let inputs = Precision::F64.matrix::<B>(&x, [n, 2], device);
        let others = Precision::F64.matrix::<B>(&numbers(18, 5), [9, 2], device);
        let rows = cross_rows(&net, &w0, &inputs, &others, 4);
        let model = KernelModel::of(&net, &w0, &inputs).unwrap().with_points(rows).unwrap();
        Self { net, w0, inputs, labels: labels(&x, 2), others, model }
    }

    /// `α(f − f₀)` of the network or its linearisation at the other points.
    fn outputs(&self, net: &impl Network<B>, w: &Tensor<B, 1>, alpha: f64) -> Vec<f64> {
        let f = net.forward(w, &self.others) - net.forward(&self.w0, &self.others);
        Precision::to_host(f.mul_scalar(alpha))
    }

    /// `α f` of the kernel model at the other points.
    fn kernel_outputs(&self, c: &Tensor<B, 1>, alpha: f64) -> Vec<f64> {
        let points = self.model.other_points().unwrap();
        Precision::to_host(self.model.forward(c, &points).mul_scalar(alpha))
    }
}

fn size(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most: f64, v| most.max(v.abs()))
}

/// Asserts that two runs have the same trajectory, up to rounding.
fn assert_same_trajectory(a: &Outcome, b: &Outcome, what: &str) {
    assert_eq!((a.end, a.steps, a.rejected), (b.end, b.steps, b.rejected), "{what}");
    // In the network, F is a difference of outputs of order 1.
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-8 * a.abs().max(b.abs()) + 1e-14;
    let times = |o: &Outcome| [Some(o.t), o.t1, o.t2];
    for (s, t) in times(a).into_iter().zip(times(b)) {
        let same = s.zip(t).map_or(s == t, |(s, t)| close(s, t));
        assert!(same, "{what}: at {s:?} and {t:?}");
    }
    assert_eq!(a.observations.len(), b.observations.len(), "{what}");
    for (a, b) in a.observations.iter().zip(&b.observations) {
        assert_eq!((a.moment, a.steps, a.n_violating), (b.moment, b.steps, b.n_violating));
        assert!(close(a.t, b.t) && close(a.mean_loss, b.mean_loss), "{what}: {a:?}, {b:?}");
        assert!((a.smallest_margin - b.smallest_margin).abs() < 1e-8, "{what}: {a:?}, {b:?}");
        assert!(close(a.output_rms, b.output_rms), "{what}: {a:?}, {b:?}");
    }
}

pub(crate) fn a_kernel_model_agrees_with_the_linearised_network<B: Backend>(device: &B::Device) {
    // α is so large that the implicit scheme measures errors on the same scale for both.
    let (n, alpha) = (16, 4.0);
    let case = Case::<B>::new(12, n, device);
    let linear = Linearised::at(&case.net, case.w0.clone());
    let turn = StepRule::GradientTurn { max_turn: 1e-3, max_output_change: 0.1 };
    // The first step changes F by 10⁻⁴, which is the threshold of the default rule.
    let change = StepRule::OutputChange { undo_above: 1e-2, grow_below: 2e-3 };
    for loss in
        [Loss::SoftHinge { beta: 20.0 }, Loss::QuadraticHinge, Loss::Squared, Loss::Logistic]
    {
        for (scheme, momentum) in [
            (Scheme::reference(), Momentum::None),
            (Scheme::reference(), Momentum::Constant { tau: 0.5 }),
            (Scheme::reference(), Momentum::Proportional { mu: 10.0 }),
            (Scheme::Explicit { rule: change }, Momentum::None),
            (Scheme::Explicit { rule: change }, Momentum::Proportional { mu: 10.0 }),
            (Scheme::Explicit { rule: turn }, Momentum::None),
            (Scheme::Explicit { rule: turn }, Momentum::Constant { tau: 0.5 }),
        ] {
            let stop =
                Stop { margin: 0.9, max_steps: 250, max_time: Some(50.0), ..Stop::default() };
            let spec = FlowSpec { scheme, momentum, stop, ..FlowSpec::default() };
            let in_weights = system(&linear, &case.w0, n, alpha, loss, device);
            let in_weights = &in_weights;
            let mut weights = Flow::start(in_weights, spec).unwrap();
            let expected = weights.run().outcome;
            let in_coefficients = kernel_system(&case.model, &case.labels, alpha, loss);
            let mut flow = Flow::start(&in_coefficients, spec).unwrap();
            let outcome = flow.run().outcome;
            let what = format!("{loss:?}, {scheme:?}, {momentum:?}");
            assert_same_trajectory(&outcome, &expected, &what);
            assert!(outcome.t1.is_some() || outcome.steps >= 200, "{what}");

            let f = case.outputs(&linear, &weights.weights(), alpha);
            let g = case.kernel_outputs(&flow.weights(), alpha);
            assert!(size(&f) > 1e-3 && worst(&f, &g) < 1e-8 * size(&f), "{what}: {f:?}, {g:?}");
            // The weights follow from the coefficients.
            let w = linear.weights(&case.inputs, flow.weights());
            let f = case.outputs(&linear, &w, alpha);
            assert!(worst(&f, &g) < 1e-10 * size(&f).max(1.0), "{what}: {f:?}, {g:?}");
        }
    }
}

pub(crate) fn stochastic_training_agrees_with_the_linearised_network<B: Backend>(
    device: &B::Device,
) {
    let (n, alpha) = (16, 0.5);
    let case = Case::<B>::new(12, n, device);
    let linear = Linearised::at(&case.net, case.w0.clone());
    let loss = Loss::SoftHinge { beta: 20.0 };
    let in_weights = system(&linear, &case.w0, n, alpha, loss, device);
    let in_coefficients = kernel_system(&case.model, &case.labels, alpha, loss);
    for sampling in [Sampling::Violators, Sampling::Points] {
        let spec = StochasticSpec {
            sampling,
            temperature: 1e-2,
            momentum: Momentum::Constant { tau: 0.3 },
            undo_above: 0.1,
            grow_below: 0.02,
            stop: Stop { max_steps: 400, ..Stop::default() },
            ..StochasticSpec::default()
        };
        let mut weights = Stochastic::start(&in_weights, spec, 3).unwrap();
        let expected = weights.run().outcome;
        let mut run = Stochastic::start(&in_coefficients, spec, 3).unwrap();
        assert_same_trajectory(&run.run().outcome, &expected, &format!("{sampling:?}"));
        let f = case.outputs(&linear, &weights.weights(), alpha);
        let g = case.kernel_outputs(&run.weights(), alpha);
        assert!(size(&f) > 0.1 && worst(&f, &g) < 1e-8 * size(&f), "{f:?}, {g:?}");
    }
}

/// A kernel with eigenvalues over three decades.
fn some_kernel(n: usize) -> Array2<f64> {
    let a = numbers(n * n, 31);
    let factor = |i: usize, k: usize| a[i * n + k] * 10f64.powf(-1.5 * k as f64 / n as f64);
    Array2::from_shape_fn((n, n), |(i, j)| {
        let sum: f64 = (0..n).map(|k| factor(i.min(j), k) * factor(i.max(j), k)).sum();
        sum + if i == j { 0.02 } else { 0.0 }
    })
}

pub(crate) fn the_squared_loss_follows_its_closed_form_for_every_alpha<B: Backend>(
    device: &B::Device,
) {
    let implicit = Scheme::Reference { tolerance: 1e-6, active_above: 1e-3 };
    let rule = StepRule::OutputChange { undo_above: 2e-3, grow_below: 1e-3 };
    for n in [1, 2, 3, 33] {
        let theta = some_kernel(n);
        let y: Vec<f64> = (0..n).map(|i| if i % 3 == 1 { -1.0 } else { 1.0 }).collect();
        let model = KernelModel::<B>::from_host(theta.view(), Precision::F64, device).unwrap();
        let theta: Vec<f64> = theta.iter().copied().collect();
        let t = 3.0;
        let expected = frozen(&theta, &y, t);
        for alpha in [1e-3, 1.0, 1e4] {
            let system = kernel_system(&model, &y, alpha, Loss::Squared);
            for (scheme, tolerance) in [(implicit, 2e-5), (Scheme::Explicit { rule }, 4e-3)] {
                let mut flow = Flow::start(&system, until(t, scheme)).unwrap();
                assert_eq!(flow.run().end, End::TimeReached);
                let f = model.forward(&flow.weights(), &model.training_points());
                let f = Precision::to_host(f.mul_scalar(alpha));
                let error = worst(&f, &expected);
                assert!(error < tolerance, "n = {n}, α = {alpha}, {scheme:?}: {error}");
            }
        }
    }
}

pub(crate) fn the_squared_loss_converges_to_ridgeless_regression<B: Backend>(device: &B::Device) {
    let n = 12;
    let case = Case::<B>::new(40, n, device);
    let theta = Precision::to_host(case.model.theta());
    let matrix = Mat::from_fn(n, n, |i, j| theta[i * n + j]);
    let c = matrix.partial_piv_lu().solve(Mat::from_fn(n, 1, |i, _| case.labels[i]));
    let c: Vec<f64> = (0..n).map(|i| c[(i, 0)]).collect();
    let expected = case.kernel_outputs(&Precision::F64.vector(&c, device), 1.0);

    let eigenvalues = matrix.self_adjoint_eigenvalues(faer::Side::Lower).unwrap();
    let slowest = n as f64 / eigenvalues[0];
    let system = kernel_system(&case.model, &case.labels, 1.0, Loss::Squared);
    let spec = until(100.0 * slowest, Scheme::reference());
    let mut flow = Flow::start(&system, spec).unwrap();
    assert_eq!(flow.run().end, End::TimeReached);
    let f = case.kernel_outputs(&flow.weights(), 1.0);
    assert!(worst(&f, &expected) < 1e-6 * size(&expected), "{f:?}, {expected:?}");
}

pub(crate) fn at_large_alpha_a_network_agrees_with_its_kernel<B: Backend>(device: &B::Device) {
    let (n, width) = (20, 33);
    let case = Case::<B>::new(width, n, device);
    let alpha = 1e6 / (width as f64).sqrt();
    for loss in [Loss::SoftHinge { beta: 20.0 }, Loss::Logistic] {
        let network = system(&case.net, &case.w0, n, alpha, loss, device);
        let mut weights = Flow::start(&network, FlowSpec::default()).unwrap();
        let expected = weights.run().outcome;
        let frozen = kernel_system(&case.model, &case.labels, 1.0, loss);
        let mut flow = Flow::start(&frozen, FlowSpec::default()).unwrap();
        let outcome = flow.run().outcome;
        assert_eq!((outcome.end, expected.end), (End::Converged, End::Converged));
        let (t, s) = (outcome.t1.unwrap(), expected.t1.unwrap());
        assert!((t / s - 1.0).abs() < 0.01, "{t} {s}");
        let f = case.outputs(&case.net, &weights.weights(), alpha);
        let g = case.kernel_outputs(&flow.weights(), 1.0);
        assert!(worst(&f, &g) < 0.01 * size(&f), "{loss:?}: {f:?}, {g:?}");
    }
}

pub(crate) fn a_resumed_kernel_model_is_bit_identical<B: Backend>(device: &B::Device) {
    let case = Case::<B>::new(12, 16, device);
    let system = kernel_system(&case.model, &case.labels, 1.0, Loss::SoftHinge { beta: 20.0 });
    for (scheme, momentum) in [
        (Scheme::reference(), Momentum::None),
        (Scheme::reference(), Momentum::Constant { tau: 0.5 }),
        (Scheme::explicit(), Momentum::Proportional { mu: 10.0 }),
    ] {
        let stop = Stop { max_steps: 200, ..Stop::default() };
        let spec = FlowSpec { scheme, momentum, stop, ..FlowSpec::default() };
        let mut whole = Flow::start(&system, spec).unwrap();
        let outcome = whole.run().outcome;
        let mut first = Flow::start(&system, spec).unwrap();
        assert_eq!(first.run_with(&mut InterruptAfter(20)).end, End::Interrupted);
        let text = serde_json::to_string(&first.checkpoint()).unwrap();
        let checkpoint: Checkpoint = serde_json::from_str(&text).unwrap();
        let mut second = Flow::resume(&system, spec, checkpoint).unwrap();
        assert_eq!(second.run().outcome, outcome);
        let bits = |flow: &Flow<B, &KernelModel<B>>| -> Vec<u64> {
            Precision::to_host(flow.weights()).iter().map(|c| c.to_bits()).collect()
        };
        assert_eq!(bits(&second), bits(&whole));
    }
}

pub(crate) fn a_singular_kernel_converges<B: Backend>(device: &B::Device) {
    // Every point occurs twice, and the distinct points have a kernel of rank 3.
    let n = 5;
    let x = numbers(3 * n, 7);
    let theta = Array2::from_shape_fn((2 * n, 2 * n), |(i, j)| {
        (0..3).map(|k| x[i % n * 3 + k] * x[j % n * 3 + k]).sum()
    });
    // Labels that a linear function of the three coordinates separates.
    let y: Vec<f64> = (0..2 * n).map(|i| x[i % n * 3 + 1].signum()).collect();
    let model = KernelModel::<B>::from_host(theta.view(), Precision::F64, device).unwrap();
    let system = kernel_system(&model, &y, 1.0, Loss::SoftHinge { beta: 20.0 });
    let turn = StepRule::GradientTurn { max_turn: 1e-2, max_output_change: 0.1 };
    for scheme in [Scheme::reference(), Scheme::explicit(), Scheme::Explicit { rule: turn }] {
        let spec = FlowSpec { scheme, ..FlowSpec::default() };
        let mut flow = Flow::start(&system, spec).unwrap();
        let outcome = flow.run().outcome;
        assert_eq!(outcome.end, End::Converged, "{scheme:?}");
        let f = Precision::to_host(model.forward(&flow.weights(), &model.training_points()));
        assert!(worst(&f[..n], &f[n..]) < 1e-12 * size(&f), "{f:?}");
    }
    // With contradictory labels the loss stays at 1/2: no margin is reached, and the flow
    // stays finite.
    let opposite: Vec<f64> = (0..2 * n).map(|i| if i < n { 1.0 } else { -1.0 }).collect();
    let system = kernel_system(&model, &opposite, 1.0, Loss::Squared);
    let stop = Stop { max_time: Some(1e3), ..Stop::default() };
    let spec = FlowSpec { stop, ..FlowSpec::default() };
    let outcome = Flow::start(&system, spec).unwrap().run().outcome;
    assert!(matches!(outcome.end, End::TimeReached | End::Stalled), "{:?}", outcome.end);
    assert!((outcome.observations.last().unwrap().mean_loss - 0.5).abs() < 1e-12);
}

pub(crate) fn a_kernel_is_observed_like_a_network<B: Backend>(device: &B::Device) {
    let case = Case::<B>::new(12, 16, device);
    let model = &case.model;
    let system = kernel_system(model, &case.labels, 1.0, Loss::SoftHinge { beta: 20.0 });
    let points = model.training_points();
    let others = model.other_points().unwrap();
    let test = |labels: &[f64], batch_size| {
        let at = (&model.origin(), Alpha::paper(1.0).unwrap());
        TestError::new(model, &others, Targets::signs(labels).unwrap(), at, batch_size)
    };
    let mut observers = (
        Recorder::new(test(&[1.0; 9], 4), &[Moment::End]),
        Recorder::new(WholeKernel::new(model, points.clone().narrow(0, 3, 5)), &[Moment::End]),
        Recorder::new(KernelChange::from(model, points, &model.origin()), &[Moment::HalfLoss]),
    );
    let mut flow = Flow::start(&system, FlowSpec::default()).unwrap();
    assert_eq!(flow.run_with(&mut observers).end, End::Converged);
    let (errors, kernels, changes) = observers;

    let f = case.kernel_outputs(&flow.weights(), 1.0);
    let negative = f.iter().filter(|f| **f <= 0.0).count() as f64 / 9.0;
    assert_eq!(errors.readings()[0].1, negative);
    let signs: Vec<f64> = f.iter().map(|f| f.signum()).collect();
    use regime_train::Probe;
    for batch_size in [1, 9, 100] {
        assert_eq!(test(&signs, batch_size).read(&flow.weights()), 0.0);
    }
    let theta = Precision::to_host(model.theta());
    let part = Precision::to_host(kernels.readings()[0].1.clone());
    for i in 0..5 {
        for j in 0..5 {
            assert_eq!(part[i * 5 + j], theta[(i + 3) * 16 + j + 3]);
        }
    }
    assert_eq!(changes.readings()[0].1, Ok(0.0));
}

pub(crate) fn the_tape_of_a_kernel_is_consistent<B: Backend>(device: &B::Device) {
    let n = 7;
    let theta = some_kernel(n);
    let rows = Precision::F64.matrix::<B>(&numbers(2 * n, 9), [2, n], device);
    let model = KernelModel::<B>::from_host(theta.view(), Precision::F64, device)
        .unwrap()
        .with_points(rows.clone())
        .unwrap();
    let vector = |seed, n| Precision::F64.vector::<B>(&numbers(n, seed), device);
    let whole = model.trace(&model.origin(), &model.training_points()).linearise();
    let picked = Precision::F64.matrix::<B>(&[5.0, 0.0, 3.0], [3, 1], device);
    let batch = model.trace(&model.origin(), &picked).linearise();
    let selected = whole.select(&[2, 5, 0, 3]).select(&[1, 2, 3]);
    let (v, g) = (vector(1, n), vector(2, 3));
    for tape in [&batch, &selected] {
        assert_eq!(tape.n_points(), 3);
        // The adjoint of the Jacobian, in the metric of the kernel.
        let left: f64 = Precision::to_host(g.clone() * tape.jvp(v.clone())).iter().sum();
        let right = tape.inner(tape.vjp(g.clone()), v.clone());
        assert!((left - right).abs() < 1e-13 * left.abs().max(1.0), "{left} {right}");
        let points = [5, 0, 3];
        let block: Vec<f64> = points.iter().flat_map(|&i| points.map(|j| theta[(i, j)])).collect();
        assert_eq!(Precision::to_host(kernel(tape)), block);
        let tapes = std::slice::from_ref(tape);
        let planned = plan(&Sizes::of(tapes), Outputs::TracedSum, Method::Auto, 1 << 20).unwrap();
        assert_eq!(Precision::to_host(planned.compute(tapes).unwrap()), block);
        let squares: Vec<f64> = points.iter().map(|&i| theta[(i, i)]).collect();
        assert_eq!(Precision::to_host(diagonal(tape)), squares);
        let product = Precision::to_host(multiply(tape, g.clone()));
        let by_hand = Precision::to_host(kernel(tape).matmul(g.clone().unsqueeze_dim(1)));
        assert!(worst(&product, &by_hand) < 1e-13 * size(&product));
        let cross = Precision::to_host(cross_kernel(&whole, tape));
        let columns: Vec<f64> = (0..n).flat_map(|i| points.map(|j| theta[(i, j)])).collect();
        assert_eq!(cross, columns);
    }
    // A point twice counts twice.
    let twice = whole.select(&[4, 4]);
    let pulled = Precision::to_host(twice.vjp(Precision::F64.vector(&[1.0, 2.0], device)));
    assert_eq!(pulled, [0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
    // Other points have outputs and a kernel with training points.
    let others = model.trace(&v, &model.other_points().unwrap());
    let expected = rows.clone().matmul(v.unsqueeze_dim(1)).reshape([2]);
    assert!(worst(&Precision::to_host(others.output()), &Precision::to_host(expected)) < 1e-13);
    assert_eq!(
        Precision::to_host(cross_kernel(&others.linearise(), &whole)),
        Precision::to_host(rows)
    );
    let mixed = Precision::F64.matrix::<B>(&[8.0, 1.0], [2, 1], device);
    let f = Precision::to_host(model.forward(&vector(1, n), &mixed));
    let at = |x: f64| {
        let x = Precision::F64.matrix::<B>(&[x], [1, 1], device);
        Precision::to_host(model.forward(&vector(1, n), &x))[0]
    };
    assert!(worst(&f, &[at(8.0), at(1.0)]) < 1e-13);
}

pub(crate) fn a_linearised_network_is_its_first_order_expansion<B: Backend>(device: &B::Device) {
    let case = Case::<B>::new(12, 5, device);
    let linear = Linearised::at(&case.net, case.w0.clone());
    let direction = Precision::F64.vector::<B>(&numbers(case.net.n_params(), 77), device);
    let gap = |e: f64| {
        let w = case.w0.clone() + direction.clone().mul_scalar(e);
        let gap = case.net.forward(&w, &case.inputs) - linear.forward(&w, &case.inputs);
        size(&Precision::to_host(gap))
    };
    assert_eq!(gap(0.0), 0.0);
    let order = (gap(2e-3) / gap(1e-3)).log2();
    assert!((order - 2.0).abs() < 0.05, "{order}");
    let far = linear.trace(&direction, &case.inputs).linearise();
    let theta = Precision::to_host(kernel(&far));
    assert_eq!(theta, Precision::to_host(case.model.theta()));
    assert_eq!(<Linearised<B, _> as Network<B>>::layer_ranges(&linear), case.net.layer_ranges());
}

#[test]
fn an_invalid_kernel_is_an_error() {
    let model = |values: &[f64], shape: (usize, usize)| {
        let theta = Array2::from_shape_vec(shape, values.to_vec()).unwrap();
        KernelModel::<Flex>::from_host(theta.view(), Precision::F64, &FlexDevice)
    };
    let refused = |values: &[f64], shape| model(values, shape).unwrap_err();
    assert_eq!(refused(&[1.0, 2.0], (1, 2)), KernelModelError::NotSquare { rows: 1, columns: 2 });
    assert_eq!(refused(&[], (0, 0)), KernelModelError::NotSquare { rows: 0, columns: 0 });
    let line = refused(&[1.0, f64::INFINITY, 2.0, 1.0], (2, 2)).to_string();
    assert_eq!(line, "entry (0, 1) of the kernel is inf");
    assert_eq!(
        refused(&[1.0, 0.0, 0.0, -2.0], (2, 2)),
        KernelModelError::Negative { index: 1, value: -2.0 }
    );
    assert_eq!(
        refused(&[1.0, 0.5, 0.5 + 1e-7, 1.0], (2, 2)),
        KernelModelError::Asymmetric { row: 1, column: 0, value: 0.5 + 1e-7, mirrored: 0.5 }
    );
    // Differences by rounding are averaged.
    let theta = model(&[1.0, 0.5, 0.5 + 4e-16, 1.0], (2, 2)).unwrap().theta();
    let theta = Precision::to_host(theta);
    assert_eq!(theta[1], theta[2]);
    // In float32 the allowed difference is larger.
    let single = |off: f64| {
        let theta = Array2::from_shape_vec((2, 2), vec![1.0, 0.5, 0.5 + off, 1.0]).unwrap();
        KernelModel::<Flex>::from_host(theta.view(), Precision::F32, &FlexDevice)
    };
    assert!(single(1e-5).is_ok());
    assert!(matches!(single(1e-3), Err(KernelModelError::Asymmetric { .. })));
    let model = model(&[1.0], (1, 1)).unwrap();
    let rows = |values: &[f64]| {
        let rows = Precision::F64.matrix(values, [1, values.len()], &FlexDevice);
        model.clone().with_points(rows).map(|model| model.other_points().is_some())
    };
    assert_eq!(rows(&[1.0, 2.0]), Err(KernelModelError::Columns { columns: 2, n: 1 }));
    assert!(matches!(
        rows(&[f64::NAN]),
        Err(KernelModelError::NotFinite { row: 0, column: 0, .. })
    ));
    assert_eq!(rows(&[3.0]), Ok(true));
}

#[test]
#[should_panic(expected = "point 1 is not one of the 1 training points")]
fn a_point_outside_the_training_set_has_no_coefficients() {
    let one = Precision::F64.matrix::<Flex>(&[1.0], [1, 1], &FlexDevice);
    let model = KernelModel::new(one.clone()).unwrap().with_points(one).unwrap();
    let tape = model.trace(&model.origin(), &model.other_points().unwrap()).linearise();
    tape.vjp(Precision::F64.vector(&[1.0], &FlexDevice));
}

#[test]
#[should_panic(expected = "1 is not a point")]
fn an_index_beyond_all_points_panics() {
    let one = Precision::F64.matrix::<Flex>(&[1.0], [1, 1], &FlexDevice);
    let model = KernelModel::new(one.clone()).unwrap();
    model.forward(&model.origin(), &one);
}
