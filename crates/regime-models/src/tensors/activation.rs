//! Activations, differentiable by `burn-autodiff`.

use burn_tensor::{Tensor, activation::relu, backend::Backend};

use crate::{activation::Activation, own_activation::OwnActivation, precision::Precision};

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
    if let Activation::Own(own) = phi {
        let (value, slope) = on_host(own, z);
        return (value.mul_scalar(gain), slope.mul_scalar(gain));
    }
    let slope = bare_slope(phi, z.clone());
    (value(phi, gain, z), slope.mul_scalar(gain))
}

/// Value and slope of an own function, computed on the host.
fn on_host<B: Backend>(own: OwnActivation, z: Tensor<B, 2>) -> (Tensor<B, 2>, Tensor<B, 2>) {
    let (shape, device, dtype) = (z.dims(), z.device(), z.dtype());
    let fixed = z.clone().detach();
    let (values, slopes): (Vec<f64>, Vec<f64>) =
        Precision::to_host(fixed.clone()).into_iter().map(|z| own.value_and_slope(z)).unzip();
    let back = |numbers: &[f64]| Precision::of(dtype).matrix::<B>(numbers, shape, &device);
    let (value, slope) = (back(&values), back(&slopes));
    if !B::ad_enabled(&device) {
        return (value, slope);
    }
    // Automatic differentiation does not see the host. The added term is zero, and its derivative
    // is the slope.
    (value + slope.clone() * (z - fixed), slope)
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
        Activation::Own(own) => on_host(own, z).0,
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
        Activation::Own(own) => on_host(own, z).1,
    }
}

/// `1/(1 + e⁻ᶻ) = (1 + tanh(z/2))/2`, which never overflows.
fn logistic<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    z.mul_scalar(0.5).tanh().add_scalar(1.0).mul_scalar(0.5)
}

fn normal_cdf<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    z.mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5)
}
