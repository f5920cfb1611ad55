//! The problems for the tests of flows.

use burn_tensor::{Tensor, backend::Backend};
pub(crate) use regime_models::kit::numbers;
use regime_models::{Activation, Alpha, DenseSpec, FeedForward, Network, Precision};
use regime_train::{Loss, Objective, Observation, Observer, System, Targets};

/// Labels that a network can learn: the sign of the product of the first two
/// coordinates.
pub(crate) fn labels(x: &[f64], d: usize) -> Vec<f64> {
    x.chunks(d).map(|x| if x[0] * x[1] > 0.0 { 1.0 } else { -1.0 }).collect()
}

pub(crate) fn dense(inputs: usize, width: usize) -> FeedForward {
    DenseSpec {
        inputs,
        width,
        hidden_layers: 2,
        activation: Activation::Softplus { beta: 5.0 },
        bias: true,
    }
    .build()
    .unwrap()
}

/// The system of a network on `n` points in at least two dimensions.
pub(crate) fn system<'a, B: Backend, N: Network<B>>(
    net: &'a N,
    w0: &Tensor<B, 1>,
    n: usize,
    alpha: f64,
    loss: Loss,
    device: &B::Device,
) -> System<B, &'a N> {
    let d = net.n_inputs();
    let x = numbers(n * d, 17);
    let inputs = Precision::F64.matrix::<B>(&x, [n, d], device);
    let f0 = Precision::to_host(net.forward(w0, &inputs));
    let objective = Objective::new(
        Alpha::paper(alpha).unwrap(),
        loss,
        Targets::signs(labels(&x, d)).unwrap(),
        f0,
    )
    .unwrap();
    System::with_objective(net, inputs, objective, w0).unwrap()
}

/// Interrupts after some steps.
pub(crate) struct InterruptAfter(pub(crate) u32);

impl<B: Backend> Observer<B> for InterruptAfter {
    fn observe(&mut self, _: &Observation, _: &Tensor<B, 1>) {}

    fn interrupts(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 == 0
    }
}
