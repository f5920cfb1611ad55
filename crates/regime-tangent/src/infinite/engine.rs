//! The recursion over layers for a pair of points, for any [`Law`] of a single layer.

use ndarray::{Array2, ArrayView2, Axis, linalg::general_mat_mul};

use super::{
    initialisation::Factors,
    law::{Law, Layer},
    layout::{Layout, OUTSIDE, Readout, Taps},
    points::Points,
    profile::{Profile, Stage},
};

/// The recursion for single pairs of points.
pub(super) struct Engine<'a, 'b, W: Law + 'a> {
    pub(super) law: &'a W,
    pub(super) layout: &'b Layout,
    pub(super) factors: &'b Factors,
    pub(super) profile: &'b Profile<W::Layer<'a>>,
    pub(super) parts: usize,
}

/// Numbers of one pair of points, for each pair of positions.
pub(super) struct Scratch {
    states: Vec<f64>,
    versines: Vec<f64>,
    /// The parts of the tangent kernel, one after the other, and those of the next layer.
    tangent: Vec<f64>,
    next: Vec<f64>,
    sums: Vec<f64>,
    /// A result: the covariance of the outputs.
    pub(super) covariance: f64,
    /// Results: the parts of the tangent kernel, `[parts]`.
    pub(super) contributions: Vec<f64>,
}

impl Scratch {
    pub(super) fn new(layout: &Layout, parts: usize) -> Self {
        let entries = layout.most_entries();
        let zeros = |n: usize| vec![0.0; n];
        Self {
            states: zeros(entries),
            versines: zeros(entries),
            tangent: zeros(parts * entries),
            next: zeros(parts * entries),
            sums: zeros(parts),
            covariance: 0.0,
            contributions: zeros(parts),
        }
    }
}

impl<'a, W: Law + 'a> Engine<'a, '_, W> {
    /// Products of the directions of all positions of some points, without the component of
    /// the bias. None where only a few of them are needed.
    pub(super) fn products(
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

    /// Both kernels of some pairs of points, one for each scratch, where the results are. The
    /// layers are the outer loop, so that the coefficients of the points in one layer stay in a
    /// core's cache. `cosine` returns what [`products`](Self::products) knows of a pair,
    /// and `visit` sees every pair of preactivations.
    pub(super) fn pairs(
        &self,
        pairs: &[[usize; 2]],
        cosine: impl Fn([usize; 2], usize, usize) -> Option<f64>,
        scratches: &mut [Scratch],
        visit: &mut impl FnMut(&W::Layer<'a>, usize, usize, f64),
    ) {
        let mut each = |work: &mut dyn FnMut([usize; 2], &mut Scratch)| {
            for (pair, scratch) in pairs.iter().zip(&mut *scratches) {
                work(*pair, scratch);
            }
        };
        each(&mut |pair, scratch| self.enter(pair, |p, q| cosine(pair, p, q), scratch));
        let (stages, layers) = (&self.profile.stages, &self.layout.layers);
        for (l, (stage, taps)) in stages.iter().zip(layers).enumerate() {
            each(&mut |pair, scratch| {
                self.activate(&stage.layer, pair, l, taps.positions, scratch, visit);
                if let (Some(stage), Some(after)) = (stages.get(l + 1), layers.get(l + 1)) {
                    self.join(stage, after, taps.positions, pair, l, scratch);
                }
            });
        }
        each(&mut |pair, scratch| scratch.covariance = self.read_out(pair, scratch));
    }

    /// The first layer: states and tangent kernels from the points.
    fn enter(
        &self,
        [i, j]: [usize; 2],
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
        if before == 1 && taps.size == 1 && self.factors.biases == 0.0 {
            // A fully connected layer: one tap with the share 1.
            let versine = scratch.versines[0];
            scratch.tangent[..live].iter_mut().for_each(|part| *part *= weights);
            if newest >= live {
                scratch.tangent[newest] = 0.0;
            }
            scratch.tangent[newest] +=
                weights_rate / weights * deviations[i] * deviations[j] * (1.0 - versine)
                    + biases_rate;
            scratch.states[0] = self.law.state_of(versine);
            return;
        }
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
    fn read_out(&self, [i, j]: [usize; 2], scratch: &mut Scratch) -> f64 {
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
