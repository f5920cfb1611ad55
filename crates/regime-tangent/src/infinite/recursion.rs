//! The recursion for all requested pairs of points.

use ndarray::{Array2, Axis, Slice};
use rayon::prelude::*;

use super::{
    engine::{Engine, Scratch},
    initialisation::Factors,
    law::{Law, Layer},
    layout::Layout,
    profile::Profile,
};

/// Positions of a side of a block of pairs. The coefficients of its points in one layer stay in
/// a core's cache.
const SIDE: usize = 24;

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
    /// Bound on the errors of both kernels, relative to `√(K(x,x) K(x',x'))`.
    pub(super) relative_error: f64,
}

/// Propagates all pairs through all layers. `parts` is 1 for the whole tangent kernel, or the
/// number of activations and one more for the parts of the layers.
pub(super) fn propagate<'a, W: Law>(
    law: &'a W,
    layout: &Layout,
    factors: &Factors,
    profile: &Profile<W::Layer<'a>>,
    pairs: Pairs,
    parts: usize,
) -> Propagated {
    let Pairs { rows, first, columns } = pairs;
    let (shape, relative_error) = ([rows, columns], profile.relative_error);
    if rows == 0 || columns == 0 {
        let empty = Array2::zeros(shape);
        let contributions = vec![empty.clone(); parts];
        return Propagated { nngp: empty, contributions, relative_error };
    }
    let own = pairs.are_own();
    let engine = Engine { law, layout, factors, profile, parts };
    let positions = layout.layers[0].positions;
    let side = (SIDE / positions).max(1);
    let mut nngp = vec![0.0; rows * columns];
    // For every row, its part of each contribution, one after the other.
    let mut tangent = vec![0.0; rows * parts * columns];
    nngp.par_chunks_mut(side * columns)
        .zip(tangent.par_chunks_mut(side * parts * columns))
        .enumerate()
        .for_each_init(
            || (0..side * side).map(|_| Scratch::new(layout, parts)).collect::<Vec<_>>(),
            |scratches, (block, (nngp, tangent))| {
                let top = block * side;
                let bottom = (top + side).min(rows);
                let start = if own { top } else { 0 };
                let mut pairs = Vec::with_capacity(side * side);
                for left in (start..columns).step_by(side) {
                    let right = (left + side).min(columns);
                    let cosines = engine.products(top..bottom, first + left..first + right);
                    let cosine = |[i, j]: [usize; 2], p, q| {
                        let [y, x] = [i - top, j - first - left].map(|at| at * positions);
                        cosines.as_ref().map(|c| c[[y + p, x + q]])
                    };
                    pairs.clear();
                    for i in top..bottom {
                        let from = left.max(if own { i } else { 0 });
                        pairs.extend((from..right).map(|j| [i, first + j]));
                    }
                    engine.pairs(&pairs, cosine, scratches, &mut |_, _, _, _| ());
                    for ([i, j], scratch) in pairs.iter().zip(&*scratches) {
                        let (row, j) = (i - top, j - first);
                        nngp[row * columns + j] = scratch.covariance;
                        for (part, value) in scratch.contributions.iter().enumerate() {
                            tangent[(row * parts + part) * columns + j] = *value;
                        }
                    }
                }
            },
        );
    let finished = |mut matrix: Array2<f64>| {
        if own {
            mirror(&mut matrix);
        }
        matrix
    };
    let nngp = Array2::from_shape_vec(shape, nngp).expect("one number per pair");
    let tangent = Array2::from_shape_vec([rows, parts * columns], tangent).expect("as allocated");
    let contributions = if parts == 1 {
        vec![finished(tangent)]
    } else {
        let columns = |part: usize| Slice::from(part * columns..(part + 1) * columns);
        (0..parts)
            .map(|part| finished(tangent.slice_axis(Axis(1), columns(part)).to_owned()))
            .collect()
    };
    Propagated { nngp: finished(nngp), contributions, relative_error }
}

/// Multiply-adds per point of the coefficients of the activations.
pub(super) fn work_of_point<L: Layer>(layout: &Layout, profile: &Profile<L>) -> f64 {
    let stages = profile.stages.iter().zip(&layout.layers);
    stages.map(|(stage, taps)| taps.positions as f64 * stage.layer.work_of_one()).sum()
}

/// Multiply-adds per pair of the activations, as a mean over all pairs of different points.
/// One pair of equal points if there is only one, 0 if there is none.
pub(super) fn work_of_pair<'a, W: Law>(
    law: &'a W,
    layout: &Layout,
    factors: &Factors,
    profile: &Profile<W::Layer<'a>>,
) -> f64 {
    let engine = Engine { law, layout, factors, profile, parts: 1 };
    let (n, mut scratch) = (profile.points.n, [Scratch::new(layout, 1)]);
    let (mut work, mut pairs) = (0.0, 0.0);
    for i in 0..n {
        for j in i + usize::from(n > 1)..n {
            engine.pairs(&[[i, j]], |_, _, _| None, &mut scratch, &mut |layer, a, b, state| {
                work += layer.work(a, b, state);
            });
            pairs += 1.0;
        }
    }
    if pairs > 0.0 { work / pairs } else { 0.0 }
}

/// Copies the upper triangle to the lower one.
fn mirror(matrix: &mut Array2<f64>) {
    for i in 0..matrix.nrows() {
        for j in 0..i {
            matrix[[i, j]] = matrix[[j, i]];
        }
    }
}
