//! The gradient flow of some points in function space, with a kernel that is frozen or interpolated
//! between two kernels.
//!
//! With `u` the margins of the points, `K` their tangent kernel times the labels,
//! `K_ij = s_i s_j Θ_ij / n`, and a network that stays linear in its weights, the flow is
//! `du/dt = −K ∇ℓ(u)`: a system of a few hundred equations that does not evaluate the network. A
//! kernel that was computed at other weights is corrected by the drift `d = du/dt + K ℓ'(u)` at the
//! beginning.
//!
//! # Reference
//! ROS2, see [`implicit`](crate::implicit); linear systems are solved by a Cholesky factor over the
//! directions in which the loss is curved. With several outputs, a point of this file is an output of a
//! point.

use faer::{
    ColMut, ColRef, Mat, MatRef, Par, Side,
    linalg::{matmul::matmul, solvers::Llt},
    prelude::Solve,
};

use crate::{
    criterion::{Criterion, Jets},
    curvature::{Columns, Root, sandwich},
    event::Sample,
    extremes::largest_scaled_change,
    implicit::GAMMA,
    work::Work,
};

/// A point takes part in the linear solves when its curvature exceeds this fraction of the largest.
/// Leaving out the other points changes only the matrix of the method, so the order is preserved.
const ACTIVE_ABOVE: f64 = 0.03;

/// Maximum number of trial substeps. If it is reached, the network needs a shorter step.
const MAX_SUBSTEPS: usize = 2000;

/// Maximum number of failed substeps.
const MAX_FAILURES: u32 = 30;

/// How far the smallest margin may lie beyond the required one at the end, in units of the scale of the
/// targets.
pub(crate) const MAX_OVERSHOOT: f64 = 2e-4;

/// The flow of `m` points.
pub(crate) struct FunctionFlow<'a> {
    pub(crate) criterion: &'a Criterion,
    /// The rows that are followed, `[m]`.
    pub(crate) rows: &'a [usize],
    /// `K` at the beginning, `[m, m]`, symmetric.
    pub(crate) start: MatRef<'a, f64>,
    /// `K` at the end and the progress towards it; `None` if the kernel is frozen.
    pub(crate) end: Option<(MatRef<'a, f64>, &'a Progress)>,
    /// The drift `du/dt + K ℓ'(u)` at the beginning, `[m]`; it decreases to zero as the kernel
    /// approaches the last one.
    pub(crate) drift: Option<&'a [f64]>,
    /// Error allowed in a substep, `max_i |Δu_i|/max(unit, |u_i|)`.
    pub(crate) tolerance: f64,
    pub(crate) unit: f64,
}

/// The progress of the kernel from the first to the last one, between 0 and 1, as a function of
/// time. The kernel follows the weights, which do not move at a constant rate.
pub(crate) struct Progress(Vec<(f64, f64)>);

impl Progress {
    /// The progress along the straight line to the end of a path with a frozen kernel `K`:
    /// `⟨p(t), K p⟩/⟨p, K p⟩` for the impulses `p`, with `K p = u₀ − u` up to the drift.
    pub(crate) fn of(path: &Path, start: &[f64]) -> Self {
        let moved: Vec<f64> = start.iter().zip(&path.margins).map(|(a, b)| a - b).collect();
        let along = |impulse: &[f64]| impulse.iter().zip(&moved).map(|(p, m)| p * m).sum::<f64>();
        let whole = along(&path.last().impulse[0]);
        let part = |after: &AfterSubstep| {
            let part = along(&after.impulse[0]) / whole;
            // If nothing moves, the progress is uniform in time.
            let evenly = after.time / path.time();
            (after.time, if part.is_finite() { part.clamp(0.0, 1.0) } else { evenly })
        };
        Self(std::iter::once((0.0, 0.0)).chain(path.substeps.iter().map(part)).collect())
    }

    /// Uniform progress over a time.
    #[cfg(test)]
    fn even(time: f64) -> Self {
        Self(vec![(0.0, 0.0), (time, 1.0)])
    }

    /// The progress at a time, by linear interpolation.
    fn at(&self, t: f64) -> f64 {
        let after = self.0.partition_point(|&(time, _)| time < t).clamp(1, self.0.len() - 1);
        on_line_at(self.0[after - 1], self.0[after], t)
    }
}

