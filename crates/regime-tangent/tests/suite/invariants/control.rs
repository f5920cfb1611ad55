//! A control variate for the kernel of wide networks.
//!
//! The control variate is a function of the weights. Its mean is exactly zero, and it has
//! the fluctuations of the kernel up to a remainder of order `1/h`. Kernel minus control
//! variate has the mean of the kernel. It shows a bias of order `1/h` with some hundred
//! networks at every width.
//!
//! It is for two hidden ReLU layers without biases and a pair of points. Let `a`, `b` be the
//! features of the first layer. Given the first layer, the preactivations `u`, `v` of the
//! second are independent pairs of normal variables with the covariance
//! `Σ̂ = (a·a, a·b, b·b)/h`. So the mean of every sum over the second layer has a closed
//! form, and `Σ̂` itself is a mean over units with a known expectation.

use std::f64::consts::PI;

use ndarray::{Array1, ArrayView1, ArrayView2};

/// The control variate of the kernel between two points.
pub(super) struct Control<'a> {
    x: ArrayView1<'a, f64>,
    y: ArrayView1<'a, f64>,
    /// `x·y/d`.
    rho: f64,
    /// The means of a first layer with infinitely many units.
    limit: FirstLayer,
}

/// Means over the units of the first layer: `⟨a²⟩, ⟨b²⟩, ⟨ab⟩, ⟨φ'φ'⟩`.
type FirstLayer = [f64; 4];

/// `E φ(u)φ(v)` and `E φ'(u)φ'(v)` for `φ = √2·max(0, z)` and covariance `(q, r, c)`.
fn arc_cosine(q: f64, r: f64, c: f64) -> [f64; 2] {
    let scale = (q * r).sqrt();
    let angle = (c / scale).clamp(-1.0, 1.0).acos();
    [scale * (angle.sin() + (PI - angle) * angle.cos()) / PI, (PI - angle) / PI]
}

impl<'a> Control<'a> {
    pub(super) fn new(x: ArrayView1<'a, f64>, y: ArrayView1<'a, f64>) -> Self {
        let d = x.len() as f64;
        let [q, r, rho] = [x.dot(&x) / d, y.dot(&y) / d, x.dot(&y) / d];
        let [c, s] = arc_cosine(q, r, rho);
        // The normalised ReLU preserves the mean square.
        Self { x, y, rho, limit: [q, r, c, s] }
    }

    /// The tangent kernel of a network whose second layer has infinitely many units
    /// and whose first one has these means.
    fn wide(&self, [q, r, c, s]: FirstLayer) -> f64 {
        let [value, slope] = arc_cosine(q, r, c);
        value + c * slope + self.rho * s * slope
    }

    /// The tangent kernel at infinite width.
    pub(super) fn infinite(&self) -> f64 {
        self.wide(self.limit)
    }

    /// The control variate of the network with weights `w` and width `h`.
    pub(super) fn of(&self, w: &[f64], h: usize) -> f64 {
        let (first, w) = w.split_at(self.x.len() * h);
        let (second, last) = w.split_at(h * h);
        let first = ArrayView2::from_shape([self.x.len(), h], first).unwrap();
        let second = ArrayView2::from_shape([h, h], second).unwrap();
        let root = (h as f64).sqrt();
        let mean = |f: &dyn Fn(usize) -> f64| (0..h).map(f).sum::<f64>() / h as f64;
        let relu = |z: f64| 2f64.sqrt() * z.max(0.0);
        let both = |u: f64, v: f64| if u > 0.0 && v > 0.0 { 2.0 } else { 0.0 };

        let before = (self.x.len() as f64).sqrt();
        let [z, t] = [self.x, self.y].map(|x| x.dot(&first) / before);
        let [a, b] = [z.mapv(relu), t.mapv(relu)];
        let both_on = |k: usize| both(z[k], t[k]);
        let [q, r, c] = [a.dot(&a), b.dot(&b), a.dot(&b)].map(|sum| sum / h as f64);
        let s = mean(&both_on);

        let [u, v] = [a.dot(&second) / root, b.dot(&second) / root];
        let [value, slope] = arc_cosine(q, r, c);
        let features = mean(&|j| relu(u[j]) * relu(v[j])) - value;
        let open = Array1::from_shape_fn(h, |j| both(u[j], v[j]));
        let gates = mean(&|j| open[j]) - slope;
        let weighted = mean(&|j| last[j] * last[j] * open[j]) - slope;

        // The sensitivities of the first layer, and their mean over the last layer's weights.
        let gated = |u: &Array1<f64>| {
            let gates = |j: usize| if u[j] > 0.0 { 2f64.sqrt() * last[j] } else { 0.0 };
            second.dot(&Array1::from_shape_fn(h, gates)) / root
        };
        let [g, k] = [gated(&u), gated(&v)];
        let reached = mean(&|i| both_on(i) * g[i] * k[i]);
        let expected = mean(&|i| {
            let row = second.row(i);
            let squares = row.iter().zip(&open).map(|(w, o)| w * w * o);
            both_on(i) * squares.sum::<f64>() / h as f64
        });

        let exact = features + c * weighted + self.rho * (reached - expected + s * gates);
        exact + self.linear([q, r, c, s])
    }

    /// The part of [`wide`](Self::wide) that is linear in the deviation of the means.
    fn linear(&self, means: FirstLayer) -> f64 {
        let slope = |k: usize| {
            let at = |step: f64| {
                let mut moved = self.limit;
                moved[k] += step;
                self.wide(moved)
            };
            (at(1e-5) - at(-1e-5)) / 2e-5
        };
        (0..4).map(|k| slope(k) * (means[k] - self.limit[k])).sum()
    }
}
