//! Tests against SciPy's integrators, an independent implementation: the results in
//! `fixtures/scipy_flow.json`, computed by `fixtures/scipy_flow.py`.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;
use regime_models::{Activation, Alpha, DenseSpec, FeedForward, Network, Precision, Trace};
use regime_tangent::{kernel, relative_change};
use regime_train::{End, Flow, FlowSpec, Loss, Scheme, Stop, System};
use serde::Deserialize;

use crate::flow::worst;

#[derive(Deserialize)]
struct Fixture {
    width: usize,
    hidden_layers: usize,
    inputs: usize,
    activation_beta: f64,
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    w0: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    loss: String,
    beta: Option<f64>,
    alpha: f64,
    margin: f64,
    t_half: f64,
    t_end: f64,
    margins_at_half: Vec<f64>,
    margins_at_end: Vec<f64>,
    kernel_change: f64,
    f0: Vec<f64>,
}

impl Fixture {
    fn read() -> Self {
        serde_json::from_str(include_str!("fixtures/scipy_flow.json")).unwrap()
    }

    fn network(&self) -> FeedForward {
        DenseSpec {
            inputs: self.inputs,
            width: self.width,
            hidden_layers: self.hidden_layers,
            activation: Activation::Softplus { beta: self.activation_beta },
            bias: true,
        }
        .build()
        .unwrap()
    }

    fn points(&self) -> Tensor<Flex, 2> {
        let x: Vec<f64> = self.x.concat();
        Precision::F64.matrix(&x, [self.x.len(), self.inputs], &FlexDevice)
    }

    fn weights(&self) -> Tensor<Flex, 1> {
        Precision::F64.vector(&self.w0, &FlexDevice)
    }

    fn system<'a>(&self, net: &'a FeedForward, case: &Case) -> System<Flex, &'a FeedForward> {
        let loss = match case.beta {
            Some(beta) => Loss::SoftHinge { beta },
            None => Loss::Logistic,
        };
        let f0 = Precision::to_host(net.forward(&self.weights(), &self.points()));
        assert!(worst(&f0, &case.f0) < 1e-13);
        let alpha = Alpha::paper(case.alpha).unwrap();
        System::builder(net, self.points())
            .signs(self.y.clone())
            .alpha(alpha)
            .loss(loss)
            .weights(self.weights())
            .build()
            .unwrap()
    }

    fn kernel(&self, net: &FeedForward, w: &Tensor<Flex, 1>) -> Tensor<Flex, 2> {
        kernel(&net.trace(w, &self.points()).linearise())
    }
}

/// The largest error of the margins, in units of the larger of 1 and the margin.
fn error_of(found: &[f64], expected: &[f64]) -> f64 {
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs() / b.abs().max(1.0)))
}

fn text(errors: &[f64]) -> String {
    errors.iter().map(|error| format!("{error:.1e} ")).collect()
}

/// The errors of the margins at `t₁`, of the margins at the end, of the relative kernel change, of
/// `t₁` and of `t₂`; the last three are relative.
fn errors(fixture: &Fixture, case: &Case, scheme: Scheme) -> [f64; 5] {
    let net = fixture.network();
    let system = fixture.system(&net, case);
    let w0 = fixture.weights();
    let at = |t: f64| {
        let stop = Stop { margin: 2.0 * case.margin, max_time: Some(t), ..Stop::default() };
        let spec = FlowSpec { scheme, stop, ..FlowSpec::default() };
        let mut flow = Flow::start(&system, spec).unwrap();
        assert_eq!(flow.run().end, End::TimeReached);
        let f = Precision::to_host(net.forward(&flow.weights(), &fixture.points()));
        (system.objective().margins(&f), flow.weights())
    };
    let (half, _) = at(case.t_half);
    let (end, w) = at(case.t_end);
    let change = relative_change(fixture.kernel(&net, &w), fixture.kernel(&net, &w0)).unwrap();
    let stop = Stop { margin: case.margin, ..Stop::default() };
    let spec = FlowSpec { scheme, stop, ..FlowSpec::default() };
    let outcome = Flow::start(&system, spec).unwrap().run().outcome;
    assert_eq!(outcome.end, End::Converged, "{} {}", case.loss, case.alpha);
    [
        error_of(&half, &case.margins_at_half),
        error_of(&end, &case.margins_at_end),
        (change / case.kernel_change - 1.0).abs(),
        (outcome.t1.unwrap() / case.t_half - 1.0).abs(),
        (outcome.t2.unwrap() / case.t_end - 1.0).abs(),
    ]
}

#[test]
fn errors_are_below_the_tolerance() {
    let fixture = Fixture::read();
    for case in &fixture.cases {
        for tolerance in [0.1, 0.01, 0.001] {
            let errors = errors(&fixture, case, Scheme::Adaptive { tolerance });
            let at = format!(
                "{} α = {}, tolerance {tolerance}: {}",
                case.loss,
                case.alpha,
                text(&errors)
            );
            assert!(errors.iter().all(|&error| error < tolerance), "{at}");
        }
    }
}

#[test]
fn the_reference_scheme_agrees_with_scipy() {
    let fixture = Fixture::read();
    for case in &fixture.cases {
        let scheme = Scheme::Reference { tolerance: 1e-5, active_above: 1e-3 };
        let errors = errors(&fixture, case, scheme);
        let at = format!("{} α = {}: {}", case.loss, case.alpha, text(&errors));
        assert!(errors.iter().all(|&error| error < 1e-4), "{at}");
    }
}
