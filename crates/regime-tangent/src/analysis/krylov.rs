//! An orthonormal basis that grows by products with a symmetric operator.
//!
//! This is the band Lanczos process with full reorthogonalisation. It starts from
//! `block` random vectors. Each step takes the oldest pending product, adds its component
//! outside of the basis as a new basis vector, and multiplies that vector. With one
//! starting vector it is the Lanczos process. The orthogonalisation gives the full matrix
//! of the operator in the basis, so a product inside the basis can be dropped and a new
//! random vector can follow at any step.
//!
//! faer's partial eigensolver is not used: it needs operators that can be shared between
//! threads, which tapes cannot, and it takes the budget as restarts of a basis of fixed
//! size.
//!
//! # Reference
//! Y. Saad, "Numerical methods for large eigenvalue problems", 2nd edition (2011),
//! sections 6.5 and 6.6.

use std::collections::VecDeque;

use faer::{Mat, Side};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use rand::{SeedableRng, rngs::ChaCha8Rng};
use rand_distr::{Distribution, StandardNormal};

use super::AnalysisError;

/// The stream of the generator from which starting vectors come.
pub const START_STREAM: u64 = 4;

pub(super) struct Krylov<F> {
    operator: F,
    n: usize,
    /// `[m, n]`, row by row.
    basis: Vec<f64>,
    /// The operator in the basis: the first `j + 1` entries of column `j`.
    columns: Vec<Vec<f64>>,
    /// Candidates for the next basis vector, oldest first.
    pending: VecDeque<Pending>,
    rng: ChaCha8Rng,
}

struct Pending {
    /// The basis vector whose product this is; `None` for a starting vector.
    product_of: Option<usize>,
    /// The starting vector, or the product minus its part in the basis.
    vector: Array1<f64>,
    /// Norm of the vector before anything was subtracted.
    scale: f64,
}

/// Approximate eigenpairs from the basis.
pub(super) struct Ritz {
    /// Largest first, `[m]`.
    pub(super) values: Vec<f64>,
    /// Their vectors in the basis, as columns, `[m, m]`.
    coefficients: Array2<f64>,
}

impl<F: FnMut(&[f64]) -> Vec<f64>> Krylov<F> {
    pub(super) fn new(n: usize, operator: F, block: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(START_STREAM);
        let mut krylov =
            Self { operator, n, basis: vec![], columns: vec![], pending: VecDeque::new(), rng };
        for _ in 0..block {
            let start = krylov.random();
            krylov.pending.push_back(start);
        }
        krylov
    }

    /// Number of basis vectors, which is also the number of products.
    pub(super) fn size(&self) -> usize {
        self.columns.len()
    }

    /// Makes one product and adds a vector to the basis. `false` when the basis spans
    /// the whole space already.
    pub(super) fn grow(&mut self) -> Result<bool, AnalysisError> {
        if self.size() == self.n {
            return Ok(false);
        }
        let new = loop {
            // When all products lie in the basis, a random vector may still lie outside.
            let next = self.pending.pop_front();
            let next = next.unwrap_or_else(|| self.random());
            if let Some(direction) = self.outside(next.vector, next.scale) {
                break direction;
            }
        };
        self.basis.extend(&new);
        let product = self.multiply(new.as_slice().expect("a contiguous vector"))?;
        let scale = norm(&product);
        let first = self.basis().dot(&product);
        let rest = &product - &self.basis().t().dot(&first);
        // The part in the basis that rounding has left.
        let second = self.basis().dot(&rest);
        let rest = rest - self.basis().t().dot(&second);
        self.columns.push((first + second).to_vec());
        let product_of = Some(self.size() - 1);
        self.pending.push_back(Pending { product_of, vector: rest, scale });
        Ok(true)
    }

    /// The product `Θ v`, checked to be finite.
    ///
    /// # Panics
    /// When the operator changes the length of a vector.
    pub(super) fn multiply(&mut self, v: &[f64]) -> Result<Array1<f64>, AnalysisError> {
        let product = (self.operator)(v);
        assert_eq!(product.len(), self.n, "the operator changes the length of vectors");
        if let Some((row, &value)) = product.iter().enumerate().find(|(_, p)| !p.is_finite()) {
            let what = "a product with the kernel is";
            return Err(AnalysisError::NotFinite { what, row, column: 0, value });
        }
        Ok(product.into())
    }

    /// The eigenpairs of the operator restricted to the basis.
    pub(super) fn ritz(&self) -> Result<Ritz, AnalysisError> {
        let m = self.size();
        let matrix = Mat::from_fn(m, m, |i, j| self.columns[i.max(j)][i.min(j)]);
        let eigen = matrix
            .self_adjoint_eigen(Side::Lower)
            .map_err(|_| AnalysisError::NoDecomposition { rows: m, columns: m })?;
        let values = eigen.S().column_vector();
        Ok(Ritz {
            values: (0..m).map(|k| values[m - 1 - k]).collect(),
            coefficients: Array2::from_shape_fn((m, m), |(i, k)| eigen.U()[(i, m - 1 - k)]),
        })
    }

    /// The residuals `‖Θv − λv‖` of the leading `k` pairs, without another product: the
    /// pending products hold the components outside of the basis.
    pub(super) fn residuals(&self, ritz: &Ritz, k: usize) -> Vec<f64> {
        let outside: Vec<(usize, Array1<f64>)> = self
            .pending
            .iter()
            .filter_map(|pending| {
                let inside = self.basis().dot(&pending.vector);
                let rest = &pending.vector - &self.basis().t().dot(&inside);
                pending.product_of.map(|of| (of, rest))
            })
            .collect();
        let residual = |k: usize| {
            let mut sum = Array1::zeros(self.n);
            for (of, rest) in &outside {
                sum.scaled_add(ritz.coefficients[[*of, k]], rest);
            }
            norm(&sum)
        };
        (0..k).map(residual).collect()
    }

    /// The vectors of the leading `k` pairs, `[n, k]`.
    pub(super) fn vectors(&self, ritz: &Ritz, k: usize) -> Array2<f64> {
        self.basis().t().dot(&ritz.coefficients.slice_axis(Axis(1), (..k).into()))
    }

    fn basis(&self) -> ArrayView2<'_, f64> {
        let m = self.basis.len() / self.n;
        ArrayView2::from_shape((m, self.n), &self.basis).expect("whole rows")
    }

    fn random(&mut self) -> Pending {
        let vector: Array1<f64> =
            (0..self.n).map(|_| StandardNormal.sample(&mut self.rng)).collect();
        let scale = norm(&vector);
        Pending { product_of: None, vector, scale }
    }

    /// The direction of a vector's component outside of the basis; `None` if the component
    /// is zero up to rounding.
    fn outside(&self, mut vector: Array1<f64>, scale: f64) -> Option<Array1<f64>> {
        let rounding = 4.0 * (self.n as f64).sqrt() * f64::EPSILON * scale;
        let mut before = f64::INFINITY;
        let mut size = norm(&vector);
        // Once a subtraction changes the norm little, the rest is orthogonal.
        while size > rounding && size < 0.5 * before {
            before = size;
            let inside = self.basis().dot(&vector);
            vector -= &self.basis().t().dot(&inside);
            size = norm(&vector);
        }
        (size > rounding).then(|| vector / size)
    }
}

pub(super) fn norm(v: &Array1<f64>) -> f64 {
    v.dot(v).sqrt()
}
