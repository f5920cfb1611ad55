//! The leading eigenpairs of a kernel that is never formed.

use burn_tensor::backend::Backend;
use regime_models::{Precision, Tape};

use super::{
    AnalysisError, Spectrum,
    host::fix_signs,
    krylov::{Krylov, norm},
};
use crate::multiply;

/// The parameters of the search for leading eigenpairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lanczos {
    /// Number of pairs, from 1 to `n`.
    pub wanted: usize,
    /// Number of random starting vectors, at least 1 (default: `wanted`, at most 4). An
    /// eigenvalue of a higher multiplicity than this may be found fewer times than it
    /// occurs. More vectors need more products.
    pub block: usize,
    /// The largest residual `‖Θv − λv‖` relative to the largest eigenvalue, in (0, 1)
    /// (default 10⁻¹⁰). Products in float32 allow 10⁻⁵.
    pub tolerance: f64,
    /// The most products for the basis (default `200 + 20·wanted`). Each adds a vector of
    /// `n` numbers to memory.
    pub max_products: usize,
    /// Seed of the starting vectors (default 0), drawn on
    /// [`START_STREAM`](super::START_STREAM).
    pub seed: u64,
}

impl Lanczos {
    /// The defaults for `wanted` pairs.
    pub fn top(wanted: usize) -> Self {
        Self {
            wanted,
            block: wanted.clamp(1, 4),
            tolerance: 1e-10,
            max_products: 200 + 20 * wanted,
            seed: 0,
        }
    }

    fn check(&self, n: usize) -> Result<(), AnalysisError> {
        if n == 0 {
            return Err(AnalysisError::Empty);
        }
        let refuse = |what, value, wanted| Err(AnalysisError::Value { what, value, wanted });
        let Self { wanted, block, tolerance, max_products, .. } = *self;
        if wanted == 0 || wanted > n {
            let range = "from 1 to the number of points";
            return refuse("the number of eigenpairs", wanted as f64, range);
        }
        if block == 0 {
            return refuse("the number of starting vectors", 0.0, "at least 1");
        }
        if !(tolerance > 0.0 && tolerance < 1.0) {
            return refuse("the tolerance", tolerance, "between 0 and 1");
        }
        if max_products < wanted {
            let range = "at least the number of eigenpairs";
            return refuse("the number of products", max_products as f64, range);
        }
        Ok(())
    }
}

/// Leading eigenpairs, with their residuals.
#[derive(Debug, Clone, PartialEq)]
pub struct TopSpectrum {
    /// The pairs: `k` eigenvalues, and vectors `[n, k]`.
    pub spectrum: Spectrum,
    /// The residual `‖Θv − λv‖` of each pair, from an extra product, `[k]`. An exact
    /// eigenvalue lies within this distance of `λ`.
    pub residuals: Vec<f64>,
    /// Number of products with the kernel, including those for the residuals.
    pub n_products: usize,
}

/// The leading eigenpairs of a symmetric operator on vectors of length `n`, by block
/// Lanczos with full reorthogonalisation.
///
/// With `m` products, it takes `4nm²` multiply-adds and `nm` numbers in addition to the
/// products. The result depends on the seed only by rounding.
///
/// # Errors
/// [`AnalysisError`] for parameters outside of their range and for products that are not
/// finite. [`AnalysisError::NotConverged`] when not all pairs reach the tolerance, also
/// because the operator is not symmetric or is less precise than the tolerance.
///
/// # Panics
/// When the operator changes the length of a vector.
pub fn top_eigenpairs(
    n: usize,
    operator: impl FnMut(&[f64]) -> Vec<f64>,
    how: &Lanczos,
) -> Result<TopSpectrum, AnalysisError> {
    how.check(n)?;
    let Lanczos { wanted, block, tolerance, max_products, seed } = *how;
    let mut krylov = Krylov::new(n, operator, block.min(n), seed);
    let mut next_check = wanted;
    let ritz = loop {
        let ended = krylov.size() == max_products || !krylov.grow()?;
        if !ended && krylov.size() < next_check {
            continue;
        }
        let ritz = krylov.ritz()?;
        // Half of the tolerance, as a margin for the error of the estimate.
        let enough = 0.5 * tolerance * largest(&ritz.values);
        let settled = krylov.residuals(&ritz, wanted).iter().all(|&r| r <= enough);
        if ended || settled {
            break ritz;
        }
        // Each check costs a decomposition, so checks become rarer as the basis grows.
        next_check = krylov.size() + block.max(krylov.size() / 8);
    };
    let mut eigenvectors = krylov.vectors(&ritz, wanted);
    fix_signs(&mut eigenvectors);
    let mut residuals = Vec::with_capacity(wanted);
    for (v, &value) in eigenvectors.columns().into_iter().zip(&ritz.values) {
        let product = krylov.multiply(&v.to_vec())?;
        residuals.push(norm(&(product - &v * value)));
    }
    let scale = largest(&ritz.values);
    // A residual that is NaN is the worst: `max` would leave it out.
    let worst = residuals.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
    if !(worst <= tolerance * scale) {
        return Err(AnalysisError::NotConverged {
            wanted,
            converged: residuals.iter().filter(|&&r| r <= tolerance * scale).count(),
            products: krylov.size(),
            residual: worst / scale,
            tolerance,
        });
    }
    let n_products = krylov.size() + wanted;
    let eigenvalues = ritz.values[..wanted].to_vec().into();
    Ok(TopSpectrum { spectrum: Spectrum { eigenvalues, eigenvectors }, residuals, n_products })
}

/// The tangent kernel of a tape as an operator on host vectors, `v ↦ J(Jᵀv)`, about
/// `4nP` multiply-adds each.
///
/// # Shapes
/// `[n]` → `[n]`
pub fn operator<B: Backend, T: Tape<B>>(tape: &T) -> impl Fn(&[f64]) -> Vec<f64> {
    let (device, dtype) = tape.placement();
    let precision = Precision::of(dtype);
    move |v| Precision::to_host(multiply(tape, precision.vector::<B>(v, &device)))
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}