/// The value at `t` of the straight line through two points `(t, value)`.
fn on_line_at(before: (f64, f64), after: (f64, f64), t: f64) -> f64 {
    before.1 + (after.1 - before.1) * (t - before.0) / (after.0 - before.0)
}

/// The path of a flow in function space, from its beginning to its end.
pub(crate) struct Path {
    /// The margins at the end, `[m]`.
    pub(crate) margins: Vec<f64>,
    /// The state after each substep, in order.
    pub(crate) substeps: Vec<AfterSubstep>,
    /// Samples at the beginning and after each substep.
    pub(crate) samples: Vec<PathSample>,
}

/// Loss and smallest margin at one time, which counts from the beginning of the path.
#[derive(Clone, Copy)]
pub(crate) struct PathSample {
    /// The loss of the points.
    pub(crate) loss: Sample,
    pub(crate) smallest_margin: f64,
}

/// The state after a substep.
pub(crate) struct AfterSubstep {
    /// Time from the beginning.
    pub(crate) time: f64,
    /// The index of the mark at this time, if there is one.
    pub(crate) mark: Option<usize>,
    /// `∫ℓ'(u) dt` up to this time as the integrator computes it, split between the two kernels,
    /// `[m]` each: the margins have moved by `−K_start p_start − K_end p_end` and the drift, to
    /// within 10⁻⁸.
    pub(crate) impulse: [Vec<f64>; 2],
}

impl Path {
    /// Number of substeps that were not shortened to end at a mark, at least 1.
    pub(crate) fn n_whole(&self) -> usize {
        self.substeps.iter().filter(|after| after.mark.is_none()).count().max(1)
    }

    /// The time at its end.
    pub(crate) fn time(&self) -> f64 {
        self.last().time
    }

    /// The sample at the end.
    pub(crate) fn end(&self) -> PathSample {
        *self.samples.last().expect("a path has a beginning")
    }

    /// The state at the end.
    pub(crate) fn last(&self) -> &AfterSubstep {
        self.substeps.last().expect("a path has a step")
    }
}

impl<'a> FunctionFlow<'a> {
    /// Integrates from the margins `u` for a time `tau`, with a first substep of at most `first`,
    /// or until the smallest margin reaches `until`. Substeps end at the times `marks`, which
    /// increase. `None` if there are too many substeps or failures: the step of the network is too
    /// long.
    pub(crate) fn advance(
        &self,
        u: &[f64],
        (tau, first): (f64, f64),
        until: f64,
        marks: &[f64],
        work: &mut Work,
    ) -> Option<Path> {
        let m = u.len();
        let mut u = u.to_vec();
        let mut impulse = [vec![0.0; m], vec![0.0; m]];
        let (mut t, mut dt) = (0.0, first);
        let (mut substeps, mut samples) = (Vec::new(), Vec::new());
        let mut pull = Pull::new(self, m);
        let mut jets = self.criterion.jets(self.rows, &u);
        let mut stiff: Option<Stiff> = None;
        let mut failures = 0;
        samples.push(self.sample(&jets, &mut pull, &u, 0.0));
        for _ in 0..MAX_SUBSTEPS {
            let next_mark = marks.iter().position(|&mark| mark > t * (1.0 + 1e-12) && mark < tau);
            let stop = next_mark.map_or(tau, |mark| marks[mark]);
            let whole = stop - t;
            let shortened = dt > whole;
            let proposed = dt;
            dt = dt.min(whole);
            work.substeps += 1;
            if !stiff.as_ref().is_some_and(|stiff| stiff.serves(dt)) {
                stiff = self.stiff(&jets, (t, dt), work);
            }
            let tried =
                stiff.as_ref().and_then(|by| self.substep((&u, &jets), &mut pull, by, (t, dt)));
            let Some(Substep { after, error, parts }) = tried else {
                failures += 1;
                if failures > MAX_FAILURES {
                    return None;
                }
                (dt, stiff) = (0.2 * dt, None);
                continue;
            };
            let next = dt * (0.9 / (error / self.tolerance).sqrt()).clamp(0.2, 4.0);
            if error > self.tolerance {
                // Retry with a factorisation at the current margins if the present one is older.
                let is_old = stiff.as_ref().is_some_and(|stiff| stiff.age > 0);
                (dt, stiff) = (if is_old { dt } else { next }, None);
                continue;
            }
            let (before, reached) = (self.smallest(&u), self.smallest(&after));
            let overshoot = MAX_OVERSHOOT * self.criterion.scale();
            if reached > until && before < until && reached - until > overshoot {
                // Retry with a step that ends where the margin is reached.
                let part = (until + 0.5 * overshoot - before) / (reached - before);
                dt *= part.clamp(0.05, 0.95);
                continue;
            }
            stiff.iter_mut().for_each(|stiff| stiff.age += 1);
            for (part, share) in parts {
                let of_end = self.part_of_end(t + part * dt);
                for (i, value) in share.into_iter().enumerate() {
                    impulse[0][i] += (1.0 - of_end) * value;
                    impulse[1][i] += of_end * value;
                }
            }
            let mark = next_mark.filter(|_| shortened);
            t = if shortened { stop } else { t + dt };
            u = after;
            jets = self.criterion.jets(self.rows, &u);
            // A step shortened to a mark does not limit the next step.
            dt = if shortened { next.max(proposed) } else { next };
            samples.push(self.sample(&jets, &mut pull, &u, t));
            substeps.push(AfterSubstep { time: t, mark, impulse: impulse.clone() });
            if t >= tau * (1.0 - 1e-12) || self.smallest(&u) >= until {
                return Some(Path { margins: u, substeps, samples });
            }
        }
        None
    }

