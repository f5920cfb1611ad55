//! Tests of flows against closed forms and against each other.

use burn_tensor::backend::Backend;
use faer::{Mat, Side};
use regime_models::{FeedForward, Network, Precision};
use regime_tangent::kernel;
use regime_train::{
    Checkpoint, Divergence, End, Flow, FlowSpec, Loss, Moment, Momentum, Objective, Outcome,
    Scheme, StepRule, Stop, System, Targets,
};

use crate::{
    linear::{Cliff, Linear},
    problem::{InterruptAfter, dense, labels, numbers, system},
};

pub(crate) fn until(max_time: f64, scheme: Scheme) -> FlowSpec {
    let stop = Stop { margin: 1e9, max_time: Some(max_time), ..Stop::default() };
    FlowSpec { scheme, stop, ..FlowSpec::default() }
}

/// An explicit scheme with few steps, for tests that do not need accuracy.
fn coarse() -> Scheme {
    Scheme::Explicit { rule: StepRule::OutputChange { undo_above: 0.1, grow_below: 0.01 } }
}

/// `F` at the end of a flow on its training points.
fn final_outputs<B: Backend, N: Network<B>>(
    system: &System<B, N>,
    flow: &Flow<B, N>,
    n: usize,
    device: &B::Device,
) -> Vec<f64> {
    let net = system.network();
    let x =
        Precision::F64.matrix::<B>(&numbers(n * net.n_inputs(), 17), [n, net.n_inputs()], device);
    let f = Precision::to_host(net.forward(&flow.weights(), &x));
    let labels = labels(&numbers(n * net.n_inputs(), 17), net.n_inputs());
    let margins = system.objective().margins(&f);
    margins.iter().zip(labels).map(|(u, y)| u * y).collect()
}

/// `F(t) = (I − e^{−Θt/n}) y`: the flow of the squared loss with a frozen kernel.
pub(crate) fn frozen(theta: &[f64], y: &[f64], t: f64) -> Vec<f64> {
    let n = y.len();
    let matrix = Mat::from_fn(n, n, |i, j| theta[i * n + j]);
    let eigen = matrix.self_adjoint_eigen(Side::Lower).unwrap();
    let (u, s) = (eigen.U(), eigen.S());
    let mut f = vec![0.0; n];
    for k in 0..n {
        let along: f64 = (0..n).map(|i| u[(i, k)] * y[i]).sum();
        let grown = -(-s[k] * t / n as f64).exp_m1() * along;
        for i in 0..n {
            f[i] += grown * u[(i, k)];
        }
    }
    f
}

pub(crate) fn worst(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()))
}

pub(crate) fn a_linear_model_follows_its_closed_form<B: Backend>(device: &B::Device) {
    let (n, d) = (12, 5);
    let net = Linear { inputs: d };
    let w0 = Precision::F64.vector::<B>(&numbers(d, 3), device);
    let x = numbers(n * d, 17);
    let theta: Vec<f64> = (0..n * n)
        .map(|ij| (0..d).map(|k| x[ij / n * d + k] * x[ij % n * d + k] / d as f64).sum())
        .collect();
    let expected = frozen(&theta, &labels(&x, d), 8.0);
    for alpha in [1e-3, 1.0, 1e4] {
        let system = system(&net, &w0, n, alpha, Loss::Squared, device);
        for (scheme, tolerance) in [
            (Scheme::Reference { tolerance: 1e-5, active_above: 1e-3 }, 2e-4),
            (
                Scheme::Explicit {
                    rule: StepRule::OutputChange { undo_above: 2e-3, grow_below: 1e-3 },
                },
                2e-3,
            ),
        ] {
            let mut flow = Flow::start(&system, until(8.0, scheme)).unwrap();
            let outcome = flow.run().outcome;
            assert_eq!(outcome.end, End::TimeReached);
            assert!((outcome.t - 8.0).abs() < 1e-12);
            let error = worst(&final_outputs(&system, &flow, n, device), &expected);
            assert!(error < tolerance, "α = {alpha}, {scheme:?}: {error}");
        }
    }
}

