//! The linearisation of all outputs of a module.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use burn::{
    module::Module,
    tensor::{
        DType, Tensor,
        backend::{AutodiffBackend, BackendTypes},
    },
};
use regime_models::{Precision, Tape, Trace};

use super::function::ModuleFunction;

/// A row of a Jacobian, `[P]`, computed when it is first needed.
type Row<B> = OnceLock<Tensor<B, 1>>;

/// The outputs of a [`ModuleNetwork`](super::ModuleNetwork).
pub struct ModuleNetworkTrace<AB: AutodiffBackend, M, F, const D: usize> {
    function: ModuleFunction<AB, M, F, D>,
    /// `[nK]`
    output: Tensor<AB::InnerBackend, 1>,
    jacobian_limit: u64,
}

impl<AB: AutodiffBackend, M, F, const D: usize> ModuleNetworkTrace<AB, M, F, D> {
    pub(super) fn new(
        function: ModuleFunction<AB, M, F, D>,
        output: Tensor<AB::InnerBackend, 1>,
        jacobian_limit: u64,
    ) -> Self {
        Self { function, output, jacobian_limit }
    }
}

impl<AB: AutodiffBackend, M, F, const D: usize> fmt::Debug for ModuleNetworkTrace<AB, M, F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleNetworkTrace")
            .field("function", &self.function)
            .finish_non_exhaustive()
    }
}

impl<AB, M, F, const D: usize> Trace<AB::InnerBackend> for ModuleNetworkTrace<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    type Tape = ModuleNetworkTape<AB, M, F, D>;

    fn output(&self) -> Tensor<AB::InnerBackend, 1> {
        self.output.clone()
    }

    /// Computes nothing: derivatives are computed for the products that need them.
    fn linearise(self) -> Self::Tape {
        let Self { function, jacobian_limit, .. } = self;
        let rows = function.n_points() * function.n_outputs();
        let numbers = 2 * rows as u64 * function.parameters().n_params() as u64;
        let fits =
            numbers.saturating_mul(function.points().dtype().size() as u64) <= jacobian_limit;
        let stored = fits.then(|| (0..rows).map(|_| OnceLock::new()).collect());
        ModuleNetworkTape { function, rows: (0..rows).collect(), stored }
    }
}

/// The linearisation of all outputs of a [`ModuleNetwork`](super::ModuleNetwork), which states the
/// cost of each product.
pub struct ModuleNetworkTape<AB: AutodiffBackend, M, F, const D: usize> {
    /// At all points of the trace.
    function: ModuleFunction<AB, M, F, D>,
    /// The rows of this tape. Row `k·n + i` of the trace is output `k` of point `i`.
    rows: Arc<[usize]>,
    /// The rows of the trace's Jacobian that were computed, `[P]` each; `None` if they do not fit
    /// into memory.
    stored: Option<Arc<[Row<AB::InnerBackend>]>>,
}

impl<AB: AutodiffBackend, M, F, const D: usize> Clone for ModuleNetworkTape<AB, M, F, D> {
    fn clone(&self) -> Self {
        let Self { function, rows, stored } = self;
        Self { function: function.clone(), rows: Arc::clone(rows), stored: stored.clone() }
    }
}

impl<AB: AutodiffBackend, M, F, const D: usize> fmt::Debug for ModuleNetworkTape<AB, M, F, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleNetworkTape")
            .field("function", &self.function)
            .field("rows", &self.rows.len())
            .field("stores_rows", &self.stored.is_some())
            .finish_non_exhaustive()
    }
}

impl<AB, M, F, const D: usize> ModuleNetworkTape<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    /// A row of the trace's Jacobian, `[P]`.
    fn row(&self, row: usize) -> Tensor<AB::InnerBackend, 1> {
        let n = self.function.n_points();
        let compute = || self.function.gradient(row % n, row / n);
        match &self.stored {
            Some(stored) => stored[row].get_or_init(compute).clone(),
            None => compute(),
        }
    }

    /// `Jᵀg` by one pass over the points to which the rows belong.
    fn pulled(&self, g: &[f64]) -> Tensor<AB::InnerBackend, 1> {
        let (n, outputs) = (self.function.n_points(), self.function.n_outputs());
        let mut points: Vec<usize> = self.rows.iter().map(|row| row % n).collect();
        points.sort_unstable();
        points.dedup();
        let mut weights = vec![0.0; points.len() * outputs];
        for (row, g) in self.rows.iter().zip(g) {
            let place = points.binary_search(&(row % n)).expect("the point of every row is listed");
            weights[place * outputs + row / n] += g;
        }
        let (device, dtype) = self.placement();
        let shape = [points.len(), outputs];
        let weights = Precision::of(dtype).matrix(&weights, shape, &device);
        let all = points.len() == n;
        let some = if all { self.function.clone() } else { self.function.select(&points) };
        some.weighted_gradients(&weights)
    }
}

impl<AB, M, F, const D: usize> Tape<AB::InnerBackend> for ModuleNetworkTape<AB, M, F, D>
where
    AB: AutodiffBackend,
    M: Module<AB>,
    F: Fn(&M, Tensor<AB, D>) -> Tensor<AB, 2>,
{
    fn n_points(&self) -> usize {
        self.rows.len()
    }

    fn n_params(&self) -> usize {
        self.function.parameters().n_params()
    }

    /// `3 P`: the cost of a forward and a backward pass that use every parameter once. A
    /// model that uses its parameters at `p` places costs `p` times as much.
    fn row_cost(&self) -> f64 {
        3.0 * self.n_params() as f64
    }

    fn placement(&self) -> (<AB::InnerBackend as BackendTypes>::Device, DType) {
        (self.function.points().device(), self.function.points().dtype())
    }

    fn jvp(&self, v: Tensor<AB::InnerBackend, 1>) -> Tensor<AB::InnerBackend, 1> {
        let products = self.rows.iter().map(|&row| (self.row(row) * v.clone()).sum());
        Tensor::cat(products.collect(), 0)
    }

    fn vjp(&self, g: Tensor<AB::InnerBackend, 1>) -> Tensor<AB::InnerBackend, 1> {
        match *self.rows {
            // A single row is a row of the kernel's Jacobian, which is stored.
            [row] => self.row(row) * g,
            _ => self.pulled(&Precision::to_host(g)),
        }
    }

    fn select(&self, points: &[usize]) -> Self {
        Self { rows: points.iter().map(|&row| self.rows[row]).collect(), ..self.clone() }
    }
}
