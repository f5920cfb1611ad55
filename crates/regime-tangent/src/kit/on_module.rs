use burn::{
    module::Module,
    tensor::{Tensor, backend::AutodiffBackend},
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use regime_models::{Precision, Tape};

use super::{Claim, GroupKernel, on_backend::host};
use crate::{
    MatrixFreeTape, ModuleFunction, ModuleTape, analysis::to_host_matrix, cross_kernel, kernel,
};

/// One output of a burn module, with the kernel that this crate computes for it.
///
/// The checks pass weights and points; the points of the function only determine the device
/// and the precision. Products with `Jᵀ` come from a backward pass on whole batches, rows of
/// the Jacobian and the kernel from passes on single points.
#[derive(Debug, Clone)]
pub struct OnModule<'a, AB: AutodiffBackend, M, F> {
    function: &'a ModuleFunction<AB, M, F, 2>,
    output: usize,
}

impl<'a, AB, M, F> OnModule<'a, AB, M, F>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, 2>) -> Tensor<AB, 2>,
{
    /// The claim for one of the `K` outputs.
    ///
    /// # Panics
    /// When the function has no such output.
    pub fn new(function: &'a ModuleFunction<AB, M, F, 2>, output: usize) -> Self {
        assert!(output < function.n_outputs(), "output {output} of {}", function.n_outputs());
        Self { function, output }
    }

    /// The parameters of the module as weights `[P]`.
    pub fn weights(&self) -> Array1<f64> {
        host(self.function.values())
    }

    fn at(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> ModuleFunction<AB, M, F, 2> {
        let values: Vec<f64> = x.iter().copied().collect();
        let device = self.function.points().device();
        let x = self.precision().matrix(&values, [x.nrows(), x.ncols()], &device);
        self.function.with_values(&self.vector(w)).on(x)
    }

    fn unheld(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
    ) -> MatrixFreeTape<AB, M, F, 2> {
        self.at(w, x).matrix_free_tapes().swap_remove(self.output)
    }

    fn held(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> ModuleTape<AB::InnerBackend> {
        let tapes = self.at(w, x).tapes(u64::MAX);
        tapes.expect("there is no limit").swap_remove(self.output)
    }

    fn vector(&self, v: ArrayView1<'_, f64>) -> Tensor<AB::InnerBackend, 1> {
        self.precision().vector(&v.to_vec(), &self.function.points().device())
    }
}

impl<AB, M, F> Claim for OnModule<'_, AB, M, F>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, 2>) -> Tensor<AB, 2>,
{
    fn n_params(&self) -> usize {
        self.function.parameters().n_params()
    }

    fn output(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array1<f64> {
        let f = self.at(w, x).outputs();
        let n = f.dims()[0];
        host(f.narrow(1, self.output, 1).reshape([n]))
    }

    fn kernel(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        to_host_matrix(kernel(&self.unheld(w, x)))
    }

    fn cross_kernel(
        &self,
        w: ArrayView1<'_, f64>,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
    ) -> Array2<f64> {
        to_host_matrix(cross_kernel(&self.unheld(w, a), &self.unheld(w, b)))
    }

    fn group_kernels(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Vec<GroupKernel> {
        let tape = self.held(w, x);
        let ranges = tape.parameters().layers().into_iter().map(|(_, parameters)| parameters);
        let kernels = tape.layers().into_iter().map(|(_, layer)| to_host_matrix(kernel(&layer)));
        let groups = ranges.zip(kernels);
        groups.map(|(parameters, kernel)| GroupKernel { parameters, kernel }).collect()
    }

    fn jvp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        v: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        host(self.unheld(w, x).jvp(self.vector(v)))
    }

    fn vjp(
        &self,
        w: ArrayView1<'_, f64>,
        x: ArrayView2<'_, f64>,
        g: ArrayView1<'_, f64>,
    ) -> Array1<f64> {
        host(self.unheld(w, x).vjp(self.vector(g)))
    }

    fn jacobian(&self, w: ArrayView1<'_, f64>, x: ArrayView2<'_, f64>) -> Array2<f64> {
        to_host_matrix(self.held(w, x).jacobian())
    }

    fn has_exact_products(&self) -> bool {
        true
    }

    fn precision(&self) -> Precision {
        Precision::of(self.function.points().dtype())
    }
}
