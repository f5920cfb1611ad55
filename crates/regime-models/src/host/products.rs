//! The products of layers on slices of host memory, written in place.

use faer::{Accum, MatMut, MatRef, Par, linalg::matmul::matmul};

use super::numbers::Scalar;

/// The sizes of a layer's products: `rows` of `k` inputs and `m` outputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub(super) rows: usize,
    pub(super) k: usize,
    pub(super) m: usize,
}

/// Appends `c·a·W + b`, `[rows, m]`, to `out`, from `a`, `[rows, k]`.
pub(super) fn affine<T: Scalar>(
    Sizes { rows, k, m }: Sizes,
    c: f64,
    (a, w, b): (&[T], &[T], Option<&[T]>),
    out: &mut Vec<T>,
) {
    let start = out.len();
    // Adding the product to the biases needs one pass over memory less than the reverse.
    let accum = match b {
        Some(b) => {
            repeat(b, rows, out);
            Accum::Add
        }
        None => {
            out.resize(start + rows * m, T::default());
            Accum::Replace
        }
    };
    let (a, w) = (MatRef::from_row_major_slice(a, rows, k), MatRef::from_row_major_slice(w, k, m));
    let product = MatMut::from_row_major_slice_mut(&mut out[start..], rows, m);
    matmul(product, accum, a, w, T::narrow(c), Par::Seq);
}

/// Appends `row` the given number of times, in growing pieces, because a convolution has
/// millions of short rows.
fn repeat<T: Scalar>(row: &[T], times: usize, out: &mut Vec<T>) {
    /// Number of values that stay in the nearest cache.
    const MAX_VALUES: usize = 1 << 11;
    let (start, len) = (out.len(), times * row.len());
    let max_piece = (MAX_VALUES / row.len()).max(1) * row.len();
    out.reserve(len);
    out.extend_from_slice(&row[..row.len().min(len)]);
    while out.len() - start < len {
        let written = out.len() - start;
        out.extend_from_within(start..start + written.min(max_piece).min(len - written));
    }
}

/// Writes `c·δ·Wᵀ` into `out`, `[rows, k]`, from `δ`, `[rows, m]`.
pub(super) fn back<T: Scalar>(
    Sizes { rows, k, m }: Sizes,
    c: f64,
    (delta, w): (&[T], &[T]),
    out: &mut [T],
) {
    let delta = MatRef::from_row_major_slice(delta, rows, m);
    let w = MatRef::from_row_major_slice(w, k, m);
    let out = MatMut::from_row_major_slice_mut(out, rows, k);
    matmul(out, Accum::Replace, delta, w.transpose(), T::narrow(c), Par::Seq);
}

/// Adds `c·aᵀ·diag(g)·δ` to `weights`, `[k, m]`, and `gᵀ·δ` to `biases`, `[m]`.
///
/// `g` has one value per point; a point has one row per position. `weighted` is a scratch
/// buffer for `diag(g)·δ`.
pub(super) fn pull<T: Scalar>(
    Sizes { rows, k, m }: Sizes,
    c: f64,
    (a, delta, g): (&[T], &[T], &[T]),
    weighted: &mut Vec<T>,
    weights: &mut [T],
    biases: Option<&mut [T]>,
) {
    let per_point = delta.len() / g.len();
    // The old contents are overwritten.
    weighted.resize(delta.len(), T::default());
    vectorised(
        #[inline(always)]
        || {
            let points = weighted.chunks_exact_mut(per_point).zip(delta.chunks_exact(per_point));
            for ((weighted, delta), &g) in points.zip(g) {
                weighted.iter_mut().zip(delta).for_each(|(w, &d)| *w = d * g);
            }
            if let Some(biases) = biases {
                for row in weighted.chunks_exact(m) {
                    biases.iter_mut().zip(row).for_each(|(sum, &d)| *sum += d);
                }
            }
        },
    );
    let a = MatRef::from_row_major_slice(a, rows, k);
    let weighted = MatRef::from_row_major_slice(weighted, rows, m);
    let weights = MatMut::from_row_major_slice_mut(weights, k, m);
    matmul(weights, Accum::Add, a.transpose(), weighted, T::narrow(c), Par::Seq);
}

/// Adds to the value of every point in `moved` the sum of `(c·a·V + b) ∘ δ` over its rows
/// and columns. `product` is a scratch buffer for `c·a·V + b`.
pub(super) fn push<T: Scalar>(
    sizes: Sizes,
    c: f64,
    (a, v, b): (&[T], &[T], Option<&[T]>),
    delta: &[T],
    product: &mut Vec<T>,
    moved: &mut [T],
) {
    product.clear();
    affine(sizes, c, (a, v, b), product);
    let per_point = delta.len() / moved.len();
    vectorised(
        #[inline(always)]
        || {
            let points = product.chunks_exact(per_point).zip(delta.chunks_exact(per_point));
            for (sum, (change, delta)) in moved.iter_mut().zip(points) {
                *sum += dot(change, delta);
            }
        },
    );
}

/// `a·b` in partial sums, which the compiler holds in vector registers.
#[inline(always)]
pub(super) fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    let mut sums = [T::default(); 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| a * b);
    rest.chain(sums).fold(T::default(), |sum, term| sum + term)
}

/// Runs a loop that is compiled for several sets of vector instructions, with the best
/// set that the processor supports. The closure has to be inlined.
#[inline(always)]
pub(super) fn vectorised(run: impl FnOnce()) {
    pulp::Arch::new().dispatch(run);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_rows_are_appended() {
        for row in [&[1.5][..], &[1.0, 2.0, 3.0], &[0.5; 5000]] {
            for times in [0, 1, 2, 7, 3001] {
                let mut out = vec![9.0];
                repeat(row, times, &mut out);
                assert_eq!(out[0], 9.0);
                assert!(out[1..] == row.repeat(times), "{} numbers, {times} times", row.len());
            }
        }
    }
}
