//! Expansion in Hermite polynomials, which replaces a double integral per pair of points by
//! a single integral per point.

use std::f64::consts::PI;

use ndarray::{Array2, Axis};
use rayon::prelude::*;
use regime_models::gauss_legendre;

use super::panels::panels;

/// Bound on the truncation error of a series, relative to `√(E ψ(u)² E ψ(v)²)`.
pub(super) const TOLERANCE: f64 = 1e-13;

/// The most terms of a series.
pub(super) const MAX_TERMS: usize = 1024;

/// Terms that are added in parallel; the number of terms is a multiple of it.
const LANES: usize = 8;

/// Points whose coefficients are computed in one batch.
const CHUNK: usize = 64;

/// End of the quadrature. The polynomials and the function take a factor `e^{−g²/4}` of the
/// weight each; beyond this range each factor is below 1e-18.
const RANGE: f64 = 13.0;

/// The coefficients of a function ψ for some points: `ψ(r g) = Σ a_k(r) He_k(g)`.
///
/// Each row is divided by its norm `√(E ψ(r g)²)`, so that a series gives correlations.
pub(super) struct Series {
    /// `√(E ψ(r g)²)`, `[n]`
    pub(super) norms: Vec<f64>,
    terms: usize,
    /// `[n, terms]`
    rows: Vec<f64>,
    /// One minus the squared norm of each row, `[n]`.
    rests: Vec<f64>,
    /// Entry `b` is the largest |ρ| for which `(b + 1)·LANES` terms suffice for every pair
    /// of points; increasing.
    reaches: Vec<f64>,
}

/// The series of φ and of φ' for points of the given standard deviations `r`; `phi` returns
/// both values. `transition` is the distance from 0 of the nearest singularity of φ.
pub(super) fn expand(
    phi: &(impl Fn(f64) -> (f64, f64) + Sync),
    transition: f64,
    deviations: &[f64],
) -> [Series; 2] {
    let largest = deviations.iter().fold(0.0, |m: f64, &r| m.max(r));
    let basis = Basis::new(transition / largest);
    // The larger the deviation, the sharper the function and the slower the decay.
    let hardest = basis.project(phi, &[largest], MAX_TERMS).map(|row| row.sufficient_terms());
    let terms = hardest[0].max(hardest[1]);
    let chunks: Vec<[Projection; 2]> = deviations
        .par_chunks(CHUNK)
        .map(|deviations| basis.project(phi, deviations, terms))
        .collect();
    let (mut values, mut slopes) = (Projection::empty(terms), Projection::empty(terms));
    for [value, slope] in chunks {
        values.append(value);
        slopes.append(slope);
    }
    [values.into(), slopes.into()]
}

impl Series {
    /// Number of coefficients of a point.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    /// The number of terms that suffice for the points `i` and `j` with correlation `rho`.
    #[inline]
    pub(super) fn terms_of(&self, i: usize, j: usize, rho: f64) -> Option<usize> {
        let enough = self.reaches.partition_point(|&reach| reach < rho.abs()) + 1;
        if enough <= self.reaches.len() {
            return Some(enough * LANES);
        }
        let left = (self.rests[i] * self.rests[j]).sqrt() * rho.abs().powi(self.terms as i32);
        (left <= TOLERANCE).then_some(self.terms)
    }

    /// `E ψ(u) ψ(v)/√(E ψ(u)² E ψ(v)²)` for the points `i` and `j` with correlation `rho`,
    /// or `None` if the terms do not suffice.
    #[inline]
    pub(super) fn correlation(&self, i: usize, j: usize, rho: f64) -> Option<f64> {
        let blocks = self.terms_of(i, j, rho)? / LANES;
        let row = |i: usize| self.rows[i * self.terms..][..blocks * LANES].as_chunks::<LANES>().0;
        let step = rho.powi(LANES as i32);
        let mut lanes = [0.0; LANES];
        for (a, b) in row(i).iter().zip(row(j)).rev() {
            for lane in 0..LANES {
                lanes[lane] = lanes[lane] * step + a[lane] * b[lane];
            }
        }
        Some(lanes.iter().rev().fold(0.0, |sum, lane| sum * rho + lane))
    }
}

