//! Tests of the adaptive scheme: points left out, cached kernels, and agreement with the reference
//! scheme.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::{Alpha, Network, Precision};
use regime_train::{
    Checkpoint, End, Flow, FlowSpec, KernelModel, Loss, Moment, Momentum, Objective, Observation,
    Observer, Outcome, Scheme, System, Targets,
};

use crate::{
    flow::worst,
    problem::{InterruptAfter, dense, system},
};

fn spec(scheme: Scheme) -> FlowSpec {
    FlowSpec { scheme, ..FlowSpec::default() }
}

fn margins<B: Backend, N: Network<B>>(
    system: &System<B, N>,
    inputs: &Tensor<B, 2>,
    w: &Tensor<B, 1>,
) -> Vec<f64> {
    system.objective().margins(&Precision::to_host(system.network().forward(w, inputs)))
}

/// The adaptive scheme takes large steps, and agrees with the reference scheme at a tight
/// tolerance.
pub(crate) fn the_adaptive_and_the_reference_scheme_agree<B: Backend>(device: &B::Device) {
    let n = 40;
    let net = dense(3, 20);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let x = crate::problem::numbers(n * 3, 17);
    let x = Precision::F64.matrix::<B>(&x, [n, 3], device);
    for alpha in [0.05, 1.0, 1e4] {
        let system = system(&net, &w0, n, alpha, Loss::SoftHinge { beta: 20.0 }, device);
        let run = |scheme: Scheme| {
            let mut flow = Flow::start(&system, spec(scheme)).unwrap();
            let outcome = flow.run().outcome;
            assert_eq!(outcome.end, End::Converged);
            let end = margins(&system, &x, &flow.weights());
            (outcome, end)
        };
        let (exact, expected) = run(Scheme::Reference { tolerance: 1e-4, active_above: 1e-3 });
        let (found, end) = run(Scheme::adaptive());
        assert!(worst(&end, &expected) < 0.1, "α = {alpha}: {}", worst(&end, &expected));
        for (a, b) in [(found.t1, exact.t1), (found.t2, exact.t2)] {
            assert!((a.unwrap() / b.unwrap() - 1.0).abs() < 0.02, "α = {alpha}: {a:?} {b:?}");
        }
        if alpha > 1e3 {
            assert!(found.work.substeps > 0 && found.steps < 40, "{:?}", found.work);
        }
    }
}

/// Interrupted before, between and after large steps, with and without points left out.
pub(crate) fn a_flow_resumed_at_any_step_is_bit_identical<B: Backend>(device: &B::Device) {
    let net = dense(3, 20);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    for alpha in [0.5, 1e4] {
        let system = system(&net, &w0, 40, alpha, Loss::SoftHinge { beta: 20.0 }, device);
        let start = || Flow::start(&system, spec(Scheme::adaptive())).unwrap();
        let mut whole = start();
        let outcome = whole.run().outcome;
        let tries = outcome.steps + outcome.rejected;
        let (mut left_out, mut cached) = (false, false);
        for max_steps in 1..=tries as u32 {
            let mut first = start();
            assert_eq!(first.run_with(&mut InterruptAfter(max_steps)).end, End::Interrupted);
            let text = serde_json::to_string(&first.checkpoint()).unwrap();
            left_out |= !text.contains(r#""left_out":null"#);
            cached |= text.contains(r#""stale":true"#);
            let checkpoint: Checkpoint = serde_json::from_str(&text).unwrap();
            let mut second = Flow::resume(&system, spec(Scheme::adaptive()), checkpoint).unwrap();
            let resumed = second.run().outcome;
            assert!(resumed == outcome, "α = {alpha}, after {max_steps} of {tries} tries");
            let bits = |flow: &Flow<B, _>| -> Vec<u64> {
                Precision::to_host(flow.weights()).iter().map(|w| w.to_bits()).collect()
            };
            assert_eq!(bits(&second), bits(&whole));
        }
        assert!(left_out && cached, "at α = {alpha}: {left_out}, {cached}");
    }
}

/// Records observations, with the margins of the network.
struct Margins<'a, B: Backend, N: Network<B>> {
    system: &'a System<B, N>,
    inputs: Tensor<B, 2>,
    seen: Vec<(Observation, Vec<f64>)>,
}

impl<B: Backend, N: Network<B>> Observer<B> for Margins<'_, B, N> {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        self.seen.push((*observation, margins(self.system, &self.inputs, w)));
    }
}

