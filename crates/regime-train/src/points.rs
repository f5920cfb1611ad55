//! What a caller gives as inputs and as weights: host arrays or tensors.

use burn_tensor::{Tensor, backend::Backend};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use regime_models::Precision;

/// Input points, `[n, d]`, in host memory or on a device.
///
/// Created by `into` from an `ndarray` array or view of float64 values, and from a burn tensor.
/// Every method of this crate that evaluates a network at points takes `impl Into<Points<B>>`.
#[derive(Debug, Clone)]
pub enum Points<B: Backend> {
    /// In host memory; it moves to the device and the precision of the system.
    Host(Array2<f64>),
    /// On a device; it moves to the device and the precision of the system.
    Device(Tensor<B, 2>),
}

impl<B: Backend> Points<B> {
    /// `[n, d]`
    pub(crate) fn dims(&self) -> [usize; 2] {
        match self {
            Self::Host(points) => points.dim().into(),
            Self::Device(points) => points.dims(),
        }
    }

    /// The points as a tensor with this precision, on `device`.
    pub(crate) fn tensor(self, precision: Precision, device: &B::Device) -> Tensor<B, 2> {
        match self {
            Self::Host(points) => {
                let (n, d) = points.dim();
                let values: Vec<f64> = points.iter().copied().collect();
                precision.matrix(&values, [n, d], device)
            }
            Self::Device(points) => moved(points, precision, device),
        }
    }
}

impl<B: Backend> From<Tensor<B, 2>> for Points<B> {
    fn from(points: Tensor<B, 2>) -> Self {
        Self::Device(points)
    }
}

impl<B: Backend> From<&Tensor<B, 2>> for Points<B> {
    fn from(points: &Tensor<B, 2>) -> Self {
        Self::Device(points.clone())
    }
}

impl<B: Backend> From<Array2<f64>> for Points<B> {
    fn from(points: Array2<f64>) -> Self {
        Self::Host(points)
    }
}

impl<B: Backend> From<&Array2<f64>> for Points<B> {
    fn from(points: &Array2<f64>) -> Self {
        Self::Host(points.clone())
    }
}

impl<B: Backend> From<ArrayView2<'_, f64>> for Points<B> {
    fn from(points: ArrayView2<'_, f64>) -> Self {
        Self::Host(points.to_owned())
    }
}

/// Weights, `[P]`, in host memory or on a device.
///
/// Created by `into` from a vector, a slice or an `ndarray` array of float64 values, and from a burn
/// tensor.
#[derive(Debug, Clone)]
pub enum Weights<B: Backend> {
    /// In host memory; it moves to the device and the precision of the system.
    Host(Vec<f64>),
    /// On a device; it moves to the device and the precision of the system.
    Device(Tensor<B, 1>),
}

impl<B: Backend> Weights<B> {
    /// The weights as a tensor with this precision, on `device`.
    pub(crate) fn tensor(self, precision: Precision, device: &B::Device) -> Tensor<B, 1> {
        match self {
            Self::Host(weights) => precision.vector(&weights, device),
            Self::Device(weights) => moved(weights, precision, device),
        }
    }
}

impl<B: Backend> From<Tensor<B, 1>> for Weights<B> {
    fn from(weights: Tensor<B, 1>) -> Self {
        Self::Device(weights)
    }
}

impl<B: Backend> From<&Tensor<B, 1>> for Weights<B> {
    fn from(weights: &Tensor<B, 1>) -> Self {
        Self::Device(weights.clone())
    }
}

impl<B: Backend> From<Vec<f64>> for Weights<B> {
    fn from(weights: Vec<f64>) -> Self {
        Self::Host(weights)
    }
}

impl<B: Backend> From<&[f64]> for Weights<B> {
    fn from(weights: &[f64]) -> Self {
        Self::Host(weights.to_vec())
    }
}

impl<B: Backend> From<&Vec<f64>> for Weights<B> {
    fn from(weights: &Vec<f64>) -> Self {
        Self::Host(weights.clone())
    }
}

impl<B: Backend> From<Array1<f64>> for Weights<B> {
    fn from(weights: Array1<f64>) -> Self {
        Self::Host(weights.to_vec())
    }
}

impl<B: Backend> From<&Array1<f64>> for Weights<B> {
    fn from(weights: &Array1<f64>) -> Self {
        Self::Host(weights.to_vec())
    }
}

impl<B: Backend> From<ArrayView1<'_, f64>> for Weights<B> {
    fn from(weights: ArrayView1<'_, f64>) -> Self {
        Self::Host(weights.to_vec())
    }
}

/// A tensor with this precision, on `device`.
fn moved<B: Backend, const D: usize>(
    tensor: Tensor<B, D>,
    precision: Precision,
    device: &B::Device,
) -> Tensor<B, D> {
    let tensor = if tensor.device() == *device { tensor } else { tensor.to_device(device) };
    if tensor.dtype() == precision.dtype() { tensor } else { tensor.cast(precision.dtype()) }
}
