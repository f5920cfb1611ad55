//! The recursion over layers, for any [`Law`] of a single layer.

use ndarray::{Array2, ArrayView2, Axis, Slice, linalg::general_mat_mul};
use rayon::prelude::*;

use super::{
    initialisation::Factors,
    law::{Law, Layer},
    layout::{Layout, OUTSIDE, Readout, Taps},
    points::Points,
    profile::{Profile, Stage},
};

/// Numbers of a block of products between directions, which fits into a core's cache.
const BLOCK: usize = 1 << 16;

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
    let height = (64 / positions).max(1);
    let width = (BLOCK / (height * positions * positions)).max(1);
    let mut nngp = vec![0.0; rows * columns];
    // For every row, its part of each contribution, one after the other.
    let mut tangent = vec![0.0; rows * parts * columns];
    nngp.par_chunks_mut(height * columns)
        .zip(tangent.par_chunks_mut(height * parts * columns))
        .enumerate()
        .for_each_init(
            || Scratch::new(layout, parts),
            |scratch, (block, (nngp, tangent))| {
                let top = block * height;
                let bottom = (top + height).min(rows);
                let start = if own { top } else { 0 };
                for left in (start..columns).step_by(width) {
                    let right = (left + width).min(columns);
                    let cosines = engine.products(top..bottom, first + left..first + right);
                    for i in top..bottom {
                        for j in left.max(if own { i } else { 0 })..right {
                            let [y, x] = [i - top, j - left].map(|at| at * positions);
                            let cosine = |p, q| cosines.as_ref().map(|c| c[[y + p, x + q]]);
                            let covariance =
                                engine.pair(i, first + j, cosine, scratch, &mut |_, _, _, _| ());
                            nngp[(i - top) * columns + j] = covariance;
                            for (part, value) in scratch.contributions.iter().enumerate() {
                                tangent[((i - top) * parts + part) * columns + j] = *value;
                            }
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

/// Multiply-adds per pair of the activations, as a mean over all pairs of different points.
/// One pair of equal points if there is only one, 0 if there is none.
pub(super) fn work_of_pair<'a, W: Law>(
    law: &'a W,
    layout: &Layout,
    factors: &Factors,
    profile: &Profile<W::Layer<'a>>,
) -> f64 {
    let engine = Engine { law, layout, factors, profile, parts: 1 };
    let (n, mut scratch) = (profile.points.n, Scratch::new(layout, 1));
    let (mut work, mut pairs) = (0.0, 0.0);
    for i in 0..n {
        for j in i + usize::from(n > 1)..n {
            engine.pair(i, j, |_, _| None, &mut scratch, &mut |layer, a, b, state| {
                work += layer.work(a, b, state);
            });
            pairs += 1.0;
        }
    }
    if pairs > 0.0 { work / pairs } else { 0.0 }
}

struct Engine<'a, 'b, W: Law + 'a> {
    law: &'a W,
    layout: &'b Layout,
    factors: &'b Factors,
    profile: &'b Profile<W::Layer<'a>>,
    parts: usize,
}

/// Numbers of one pair of points, for each pair of positions.
struct Scratch {
    states: Vec<f64>,
    versines: Vec<f64>,
    /// The parts of the tangent kernel, one after the other, and those of the next layer.
    tangent: Vec<f64>,
    next: Vec<f64>,
    sums: Vec<f64>,
    /// The results for the pair, `[parts]`.
    contributions: Vec<f64>,
}

impl Scratch {
    fn new(layout: &Layout, parts: usize) -> Self {
        let entries = layout.most_entries();
        let zeros = |n: usize| vec![0.0; n];
        Self {
            states: zeros(entries),
            versines: zeros(entries),
            tangent: zeros(parts * entries),
            next: zeros(parts * entries),
            sums: zeros(parts),
            contributions: zeros(parts),
        }
    }
}

impl<'a, W: Law + 'a> Engine<'a, '_, W> {
    /// Products of the directions of all positions of some points, without the component of
    /// the bias. None where only a few of them are needed.
    fn products(
        &self,
        rows: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
    ) -> Option<Array2<f64>> {
        let positions = self.layout.layers[0].positions;
        if self.layout.is_diagonal() && positions > 1 {
            return None;
        }
        let directions = |points: std::ops::Range<usize>| -> ArrayView2<'_, f64> {
            let range = points.start * positions..points.end * positions;
            self.profile.points.directions.slice_axis(Axis(0), range.into())
        };
        let (left, right) = (directions(rows), directions(columns));
        let mut products = Array2::zeros([left.nrows(), right.nrows()]);
        general_mat_mul(1.0, &left, &right.t(), 0.0, &mut products);
        Some(products)
    }

    /// The covariance of two points; the tangent kernel is in `scratch.contributions`. `visit`
    /// sees every pair of preactivations.
    fn pair(
        &self,
        i: usize,
        j: usize,
        cosine: impl Fn(usize, usize) -> Option<f64>,
        scratch: &mut Scratch,
        visit: &mut impl FnMut(&W::Layer<'a>, usize, usize, f64),
    ) -> f64 {
        self.enter(i, j, cosine, scratch);
        let (stages, layers) = (&self.profile.stages, &self.layout.layers);
        for (l, (stage, taps)) in stages.iter().zip(layers).enumerate() {
            self.activate(&stage.layer, [i, j], l, taps.positions, scratch, visit);
            if let (Some(stage), Some(after)) = (stages.get(l + 1), layers.get(l + 1)) {
                self.join(stage, after, taps.positions, [i, j], l, scratch);
            }
        }
        self.read_out(i, j, scratch)
    }

    /// The first layer: states and tangent kernels from the points.
    fn enter(
        &self,
        i: usize,
        j: usize,
        cosine: impl Fn(usize, usize) -> Option<f64>,
        scratch: &mut Scratch,
    ) {
        let Points { deviations, directions, biases, .. } = &self.profile.points;
        let positions = self.layout.layers[0].positions;
        let Factors { weights, weights_rate, biases_rate, .. } = *self.factors;
        let direction = |at: usize| directions.row(at).to_slice().expect("rows are contiguous");
        let mut entry = 0;
        for p in 0..positions {
            for q in self.layout.partners(p, positions) {
                let (a, b) = (i * positions + p, j * positions + q);
                let (left, right) = (direction(a), direction(b));
                let product = cosine(p, q)
                    .unwrap_or_else(|| left.iter().zip(right).map(|(a, b)| a * b).sum());
                let whole = product + biases[a] * biases[b];
                let (left, right) = ((left, biases[a]), (right, biases[b]));
                scratch.states[entry] = self.law.state(left, right, whole);
                scratch.tangent[entry] =
                    weights_rate / weights * deviations[a] * deviations[b] * product + biases_rate;
                entry += 1;
            }
        }
    }

    /// The activation of layer `l`, counted from 0.
    fn activate(
        &self,
        layer: &W::Layer<'a>,
        [i, j]: [usize; 2],
        l: usize,
        positions: usize,
        scratch: &mut Scratch,
        visit: &mut impl FnMut(&W::Layer<'a>, usize, usize, f64),
    ) {
        let entries = self.layout.entries(positions);
        let mut entry = 0;
        for p in 0..positions {
            for q in self.layout.partners(p, positions) {
                let (a, b) = (i * positions + p, j * positions + q);
                visit(layer, a, b, scratch.states[entry]);
                let (versine, slope) = if a == b {
                    (0.0, layer.own_slope(a))
                } else {
                    layer.pair(a, b, scratch.states[entry])
                };
                scratch.versines[entry] = versine;
                for part in 0..=l.min(self.parts - 1) {
                    scratch.tangent[part * entries + entry] *= slope;
                }
                entry += 1;
            }
        }
    }

    /// The layer after layer `l`: sums over the taps of both windows.
    fn join(
        &self,
        stage: &Stage<W::Layer<'a>>,
        taps: &Taps,
        before: usize,
        [i, j]: [usize; 2],
        l: usize,
        scratch: &mut Scratch,
    ) {
        let Factors { weights, weights_rate, biases_rate, .. } = *self.factors;
        let mean = weights / taps.size as f64;
        let (old, new) = (self.layout.entries(before), self.layout.entries(taps.positions));
        let (live, newest) = (l.min(self.parts - 1) + 1, (l + 1).min(self.parts - 1));
        let deviations = stage.layer.deviations();
        let diagonal = self.layout.is_diagonal();
        let mut entry = 0;
        for p in 0..taps.positions {
            for q in self.layout.partners(p, taps.positions) {
                let (a, b) = (i * taps.positions + p, j * taps.positions + q);
                let ((left, left_bias), (right, right_bias)) = (stage.shares(a), stage.shares(b));
                // 1 − Σ s s' ρ of shares s, s' with Σ s² = Σ s'² = 1, as a sum of positive terms.
                let mut versine = 0.5 * (left_bias - right_bias).powi(2);
                let mut correlation = 0.0;
                scratch.sums[..live].fill(0.0);
                let windows = taps.at(p).iter().zip(taps.at(q)).zip(left.iter().zip(right));
                for ((&x, &y), (&s, &t)) in windows {
                    versine += 0.5 * (s - t) * (s - t);
                    if x == OUTSIDE || y == OUTSIDE {
                        continue;
                    }
                    let at = if diagonal { x as usize } else { x as usize * before + y as usize };
                    versine += s * t * scratch.versines[at];
                    correlation += s * t * (1.0 - scratch.versines[at]);
                    for part in 0..live {
                        scratch.sums[part] += scratch.tangent[part * old + at];
                    }
                }
                for part in 0..live {
                    scratch.next[part * new + entry] = mean * scratch.sums[part];
                }
                if newest >= live {
                    scratch.next[newest * new + entry] = 0.0;
                }
                scratch.next[newest * new + entry] +=
                    weights_rate / weights * deviations[a] * deviations[b] * correlation
                        + biases_rate;
                scratch.states[entry] = self.law.state_of(versine);
                entry += 1;
            }
        }
        std::mem::swap(&mut scratch.tangent, &mut scratch.next);
    }

    /// The last layer.
    fn read_out(&self, i: usize, j: usize, scratch: &mut Scratch) -> f64 {
        let Factors { weights, biases, weights_rate, biases_rate } = *self.factors;
        let (Some(stage), Some(taps)) = (self.profile.stages.last(), self.layout.layers.last())
        else {
            return biases;
        };
        let (positions, norms) = (taps.positions, stage.layer.norms());
        let entries = self.layout.entries(positions);
        let count = match self.layout.readout {
            Readout::Mean => (positions * positions) as f64,
            Readout::Flatten => positions as f64,
        };
        let (mut covariance, mut entry) = (0.0, 0);
        for p in 0..positions {
            for q in self.layout.partners(p, positions) {
                let norms = norms[i * positions + p] * norms[j * positions + q];
                covariance += norms * (1.0 - scratch.versines[entry]);
                entry += 1;
            }
        }
        covariance /= count;
        for part in 0..self.parts {
            // The last contribution is of this layer, unless it is a part of the whole.
            let live = part < self.profile.stages.len();
            let values = &scratch.tangent[part * entries..][..entries];
            let sum = if live { values.iter().sum::<f64>() } else { 0.0 };
            scratch.contributions[part] = weights * sum / count;
        }
        scratch.contributions[self.parts - 1] += weights_rate * covariance + biases_rate;
        weights * covariance + biases
    }
}

/// Copies the upper triangle to the lower one.
fn mirror(matrix: &mut Array2<f64>) {
    for i in 0..matrix.nrows() {
        for j in 0..i {
            matrix[[i, j]] = matrix[[j, i]];
        }
    }
}