pub(crate) fn momentum_follows_the_damped_oscillator<B: Backend>(device: &B::Device) {
    // One weight, one point x = 1: f = w, y = 1 and τF'' + F' + (F − 1) = 0.
    let net = Linear { inputs: 1 };
    let w0 = Precision::F64.vector::<B>(&[0.0], device);
    let x = Precision::F64.matrix::<B>(&[1.0], [1, 1], device);
    let tau = 2.0;
    let objective = Objective::new(
        regime_models::Alpha::paper(1.0).unwrap(),
        Loss::Squared,
        Targets::signs([1.0]).unwrap(),
        vec![0.0],
    )
    .unwrap();
    let system = System::with_objective(&net, x, objective, w0).unwrap();
    let (damping, t) = (0.5 / tau, 5.0);
    let omega = f64::sqrt(1.0 / tau - damping * damping);
    let expected =
        1.0 - (-damping * t).exp() * ((omega * t).cos() + damping / omega * (omega * t).sin());
    let fine = StepRule::OutputChange { undo_above: 1e-3, grow_below: 5e-4 };
    for (scheme, tolerance) in [
        (Scheme::Explicit { rule: fine }, 3e-3),
        (Scheme::Reference { tolerance: 1e-5, active_above: 1e-3 }, 2e-4),
    ] {
        let spec = FlowSpec { momentum: Momentum::Constant { tau }, ..until(t, scheme) };
        let mut flow = Flow::start(&system, spec).unwrap();
        flow.run();
        let f = Precision::to_host(flow.weights())[0];
        assert!((f - expected).abs() < tolerance, "{scheme:?}: {f} is not {expected}");
    }
}

pub(crate) fn at_large_alpha_a_network_follows_its_frozen_kernel<B: Backend>(device: &B::Device) {
    let n = 10;
    let net = dense(3, 33);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(5), device);
    let system = system(&net, &w0, n, 1e6, Loss::Squared, device);
    let x = numbers(n * 3, 17);
    let points = Precision::F64.matrix::<B>(&x, [n, 3], device);
    let theta = {
        use regime_models::Trace;
        Precision::to_host(kernel(&net.trace(&w0, &points).linearise()))
    };
    let expected = frozen(&theta, &labels(&x, 3), 3.0);
    let scheme = Scheme::Reference { tolerance: 1e-5, active_above: 1e-3 };
    let mut flow = Flow::start(&system, until(3.0, scheme)).unwrap();
    flow.run();
    let error = worst(&final_outputs(&system, &flow, n, device), &expected);
    assert!(error < 1e-3, "{error}");
}

pub(crate) fn implicit_and_explicit_flows_agree<B: Backend>(device: &B::Device) {
    let n = 20;
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    for alpha in [1e-4, 0.05, 3.0, 1e4] {
        let system = system(&net, &w0, n, alpha, Loss::SoftHinge { beta: 20.0 }, device);
        let run = |scheme: Scheme| {
            let spec = FlowSpec { scheme, ..FlowSpec::default() };
            let mut flow = Flow::start(&system, spec).unwrap();
            let outcome = flow.run().outcome;
            assert_eq!(outcome.end, End::Converged, "α = {alpha}, {scheme:?}");
            (outcome, final_outputs(&system, &flow, n, device))
        };
        let (implicit, f) = run(Scheme::reference());
        let fine = StepRule::GradientTurn { max_turn: 1e-5, max_output_change: 0.02 };
        let (explicit, g) = run(Scheme::Explicit { rule: fine });
        let rms = |v: &[f64]| (v.iter().map(|v| v * v).sum::<f64>() / n as f64).sqrt();
        let difference: Vec<f64> = f.iter().zip(&g).map(|(a, b)| a - b).collect();
        let error = rms(&difference) / rms(&g);
        assert!(error < 0.01, "α = {alpha}: outputs differ by {error}");
        let (t, s) = (implicit.t1.unwrap(), explicit.t1.unwrap());
        assert!((t / s - 1.0).abs() < 0.05, "α = {alpha}: t₁ is {t} and {s}");
        assert!(implicit.steps + implicit.rejected < explicit.steps, "α = {alpha}");
    }
}

