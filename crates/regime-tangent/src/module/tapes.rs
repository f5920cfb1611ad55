use std::{ops::Range, sync::Arc};

use burn::{
    module::Module,
    tensor::{
        DType, Tensor, TensorData,
        backend::{AutodiffBackend, Backend},
    },
};
use regime_models::{Precision, Tape};

use super::{
    error::ModuleError, function::ModuleFunction, independence::not_finite, parameters::Parameters,
};

/// The linearisation of one output of a module, with the Jacobian `[n, P]` in memory.
#[derive(Debug, Clone)]
pub struct ModuleTape<B: Backend> {
    jacobian: Tensor<B, 2>,
    parameters: Arc<Parameters>,
}

impl<B: Backend> ModuleTape<B> {
    pub(super) fn new(jacobian: Tensor<B, 2>, parameters: Arc<Parameters>) -> Self {
        Self { jacobian, parameters }
    }

    /// The Jacobian, `[n, P]`.
    pub fn jacobian(&self) -> Tensor<B, 2> {
        self.jacobian.clone()
    }

    /// The parameters that belong to the columns of the Jacobian.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The tape of the parameters below a path: see [`Parameters::group`]. The kernels of
    /// groups that hold every parameter once add up to the kernel.
    ///
    /// # Errors
    /// [`ModuleError::NoGroup`] when there are no parameters below the path.
    pub fn group(&self, prefix: &str) -> Result<Self, ModuleError> {
        let ranges = self.parameters.group(prefix);
        if ranges.is_empty() {
            let known = self.parameters.names();
            return Err(ModuleError::NoGroup { prefix: prefix.to_owned(), known });
        }
        Ok(self.columns(&ranges))
    }

    /// The tape of each layer's parameters, with the layer's name: see
    /// [`Parameters::layers`]. The kernels of all layers add up to the kernel.
    pub fn layers(&self) -> Vec<(String, Self)> {
        let layers = self.parameters.layers().into_iter();
        layers.map(|(name, ranges)| (name, self.columns(&ranges))).collect()
    }

    fn columns(&self, ranges: &[Range<usize>]) -> Self {
        let parts = ranges.iter().map(|r| self.jacobian.clone().narrow(1, r.start, r.len()));
        Self::new(Tensor::cat(parts.collect(), 1), Arc::new(self.parameters.only(ranges)))
    }
}

impl<B: Backend> Tape<B> for ModuleTape<B> {
    fn n_points(&self) -> usize {
        self.jacobian.dims()[0]
    }

    fn n_params(&self) -> usize {
        self.jacobian.dims()[1]
    }

    fn placement(&self) -> (B::Device, DType) {
        (self.jacobian.device(), self.jacobian.dtype())
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        let [n, p] = self.jacobian.dims();
        self.jacobian.clone().matmul(v.reshape([p, 1])).reshape([n])
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        let [n, p] = self.jacobian.dims();
        g.reshape([1, n]).matmul(self.jacobian.clone()).reshape([p])
    }

    fn select(&self, points: &[usize]) -> Self {
        let indices: Vec<i64> = points.iter().map(|&i| i as i64).collect();
        let indices = TensorData::new(indices, [points.len()]);
        let indices = Tensor::from_data(indices, (&self.jacobian.device(), DType::I64));
        Self::new(self.jacobian.clone().select(0, indices), Arc::clone(&self.parameters))
    }
}

/// The linearisation of one output of a module, without a Jacobian in memory. A row of the
/// Jacobian takes a forward and a backward pass on one point.
///
/// `Jᵀ g` takes one pass over all points in batches of 128, `J v` one pass for every single
/// point.
#[derive(Debug)]
pub struct MatrixFreeTape<AB: AutodiffBackend, M, F, const D: usize> {
    function: ModuleFunction<AB, M, F, D>,
    output: usize,
}

impl<AB: AutodiffBackend, M, F, const D: usize> MatrixFreeTape<AB, M, F, D> {
    pub(super) fn new(function: ModuleFunction<AB, M, F, D>, output: usize) -> Self {
        Self { function, output }
    }
}

