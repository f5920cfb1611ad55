use regime_models::Alpha;

use crate::{
    Loss,
    objective_error::ObjectiveError,
    targets::{Kind, Targets},
};

/// The loss of a whole training set as a function of the network's outputs:
///
/// ```text
/// L = 1/(α² n) Σᵢ ℓ(uᵢ)      uᵢ = yᵢ Fᵢ = yᵢ α (fᵢ − f₀ᵢ)
/// ```
///
/// The factor `1/α²` makes the speed of `F` of order one in the lazy limit.
/// Every vector here has `n` values in host memory: of each evaluation of the network, only the `n`
/// outputs are transferred.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    alpha: Alpha,
    loss: Loss,
    labels: Vec<f64>,
    initial: Vec<f64>,
}

impl Objective {
    /// An objective with these `targets` and the outputs `initial` = `f₀` at the initial
    /// weights.
    ///
    /// # Errors
    /// [`ObjectiveError`] when a parameter of the loss is out of its range, the loss is not defined
    /// for these targets, the lengths differ or an initial output is not finite.
    pub fn new(
        alpha: Alpha,
        loss: Loss,
        targets: Targets,
        initial: Vec<f64>,
    ) -> Result<Self, ObjectiveError> {
        loss.check()?;
        let Kind::Signs(labels) = targets.kind() else {
            return Err(ObjectiveError::NotDefined { targets: "classes and values" });
        };
        let labels = labels.clone();
        if labels.len() != initial.len() {
            return Err(ObjectiveError::Lengths { labels: labels.len(), outputs: initial.len() });
        }
        if let Some(index) = initial.iter().position(|f| !f.is_finite()) {
            return Err(ObjectiveError::InitialOutput { index, value: initial[index] });
        }
        Ok(Self { alpha, loss, labels, initial })
    }

    /// Number of training points `n`.
    pub fn n_points(&self) -> usize {
        self.labels.len()
    }

    /// α.
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The loss of one point, as a function of its margin.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The labels `yᵢ`.
    pub(crate) fn labels(&self) -> &[f64] {
        &self.labels
    }

    /// The outputs `f₀`.
    pub(crate) fn initial(&self) -> &[f64] {
        &self.initial
    }

    /// The same objective with other outputs `f₀`.
    pub(crate) fn with_initial(self, initial: Vec<f64>) -> Self {
        Self { initial, ..self }
    }

    /// The curvature `∂²L/∂fᵢ²` above which a point is active: `active_above` times the largest
    /// possible one.
    pub(crate) fn least_curvature(&self, active_above: f64) -> f64 {
        active_above * self.loss.largest_curvature() / self.n_points() as f64
    }

    /// The margins `uᵢ`.
    pub fn margins(&self, outputs: &[f64]) -> Vec<f64> {
        let alpha = self.alpha.value();
        let points = self.labels.iter().zip(&self.initial).zip(outputs);
        points.map(|((y, f0), f)| y * alpha * (f - f0)).collect()
    }

    /// The margins of some `points`, with their outputs in the same order.
    pub fn margins_at(&self, points: &[usize], outputs: &[f64]) -> Vec<f64> {
        let alpha = self.alpha.value();
        let pairs = points.iter().zip(outputs);
        pairs.map(|(&i, f)| self.labels[i] * alpha * (f - self.initial[i])).collect()
    }

    /// The outputs `fᵢ` for these margins.
    pub fn outputs(&self, margins: &[f64]) -> Vec<f64> {
        let alpha = self.alpha.value();
        let points = self.labels.iter().zip(&self.initial).zip(margins);
        points.map(|((y, f0), u)| f0 + y * u / alpha).collect()
    }

    /// The scale on which errors of `F` are measured: `min(1, α √⟨f²⟩)`, that is 1 or the scaled
    /// outputs of the network if those are smaller. It is 1 for a model whose initial outputs are
    /// zero, since such a model sets no scale.
    pub(crate) fn unit(&self, margins: &[f64]) -> f64 {
        if self.initial.iter().all(|&f| f == 0.0) {
            return 1.0;
        }
        let squares: f64 = self.outputs(margins).iter().map(|f| f * f).sum();
        f64::min(1.0, self.alpha.value() * (squares / self.n_points() as f64).sqrt())
    }

    /// The mean loss `α² L = (1/n) Σ ℓ(uᵢ)`.
    pub fn mean_loss(&self, margins: &[f64]) -> f64 {
        margins.iter().map(|&u| self.loss.value(u)).sum::<f64>() / self.n_points() as f64
    }