    /// The weight of the last kernel in the kernel at a time.
    fn part_of_end(&self, t: f64) -> f64 {
        self.end.map_or(0.0, |(_, progress)| progress.at(t))
    }

    fn smallest(&self, u: &[f64]) -> f64 {
        self.criterion.smallest_margin(self.rows, u)
    }

    /// `K g − d`, which is `−du/dt`.
    fn fall(&self, pull: &mut Pull<'a>, g: impl Iterator<Item = f64> + Clone, at: f64) -> Vec<f64> {
        let mut fall = pull.product(g, at);
        if let Some(drift) = self.drift {
            add(&mut fall, at - 1.0, drift);
        }
        fall
    }

    /// The loss of the points at a time, its rate of change, and the smallest margin.
    fn sample(&self, jets: &Jets, pull: &mut Pull<'a>, u: &[f64], t: f64) -> PathSample {
        let at = self.part_of_end(t);
        let n = self.criterion.n_points() as f64;
        let slopes = jets.slopes.iter().copied();
        let pulled = self.fall(pull, slopes.clone(), at);
        let loss = jets.sum / n;
        let loss_rate = -slopes.zip(&pulled).map(|(s, p)| s * p).sum::<f64>() / n;
        PathSample { loss: Sample { t, loss, loss_rate }, smallest_margin: self.smallest(u) }
    }

    /// One step of ROS2, in a form that gives its impulse:
    ///
    /// ```text
    /// k₁ = −K p₁ + d          p₁ = g + cHk₁               c = γτ
    /// k₂ = −K'g₁ + d' − 2k₁ − cKHk₂                       g₁ = ℓ'(u + τk₁)
    /// u⁺ = u − K τ(p₁ + cHk₂)/2 − K'τg₁/2 + τ(d + d')/2
    /// ```
    ///
    /// with `K`, `d` at the beginning of the step and `K'`, `d'` at its end.
    fn substep(
        &self,
        (u, jets): (&[f64], &Jets),
        pull: &mut Pull<'a>,
        stiff: &Stiff,
        (t, dt): (f64, f64),
    ) -> Option<Substep> {
        let (at, later) = (self.part_of_end(t), self.part_of_end(t + dt));
        let m = u.len();
        let pulled = self.fall(pull, jets.slopes.iter().copied(), at);
        let curved1: Vec<f64> = stiff.solve(&pulled).into_iter().map(|x| -x).collect();
        let pushed1 = self.product_of(stiff, &curved1, at);
        let k1: Vec<f64> = pulled.iter().zip(&pushed1).map(|(a, b)| -a - b).collect();
        let first: Vec<f64> = u.iter().zip(&k1).map(|(u, k)| u + dt * k).collect();
        let g1 = self.criterion.slopes(self.rows, &first);
        let pushed = self.fall(pull, g1.iter().copied(), later);
        let v2: Vec<f64> = pushed.iter().zip(&k1).map(|(p, k)| -p - 2.0 * k).collect();
        let curved2 = stiff.solve(&v2);
        let pushed2 = self.product_of(stiff, &curved2, at);

        // `p₁ + cHk₂`; the product of `K` with `p₁` is known: `d − k₁`.
        let mut share = jets.slopes.clone();
        for ((&i, x1), x2) in stiff.root.rows.iter().zip(&curved1).zip(&curved2) {
            share[i] += x1 + x2;
        }
        share.iter_mut().for_each(|p| *p *= 0.5 * dt);
        let after: Vec<f64> =
            (0..m).map(|i| u[i] - 0.5 * dt * (pushed2[i] - k1[i] + pushed[i])).collect();
        let error = largest_scaled_change(&after, &first, self.unit);
        let last: Vec<f64> = g1.iter().map(|g| 0.5 * dt * g).collect();
        let parts = [(0.0, share), (1.0, last)];
        error.is_finite().then_some(Substep { after, error, parts })
    }