/// Observations inside a large step show the network at their time, and agree with those of a flow
/// without large steps.
pub(crate) fn the_network_is_observed_inside_large_steps<B: Backend>(device: &B::Device) {
    let n = 40;
    let net = dense(3, 20);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let x = crate::problem::numbers(n * 3, 17);
    let x = Precision::F64.matrix::<B>(&x, [n, 3], device);
    let system = system(&net, &w0, n, 1e4, Loss::SoftHinge { beta: 20.0 }, device);
    let run = |scheme: Scheme| {
        let mut observer = Margins { system: &system, inputs: x.clone(), seen: Vec::new() };
        let mut flow = Flow::start(&system, spec(scheme)).unwrap();
        let outcome = flow.run_with(&mut observer).outcome;
        (outcome, observer.seen)
    };
    let (outcome, seen) = run(Scheme::adaptive());
    let scheduled = |seen: &[(Observation, Vec<f64>)]| {
        seen.iter().filter(|(o, _)| o.moment == Moment::Scheduled).count() as u64
    };
    assert!(scheduled(&seen) > outcome.steps, "some steps have several observations");
    assert!(
        seen.windows(2).all(|pair| pair[0].0.t <= pair[1].0.t),
        "observations are ordered by time"
    );
    for (observation, margins) in &seen {
        let loss = system.objective().mean_loss(margins);
        assert!((loss - observation.mean_loss).abs() < 1e-12 * loss);
        let violating = margins.iter().filter(|&&u| u < 1.0).count();
        assert_eq!(violating, observation.n_violating);
    }
    let half = seen.iter().find(|(o, _)| o.moment == Moment::HalfLoss).unwrap().0;
    assert!(half.mean_loss < 0.5 * seen[0].0.mean_loss && half.t >= outcome.t1.unwrap());
    let (_, expected) = run(Scheme::Reference { tolerance: 1e-4, active_above: 1e-3 });
    // At the scheduled times inside steps, the margins are those of the flow.
    let mut compared = 0;
    for (observation, margins) in seen.iter().filter(|(o, _)| o.moment == Moment::Scheduled) {
        let near = |(o, _): &&(Observation, Vec<f64>)| (o.t / observation.t - 1.0).abs() < 0.01;
        let Some((_, exact)) = expected.iter().find(near) else { continue };
        assert!(worst(margins, exact) < 0.1, "at {}", observation.t);
        compared += 1;
    }
    assert!(compared >= 3, "{compared}");
}

/// A frozen kernel in which the second point moves the first far beyond its margin, and the third,
/// which is slow, later moves it back.
const COMES_BACK: [f64; 9] = [30.0, 5.0, -0.54, 5.0, 1.0, 0.0, -0.54, 0.0, 0.1];

/// The result of a flow with this kernel on some of the points.
struct Pulled {
    end: End,
    margins: Vec<f64>,
    /// The coefficients of the kernel's functions.
    coefficients: Vec<f64>,
    /// Whether points were left out during the flow.
    left_out: bool,
}

fn pulled<B: Backend>(points: &[usize], scheme: Scheme, device: &B::Device) -> Pulled {
    let m = points.len();
    let row = |&i: &usize| points.iter().map(move |&j| COMES_BACK[3 * i + j]);
    let theta: Vec<f64> = points.iter().flat_map(row).collect();
    let model = KernelModel::new(Precision::F64.matrix::<B>(&theta, [m, m], device)).unwrap();
    let (alpha, loss) = (Alpha::paper(1.0).unwrap(), Loss::SoftHinge { beta: 20.0 });
    let objective =
        Objective::new(alpha, loss, Targets::signs(vec![1.0; m]).unwrap(), vec![0.0; m]).unwrap();
    let w0 = Precision::F64.vector::<B>(&vec![0.0; m], device);
    let system = System::with_objective(&model, model.training_points(), objective, w0).unwrap();
    // With a little inertia, the flow makes only small steps.
    let momentum = Momentum::Constant { tau: 0.01 };
    let mut flow = Flow::start(&system, FlowSpec { momentum, ..spec(scheme) }).unwrap();
    let mut left_out = false;
    let end = loop {
        let Outcome { end, .. } = flow.run_with(&mut InterruptAfter(2)).outcome;
        let text = serde_json::to_string(&flow.checkpoint()).unwrap();
        left_out |= !text.contains(r#""left_out":null"#);
        if end != End::Interrupted {
            break end;
        }
    };
    let margins = margins(&system, &model.training_points(), &flow.weights());
    Pulled { end, margins, coefficients: Precision::to_host(flow.weights()), left_out }
}

/// A settled point is followed again in time when other points move it back.
pub(crate) fn a_point_that_is_no_longer_settled_is_followed_again<B: Backend>(device: &B::Device) {
    let run = |scheme| pulled::<B>(&[0, 1, 2], scheme, device);
    let found = run(Scheme::Adaptive { tolerance: 0.01 });
    let exact = run(Scheme::Reference { tolerance: 1e-5, active_above: 1e-3 });
    assert!(found.left_out && !exact.left_out);
    assert_eq!((found.end, exact.end), (End::Converged, End::Converged));
    assert!(worst(&found.margins, &exact.margins) < 0.01, "{:?}", found.margins);
    // The first point ends beyond its margin because its own loss moves it. With the losses of the
    // other points only, it ends below: a flow that never evaluated it again would leave it below
    // its margin.
    assert!(found.margins[0] > 1.0, "{:?}", found.margins);
    let others = pulled::<B>(&[1, 2], Scheme::Adaptive { tolerance: 0.01 }, device);
    let pairs = COMES_BACK[1..3].iter().zip(&others.coefficients);
    let left_behind: f64 = pairs.map(|(theta, c)| theta * c).sum();
    assert!(left_behind < 1.0, "{left_behind}");
}
