//! A network with several outputs whose Jacobian is written out, and flows with it under losses of
//! classes and of real numbers.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::{DType, Tensor, TensorData};
use regime_models::{Alpha, Network, Precision, Rates, Tape, Trace, WithRates};
use regime_train::{
    End, Event, Flow, FlowSpec, Loss, Sampling, Scheme, State, StepRule, Stochastic,
    StochasticSpec, Stop, System, Targets,
};

/// `f_k(x) = Σ_j a_kj tanh(b_j·x)/√h`, with the weights `a`, `[K, h]`, then `b`, `[h, d]`.
pub(crate) struct Heads {
    pub(crate) inputs: usize,
    pub(crate) width: usize,
    pub(crate) outputs: usize,
}

/// The outputs, `[nK]`, and the Jacobian, `[nK, P]`.
pub(crate) struct Written {
    output: Tensor<Flex, 1>,
    jacobian: Jacobian,
}

#[derive(Clone)]
pub(crate) struct Jacobian(Tensor<Flex, 2>);

impl Heads {
    pub(crate) fn weights(&self, seed: f64) -> Tensor<Flex, 1> {
        let number = |i: usize| (seed + 12.9898 * i as f64).sin() * 43758.5453;
        let unit = |i: usize| 1.7 * (number(i) - number(i).floor() - 0.5);
        let values: Vec<f64> =
            (0..Network::<Flex>::n_params(self)).map(|i| 2.0 * unit(i)).collect();
        Precision::F64.vector(&values, &FlexDevice)
    }

    fn evaluate(&self, w: &Tensor<Flex, 1>, x: &Tensor<Flex, 2>) -> (Vec<f64>, Vec<f64>) {
        let [n, d] = x.dims();
        let (w, x) = (Precision::to_host(w.clone()), Precision::to_host(x.clone()));
        let (a, b) = w.split_at(self.outputs * self.width);
        let (h, p) = (self.width, w.len());
        let scale = (h as f64).sqrt().recip();
        let mut output = vec![0.0; n * self.outputs];
        let mut jacobian = vec![0.0; n * self.outputs * p];
        for i in 0..n {
            for j in 0..h {
                let dot = |c: usize| b[j * d + c] * x[i * d + c];
                let t = (0..d).map(dot).sum::<f64>().tanh();
                for k in 0..self.outputs {
                    let row = k * n + i;
                    output[row] += scale * a[k * h + j] * t;
                    jacobian[row * p + k * h + j] = scale * t;
                    for c in 0..d {
                        let slope = scale * a[k * h + j] * (1.0 - t * t) * x[i * d + c];
                        jacobian[row * p + a.len() + j * d + c] = slope;
                    }
                }
            }
        }
        (output, jacobian)
    }
}

impl Network<Flex> for Heads {
    type Trace = Written;

    fn n_inputs(&self) -> usize {
        self.inputs
    }

    fn n_params(&self) -> usize {
        self.width * (self.inputs + self.outputs)
    }

    fn n_outputs(&self) -> usize {
        self.outputs
    }

    fn forward(&self, w: &Tensor<Flex, 1>, x: &Tensor<Flex, 2>) -> Tensor<Flex, 1> {
        Precision::F64.vector(&self.evaluate(w, x).0, &FlexDevice)
    }

    fn trace(&self, w: &Tensor<Flex, 1>, x: &Tensor<Flex, 2>) -> Written {
        let (output, jacobian) = self.evaluate(w, x);
        let shape = [output.len(), w.dims()[0]];
        Written {
            output: Precision::F64.vector(&output, &FlexDevice),
            jacobian: Jacobian(Precision::F64.matrix(&jacobian, shape, &FlexDevice)),
        }
    }
}

impl Trace<Flex> for Written {
    type Tape = Jacobian;

    fn output(&self) -> Tensor<Flex, 1> {
        self.output.clone()
    }

    fn linearise(self) -> Jacobian {
        self.jacobian
    }
}

impl Tape<Flex> for Jacobian {
    fn n_points(&self) -> usize {
        self.0.dims()[0]
    }

    fn placement(&self) -> (FlexDevice, DType) {
        (FlexDevice, self.0.dtype())
    }