    /// The stiff directions for points with these jets and steps of `dt`; `None` if the
    /// factorisation fails.
    fn stiff(&self, jets: &Jets, (t, dt): (f64, f64), work: &mut Work) -> Option<Stiff> {
        let at = self.part_of_end(t);
        let least = ACTIVE_ABOVE * self.criterion.largest_curvature();
        let root = jets.curvature.root(least);
        let c = GAMMA * dt;
        work.factorise(root.n_columns());
        let matrix = match &root.columns {
            Columns::Diagonal(values) => self.of_diagonal(&root.rows, values, (at, c)),
            Columns::Sparse(columns) => self.of_directions(&root.rows, columns, (at, c)),
        };
        let factor = match root.n_columns() {
            0 => None,
            _ => Some(matrix.llt(Side::Lower).ok()?),
        };
        Some(Stiff { root, c, factor, age: 0 })
    }

    /// The lower triangle of `I + c S K S` with `S = diag(root)`.
    fn of_diagonal(&self, active: &[usize], root: &[f64], (at, c): (f64, f64)) -> Mat<f64> {
        let size = active.len();
        let mut matrix = Mat::<f64>::zeros(size, size);
        for (b, &point) in active.iter().enumerate() {
            let into = matrix.col_as_slice_mut(b);
            let start = column(self.start, point);
            let scale = c * root[b];
            match self.end {
                None => {
                    for a in b..size {
                        into[a] = scale * root[a] * start[active[a]];
                    }
                }
                Some((end, _)) => {
                    let end = column(end, point);
                    for a in b..size {
                        let i = active[a];
                        into[a] = scale * root[a] * ((1.0 - at) * start[i] + at * end[i]);
                    }
                }
            }
            into[b] += 1.0;
        }
        matrix
    }

    /// `I + c Rᵀ K R` for the sparse columns of `R`.
    fn of_directions(
        &self,
        active: &[usize],
        columns: &[Vec<(usize, f64)>],
        (at, c): (f64, f64),
    ) -> Mat<f64> {
        let m = active.len();
        let mut kernel = Vec::with_capacity(m * m);
        for &row in active {
            let start = column(self.start, row);
            match self.end {
                None => kernel.extend(active.iter().map(|&i| start[i])),
                Some((end, _)) => {
                    let end = column(end, row);
                    kernel.extend(active.iter().map(|&i| (1.0 - at) * start[i] + at * end[i]));
                }
            }
        }
        let values = sandwich(columns, m, |row| &kernel[row * m..(row + 1) * m]);
        let size = columns.len();
        Mat::from_fn(size, size, |a, b| c * values[b * size + a] + if a == b { 1.0 } else { 0.0 })
    }

    /// `K v` for a vector that is zero except for the values at the active points.
    fn product_of(&self, stiff: &Stiff, values: &[f64], at: f64) -> Vec<f64> {
        let mut out = vec![0.0; self.start.nrows()];
        for (&point, value) in stiff.root.rows.iter().zip(values) {
            add(&mut out, (1.0 - at) * value, column(self.start, point));
            if let Some((end, _)) = self.end {
                add(&mut out, at * value, column(end, point));
            }
        }
        out
    }
}

/// The stiff directions of a flow: those in which the loss is curved, and the factorisation that the
/// steps use. The order of a step does not depend on the factorisation, so it is reused for several
/// steps.
struct Stiff {
    /// `R` with `H = R Rᵀ`.
    root: Root,
    /// `γτ`
    c: f64,
    /// The Cholesky factor of `I + c RᵀKR`; `None` without stiff directions.
    factor: Option<Llt<f64>>,
    /// Number of accepted steps that have used it.
    age: u32,
}

