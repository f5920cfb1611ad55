//! The recursion over layers, for any [`Law`] of a single layer.

use ndarray::{Array2, Axis, Slice, linalg::general_mat_mul};
use rayon::prelude::*;

use super::points::Points;

/// How an activation changes the correlation of two points. Each implementation represents
/// the correlation by its own number, the *state* of the pair.
pub(super) trait Law: Sync {
    type Layer<'a>: Layer
    where
        Self: 'a;

    /// The state of a pair of directions, whose product is `cosine` up to rounding.
    fn state(&self, a: &[f64], b: &[f64], cosine: f64) -> f64;

    /// The correlation that belongs to a state.
    fn cosine(&self, state: f64) -> f64;

    /// The activation, applied to preactivations of these standard deviations.
    fn layer(&self, deviations: Vec<f64>) -> Self::Layer<'_>;
}

/// An activation, applied to given points.
pub(super) trait Layer: Sync {
    /// `√(E φ(u)²)` of every point: the deviations of the next preactivations.
    fn deviations_after(&self) -> Vec<f64>;

    /// `E φ'(u)²` of a point.
    fn own_slope(&self, i: usize) -> f64;

    /// The next state of a pair, and `E φ'(u) φ'(v)`.
    fn pair(&self, i: usize, j: usize, state: f64) -> (f64, f64);
}

/// The requested pairs of points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pairs {
    rows: usize,
    /// The point of the first column.
    first: usize,
    columns: usize,
}

impl Pairs {
    /// All pairs of `n` points.
    pub(super) fn own(n: usize) -> Self {
        Self { rows: n, first: 0, columns: n }
    }

    /// All pairs of the first `rows` points with the `columns` points after them.
    pub(super) fn between(rows: usize, columns: usize) -> Self {
        Self { rows, first: rows, columns }
    }

    /// Whether rows and columns are the same points, so that the upper triangle suffices.
    fn are_own(self) -> bool {
        self.first == 0
    }
}

/// The kernels after the last layer.
pub(super) struct Propagated {
    pub(super) nngp: Array2<f64>,
    /// The tangent kernel, or its parts layer by layer.
    pub(super) contributions: Vec<Array2<f64>>,
}

/// Propagates all pairs through `depth` activations. `parts` is 1 for the whole tangent
/// kernel, or `depth + 1` for the parts of the layers.
pub(super) fn propagate<L: Law>(
    law: &L,
    depth: usize,
    bias: f64,
    points: &Points,
    pairs: Pairs,
    parts: usize,
) -> Propagated {
    let Pairs { rows, first, columns } = pairs;
    let shape = [rows, columns];
    if rows == 0 || columns == 0 {
        let empty = Array2::zeros(shape);
        return Propagated { nngp: empty.clone(), contributions: vec![empty; parts] };
    }
    let own = pairs.are_own();
    let start = |i: usize| if own { i } else { 0 };

    let mut deviations = points.deviations.clone();
    let mut states = states(law, points, pairs);
    // For every row, its part of each contribution, one after the other.
    let mut tangent = vec![0.0; rows * parts * columns];
    let covariance = |deviations: &[f64], i: usize, j: usize, state: f64| {
        let correlation = if own && i == j { 1.0 } else { law.cosine(state) };
        deviations[i] * deviations[first + j] * correlation
    };

    tangent.par_chunks_mut(parts * columns).zip(states.par_chunks(columns)).enumerate().for_each(
        |(i, (tangent, states))| {
            for j in start(i)..columns {
                tangent[j] = covariance(&deviations, i, j, states[j]) + bias;
            }
        },
    );
    for l in 1..=depth {
        let layer = law.layer(deviations);
        deviations = layer.deviations_after();
        let newest = l.min(parts - 1);
        tangent
            .par_chunks_mut(parts * columns)
            .zip(states.par_chunks_mut(columns))
            .enumerate()
            .for_each(|(i, (tangent, states))| {
                for j in start(i)..columns {
                    let slope = if own && i == j {
                        layer.own_slope(i)
                    } else {
                        let (state, slope) = layer.pair(i, first + j, states[j]);
                        states[j] = state;
                        slope
                    };
                    for part in 0..parts.min(l) {
                        tangent[part * columns + j] *= slope;
                    }
                    let covariance = covariance(&deviations, i, j, states[j]);
                    tangent[newest * columns + j] += covariance + bias;
                }
            });
    }
    states.par_chunks_mut(columns).enumerate().for_each(|(i, states)| {
        for j in start(i)..columns {
            states[j] = covariance(&deviations, i, j, states[j]);
        }
    });

    let finished = |mut matrix: Array2<f64>| {
        if own {
            mirror(&mut matrix);
        }
        matrix
    };
    let nngp = Array2::from_shape_vec(shape, states).expect("one state per pair");
    let tangent = Array2::from_shape_vec([rows, parts * columns], tangent).expect("as allocated");
    let contributions = if parts == 1 {
        vec![finished(tangent)]
    } else {
        let columns = |part: usize| Slice::from(part * columns..(part + 1) * columns);
        (0..parts)
            .map(|part| finished(tangent.slice_axis(Axis(1), columns(part)).to_owned()))
            .collect()
    };
    Propagated { nngp: finished(nngp), contributions }
}

/// The states of all pairs at the first layer, row by row.
fn states<L: Law>(law: &L, points: &Points, pairs: Pairs) -> Vec<f64> {
    let Pairs { rows, first, columns } = pairs;
    let directions = &points.directions;
    let of = |points: std::ops::Range<usize>| directions.slice_axis(Axis(0), points.into());
    let (left, right) = (of(0..rows), of(first..first + columns));
    let mut cosines = Array2::zeros([rows, columns]);
    general_mat_mul(1.0, &left, &right.t(), 0.0, &mut cosines);
    let mut states = cosines.into_raw_vec_and_offset().0;
    let row = |i: usize| directions.row(i).to_slice().expect("rows are contiguous");
    states.par_chunks_mut(columns).enumerate().for_each(|(i, states)| {
        for (j, state) in states.iter_mut().enumerate() {
            *state = law.state(row(i), row(first + j), *state);
        }
    });
    states
}

/// Copies the upper triangle to the lower one.
fn mirror(matrix: &mut Array2<f64>) {
    for i in 0..matrix.nrows() {
        for j in 0..i {
            matrix[[i, j]] = matrix[[j, i]];
        }
    }
}