    fn jvp(&self, v: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        let [rows, p] = self.0.dims();
        self.0.clone().matmul(v.reshape([p, 1])).reshape([rows])
    }

    fn vjp(&self, g: Tensor<Flex, 1>) -> Tensor<Flex, 1> {
        let [rows, p] = self.0.dims();
        g.reshape([1, rows]).matmul(self.0.clone()).reshape([p])
    }

    fn select(&self, points: &[usize]) -> Self {
        let rows: Vec<i64> = points.iter().map(|&i| i as i64).collect();
        let rows = TensorData::new(rows, [points.len()]);
        Self(self.0.clone().select(0, Tensor::from_data(rows, (&FlexDevice, DType::I64))))
    }
}

const NET: Heads = Heads { inputs: 2, width: 24, outputs: 3 };

/// Twelve points on three arms of a spiral, and the arm of each.
fn spiral() -> (Tensor<Flex, 2>, Vec<usize>) {
    let classes: Vec<usize> = (0..12).map(|i| i % 3).collect();
    let points = classes.iter().enumerate().flat_map(|(i, &class)| {
        let radius = 0.5 + 0.12 * (i / 3) as f64;
        let angle = 2.1 * class as f64 + 0.5 * (i / 3) as f64;
        [2.0 * radius * angle.cos(), 2.0 * radius * angle.sin()]
    });
    let points: Vec<f64> = points.collect();
    (Precision::F64.matrix(&points, [12, 2], &FlexDevice), classes)
}

/// Losses with targets for the points of the spiral, and where each flow ends.
fn problems() -> Vec<(Loss, Targets, Stop)> {
    let (x, classes) = spiral();
    let x = Precision::to_host(x);
    let of_class = || Targets::classes(classes.clone(), 3).unwrap();
    let value = |k: usize, i: usize| (1.0 + k as f64) * (x[2 * i] - 0.4 * k as f64).sin();
    let values: Vec<f64> = (0..36).map(|r| value(r / 12, r % 12)).collect();
    let stop = |margin| Stop { margin, ..Stop::default() };
    vec![
        (Loss::CrossEntropy, of_class(), stop(0.7)),
        (Loss::SoftHinge { beta: 20.0 }, of_class(), stop(1.0)),
        (Loss::Squared, of_class(), stop(0.6)),
        (Loss::Squared, Targets::values(values, 3).unwrap(), Stop::residual(0.3)),
    ]
}

fn system(loss: Loss, targets: Targets, alpha: f64) -> System<Flex, &'static Heads> {
    System::builder(&NET, spiral().0)
        .targets(targets)
        .alpha(Alpha::paper(alpha).unwrap())
        .loss(loss)
        .weights(NET.weights(0.3))
        .build()
        .unwrap()
}

/// All schemes follow the flow: they agree with an explicit integration at small steps.
#[test]
fn flows_of_classes_and_of_real_numbers_agree_with_small_explicit_steps() {
    for (loss, targets, stop) in problems() {
        for alpha in [0.3, 30.0] {
            let system = system(loss, targets.clone(), alpha);
            let spec = |scheme, stop| FlowSpec { scheme, stop, ..FlowSpec::default() };
            let mut flow = Flow::start(&system, spec(Scheme::adaptive(), stop)).unwrap();
            let outcome = flow.run();
            let case = format!("{} at alpha = {alpha}", loss.name());
            assert_eq!(outcome.end, End::Converged, "{case}");
            assert!(outcome.t1 < outcome.t2, "{case}");
            let margin = outcome.observations.last().unwrap().smallest_margin;
            assert!(margin >= stop.margin && margin < stop.margin + 1e-3, "{case}: {margin}");

            // To the same time, by 20,000 steps and more.
            let at_end = Stop { margin: 1e9, max_time: Some(outcome.t), ..stop };
            let rule = StepRule::OutputChange { undo_above: 1e-3, grow_below: 2e-4 };
            let explicit = spec(Scheme::Explicit { rule }, at_end);
            let mut exact = Flow::start(&system, explicit).unwrap();
            let ended = exact.run();
            assert_eq!(ended.end, End::TimeReached, "{case}");
            let outputs = |w: &Tensor<Flex, 1>| {
                let f = Precision::to_host(NET.forward(w, &spiral().0));
                system.objective().margins(&f)
            };
            let (found, expected) = (outputs(&flow.weights()), outputs(&exact.weights()));
            let pairs = found.iter().zip(&expected);
            let error = pairs.fold(0.0, |e, (a, b)| f64::max(e, (a - b).abs() / b.abs().max(1.0)));
            println!("{case}: {} for {} steps, error {error:.1e}", outcome.steps, ended.steps);
            assert!(error < 0.01, "{case}: {error}");
            let reference = spec(Scheme::Reference { tolerance: 1e-4, active_above: 1e-3 }, at_end);
            let mut reference = Flow::start(&system, reference).unwrap();
            reference.run();
            let found = outputs(&reference.weights());
            let pairs = found.iter().zip(&expected);
            let error = pairs.fold(0.0, |e, (a, b)| f64::max(e, (a - b).abs() / b.abs().max(1.0)));
            println!("   reference error {error:.1e}");
            assert!(error < 3e-3, "{case}: {error}");
        }
    }
}