pub(crate) fn every_loss_reaches_its_margins<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    for (loss, scheme) in [
        (Loss::Hinge, Scheme::explicit()),
        (Loss::SoftHinge { beta: 20.0 }, Scheme::reference()),
        (Loss::SoftHinge { beta: 20.0 }, Scheme::adaptive()),
        (Loss::Hinge, Scheme::adaptive()),
        (Loss::QuadraticHinge, Scheme::adaptive()),
        (Loss::Logistic, Scheme::adaptive()),
    ] {
        let system = system(&net, &w0, 8, 0.5, loss, device);
        // With the quadratic hinge, margins reach 1 only as t → ∞: use a smaller margin.
        let margin = if loss == Loss::QuadraticHinge { 0.99 } else { 1.0 };
        let stop = Stop { margin, ..Stop::default() };
        let spec = FlowSpec { scheme, stop, ..FlowSpec::default() };
        let outcome = Flow::start(&system, spec).unwrap().run().outcome;
        assert_eq!(outcome.end, End::Converged, "{loss:?}");
        let last = outcome.observations.last().unwrap();
        assert_eq!((last.moment, last.n_violating), (Moment::End, 0));
        assert!((margin..margin + 1e-3).contains(&last.smallest_margin), "{loss:?}: {last:?}");
        assert!(outcome.t1.unwrap() < outcome.t2.unwrap());
        assert!(outcome.t2.unwrap() <= outcome.t);
        let times: Vec<f64> = outcome.observations.iter().map(|o| o.t).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
}

pub(crate) fn a_resumed_flow_is_bit_identical<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    for (scheme, momentum) in [
        (Scheme::reference(), Momentum::None),
        (Scheme::adaptive(), Momentum::Constant { tau: 0.5 }),
        (Scheme::explicit(), Momentum::Proportional { mu: 10.0 }),
    ] {
        let system = system(&net, &w0, 16, 0.5, Loss::SoftHinge { beta: 20.0 }, device);
        let stop = Stop { max_steps: 400, ..Stop::default() };
        let spec = FlowSpec { scheme, momentum, stop, ..FlowSpec::default() };
        let mut whole = Flow::start(&system, spec).unwrap();
        let outcome = whole.run().outcome;

        let mut first = Flow::start(&system, spec).unwrap();
        assert_eq!(first.run_with(&mut InterruptAfter(30)).end, End::Interrupted);
        // As written to a file and read back.
        let text = serde_json::to_string(&first.checkpoint()).unwrap();
        drop(first);
        let checkpoint: Checkpoint = serde_json::from_str(&text).unwrap();
        let mut second = Flow::resume(&system, spec, checkpoint).unwrap();
        assert_eq!(second.run().outcome, outcome);
        let bits = |flow: &Flow<B, &FeedForward>| -> Vec<u64> {
            Precision::to_host(flow.weights()).iter().map(|w| w.to_bits()).collect()
        };
        assert_eq!(bits(&second), bits(&whole));
    }
}

pub(crate) fn budgets_end_a_run_and_are_reported<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let system = system(&net, &w0, 16, 1.0, Loss::SoftHinge { beta: 20.0 }, device);
    let run = |stop: Stop| -> Outcome {
        let spec = FlowSpec { stop, ..FlowSpec::default() };
        Flow::start(&system, spec).unwrap().run().outcome
    };
    let steps = run(Stop { max_steps: 7, ..Stop::default() });
    assert_eq!(steps.end, End::StepsSpent);
    assert_eq!(steps.steps + steps.rejected, 7);
    assert_eq!(steps.t2, None);
    assert_eq!(steps.observations.last().unwrap().moment, Moment::End);
    let time = run(Stop { max_time: Some(0.25), ..Stop::default() });
    assert_eq!((time.end, time.t), (End::TimeReached, 0.25));
    // The same t₁ as in a run to the end.
    let (whole, half) = (run(Stop::default()), run(Stop { at_half_loss: true, ..Stop::default() }));
    assert_eq!((whole.end, half.end), (End::Converged, End::HalfLoss));
    assert_eq!(half.t1, whole.t1);
    assert!(half.steps < whole.steps && half.t >= half.t1.unwrap());
    let moments: Vec<Moment> = half.observations.iter().map(|o| o.moment).collect();
    assert!(moments.contains(&Moment::HalfLoss) && moments.last() == Some(&Moment::End));
}

pub(crate) fn a_diverged_flow_has_a_finite_record<B: Backend>(device: &B::Device) {
    let net = Cliff;
    let w0 = Precision::F64.vector::<B>(&[0.0, 0.0], device);
    for scheme in [Scheme::adaptive(), Scheme::reference(), Scheme::explicit()] {
        let system = system(&net, &w0, 4, 1.0, Loss::Logistic, device);
        let spec = FlowSpec { scheme, ..FlowSpec::default() };
        let outcome = Flow::start(&system, spec).unwrap().run().outcome;
        assert_eq!(outcome.end, End::Diverged { quantity: Divergence::StepSize, step: 0 });
        // JSON has no NaN: serde_json writes null for one.
        assert!(!serde_json::to_string(&outcome.observations).unwrap().contains("null"));
    }
}

