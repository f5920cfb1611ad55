//! Activations, differentiable by `burn-autodiff`.

use burn_tensor::{Tensor, activation::relu, backend::Backend};

use crate::activation::Activation;

/// `gain · φ(z)`
pub(super) fn value<B: Backend>(phi: Activation, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2> {
    bare(phi, z).mul_scalar(gain)
}

/// `gain · φ(z)` and `gain · φ'(z)`
pub(super) fn value_and_slope<B: Backend>(
    phi: Activation,
    gain: f64,
    z: Tensor<B, 2>,
) -> (Tensor<B, 2>, Tensor<B, 2>) {
    let slope = bare_slope(phi, z.clone());
    (value(phi, gain, z), slope.mul_scalar(gain))
}

fn bare<B: Backend>(phi: Activation, z: Tensor<B, 2>) -> Tensor<B, 2> {
    match phi {
        Activation::Relu => relu(z),
        Activation::Softplus { beta } => {
            let decayed = z.clone().abs().mul_scalar(-beta).exp();
            // Not div_scalar: burn-autodiff 0.21 rounds the divisor to float32 in
            // its backward pass.
            relu(z) + decayed.log1p().mul_scalar(beta.recip())
        }
        Activation::Tanh => z.tanh(),
        Activation::Silu { beta } => z.clone() * logistic(z.mul_scalar(beta)),
        Activation::Gelu => z.clone() * normal_cdf(z),
    }
}

fn bare_slope<B: Backend>(phi: Activation, z: Tensor<B, 2>) -> Tensor<B, 2> {
    match phi {
        Activation::Relu => relu(z.sign()),
        Activation::Softplus { beta } => logistic(z.mul_scalar(beta)),
        Activation::Tanh => z.tanh().square().neg().add_scalar(1.0),
        Activation::Silu { beta } => {
            let s = logistic(z.clone().mul_scalar(beta));
            let rest = s.clone().neg().add_scalar(1.0) * z.mul_scalar(beta);
            s * rest.add_scalar(1.0)
        }
        Activation::Gelu => {
            let density = z
                .clone()
                .square()
                .mul_scalar(-0.5)
                .exp()
                .div_scalar((2.0 * std::f64::consts::PI).sqrt());
            normal_cdf(z.clone()) + z * density
        }
    }
}

/// `1/(1 + e⁻ᶻ) = (1 + tanh(z/2))/2`, which never overflows.
fn logistic<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    z.mul_scalar(0.5).tanh().add_scalar(1.0).mul_scalar(0.5)
}

fn normal_cdf<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    z.mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5)
}