/// A flow resumed after every few steps ends with the same bits.
#[test]
fn flows_of_classes_are_resumed_bit_for_bit() {
    for (loss, targets, stop) in problems() {
        let system = system(loss, targets, 3.0);
        let spec = FlowSpec { stop, ..FlowSpec::default() };
        let mut whole = Flow::start(&system, spec).unwrap();
        let outcome = whole.run();
        let mut flow = Flow::start(&system, spec).unwrap();
        while flow.run_with(&mut crate::problem::InterruptAfter(3)).end == End::Interrupted {
            flow = Flow::resume(&system, spec, flow.checkpoint()).unwrap();
        }
        let bits = |flow: &Flow<Flex, _>| -> Vec<u64> {
            Precision::to_host(flow.weights()).iter().map(|w| w.to_bits()).collect()
        };
        assert_eq!(bits(&flow), bits(&whole), "{}", loss.name());
        assert_eq!(flow.outcome().steps, outcome.steps);
    }
}

#[test]
fn real_numbers_need_a_residual_or_a_time() {
    let (loss, targets, _) = problems().pop().unwrap();
    let system = system(loss, targets, 1.0);
    let refused = Flow::start(&system, FlowSpec::default()).err().unwrap().to_string();
    assert!(refused.starts_with("stop.margin is 1"), "{refused}");
}

/// At large α the network follows the kernel that it has at its initial weights.
#[test]
fn the_frozen_kernel_of_several_outputs_is_the_lazy_limit() {
    for (loss, targets, stop) in problems() {
        let system = system(loss, targets, 1e5);
        let spec = FlowSpec { stop, ..FlowSpec::default() };
        let network = Flow::start(&system, spec).unwrap().run();
        let frozen = system.frozen(&system.initial_weights()).unwrap();
        let x = frozen.network().training_points();
        let kernel = Flow::start(&frozen, spec).unwrap().run();
        assert_eq!((network.end, kernel.end), (End::Converged, End::Converged));
        let times = network.t2.unwrap() / kernel.t2.unwrap();
        assert!((times - 1.0).abs() < 0.02, "{}: {times}", loss.name());
        let (f, g) = (network.outputs(spiral().0).unwrap(), kernel.outputs(x).unwrap());
        let furthest = f.iter().zip(&g).fold(0.0, |most, (f, g)| f64::max(most, (f - g).abs()));
        assert!(furthest < 0.02, "{}: {furthest}", loss.name());

        // The same points as other points: the rows of the kernel are in the same order.
        let same = system.frozen_with_points(&system.initial_weights(), &spiral().0, 5).unwrap();
        let others = same.network().other_points().unwrap();
        let found = Flow::start(&same, spec).unwrap().run().outputs(others).unwrap();
        let furthest = found.iter().zip(&g).fold(0.0, |most, (f, g)| f64::max(most, (f - g).abs()));
        assert!(furthest < 1e-9, "{}: {furthest}", loss.name());
    }
}

