use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use crate::{
    error::{ModelError, positive},
    pointwise,
    quadrature::gaussian_mean,
};
#[cfg(feature = "flex")]
use crate::{
    host::{self, with_scalar},
    pointwise::Real as _,
};

/// A non-linearity φ, normalised so that `E φ(g)² = 1` for `g ~ N(0, 1)`.
///
/// With weights of unit variance and layers scaled by `1/√h` the preactivations
/// then keep unit variance through the depth of the network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[serde(deny_unknown_fields)]
pub enum Activation {
    /// `max(0, z)`; the derivative at 0 is taken to be 0.
    Relu,
    /// `ln(1 + e^{βz})/β`; tends to ReLU as β grows. The paper uses β = 5.
    Softplus {
        /// Sharpness β > 0.
        beta: f64,
    },
    /// `tanh z`.
    Tanh,
    /// `z/(1 + e^{−βz})`, also called swish.
    Silu {
        /// Sharpness β > 0.
        beta: f64,
    },
    /// `z Φ(z)` with the normal distribution function Φ (exact, not the tanh form).
    Gelu,
}

impl Activation {
    /// The usual name, without parameters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "ReLU",
            Self::Softplus { .. } => "softplus",
            Self::Tanh => "tanh",
            Self::Silu { .. } => "SiLU",
            Self::Gelu => "GELU",
        }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// [`ModelError::NotPositive`] for a sharpness that is not positive.
    pub fn check(self) -> Result<Self, ModelError> {
        if let Self::Softplus { beta } | Self::Silu { beta } = self {
            positive("activation.beta", beta)?;
        }
        Ok(self)
    }

    /// The normalisation `1/√(E φ(g)²)` by which the bare function is multiplied,
    /// by quadrature.
    pub fn gain(self) -> f64 {
        gaussian_mean(|g| self.bare(g).0.powi(2)).sqrt().recip()
    }

    /// The bare function and its derivative at `z`, without the gain.
    #[inline(always)]
    pub fn bare(self, z: f64) -> (f64, f64) {
        match self {
            Self::Relu => relu(z),
            Self::Softplus { beta } => softplus(z, beta),
            Self::Tanh => tanh(z),
            Self::Silu { beta } => silu(z, beta),
            Self::Gelu => gelu(z),
        }
    }

    /// `gain · φ(z)`, element by element.
    pub fn value<B: Backend>(self, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2> {
        #[cfg(feature = "flex")]
        if crate::host::is_host::<B>() {
            return self.host_value(gain, z);
        }
        self.tensor_value(z).mul_scalar(gain)
    }

    /// `gain · φ(z)` and `gain · φ'(z)`, element by element.
    pub fn value_and_slope<B: Backend>(
        self,
        gain: f64,
        z: Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>) {
        #[cfg(feature = "flex")]
        if crate::host::is_host::<B>() {
            return self.host_value_and_slope(gain, z);
        }
        let slope = self.tensor_slope(z.clone());
        (self.tensor_value(z).mul_scalar(gain), slope.mul_scalar(gain))
    }

    /// φ from ordinary tensor operations, differentiable by `burn-autodiff`.
    fn tensor_value<B: Backend>(self, z: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Self::Relu => burn::tensor::activation::relu(z),
            Self::Softplus { beta } => {
                let decayed = z.clone().abs().mul_scalar(-beta).exp();
                // Not div_scalar: burn-autodiff 0.21 rounds the divisor to float32 in
                // its backward pass.
                burn::tensor::activation::relu(z) + decayed.log1p().mul_scalar(beta.recip())
            }
            Self::Tanh => z.tanh(),
            Self::Silu { beta } => z.clone() * tensor_logistic(z.mul_scalar(beta)),
            Self::Gelu => z.clone() * tensor_normal_cdf(z),
        }
    }

    fn tensor_slope<B: Backend>(self, z: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Self::Relu => burn::tensor::activation::relu(z.sign()),
            Self::Softplus { beta } => tensor_logistic(z.mul_scalar(beta)),
            Self::Tanh => z.tanh().square().neg().add_scalar(1.0),
            Self::Silu { beta } => {
                let s = tensor_logistic(z.clone().mul_scalar(beta));
                let rest = s.clone().neg().add_scalar(1.0) * z.mul_scalar(beta);
                s * rest.add_scalar(1.0)
            }
            Self::Gelu => {
                let density = z
                    .clone()
                    .square()
                    .mul_scalar(-0.5)
                    .exp()
                    .div_scalar((2.0 * std::f64::consts::PI).sqrt());
                tensor_normal_cdf(z.clone()) + z * density
            }
        }
    }

    #[cfg(feature = "flex")]
    fn host_value<B: Backend>(self, gain: f64, z: Tensor<B, 2>) -> Tensor<B, 2> {
        let device = z.device();
        let mut data = z.into_data();
        let dtype = data.dtype;
        with_scalar!(dtype, T => {
            let values = data.as_mut_slice::<T>().expect("the element type was matched");
            self.apply(Values { values, gain });
        });
        Tensor::from_data(data, (&device, dtype))
    }

    #[cfg(feature = "flex")]
    fn host_value_and_slope<B: Backend>(
        self,
        gain: f64,
        z: Tensor<B, 2>,
    ) -> (Tensor<B, 2>, Tensor<B, 2>) {
        let (device, shape) = (z.device(), z.dims());
        let mut data = z.into_data();
        let dtype = data.dtype;
        with_scalar!(dtype, T => {
            let values = data.as_mut_slice::<T>().expect("the element type was matched");
            let slopes = self.apply(ValuesAndSlopes { values, gain });
            let slopes = host::tensor(slopes, shape, &device);
            (Tensor::from_data(data, (&device, dtype)), slopes)
        })
    }

    /// One pass over host memory. Each activation gets a loop of its own: a match
    /// inside the loop would keep it from being vectorised. What is not vectorised is
    /// computed in float64 whatever the element type.
    #[cfg(feature = "flex")]
    fn apply<P: Pass>(self, pass: P) -> P::Output {
        /// Through float64.
        #[inline(always)]
        fn wide<T: pointwise::Real>(phi: impl Fn(f64) -> (f64, f64)) -> impl Fn(T) -> (T, T) {
            #[inline(always)]
            move |z: T| {
                let (value, slope) = phi(z.wide());
                (T::narrow(value), T::narrow(slope))
            }
        }
        match self {
            Self::Relu => pass.run(wide(relu)),
            Self::Softplus { beta } => pass.run(
                #[inline(always)]
                move |z: P::Element| {
                    let (value, slope) = z.times(beta).softplus();
                    (value.times(beta.recip()), slope)
                },
            ),
            Self::Tanh => pass.run(wide(tanh)),
            Self::Silu { beta } => pass.run(wide(
                #[inline(always)]
                move |z| silu(z, beta),
            )),
            Self::Gelu => pass.run(wide(gelu)),
        }
    }
}

