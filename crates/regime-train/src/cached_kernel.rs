//! A tangent kernel that is cached over several steps.

use std::sync::Arc;

use burn_tensor::{Tensor, backend::Backend};
use faer::MatRef;
use regime_models::{Network, Precision};
use serde::{Deserialize, Serialize};

use crate::{
    evaluate::{Evaluator, Point},
    function_space::product,
    spec::SpecError,
    system::TapeOf,
};

/// The kernel `s_i s_j Θ_ij / n` of some rows.
pub(crate) struct CachedKernel<B: Backend> {
    /// The weights at which it was computed.
    w: Tensor<B, 1>,
    /// Whether the flow has moved since it was computed.
    pub(crate) stale: bool,
    /// The points on which it was computed.
    made_on: Arc<Vec<usize>>,
    /// Those of them whose rows are still cached.
    points: Vec<usize>,
    /// `[points, points]`.
    values: Vec<f64>,
    /// Whether all values are finite.
    pub(crate) is_finite: bool,
}

/// The data from which a cached kernel is recomputed bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KernelOrigin {
    pub(crate) weights: Vec<f64>,
    /// The points on which it was computed.
    pub(crate) made_on: Vec<usize>,
    /// Those of them whose rows are still cached.
    pub(crate) points: Vec<usize>,
    pub(crate) stale: bool,
}

impl KernelOrigin {
    /// Checks that these are points of a training set of `n` points, and weights of the
    /// network.
    pub(crate) fn check(&self, n: usize, n_params: usize) -> Result<(), SpecError> {
        SpecError::check_parameter_count(self.weights.len(), n_params)?;
        let field = "points of the kernel in the checkpoint";
        SpecError::check_points(field, &self.made_on, n)?;
        SpecError::check_points(field, &self.points, n)?;
        if self.points.iter().all(|point| self.made_on.binary_search(point).is_ok()) {
            return Ok(());
        }
        let right = "a subset of the points on which it was computed";
        Err(SpecError { field, value: self.points.len() as f64, right })
    }
}

impl<B: Backend> CachedKernel<B> {
    /// The kernel of the points that `at` follows.
    pub(crate) fn at<N: Network<B>>(evaluator: Evaluator<'_, B, N>, at: &Point<B, N>) -> Self {
        Self::of(evaluator, at.w.clone(), &at.tape, &at.view.points)
    }

    /// The kernel of these points; `tape` is their tape at `w`.
    pub(crate) fn of<N: Network<B>>(
        evaluator: Evaluator<'_, B, N>,
        w: Tensor<B, 1>,
        tape: &TapeOf<B, N>,
        points: &[usize],
    ) -> Self {
        let objective = evaluator.system.objective();
        let n = objective.n_points() as f64;
        let signs: Vec<f64> = points.iter().map(|&i| objective.signs()[i]).collect();
        let mut values = evaluator.kernel_on_host(tape);
        for (row, y) in values.chunks_exact_mut(points.len()).zip(&signs) {
            row.iter_mut().zip(&signs).for_each(|(value, z)| *value *= y * z / n);
        }
        let is_finite = values.iter().all(|value| value.is_finite());
        Self {
            w,
            is_finite,
            stale: false,
            made_on: Arc::new(points.to_vec()),
            points: points.to_vec(),
            values,
        }
    }

    /// Recomputes a kernel from a checkpoint.
    pub(crate) fn resume<N: Network<B>>(
        evaluator: Evaluator<'_, B, N>,
        origin: &KernelOrigin,
    ) -> Self {
        let system = evaluator.system;
        let w = system.tensor(&origin.weights);
        let trace = system.network().trace(&w, &system.inputs_of_rows(&origin.made_on));
        let tape = evaluator.linearise(trace, origin.made_on.len());
        let whole = Self::of(evaluator, w, &tape, &origin.made_on);
        let kernel = whole.restricted(&origin.points).expect("the points are a subset");
        Self { stale: origin.stale, ..kernel }
    }

    /// The data from which it can be recomputed.
    pub(crate) fn origin(&self) -> KernelOrigin {
        let weights = Precision::to_host(self.w.clone());
        KernelOrigin {
            weights,
            made_on: self.made_on.to_vec(),
            points: self.points.clone(),
            stale: self.stale,
        }
    }

    /// The kernel restricted to these points; `None` if it does not contain all of
    /// them.
    pub(crate) fn restricted(mut self, points: &[usize]) -> Option<Self> {
        if self.points == points {
            return Some(self);
        }
        let rows = points.iter().map(|point| self.points.binary_search(point).ok());
        let rows: Vec<usize> = rows.collect::<Option<_>>()?;
        let m = self.points.len();
        let row = |&i: &usize| rows.iter().map(move |&j| (i, j));
        self.values = rows.iter().flat_map(row).map(|(i, j)| self.values[i * m + j]).collect();
        self.points = points.to_vec();
        Some(self)
    }

    /// `K v`
    pub(crate) fn times(&self, v: &[f64]) -> Vec<f64> {
        product(self.matrix(), v)
    }

    /// `[m, m]`
    pub(crate) fn matrix(&self) -> MatRef<'_, f64> {
        let m = self.points.len();
        MatRef::from_column_major_slice(&self.values, m, m)
    }
}