/// A batch of all points is the explicit flow, and violators are found by their margins.
#[test]
fn stochastic_training_of_classes_reaches_all_margins() {
    let (loss, targets, stop) = problems().swap_remove(1);
    let system = system(loss, targets.clone(), 0.3);
    for sampling in [Sampling::Violators, Sampling::Points] {
        let spec = StochasticSpec { sampling, stop, ..StochasticSpec::default() };
        let mut run = Stochastic::start(&system, spec, 3).unwrap();
        let outcome = run.run();
        assert_eq!(outcome.end, End::Converged, "{sampling:?}");
        let outputs = system.outputs(run.weights(), spiral().0).unwrap();
        assert_eq!(targets.wrong(&outputs), Some(vec![false; 12]));
    }
}

#[test]
fn wrong_outputs_are_named() {
    let classes = Targets::classes([0, 1, 1], 2).unwrap();
    let outputs = [0.5, 0.2, f64::NAN, 0.1, 0.2, 1.0];
    assert_eq!(classes.wrong(&outputs), Some(vec![false, true, true]));
    let signs = Targets::signs([1.0, -1.0, 1.0]).unwrap();
    assert_eq!(signs.wrong(&[0.1, 0.1, 0.0]), Some(vec![false, true, true]));
    assert_eq!(Targets::values([0.3], 1).unwrap().wrong(&[1.0]), None);
}

/// Arrays of `ndarray` are targets. A table has a row for every point, and `values` are output by
/// output.
#[test]
fn targets_are_taken_from_arrays() {
    let table = ndarray::array![[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]];
    let values = Targets::values([1.0, 2.0, 3.0, 10.0, 20.0, 30.0], 2).unwrap();
    assert_eq!(Targets::table(table.view()).unwrap(), values);
    // The layout in memory does not matter.
    let columns = table.t().as_standard_layout().into_owned();
    assert_eq!(Targets::table(columns.t()).unwrap(), values);
    let gap = ndarray::array![[1.0, 2.0], [f64::NAN, 3.0]];
    let message = Targets::table(gap.view()).unwrap_err().to_string();
    let same = Targets::values([1.0, f64::NAN, 2.0, 3.0], 2).unwrap_err().to_string();
    assert_eq!(message, same);

    let signs = ndarray::array![1.0, -1.0, 1.0];
    assert_eq!(Targets::signs(&signs).unwrap(), Targets::signs([1.0, -1.0, 1.0]).unwrap());
    assert_eq!(Targets::signs(signs.view()).unwrap(), Targets::signs(signs.to_vec()).unwrap());
    let classes = ndarray::array![0, 2, 1];
    assert_eq!(Targets::classes(&classes, 3).unwrap(), Targets::classes([0, 2, 1], 3).unwrap());
}

/// An event that has occurred does not end the search for another one, also of the same name; margins
/// of the state are those of points.
#[test]
fn an_event_is_found_beside_other_events() {
    let (loss, targets, stop) = problems().swap_remove(0);
    let system = system(loss, targets, 0.3);
    let spec = FlowSpec { stop, ..FlowSpec::default() };
    let grown = |factor: f64| move |s: &State<'_, Flex, &Heads>| s.weights_change() - factor;
    let mut flow = Flow::start(&system, spec).unwrap().event("grown", grown(1e-3));
    while flow.events().is_empty() {
        assert!(flow.step().unwrap().is_some());
    }
    let found = flow.until(Event::new("grown", grown(0.5))).unwrap().expect("the weights move on");
    assert!(found.time > flow.events()[0].time);
    let margin = |s: &State<'_, Flex, &Heads>| {
        assert_eq!(s.margins().len(), 12);
        s.smallest_margin() - 0.5
    };
    let margin = flow.until(Event::new("margin", margin)).unwrap().expect("margins reach 0.7");
    let end = flow.run();
    assert!(margin.time > found.time && margin.time < end.t2.unwrap());
}

