//! The analysis of kernels, against closed forms and independent computations.

mod accuracy;
mod alignment;
mod condition;
mod dimension;
mod factor;
mod norms;
mod not_a_number;
mod posterior;
mod regression;
mod spectrum;
mod top;

use faer::Mat;
use ndarray::{Array1, Array2};
use proptest::prelude::*;
use regime_tangent::kit::for_all;

/// Awkward sizes: small, and around a power of two.
const SIZES: [usize; 7] = [1, 2, 3, 7, 31, 32, 33];

fn sizes() -> impl Strategy<Value = usize> {
    prop::sample::select(SIZES.to_vec())
}

/// Reproducible numbers between −1 and 1.
fn numbers(n: usize, seed: u64) -> Array1<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..n).map(|_| 2.0 * next() - 1.0).collect()
}

fn matrix(rows: usize, columns: usize, seed: u64) -> Array2<f64> {
    Array2::from_shape_vec((rows, columns), numbers(rows * columns, seed).to_vec()).unwrap()
}

/// An orthogonal matrix.
fn rotation(n: usize, seed: u64) -> Array2<f64> {
    let random = matrix(n, n, seed);
    let q = Mat::from_fn(n, n, |i, j| random[[i, j]]).qr().compute_Q();
    Array2::from_shape_fn((n, n), |(i, j)| q[(i, j)])
}

/// `Q diag(λ) Qᵀ`, symmetric to the bit.
fn with_eigenvalues(eigenvalues: &[f64], seed: u64) -> Array2<f64> {
    let q = rotation(eigenvalues.len(), seed);
    let product = (&q * &Array1::from(eigenvalues.to_vec())).dot(&q.t());
    (&product + &product.t()) * 0.5
}

/// A well-conditioned kernel: `XXᵀ/n + 1/2`.
fn kernel(n: usize, seed: u64) -> Array2<f64> {
    let x = matrix(n, n + 2, seed);
    let gram = x.dot(&x.t()) / n as f64;
    (&gram + &gram.t()) * 0.5 + Array2::<f64>::eye(n) * 0.5
}

/// `e^{−|x−x'|²/2}` between points on a line, with eigenvalues that fall below rounding.
fn smooth_kernel(a: &Array1<f64>, b: &Array1<f64>) -> Array2<f64> {
    Array2::from_shape_fn((a.len(), b.len()), |(i, j)| (-0.5 * (a[i] - b[j]).powi(2)).exp())
}

/// The largest difference in units of the largest entry.
fn distance<'a>(a: impl IntoIterator<Item = &'a f64>, b: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (mut worst, mut scale) = (0.0, f64::MIN_POSITIVE);
    let (mut a, mut b) = (a.into_iter(), b.into_iter());
    loop {
        match (a.next(), b.next()) {
            (None, None) => return worst / scale,
            (Some(a), Some(b)) => {
                worst = f64::max(worst, (a - b).abs());
                scale = scale.max(a.abs()).max(b.abs());
                assert!(worst.is_finite(), "{a} and {b}");
            }
            _ => panic!("lists of different lengths"),
        }
    }
}