impl Stiff {
    /// Number of steps after which it is recomputed.
    const OLDEST: u32 = 4;

    /// Whether it can be reused for a step of `dt`.
    fn serves(&self, dt: f64) -> bool {
        let ratio = GAMMA * dt / self.c;
        self.age < Self::OLDEST && (0.5..2.0).contains(&ratio)
    }

    /// `cHk` in the rows of `R`, where `(I + cKH) k = v`.
    fn solve(&self, v: &[f64]) -> Vec<f64> {
        let mut solution = self.root.pull(|a| v[self.root.rows[a]]);
        if let Some(factor) = &self.factor {
            factor.solve_in_place(ColMut::from_slice_mut(&mut solution).as_mat_mut());
        }
        self.root.push(self.c, &solution)
    }
}

fn column<'a>(kernel: MatRef<'a, f64>, point: usize) -> &'a [f64] {
    kernel.col(point).try_as_col_major().expect("columns are contiguous").as_slice()
}

fn add(out: &mut [f64], scale: f64, column: &[f64]) {
    out.iter_mut().zip(column).for_each(|(o, k)| *o += scale * k);
}

/// Computes `K g` for slopes `g` of which few change from one call to the next: slopes of points
/// far below or far beyond their margin stay constant.
struct Pull<'a> {
    start: MatRef<'a, f64>,
    end: Option<MatRef<'a, f64>>,
    /// The slopes for which the products were computed.
    slopes: Vec<f64>,
    /// `K_start g` and `K_end g`.
    products: [Vec<f64>; 2],
    /// Calls since the products were last computed in full.
    age: usize,
}

impl<'a> Pull<'a> {
    /// A slope that differs by no more than this from the one in the products is considered
    /// unchanged.
    const SAME: f64 = 1e-9;
    /// Calls after which the products are recomputed in full, so that rounding errors do not
    /// accumulate.
    const OLDEST: usize = 64;

    fn new(flow: &FunctionFlow<'a>, m: usize) -> Self {
        let (slopes, products) = (vec![0.0; m], [vec![0.0; m], vec![0.0; m]]);
        let end = flow.end.map(|(end, _)| end);
        Self { start: flow.start, end, slopes, products, age: Self::OLDEST }
    }

    /// `K g` with the kernel at the progress `at`.
    fn product(&mut self, g: impl Iterator<Item = f64> + Clone, at: f64) -> Vec<f64> {
        let pairs = g.clone().zip(&self.slopes).enumerate();
        let differs = pairs.filter(|(_, (new, old))| (new - *old).abs() > Self::SAME);
        let changed: Vec<(usize, f64)> = differs.map(|(i, (new, old))| (i, new - old)).collect();
        self.age += 1;
        if self.age > Self::OLDEST || 2 * changed.len() > self.slopes.len() {
            self.age = 0;
            self.slopes = g.collect();
            self.products[0] = product(self.start, &self.slopes);
            if let Some(end) = self.end {
                self.products[1] = product(end, &self.slopes);
            }
        } else {
            for (i, change) in changed {
                self.slopes[i] += change;
                add(&mut self.products[0], change, column(self.start, i));
                if let Some(end) = self.end {
                    add(&mut self.products[1], change, column(end, i));
                }
            }
        }
        let [start, end] = &self.products;
        if self.end.is_none() {
            return start.clone();
        }
        start.iter().zip(end).map(|(a, b)| (1.0 - at) * a + at * b).collect()
    }
}

/// `K v`
pub(crate) fn product(kernel: MatRef<'_, f64>, v: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; v.len()];
    let column = ColMut::from_slice_mut(&mut out).as_mat_mut();
    matmul(column, faer::Accum::Replace, kernel, ColRef::from_slice(v).as_mat(), 1.0, Par::Seq);
    out
}

/// A trial step.
struct Substep {
    after: Vec<f64>,
    /// The difference from the embedded first-order solution.
    error: f64,
    /// The impulses that act through the kernel at its beginning (0) and at its end (1).
    parts: [(f64, Vec<f64>); 2],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{extremes::smallest, loss::Loss, targets::Targets};

    /// A positive definite kernel of `m` points, the same at every call.
    fn kernel(m: usize, seed: f64) -> Mat<f64> {
        let feature =
            |i: usize, k: usize| ((i * i * 7 + i * k * 3 + k * k) as f64 * 0.7 + seed).sin();
        Mat::from_fn(m, m, |i, j| (0..m + 2).map(|k| feature(i, k) * feature(j, k)).sum::<f64>())
    }