pub(crate) fn a_zero_gradient_stalls_and_an_infinite_one_diverges<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    // The hinge has no slope beyond margin 1.
    let hinge = system(&net, &w0, 8, 0.5, Loss::Hinge, device);
    let stop = Stop { margin: 1.5, ..Stop::default() };
    let spec = FlowSpec { scheme: coarse(), stop, ..FlowSpec::default() };
    let outcome = Flow::start(&hinge, spec).unwrap().run().outcome;
    assert_eq!(outcome.end, End::Stalled);
    assert!(outcome.observations.last().unwrap().smallest_margin >= 1.0);

    // The gradient overflows.
    let steep = system(&net, &w0, 8, 1e-300, Loss::Logistic, device);
    let outcome = Flow::start(&steep, FlowSpec::default()).unwrap().run().outcome;
    assert_eq!(outcome.end, End::Diverged { quantity: Divergence::Gradient, step: 0 });
}

pub(crate) fn the_gradient_turn_rule_rejects_the_hinge<B: Backend>(device: &B::Device) {
    let net = dense(2, 12);
    let w0 = Precision::F64.vector::<B>(&net.initial_weights(2), device);
    let scheme = Scheme::Explicit { rule: StepRule::gradient_turn() };
    let spec = FlowSpec { scheme, ..FlowSpec::default() };
    let start = |loss| {
        let system = system(&net, &w0, 8, 0.5, loss, device);
        Flow::start(&system, spec).map(|mut flow| flow.run().end)
    };
    assert!(start(Loss::Hinge).unwrap_err().to_string().starts_with("scheme.rule.max_turn"));
    assert_eq!(start(Loss::SoftHinge { beta: 20.0 }), Ok(End::Converged));
}

#[test]
fn an_error_names_the_parameter_out_of_range() {
    let message = |spec: FlowSpec| spec.check().unwrap_err().to_string();
    let scheme = |tolerance, active_above| FlowSpec {
        scheme: Scheme::Reference { tolerance, active_above },
        ..FlowSpec::default()
    };
    let adaptive = Scheme::Adaptive { tolerance: 0.0 };
    let adaptive = FlowSpec { scheme: adaptive, ..FlowSpec::default() };
    assert!(message(adaptive).starts_with("scheme.tolerance is 0"));
    assert!(message(scheme(0.0, 0.0)).starts_with("scheme.tolerance is 0"));
    assert!(message(scheme(1.5, 0.0)).starts_with("scheme.tolerance is 1.5"));
    assert!(message(scheme(0.1, 1.0)).starts_with("scheme.active_above is 1"));
    let stop = Stop { max_steps: 0, ..Stop::default() };
    assert!(message(FlowSpec { stop, ..FlowSpec::default() }).starts_with("stop.max_steps is 0"));
    let spec = FlowSpec { observations_per_decade: 0, ..FlowSpec::default() };
    assert!(message(spec).starts_with("observations_per_decade is 0"));
    let rule = StepRule::OutputChange { undo_above: 1e-4, grow_below: 1e-2 };
    let scheme = Scheme::Explicit { rule };
    assert!(
        message(FlowSpec { scheme, ..FlowSpec::default() })
            .starts_with("scheme.rule.grow_below is")
    );
}

#[test]
fn absent_fields_take_defaults_and_unknown_fields_are_errors() {
    let read = |text: &str| serde_json::from_str::<FlowSpec>(text);
    assert_eq!(read("{}").unwrap(), FlowSpec::default());
    let scheme = |text: &str| read(text).map(|spec| spec.scheme);
    assert_eq!(read(r#"{"scheme": {"scheme": "adaptive"}}"#).unwrap(), FlowSpec::default());
    // The former name of the reference scheme is "implicit".
    for name in ["reference", "implicit"] {
        let text = format!(r#"{{"scheme": {{"scheme": "{name}"}}}}"#);
        assert_eq!(scheme(&text).unwrap(), Scheme::reference());
    }
    assert!(read(r#"{"scheme": {"scheme": "adaptive", "tolerence": 0.1}}"#).is_err());
    assert!(read(r#"{"momentum": {"inertia": "constant", "tau": 1, "mu": 2}}"#).is_err());
    assert!(read(r#"{"stop": {"margins": 2}}"#).is_err());
    assert!(serde_json::from_str::<Loss>(r#"{"kind": "soft-hinge", "bta": 20}"#).is_err());
}
