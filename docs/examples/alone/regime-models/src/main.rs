//! The example of the front page of `regime-models`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use burn::tensor::Tensor;
use burn_flex::{Flex, FlexDevice};
use regime_models::{Alpha, DenseSpec, Network, Precision, Scaled, Tape, Trace, dot};

fn main() -> Result<(), regime_models::ModelError> {
    let net = DenseSpec::new(3, 16).hidden_layers(2).build()?;
    let device = FlexDevice;
    let w = Precision::F64.vector::<Flex>(&net.initial_weights(7), &device);
    let x = Precision::F64.matrix::<Flex>(&[0.1, -1.0, 0.5, 2.0, 0.3, -0.7], [2, 3], &device);

    // F is 0 at the initial weights for every α.
    let scaled = Scaled::at(&net, &w, &x, Alpha::paper(10.0)?);
    let f: Tensor<Flex, 1> = scaled.output(net.forward(&w, &x));
    assert_eq!(Precision::to_host(f), [0.0, 0.0]);

    // The gradient of f(x₀) with respect to all P parameters.
    let tape = net.trace(&w, &x).linearise();
    let gradient: Tensor<Flex, 1> = tape.vjp(Precision::F64.vector(&[1.0, 0.0], &device));
    assert_eq!(gradient.dims(), [net.n_params()]);
    let square = dot(gradient.clone(), gradient.clone());
    println!("‖∇f(x₀)‖² = {square:.3} over {} parameters", net.n_params());

    // A small step against the gradient lowers F(x₀) by α · step · ‖∇f(x₀)‖², to first order.
    let after = scaled.output(net.forward(&(w - gradient.mul_scalar(1e-4)), &x));
    let after = Precision::to_host(after);
    println!("F after a small step: {after:.5?}, to first order {:.5}", -1e-3 * square);
    assert!((after[0] + 1e-3 * square).abs() < 0.05 * square * 1e-3);
    Ok(())
}