/// Targets of another size are learned in the same steps: changes of `F` are measured in units of the
/// targets.
#[test]
fn the_scale_of_real_numbers_does_not_matter() {
    let (_, targets, _) = problems().pop().unwrap();
    let values = |scale: f64| {
        let (x, _) = spiral();
        let x = Precision::to_host(x);
        let value = |k: usize, i: usize| (1.0 + k as f64) * (x[2 * i] - 0.4 * k as f64).sin();
        let values: Vec<f64> = (0..36).map(|r| scale * value(r / 12, r % 12)).collect();
        Targets::values(values, 3).unwrap()
    };
    assert_eq!(values(1.0), targets);
    // A linear model: the flow of `s·y` is `s` times the flow of `y`.
    let run = |scale: f64| {
        let network = system(Loss::Squared, values(scale), 1.0);
        let frozen = network.frozen(&network.initial_weights()).unwrap();
        let spec = FlowSpec { stop: Stop::residual(0.3 * scale), ..FlowSpec::default() };
        let end = Flow::start(frozen, spec).unwrap().run();
        (end.steps, end.t2.unwrap(), end.end)
    };
    let (steps, t2, end) = run(1.0);
    for scale in [1e-4, 1e3] {
        let (found, time, ended) = run(scale);
        assert_eq!((found, ended), (steps, end), "{scale}");
        assert!((time / t2 - 1.0).abs() < 1e-6, "{scale}: {time} {t2}");
    }
}

/// `dw/dt = −D ∇L` in small explicit steps, written out.
fn explicit_with_rates(
    system: &System<Flex, &Heads>,
    rates: &[f64],
    (t, steps): (f64, usize),
) -> Vec<f64> {
    let (x, objective) = (spiral().0, system.objective());
    let rates: Tensor<Flex, 1> = Precision::F64.vector(rates, &FlexDevice);
    let mut w = system.initial_weights();
    let slope = |w: &Tensor<Flex, 1>| {
        let trace = NET.trace(w, &x);
        let u = objective.margins(&Precision::to_host(trace.output()));
        let g = objective.derivatives(&u).gradient;
        trace.linearise().vjp(Precision::F64.vector(&g, &FlexDevice)) * rates.clone()
    };
    let dt = t / steps as f64;
    for _ in 0..steps {
        let half = w.clone() - slope(&w).mul_scalar(0.5 * dt);
        w = w - slope(&half).mul_scalar(dt);
    }
    system.outputs(w, x).unwrap()
}

/// Learning rates of parameters are a metric: every scheme follows `dw/dt = −D ∇L`, and frozen
/// parameters stay.
#[test]
fn learning_rates_are_followed_by_the_flow() {
    let (loss, targets, _) = problems().swap_remove(0);
    // The weights of the second layer of output 0 are frozen, the first layer is slow.
    let rates: Vec<f64> = (0..24 * 5).map(|p| [0.0, 1.5, 0.3][(p / 24).min(2)]).collect();
    for alpha in [0.3, 30.0] {
        let plain = system(loss, targets.clone(), alpha);
        let net = WithRates::new::<Flex>(NET, Rates::per_parameter(&rates).unwrap()).unwrap();
        let with_rates = System::<Flex, _>::builder(net, spiral().0)
            .targets(targets.clone())
            .alpha(Alpha::paper(alpha).unwrap())
            .loss(loss)
            .weights(plain.initial_weights())
            .build()
            .unwrap();
        let expected = explicit_with_rates(&plain, &rates, (2.0, 4000));
        for scheme in [Scheme::adaptive(), Scheme::reference(), Scheme::explicit()] {
            let stop = Stop { margin: 1e9, max_time: Some(2.0), ..Stop::default() };
            let spec = FlowSpec { scheme, stop, ..FlowSpec::default() };
            let end = Flow::start(&with_rates, spec).unwrap().run();
            let found = end.outputs(spiral().0).unwrap();
            let pairs = found.iter().zip(&expected);
            let error = pairs.fold(0.0, |e, (a, b)| f64::max(e, (a - b).abs() / b.abs().max(1.0)));
            assert!(error < 0.02, "{scheme:?} at alpha = {alpha}: {error}");
            let (now, before) =
                (Precision::to_host(end.weights()), Precision::to_host(plain.initial_weights()));
            assert_eq!(now[..24], before[..24], "frozen weights stay");
        }
    }
}
