use burn_tensor::{Tensor, backend::Backend};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use regime_models::{Network, Precision, Tape, Trace};

use super::{Claim, GroupKernel};
use crate::{analysis::to_host_matrix, cross_kernel, kernel, layer_kernels};

/// A [`Network`] on a backend, with the kernels that this crate computes for it.
#[derive(Debug, Clone)]
pub struct OnBackend<'a, B: Backend, N> {
    network: &'a N,
    device: B::Device,
    precision: Precision,
}

impl<'a, B: Backend, N: Network<B>> OnBackend<'a, B, N> {
    /// The claim for a network in float64.
    pub fn new(network: &'a N, device: &B::Device) -> Self {
        Self { network, device: device.clone(), precision: Precision::F64 }
    }

    /// The same claim in another precision.
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The linearisation of the network at weights `[P]` and points `[n, d]`.
    pub fn tape(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
    ) -> <N::Trace as Trace<B>>::Tape {
        self.network.trace(&self.vector(w), &self.matrix(x)).linearise()
    }

    fn vector(&self, v: ArrayView1<'_, f64>) -> Tensor<B, 1> {
        self.precision.vector(&v.to_vec(), &self.device)
    }

    fn matrix(&self, x: ArrayView2<'_, f64>) -> Tensor<B, 2> {
        let values: Vec<f64> = x.iter().copied().collect();
        self.precision.matrix(&values, [x.nrows(), x.ncols()], &self.device)
    }
}

impl<B: Backend, N: Network<B>> Claim for OnBackend<'_, B, N> {
    fn n_params(&self) -> usize {
        self.network.n_params()
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        host(self.network.forward(&self.vector(w), &self.matrix(x)))
    }

    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        to_host_matrix(kernel(&self.tape(w, x)))
    }

    fn cross_kernel(
        &self,
        w: ArrayView1<'_, f64>,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Array2<f64> {
        to_host_matrix(cross_kernel(&self.tape(w, a), &self.tape(w, b)))
    }

    fn group_kernels(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Vec<GroupKernel> {
        let tape = self.tape(w, x);
        let Some(layers) = layer_kernels(&tape) else {
            let parameters = std::iter::once(0..self.n_params()).collect();
            return vec![GroupKernel { parameters, kernel: to_host_matrix(kernel(&tape)) }];
        };
        let group = |(range, layer)| GroupKernel {
            parameters: std::iter::once(range).collect(),
            kernel: to_host_matrix(layer),
        };
        self.network.layer_ranges().into_iter().zip(layers).map(group).collect()
    }

    fn jvp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        v: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        host(self.tape(w, x).jvp(self.vector(v)))
    }

    fn vjp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        g: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        host(self.tape(w, x).vjp(self.vector(g)))
    }

    fn jacobian(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        to_host_matrix(crate::jacobian(&self.tape(w, x)))
    }

    fn has_exact_products(&self) -> bool {
        true
    }

    fn precision(&self) -> Precision {
        self.precision
    }
}

pub(super) fn host<B: Backend>(values: Tensor<B, 1>) -> Array1<f64> {
    Array1::from_vec(Precision::to_host(values))
}
