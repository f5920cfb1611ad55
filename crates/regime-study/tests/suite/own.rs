//! Losses and activations of the program, in specs and in runs.

use burn_flex::{Flex, FlexDevice};
use regime_models::{Activation, ActivationFunction, DenseSpec, NetworkSpec};
use regime_study::{Budget, Dynamics, NoObserver, RunRecord, RunSpec, run};
use regime_train::{Argument, FlowSpec, Loss, OwnLoss, PointLoss, Scheme, check_loss};

use crate::resume::spec;

/// The soft hinge, written again.
struct Again;

impl PointLoss for Again {
    fn argument(&self) -> Argument {
        Argument::Margin
    }

    fn jet(&self, u: f64) -> [f64; 3] {
        Loss::SoftHinge { beta: 20.0 }.jet(u)
    }

    fn largest_curvature(&self) -> f64 {
        5.0
    }
}

/// `tanh(a z)`.
#[derive(PartialEq)]
struct Steep;

impl ActivationFunction for Steep {
    fn name(&self) -> &'static str {
        "steep"
    }

    fn parameters(&self) -> &'static [&'static str] {
        &["a"]
    }

    fn value_and_slope(&self, z: f64, parameters: &[f64]) -> (f64, f64) {
        let (a, t) = (parameters[0], (parameters[0] * z).tanh());
        (t, a * (1.0 - t * t))
    }
}

fn trained(spec: &RunSpec) -> RunRecord {
    run::<Flex>(spec, &FlexDevice, &mut NoObserver).unwrap()
}

#[test]
fn a_spec_holds_a_loss_and_an_activation_of_the_program() {
    check_loss(&Again).unwrap();
    let own = Loss::Own(OwnLoss::register("again", &Again).unwrap());
    let scheme = Scheme::reference();
    let flow = Dynamics::Flow(FlowSpec { scheme, ..FlowSpec::default() });
    // The default: the budget is not written with a spec.
    let budget = Budget { max_wall_s: 3600.0 };
    let built_in = RunSpec { budget, ..spec(Loss::SoftHinge { beta: 20.0 }, flow) };
    let with_own = RunSpec { loss: own, ..built_in.clone() };

    // Through text, as in a file.
    let text = serde_json::to_string(&with_own).unwrap();
    assert!(text.contains(r#""loss":{"kind":"own","name":"again"}"#), "{text}");
    let read: RunSpec = serde_json::from_str(&text).unwrap();
    assert_eq!(read, with_own);
    // The same numbers as with the loss of the crate.
    let (found, expected) = (trained(&read), trained(&built_in));
    assert_eq!(found.path, expected.path);

    Activation::register(Steep).unwrap();
    let dense = DenseSpec {
        inputs: 3,
        width: 10,
        hidden_layers: 2,
        activation: Activation::own("steep", &[1.0]).unwrap(),
        bias: true,
    };
    let steep = RunSpec { network: NetworkSpec::Dense(dense), ..built_in.clone() };
    let text = serde_json::to_string(&steep).unwrap();
    assert_eq!(serde_json::from_str::<RunSpec>(&text).unwrap(), steep);
    let tanh = DenseSpec { activation: Activation::Tanh, ..dense };
    let tanh = RunSpec { network: NetworkSpec::Dense(tanh), ..built_in };
    let (found, expected) = (trained(&steep), trained(&tanh));
    let change = |record: &RunRecord| record.kernel_change().unwrap();
    assert!((change(&found) / change(&expected) - 1.0).abs() < 1e-6);
    assert!(serde_json::from_str::<RunSpec>(&text.replace("steep", "steeper")).is_err());
}
