//! The normalised non-linearities.

use regime_models::Activation;

#[test]
fn activations_are_normalised() {
    use std::f64::consts::PI;
    let softplus = Activation::Softplus { beta: 5.0 };
    assert!((Activation::Relu.gain() - 2f64.sqrt()).abs() < 1e-13);
    // The constant of the authors' code, with six digits.
    assert!((softplus.gain() - 1.40438).abs() < 5e-6, "{}", softplus.gain());
    // A sharp softplus approximates a ReLU.
    let sharp = Activation::Softplus { beta: 1e4 };
    assert!((sharp.gain() - Activation::Relu.gain()).abs() < 1e-6);
    // E[(zΦ(z))²] = 1/3 + 1/(2√3 π), by integration by parts.
    let gelu = 1.0 / 3.0 + 1.0 / (2.0 * 3f64.sqrt() * PI);
    assert!((Activation::Gelu.gain() - gelu.sqrt().recip()).abs() < 1e-13);
    for activation in [softplus, Activation::Tanh, Activation::Silu { beta: 1.0 }, Activation::Gelu]
    {
        let gain = activation.gain();
        let second = regime_models::gaussian_mean(|g| (gain * activation.bare(g).0).powi(2));
        assert!((second - 1.0).abs() < 1e-13, "{activation:?}: {second}");
    }
}
