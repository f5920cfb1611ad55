//! What the recursion needs from single points: standard deviations in every layer.

use super::{
    error::InfiniteError,
    initialisation::Factors,
    law::{Law, Layer},
    layout::{Layout, OUTSIDE, Taps},
    points::{MAX_NORM, Points},
};

/// The layers of a network, applied to given points.
pub(super) struct Profile<L> {
    pub(super) points: Points,
    pub(super) stages: Vec<Stage<L>>,
    /// Bound on the errors of both kernels, relative to `√(K(x,x) K(x',x'))`.
    pub(super) relative_error: f64,
}

/// One layer, applied to given points.
pub(super) struct Stage<L> {
    pub(super) layer: L,
    /// The preactivation of a layer is a normal variable: a sum of one independent variable
    /// per tap and one for the bias. These are the shares of the taps, as standard
    /// deviations in units of the deviation of the sum, `[n · positions, taps]`. Empty for
    /// the first layer.
    shares: Vec<f64>,
    /// The share of the bias, `[n · positions]`. Empty for the first layer.
    biases: Vec<f64>,
    taps: usize,
}

impl<L> Stage<L> {
    /// The shares of the taps and of the bias.
    pub(super) fn shares(&self, i: usize) -> (&[f64], f64) {
        (&self.shares[i * self.taps..][..self.taps], self.biases[i])
    }
}

impl<L: Layer> Profile<L> {
    /// # Errors
    /// [`InfiniteError::Overflow`]
    pub(super) fn of<'a, W: Law<Layer<'a> = L>>(
        law: &'a W,
        layout: &Layout,
        factors: &Factors,
        points: Points,
    ) -> Result<Self, InfiniteError> {
        let mut stages: Vec<Stage<L>> = Vec::with_capacity(layout.layers.len());
        for (taps, number) in layout.layers.iter().zip(1..) {
            let next = match stages.last() {
                None => (points.deviations.clone(), Vec::new(), Vec::new()),
                Some(last) => {
                    let before = layout.layers[number - 2].positions;
                    deviations(taps, before, factors, points.n, last.layer.norms())
                }
            };
            let (deviations, shares, biases) = next;
            finite(&deviations, taps.positions, number)?;
            let layer = law.layer(deviations);
            finite(layer.norms(), taps.positions, number + 1)?;
            stages.push(Stage { layer, shares, biases, taps: taps.size });
        }
        let relative_error = relative_error(&points, &stages);
        Ok(Self { points, stages, relative_error })
    }
}

/// # Errors
/// [`InfiniteError::Overflow`]
fn finite(deviations: &[f64], positions: usize, layer: usize) -> Result<(), InfiniteError> {
    match deviations.iter().position(|r| !(*r < MAX_NORM)) {
        None => Ok(()),
        Some(at) => {
            let (row, deviation) = (at / positions, deviations[at]);
            Err(InfiniteError::Overflow { row, layer, deviation })
        }
    }
}

/// The deviations of a layer with its shares, `r² = σ_w²/taps · Σ R² + σ_b²` from the norms
/// `R` before.
fn deviations(
    taps: &Taps,
    before: usize,
    factors: &Factors,
    n: usize,
    norms: &[f64],
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let unit = (factors.weights / taps.size as f64).sqrt();
    let bias = factors.biases.sqrt();
    let (mut deviations, mut shares, mut biases) = (Vec::new(), Vec::new(), Vec::new());
    let mut parts = vec![0.0; taps.size];
    for point in 0..n {
        for position in 0..taps.positions {
            for (part, &tap) in parts.iter_mut().zip(taps.at(position)) {
                let norm = |tap: u32| norms[point * before + tap as usize];
                *part = if tap == OUTSIDE { 0.0 } else { unit * norm(tap) };
            }
            // Divides by the largest part first, so that no square under- or overflows.
            let largest = parts.iter().fold(bias, |m, part| m.max(*part));
            let scale = if largest > 0.0 { largest } else { 1.0 };
            let square = |part: f64| (part / scale) * (part / scale);
            let sum = parts.iter().map(|part| square(*part)).sum::<f64>() + square(bias);
            let r = if taps.size == 1 && bias == 0.0 { parts[0] } else { scale * sum.sqrt() };
            let share = |part: f64| if r > 0.0 { part / r } else { 0.0 };
            shares.extend(parts.iter().map(|part| share(*part)));
            biases.push(share(bias));
            deviations.push(r);
        }
    }
    (deviations, shares, biases)
}

/// The errors of both kernels through the layers.
///
/// Let `e` be the error of a covariance relative to `√(Σ(x,x) Σ(x',x'))`, and `g` the error
/// of the tangent kernel relative to `√(Θ(x,x) Θ(x',x'))`. An activation multiplies `e` by at
/// most `χ = q E φ'(u)²/E φ(u)²` of the worst point, and adds its own error. A sum over taps
/// and a bias do not increase relative errors, by the inequality of Cauchy and Schwarz. A mean over
/// pixels does where they cancel: there the error is relative to the product of the means of the
/// norms `√Σ(x,x)` over the pixels.
fn relative_error<L: Layer>(points: &Points, stages: &[Stage<L>]) -> f64 {
    // The rounding errors of a sum of k products, as for independent errors.
    let rounding = |k: usize| f64::EPSILON * (1.0 + (k as f64).sqrt());
    let mut covariance = rounding(points.directions.ncols());
    let mut tangent = covariance;
    for stage in stages {
        let layer = &stage.layer;
        let most = |most: f64, (i, &r): (usize, &f64)| {
            let norm = layer.norms()[i];
            let chi = r * r / (norm * norm) * layer.own_slope(i);
            if norm > 0.0 && chi.is_finite() { most.max(chi) } else { most }
        };
        let chi = layer.deviations().iter().enumerate().fold(0.0, most);
        let errors = layer.errors();
        let slope = errors.slope + layer.sensitivity() * covariance;
        covariance = errors.value + chi * covariance + rounding(stage.taps);
        tangent = (tangent + slope + rounding(stage.taps)).max(covariance);
    }
    tangent
}