impl From<Projection> for Series {
    fn from(projection: Projection) -> Self {
        let Projection { norms, terms, rows } = projection;
        let mut worst = vec![0.0f64; terms / LANES];
        let mut rests = Vec::with_capacity(norms.len());
        for row in rows.chunks_exact(terms) {
            let tails = tails(row);
            for (worst, &tail) in worst.iter_mut().zip(&tails) {
                *worst = worst.max(tail);
            }
            rests.push(tails[tails.len() - 1]);
        }
        let mut farthest = 0.0f64;
        let reaches = worst.iter().zip(1..).map(|(tail, blocks)| {
            let reach = (TOLERANCE / tail).powf(1.0 / (blocks * LANES) as f64);
            farthest = farthest.max(reach.min(1.0));
            farthest
        });
        Self { reaches: reaches.collect(), norms, terms, rows, rests }
    }
}

/// The remainder of the squared norm 1 of a row of coefficients after every [`LANES`]
/// terms. It needs no further terms, and is accurate up to the rounding of 1.
fn tails(row: &[f64]) -> Vec<f64> {
    let blocks: Vec<f64> =
        row.chunks_exact(LANES).map(|block| block.iter().map(|a| a * a).sum()).collect();
    let total: f64 = blocks.iter().sum();
    let mut tail = if total == 0.0 { 0.0 } else { (1.0 - total).abs() };
    let mut tails = vec![0.0; blocks.len()];
    for (left, block) in tails.iter_mut().zip(&blocks).rev() {
        *left = tail;
        tail += block;
    }
    tails
}

/// Coefficients of some points.
struct Projection {
    norms: Vec<f64>,
    terms: usize,
    rows: Vec<f64>,
}

impl Projection {
    fn empty(terms: usize) -> Self {
        Self { norms: Vec::new(), terms, rows: Vec::new() }
    }

    fn append(&mut self, mut other: Self) {
        self.norms.append(&mut other.norms);
        self.rows.append(&mut other.rows);
    }

    /// Number of terms after which a single point's series has converged for every ρ.
    fn sufficient_terms(&self) -> usize {
        let blocks = tails(&self.rows).iter().position(|&tail| tail <= 0.25 * TOLERANCE);
        blocks.map_or(self.terms, |block| (block + 1) * LANES)
    }
}

/// Hermite polynomials at the nodes of a quadrature over the half line, with its
/// weights and the Gaussian density multiplied in.
struct Basis {
    nodes: Vec<f64>,
    weights: Vec<f64>,
    /// Polynomials of even degree, `[MAX_TERMS/2, nodes]`.
    even: Array2<f64>,
    /// Polynomials of odd degree, of the same shape.
    odd: Array2<f64>,
}

impl Basis {
    /// # Reference
    /// `√(k+1) He_{k+1} = g He_k − √k He_{k−1}` for the polynomials normalised by
    /// `E He_k(g)² = 1`. Times `e^{−g²/4}` they are bounded by about 1, and the
    /// recurrence neither over- nor underflows.
    fn new(transition: f64) -> Self {
        let rule = gauss_legendre(20);
        let (mut nodes, mut weights) = (Vec::new(), Vec::new());
        // Polynomials of degree 1024 oscillate with 32 radians per unit of g.
        for (start, end) in panels(RANGE, transition, 0.5) {
            let (middle, half) = (0.5 * (start + end), 0.5 * (end - start));
            for (t, weight) in &rule {
                let g = middle + half * t;
                nodes.push(g);
                weights.push(half * weight * (-0.5 * g * g).exp() / (2.0 * PI).sqrt());
            }
        }
        let shape = [MAX_TERMS / 2, nodes.len()];
        let (mut even, mut odd) = (Array2::zeros(shape), Array2::zeros(shape));
        for (m, (&g, &weight)) in nodes.iter().zip(&weights).enumerate() {
            let rest = weight * (0.25 * g * g).exp();
            let (mut previous, mut current) = (0.0, (-0.25 * g * g).exp());
            for k in 0..MAX_TERMS {
                let half = if k % 2 == 0 { &mut even } else { &mut odd };
                half[[k / 2, m]] = rest * current;
                let next = (g * current - (k as f64).sqrt() * previous) / ((k + 1) as f64).sqrt();
                (previous, current) = (current, next);
            }
        }
        Self { nodes, weights, even, odd }
    }