/// What is done with a function and its derivative.
#[cfg(feature = "flex")]
trait Pass {
    type Element: pointwise::Real;
    type Output;

    fn run(self, phi: impl Fn(Self::Element) -> (Self::Element, Self::Element)) -> Self::Output;
}

#[cfg(feature = "flex")]
struct Values<'a, T> {
    values: &'a mut [T],
    gain: f64,
}

#[cfg(feature = "flex")]
impl<T: pointwise::Real> Pass for Values<'_, T> {
    type Element = T;
    type Output = ();

    fn run(self, phi: impl Fn(T) -> (T, T)) {
        pointwise::value(self.values, self.gain, phi);
    }
}

#[cfg(feature = "flex")]
struct ValuesAndSlopes<'a, T> {
    values: &'a mut [T],
    gain: f64,
}

#[cfg(feature = "flex")]
impl<T: pointwise::Real> Pass for ValuesAndSlopes<'_, T> {
    type Element = T;
    type Output = Vec<T>;

    fn run(self, phi: impl Fn(T) -> (T, T)) -> Vec<T> {
        pointwise::value_and_slope(self.values, self.gain, phi)
    }
}

#[inline(always)]
fn relu(z: f64) -> (f64, f64) {
    if z > 0.0 { (z, 1.0) } else { (0.0 * z, 0.0) }
}

#[inline(always)]
fn softplus(z: f64, beta: f64) -> (f64, f64) {
    let (value, slope) = pointwise::softplus(beta * z);
    (value * beta.recip(), slope)
}

#[inline(always)]
fn tanh(z: f64) -> (f64, f64) {
    let t = z.tanh();
    (t, 1.0 - t * t)
}

#[inline(always)]
fn silu(z: f64, beta: f64) -> (f64, f64) {
    let s = pointwise::logistic(beta * z);
    (z * s, s * (1.0 + beta * z * (1.0 - s)))
}

#[inline(always)]
fn gelu(z: f64) -> (f64, f64) {
    let cdf = 0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2);
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (z * cdf, cdf + z * density)
}

/// `1/(1 + e⁻ᶻ) = (1 + tanh(z/2))/2`, which never overflows.
fn tensor_logistic<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    z.mul_scalar(0.5).tanh().add_scalar(1.0).mul_scalar(0.5)
}

fn tensor_normal_cdf<B: Backend>(z: Tensor<B, 2>) -> Tensor<B, 2> {
    z.mul_scalar(std::f64::consts::FRAC_1_SQRT_2).erf().add_scalar(1.0).mul_scalar(0.5)
}
