//! Elementwise operations, in one pass over memory.

use burn_flex::{Flex, FlexDevice};
use burn_tensor::Tensor;

use super::{
    numbers::{Numbers, tensor, with_scalar},
    products::vectorised,
};
use crate::{
    activation::{Activation, gelu, relu, silu, tanh},
    pointwise::{self, Real},
};

/// `gain · φ(z)`. It overwrites `z` if no other tensor shares its memory.
pub(super) fn value(phi: Activation, gain: f64, z: Tensor<Flex, 2>) -> Tensor<Flex, 2> {
    let mut data = z.into_data();
    let dtype = data.dtype;
    with_scalar!(dtype, T => {
        let values = data.as_mut_slice::<T>().expect("the element type was matched");
        apply(phi, Values { values, gain });
    });
    Tensor::from_data(data, (&FlexDevice, dtype))
}

/// `gain · φ(z)` and `gain · φ'(z)`. The value overwrites `z` if no other tensor shares its
/// memory.
pub(super) fn value_and_slope(
    phi: Activation,
    gain: f64,
    z: Tensor<Flex, 2>,
) -> (Tensor<Flex, 2>, Tensor<Flex, 2>) {
    let shape = z.dims();
    let mut data = z.into_data();
    let dtype = data.dtype;
    with_scalar!(dtype, T => {
        let values = data.as_mut_slice::<T>().expect("the element type was matched");
        let slopes = apply(phi, ValuesAndSlopes { values, gain });
        let slopes = tensor(slopes, shape);
        (Tensor::from_data(data, (&FlexDevice, dtype)), slopes)
    })
}

/// One pass over host memory. Each activation has a separate loop: a match inside the
/// loop would prevent vectorisation. Functions that are not vectorised are computed in
/// float64 for every element type.
fn apply<P: Pass>(phi: Activation, pass: P) -> P::Output {
    /// Computes in float64.
    #[inline(always)]
    fn wide<T: pointwise::Real>(phi: impl Fn(f64) -> (f64, f64)) -> impl Fn(T) -> (T, T) {
        #[inline(always)]
        move |z: T| {
            let (value, slope) = phi(z.wide());
            (T::narrow(value), T::narrow(slope))
        }
    }
    match phi {
        Activation::Relu => pass.run(wide(relu)),
        Activation::Softplus { beta } => pass.run(
            #[inline(always)]
            move |z: P::Element| {
                let (value, slope) = z.times(beta).softplus();
                (value.times(beta.recip()), slope)
            },
        ),
        Activation::Tanh => pass.run(wide(tanh)),
        Activation::Silu { beta } => pass.run(wide(
            #[inline(always)]
            move |z| silu(z, beta),
        )),
        Activation::Gelu => pass.run(wide(gelu)),
        Activation::Own(own) => pass.run(wide(move |z| own.value_and_slope(z))),
    }
}

/// `a ∘ b`. It overwrites `a` if no other tensor shares its memory.
pub(super) fn elementwise(a: Tensor<Flex, 2>, b: &Tensor<Flex, 2>) -> Tensor<Flex, 2> {
    let b = Numbers::of(b);
    let mut data = a.into_data();
    with_scalar!(b.dtype(), T => {
        let a = data.as_mut_slice::<T>().expect("both have the same element type");
        let b = b.slice::<T>();
        vectorised(
            #[inline(always)]
            || a.iter_mut().zip(b).for_each(|(a, &b)| *a *= b),
        );
    });
    Tensor::from_data(data, (&FlexDevice, b.dtype()))
}

/// A pass over memory with a function that returns `φ` and its derivative.
trait Pass {
    type Element: pointwise::Real;
    type Output;

    fn run(self, phi: impl Fn(Self::Element) -> (Self::Element, Self::Element)) -> Self::Output;
}

struct Values<'a, T> {
    values: &'a mut [T],
    gain: f64,
}

impl<T: pointwise::Real> Pass for Values<'_, T> {
    type Element = T;
    type Output = ();

    fn run(self, phi: impl Fn(T) -> (T, T)) {
        pointwise::value(self.values, self.gain, phi);
    }
}

struct ValuesAndSlopes<'a, T> {
    values: &'a mut [T],
    gain: f64,
}

impl<T: pointwise::Real> Pass for ValuesAndSlopes<'_, T> {
    type Element = T;
    type Output = Vec<T>;

    fn run(self, phi: impl Fn(T) -> (T, T)) -> Vec<T> {
        pointwise::value_and_slope(self.values, self.gain, phi)
    }
}