    /// The first `terms` coefficients of φ and of φ', as products of matrices.
    fn project(
        &self,
        phi: &impl Fn(f64) -> (f64, f64),
        deviations: &[f64],
        terms: usize,
    ) -> [Projection; 2] {
        let shape = [deviations.len(), self.nodes.len()];
        let zeros = || [Array2::<f64>::zeros(shape), Array2::zeros(shape)];
        let (mut sums, mut differences) = (zeros(), zeros());
        let mut squares = vec![[0.0; 2]; deviations.len()];
        for (i, r) in deviations.iter().enumerate() {
            for (m, (g, weight)) in self.nodes.iter().zip(&self.weights).enumerate() {
                let (right, left) = (phi(r * g), phi(-r * g));
                for (of, (right, left)) in
                    [(right.0, left.0), (right.1, left.1)].into_iter().enumerate()
                {
                    sums[of][[i, m]] = right + left;
                    differences[of][[i, m]] = right - left;
                    squares[i][of] += weight * (right * right + left * left);
                }
            }
        }
        [0, 1].map(|of| {
            let even = sums[of].dot(&self.even.view().split_at(Axis(0), terms / 2).0.t());
            let odd = differences[of].dot(&self.odd.view().split_at(Axis(0), terms / 2).0.t());
            let mut projection = Projection::empty(terms);
            for (i, squares) in squares.iter().enumerate() {
                let norm = squares[of].sqrt();
                let scale = if norm > 0.0 { norm.recip() } else { 0.0 };
                let pairs = even.row(i).into_iter().zip(odd.row(i));
                projection.rows.extend(pairs.flat_map(|(even, odd)| [scale * even, scale * odd]));
                projection.norms.push(norm);
            }
            projection
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `e^{sg − s²/2} = Σ sᵏ/√k! He_k(g)`, so `e^{rg}` has known coefficients, and
    /// `E e^u e^v = e^{(r² + r'²)/2 + r r' ρ}`.
    #[test]
    fn exponentials_have_their_generating_function() {
        let deviations = [0.3, 1.7];
        let [series, _] = expand(&|z: f64| (z.exp(), z.exp()), 1.0, &deviations);
        for (i, r) in deviations.iter().enumerate() {
            assert!((series.norms[i] / (r * r).exp() - 1.0).abs() < 1e-14);
            let mut coefficient = (-0.5 * r * r).exp();
            for k in 0..series.terms {
                let found = series.rows[i * series.terms + k];
                assert!((found - coefficient).abs() < 2e-15, "{k}: {found} and {coefficient}");
                coefficient *= r / ((k + 1) as f64).sqrt();
            }
        }
        for rho in [-1.0, -0.3, 0.0, 0.999, 1.0] {
            let (r, s) = (deviations[0], deviations[1]);
            let expected = (r * s * rho - 0.5 * (r * r + s * s)).exp();
            let found = series.correlation(0, 1, rho).expect("the series converges");
            assert!((found - expected).abs() < 1e-14, "{rho}: {found} and {expected}");
        }
    }

    /// The step function at 0 has `a_k = He_{k−1}(0)/√(2πk)` for odd k. The coefficients
    /// decay so slowly that the test sees every one up to the last. `max(0, z)` has
    /// `a_k = He_{k−2}(0)/√(2πk(k−1))` for even k.
    #[test]
    fn kinks_have_known_coefficients_up_to_the_highest_degree() {
        let phi = |z: f64| (z.max(0.0), f64::from(u8::from(z > 0.0)));
        let [value, slope] = expand(&phi, 0.1, &[1.0]);
        assert_eq!((value.terms, slope.terms), (MAX_TERMS, MAX_TERMS));
        let root = 2f64.sqrt();
        let mut at_zero = 1.0; // He_{k−1}(0) for odd k
        for k in (1..MAX_TERMS - 1).step_by(2) {
            let degree = k as f64;
            let step = at_zero / (2.0 * PI * degree).sqrt();
            assert!((slope.rows[k] - root * step).abs() < 3e-15, "{k}");
            let kink = step / (degree + 1.0).sqrt();
            assert!((value.rows[k + 1] - root * kink).abs() < 3e-15, "{k}");
            at_zero *= -(degree / (degree + 1.0)).sqrt();
        }
        let constants = [(2.0 * PI).sqrt().recip(), 0.5];
        assert!((value.rows[0] - root * constants[0]).abs() < 1e-15);
        assert!((slope.rows[0] - root * constants[1]).abs() < 1e-15);
    }

    #[test]
    fn the_remainder_of_a_series_is_known() {
        let rests = tails(&[0.5; 16].map(|a: f64| a * 0.4));
        assert!((rests[0] - 0.68).abs() < 1e-15 && (rests[1] - 0.36).abs() < 1e-15);
        assert_eq!(tails(&[0.0; 16]), [0.0, 0.0]);
    }
}
