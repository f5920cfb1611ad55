use serde::{Deserialize, Serialize};

use crate::spec::{Momentum, SpecError, Stop, positive};

/// How batches are drawn, and what their gradient is divided by.
///
/// With `V` the training points that violate their margin and `bs` the size of the
/// batch, the gradient of `L = 1/(α²n) Σ ℓ(uᵢ)` is estimated by a sum over the batch.
///
/// Violators exist only for hinges: with another loss, a point beyond the stopping margin has a
/// gradient, which a sampling of violators would leave out. Training refuses it. The soft hinge is
/// accepted as a hinge: the slopes that are left out beyond margin 1 fall as `e^{−β(u − 1)}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// The paper's first version: violators only, `1/bs` times their sum. The estimate
    /// is too large by the factor `n/|V|`, so that training runs faster than the flow
    /// as margins are reached.
    ViolatorsV1,
    /// Violators only, unbiased for a hinge: points are evaluated in random order until
    /// `bs + 1` violators are found, the last one at place `m`; the sum over the first
    /// `bs` is divided by `m − 1` (inverse sampling). If there are no more than `bs`
    /// violators, the sum over all of them is divided by `n`.
    Violators,
    /// All points alike, `1/bs` times their sum. Unbiased for every loss; slow towards
    /// the end, where most points of a batch have no gradient.
    Points,
}

/// Stochastic training as in the paper's setup (B): momentum, and a temperature that
/// couples the batch size to the step size.
///
/// With a step `dt` a batch has
/// `bs = max(1, round(n/((T/dt)(n − 1) + 1)))` points, at most `largest_batch`, which
/// keeps the noise of the gradient at the temperature `T`. The step size grows at most
/// to that of the largest batch, `dt = bs T/(1 − (bs − 1)/(n − 1))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct StochasticSpec {
    /// The temperature `T` > 0, in time of the flow per point; the paper: 3·10⁻⁴.
    pub temperature: f64,
    /// The maximum batch size, at least 1; the paper: 64.
    pub largest_batch: usize,
    /// How batches are drawn.
    pub sampling: Sampling,
    /// The inertia; the paper: constant, τ = 10.
    pub momentum: Momentum,
    /// A step that changes any `F` of its batch by more is rejected and retried with
    /// dt/10; the paper: 10⁻².
    pub undo_above: f64,
    /// dt is multiplied by 1.1 after a step that changes every `F` of its batch by less
    /// (by 10 when nothing changes); the paper: 10⁻⁴.
    pub grow_below: f64,
    /// When to end.
    pub stop: Stop,
    /// Observations per decade of time, at least 1.
    pub observations_per_decade: u32,
}

impl Default for StochasticSpec {
    /// The paper's constants, with the unbiased sampling of violators. The paper's first version
    /// takes [`Sampling::ViolatorsV1`].
    fn default() -> Self {
        Self {
            temperature: 3e-4,
            largest_batch: 64,
            sampling: Sampling::Violators,
            momentum: Momentum::Constant { tau: 10.0 },
            undo_above: 1e-2,
            grow_below: 1e-4,
            stop: Stop { max_steps: 100_000_000, ..Stop::default() },
            observations_per_decade: 4,
        }
    }
}

impl StochasticSpec {
    /// Checks every parameter.
    ///
    /// # Errors
    /// [`SpecError`] naming the first parameter that is out of its range.
    pub fn check(self) -> Result<Self, SpecError> {
        positive("temperature", self.temperature)?;
        positive("largest_batch", self.largest_batch as f64)?;
        positive("undo_above", self.undo_above)?;
        positive("grow_below", self.grow_below)?;
        if self.grow_below > self.undo_above {
            let (field, value) = ("grow_below", self.grow_below);
            return Err(SpecError { field, value, right: "at most undo_above" });
        }
        self.momentum.check()?;
        self.stop.check()?;
        positive("observations_per_decade", f64::from(self.observations_per_decade))?;
        Ok(self)
    }

    /// The batch size for a step `dt`, of `n` training points.
    pub fn batch_size(&self, dt: f64, n: usize) -> usize {
        let n_points = n as f64;
        let exact = n_points / (self.temperature / dt * (n_points - 1.0) + 1.0);
        // The cast saturates, so that every value of `dt` gives a valid size.
        (exact.round() as usize).clamp(1, self.largest_batch.min(n))
    }

    /// The step size of a batch of `size` out of `n` points; infinite when the batch
    /// contains all points.
    pub fn step_of(&self, size: usize, n: usize) -> f64 {
        if size >= n {
            return f64::INFINITY;
        }
        let (size, n) = (size as f64, n as f64);
        size * self.temperature / (1.0 - (size - 1.0) / (n - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_size_inverts_step_of() {
        let spec = StochasticSpec::default();
        for n in [100, 1000, 5000] {
            for size in [1, 2, 7, 33, 64] {
                let dt = spec.step_of(size, n);
                assert_eq!(spec.batch_size(dt, n), size, "n = {n}");
            }
            assert_eq!(spec.step_of(1, n), 3e-4);
            assert_eq!(spec.batch_size(1e-9, n), 1);
            assert_eq!(spec.batch_size(1e9, n), 64);
        }
        assert_eq!(spec.batch_size(1e9, 10), 10, "a batch has at most n points");
        assert_eq!(spec.step_of(10, 10), f64::INFINITY);
        assert_eq!(spec.batch_size(3e-4, 1), 1);
    }

    #[test]
    fn an_error_names_the_parameter_out_of_range() {
        let message = |spec: StochasticSpec| spec.check().unwrap_err().to_string();
        let good = StochasticSpec::default();
        good.check().unwrap();
        assert!(
            message(StochasticSpec { temperature: -1.0, ..good }).starts_with("temperature is -1")
        );
        assert!(
            message(StochasticSpec { largest_batch: 0, ..good }).starts_with("largest_batch is 0")
        );
        assert!(message(StochasticSpec { grow_below: 0.1, ..good }).starts_with("grow_below is"));
        let momentum = Momentum::Constant { tau: f64::NAN };
        assert!(message(StochasticSpec { momentum, ..good }).starts_with("momentum.tau is NaN"));
    }
}