impl<AB: AutodiffBackend, M, F, const D: usize> Clone for MatrixFreeTape<AB, M, F, D> {
    fn clone(&self) -> Self {
        Self::new(self.function.clone(), self.output)
    }
}

impl<AB, M, F, const D: usize> Tape<AB::InnerBackend> for MatrixFreeTape<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    fn n_points(&self) -> usize {
        self.function.n_points()
    }

    fn n_params(&self) -> usize {
        self.function.parameters().n_params()
    }

    /// `3 P`: the cost of a forward and a backward pass that use every parameter once. A
    /// model that uses its parameters at `p` places costs `p` times as much.
    fn row_cost(&self) -> f64 {
        3.0 * self.n_params() as f64
    }

    fn placement(
        &self,
    ) -> (<AB::InnerBackend as burn_tensor::backend::BackendTypes>::Device, DType) {
        (self.function.points().device(), self.function.points().dtype())
    }

    fn jvp(&self, v: Tensor<AB::InnerBackend, 1>) -> Tensor<AB::InnerBackend, 1> {
        let rows = (0..self.n_points()).map(|i| {
            let gradient = self.function.gradient(i, self.output);
            (gradient * v.clone()).sum()
        });
        Tensor::cat(rows.collect(), 0)
    }

    fn vjp(&self, g: Tensor<AB::InnerBackend, 1>) -> Tensor<AB::InnerBackend, 1> {
        self.function.weighted_gradient(self.output, &g)
    }

    fn select(&self, points: &[usize]) -> Self {
        Self::new(self.function.select(points), self.output)
    }
}

impl<AB, M, F, const D: usize> ModuleFunction<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    /// One tape per output, with its Jacobian in memory: `n·K` forward and backward
    /// passes on single points. `limit_bytes` bounds the memory of all Jacobians while
    /// they are made, which is `2·K·n·P` numbers.
    ///
    /// # Errors
    /// [`ModuleError::Memory`] when the Jacobians need more memory; use
    /// [`matrix_free_tapes`](Self::matrix_free_tapes) then. [`ModuleError::NotFinite`] when a derivative is
    /// infinite or NaN.
    pub fn tapes(
        &self,
        limit_bytes: u64,
    ) -> Result<Vec<ModuleTape<AB::InnerBackend>>, ModuleError> {
        let (n, parameters) = (self.n_points(), self.parameters());
        let numbers = 2 * self.n_outputs() as u64 * n as u64 * parameters.n_params() as u64;
        let needed = numbers * self.points().dtype().size() as u64;
        if needed > limit_bytes {
            return Err(ModuleError::Memory {
                tapes: self.n_outputs(),
                points: n,
                parameters: parameters.n_params(),
                needed,
                limit: limit_bytes,
            });
        }
        let tape = |output: usize| {
            let rows = (0..n).map(|i| self.gradient(i, output).unsqueeze::<2>());
            let jacobian = Tensor::cat(rows.collect(), 0);
            // The sum is a cheap test; which entry it is takes a transfer to the host.
            let is_finite = |sum: Tensor<AB::InnerBackend, 1>| {
                Precision::to_host(sum).iter().all(|sum| sum.is_finite())
            };
            if !is_finite(jacobian.clone().sum()) {
                let values = Precision::to_host(jacobian.clone());
                if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                    let (point, column) = (at / parameters.n_params(), at % parameters.n_params());
                    return Err(not_finite(parameters, point, column, values[at]));
                }
            }
            Ok(ModuleTape::new(jacobian, Arc::clone(parameters)))
        };
        (0..self.n_outputs()).map(tape).collect()
    }

    /// One tape per output that stores no Jacobian and differentiates for every product.
    /// [`plan`](crate::plan) chooses a method to compute their kernel within a memory limit.
    pub fn matrix_free_tapes(&self) -> Vec<MatrixFreeTape<AB, M, F, D>> {
        (0..self.n_outputs()).map(|output| MatrixFreeTape::new(self.clone(), output)).collect()
    }
}