    /// The loss of `m` points with labels 1, and their rows.
    fn points(loss: Loss, m: usize) -> (Criterion, Vec<usize>) {
        let targets = Targets::signs(vec![1.0; m]).unwrap();
        (Criterion::new(loss, &targets).unwrap(), (0..m).collect())
    }

    fn flow<'a>(
        (criterion, rows): &'a (Criterion, Vec<usize>),
        start: &'a Mat<f64>,
        end: Option<(&'a Mat<f64>, &'a Progress)>,
    ) -> FunctionFlow<'a> {
        FunctionFlow {
            criterion,
            rows,
            start: start.as_ref(),
            end: end.map(|(end, progress)| (end.as_ref(), progress)),
            drift: None,
            tolerance: 1e-6,
            unit: 1.0,
        }
    }

    #[test]
    fn one_point_follows_its_closed_form() {
        let k = Mat::from_fn(1, 1, |_, _| 0.7);
        let path = flow(&points(Loss::Squared, 1), &k, None)
            .advance(&[0.2], (3.0, 0.1), 1e9, &[1.5], &mut Work::default())
            .unwrap();
        let expected = |t: f64| 1.0 - 0.8 * (-0.7 * t).exp();
        assert!((path.margins[0] - expected(3.0)).abs() < 1e-4, "{:?}", path.margins);
        assert_eq!(path.time(), 3.0);
        assert_eq!(path.substeps.iter().filter(|after| after.time == 1.5).count(), 1);
        for sample in path.samples.iter().map(|sample| sample.loss) {
            let u = expected(sample.t);
            assert!((sample.loss - 0.5 * (1.0 - u).powi(2)).abs() < 1e-4);
            assert!((sample.loss_rate + 0.7 * (1.0 - u).powi(2)).abs() < 1e-4);
        }
        // A kernel that grows in time: ∫(0.7 + 0.3 t/3) dt = 2.55.
        let end = Mat::from_fn(1, 1, |_, _| 1.0);
        let path = flow(&points(Loss::Squared, 1), &k, Some((&end, &Progress::even(3.0))))
            .advance(&[0.2], (3.0, 0.1), 1e9, &[], &mut Work::default())
            .unwrap();
        let expected = 1.0 - 0.8 * (-2.55f64).exp();
        assert!((path.margins[0] - expected).abs() < 1e-3, "{:?}", path.margins);
    }

    /// The impulse updates the weights of a network, so it has to agree with the change of the
    /// margins.
    #[test]
    fn margins_move_by_the_impulse() {
        for m in [1, 2, 7, 33] {
            let (start, end) = (kernel(m, 0.3), kernel(m, 0.4));
            let u: Vec<f64> = (0..m).map(|i| (i as f64).cos()).collect();
            let even = Progress::even(2.0);
            for end in [None, Some((&end, &even))] {
                for loss in [Loss::SoftHinge { beta: 20.0 }, Loss::Logistic, Loss::Squared] {
                    let points = points(loss, m);
                    let flow = FunctionFlow { tolerance: 1e-2, ..flow(&points, &start, end) };
                    let path = flow
                        .advance(&u, (2.0, 0.01), f64::INFINITY, &[0.7], &mut Work::default())
                        .unwrap();
                    let [first, last] = &path.last().impulse;
                    for i in 0..m {
                        let moved: f64 = (0..m)
                            .map(|j| {
                                let of_end = end.map_or(0.0, |(end, _)| end[(i, j)] * last[j]);
                                start[(i, j)] * first[j] + of_end
                            })
                            .sum();
                        let error = u[i] - moved - path.margins[i];
                        assert!(error.abs() < 1e-8 * (1.0 + moved.abs()), "{loss:?}: {error:e}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_path_ends_where_the_last_margin_is_reached() {
        let k = kernel(5, 0.1);
        let loss = Loss::SoftHinge { beta: 20.0 };
        let path = flow(&points(loss, 5), &k, None)
            .advance(&[0.0; 5], (1e4, 0.1), 0.9, &[], &mut Work::default())
            .unwrap();
        let least = smallest(&path.margins);
        assert!((0.9..=0.9003).contains(&least), "{least}");
        assert!(path.time() < 1e4);
    }
}