    /// The mean loss and the derivatives of `L`, in one pass over the margins.
    ///
    /// # Shapes
    /// `margins`: `[n]`
    ///
    /// # Panics
    /// When `margins` does not have length `n`.
    pub fn derivatives(&self, margins: &[f64]) -> Derivatives {
        assert_eq!(margins.len(), self.n_points(), "every point has a margin");
        let n = self.n_points() as f64;
        let (slopes, curvatures) = (1.0 / (self.alpha.value() * n), 1.0 / n);
        let mut sum = 0.0;
        let points = self.labels.iter().zip(margins).map(|(y, &u)| {
            let [value, slope, curvature] = self.loss.jet(u);
            sum += value;
            (y * slope * slopes, curvature * curvatures)
        });
        let (gradient, curvature) = points.unzip();
        Derivatives { mean_loss: sum / n, gradient, curvature }
    }

    /// `n ∂L/∂fᵢ = yᵢ ℓ'(uᵢ)/α` of some `points`, with their margins in the same order.
    pub fn output_gradient_at(&self, points: &[usize], margins: &[f64]) -> Vec<f64> {
        let scale = 1.0 / self.alpha.value();
        let pairs = points.iter().zip(margins);
        pairs.map(|(&i, &u)| self.labels[i] * self.loss.slope(u) * scale).collect()
    }
}

/// The value of an [`Objective`], and the derivatives of `L` with respect to the outputs of the
/// network.
///
/// # Shapes
/// `gradient` and `curvature`: `[n]`
#[derive(Debug, Clone, PartialEq)]
pub struct Derivatives {
    /// The mean loss `(1/n) Σ ℓ(uᵢ)`, which is `α² L` and not `L`.
    pub mean_loss: f64,
    /// `∂L/∂fᵢ = yᵢ ℓ'(uᵢ)/(αn)`.
    pub gradient: Vec<f64>,
    /// `∂²L/∂fᵢ² = ℓ''(uᵢ)/n`: α cancels.
    pub curvature: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(alpha: f64) -> Objective {
        let loss = Loss::SoftHinge { beta: 3.0 };
        let alpha = Alpha::paper(alpha).unwrap();
        Objective::new(
            alpha,
            loss,
            Targets::signs(vec![1.0, -1.0, -1.0]).unwrap(),
            vec![0.3, -0.1, 0.7],
        )
        .unwrap()
    }

    #[test]
    fn derivatives_with_respect_to_the_outputs() {
        for alpha in [0.01, 1.0, 30.0] {
            let objective = objective(alpha);
            let f = [0.3 + 0.4 / alpha, -0.1 + 0.2 / alpha, 0.7 - 0.9 / alpha];
            let value = |f: &[f64]| objective.mean_loss(&objective.margins(f)) / (alpha * alpha);
            let derivatives = objective.derivatives(&objective.margins(&f));
            let Derivatives { mean_loss, gradient, curvature } = derivatives;
            assert_eq!(mean_loss, objective.mean_loss(&objective.margins(&f)));
            for i in 0..3 {
                let e = 1e-4 / alpha;
                let (mut up, mut down) = (f, f);
                up[i] += e;
                down[i] -= e;
                let slope = (value(&up) - value(&down)) / (2.0 * e);
                assert!((gradient[i] - slope).abs() < 1e-7 * slope.abs());
                let second = (value(&up) - 2.0 * value(&f) + value(&down)) / (e * e);
                assert!((curvature[i] - second).abs() < 1e-5 * second.abs());
            }
        }
    }

    #[test]
    fn an_invalid_training_set_is_an_error() {
        let alpha = Alpha::paper(1.0).unwrap();
        let make =
            |y: &[f64], f: &[f64]| Objective::new(alpha, Loss::Hinge, Targets::signs(y)?, f.into());
        let flat = Loss::SoftHinge { beta: 0.0 };
        let flat =
            Objective::new(alpha, flat, Targets::signs([1.0]).unwrap(), vec![0.0]).unwrap_err();
        assert!(flat.to_string().starts_with("loss.beta is 0"), "{flat}");
        assert_eq!(make(&[], &[]), Err(ObjectiveError::NoPoints));
        assert_eq!(
            make(&[1.0, 0.0], &[0.0, 0.0]),
            Err(ObjectiveError::Label { index: 1, value: 0.0 })
        );
        assert!(matches!(make(&[1.0], &[]), Err(ObjectiveError::Lengths { .. })));
        assert!(matches!(make(&[1.0], &[f64::NAN]), Err(ObjectiveError::InitialOutput { .. })));
    }
}
