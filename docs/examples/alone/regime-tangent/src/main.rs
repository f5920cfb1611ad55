//! The example of the front page of `regime-tangent`, as a program of its own. It is written by
//! `UPDATE_DOCS=1 cargo test -p xtask --test alone`.

use burn_flex::{Flex, FlexDevice};
use regime_models::{Activation, DenseSpec, Network, Precision, Trace};
use regime_tangent::{analysis::to_host_matrix, kernel, relative_change};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let net = DenseSpec::new(2, 32).hidden_layers(2).activation(Activation::Relu).build()?;
    let device = FlexDevice;
    let x = Precision::F64.matrix::<Flex>(&[1.0, 0.0, 0.6, 0.8, -1.0, 0.3], [3, 2], &device);
    let theta = |seed| {
        let w = Precision::F64.vector::<Flex>(&net.initial_weights(seed), &device);
        kernel(&net.trace(&w, &x).linearise())
    };
    let (a, b) = (theta(0), theta(1));
    assert_eq!(a.dims(), [3, 3]);
    println!("{:.3}", to_host_matrix(a.clone()));
    // The kernels of two initialisations differ by a fluctuation.
    let change = relative_change(b, a)?;
    println!("relative distance of the kernels of two initialisations: {change:.3}");
    assert!(change > 0.0 && change < 1.0);
    Ok(())
}
