use regime_models::Alpha;

use crate::{
    Loss, criterion::Criterion, curvature::Curvature, objective_error::ObjectiveError,
    targets::Targets,
};

/// The loss of a whole training set as a function of the network's outputs:
///
/// ```text
/// L = 1/(α² n) Σᵢ ℓᵢ(F)      F = α (f − f₀)
/// ```
///
/// for `n` points with `K` outputs each. The factor `1/α²` makes the speed of `F` of order one in
/// the lazy limit. [`Loss`] defines `ℓ` for each kind of [`Targets`].
///
/// Every vector here has `nK` values in host memory, output by output: output `k` of point `i` is
/// number `k·n + i`. Outputs are passed as `uᵣ = sᵣ Fᵣ`: with labels ±1, `s` is the label, so that
/// `u` is the margin; with other targets, `s = 1`.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    alpha: Alpha,
    criterion: Criterion,
    initial: Vec<f64>,
    /// `0, 1, …, nK − 1`
    rows: Vec<usize>,
    /// Whether the outputs are linear in the weights.
    linear: bool,
}

impl Objective {
    /// An objective with these `targets` and the outputs `initial` = `f₀` at the initial
    /// weights, `[nK]`.
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
        let criterion = Criterion::new(loss, &targets)?;
        let n_rows = targets.n_points() * targets.n_outputs();
        if n_rows != initial.len() {
            return Err(ObjectiveError::Lengths { labels: n_rows, outputs: initial.len() });
        }
        if let Some(index) = initial.iter().position(|f| !f.is_finite()) {
            return Err(ObjectiveError::InitialOutput { index, value: initial[index] });
        }
        let rows = (0..n_rows).collect();
        Ok(Self { alpha, criterion, initial, rows, linear: false })
    }

    /// Number of training points `n`.
    pub fn n_points(&self) -> usize {
        self.criterion.n_points()
    }

    /// Number of outputs `K` of a point.
    pub fn n_outputs(&self) -> usize {
        self.criterion.n_outputs()
    }

    /// α.
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The loss.
    pub fn loss(&self) -> Loss {
        self.criterion.loss()
    }

    pub(crate) fn criterion(&self) -> &Criterion {
        &self.criterion
    }

    /// All rows, `0, 1, …, nK − 1`.
    pub(crate) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The rows of these points: the first output of each, then the second of each, and so on.
    pub(crate) fn rows_of(&self, points: &[usize]) -> Vec<usize> {
        let n = self.n_points();
        (0..self.n_outputs()).flat_map(|k| points.iter().map(move |i| k * n + i)).collect()
    }

    /// `sᵣ`: the labels ±1, and 1 for other targets; `[nK]`.
    pub(crate) fn signs(&self) -> &[f64] {
        self.criterion.signs()
    }

    /// Whether the targets are labels ±1.
    pub(crate) fn has_labels(&self) -> bool {
        self.criterion.has_labels()
    }

    /// The outputs `f₀`.
    pub(crate) fn initial(&self) -> &[f64] {
        &self.initial
    }

    /// The same objective with other outputs `f₀`.
    pub(crate) fn with_initial(self, initial: Vec<f64>) -> Self {
        Self { initial, ..self }
    }

    /// The same objective for a model that is linear in its weights.
    pub(crate) fn for_linear_model(self) -> Self {
        Self { linear: true, ..self }
    }

    /// The curvature `∂²L/∂f²` above which a direction is active: `active_above` times the largest
    /// possible one.
    pub(crate) fn least_curvature(&self, active_above: f64) -> f64 {
        active_above * self.criterion.largest_curvature() / self.n_points() as f64
    }

    /// `u` for these outputs of the network, `[nK]`.
    pub fn margins(&self, outputs: &[f64]) -> Vec<f64> {
        self.margins_at(&self.rows, outputs)
    }

    /// `u` of some rows, with their outputs in the same order.
    pub fn margins_at(&self, rows: &[usize], outputs: &[f64]) -> Vec<f64> {
        let (alpha, signs) = (self.alpha.value(), self.signs());
        let pairs = rows.iter().zip(outputs);
        pairs.map(|(&r, f)| signs[r] * alpha * (f - self.initial[r])).collect()
    }

    /// The outputs `f` of the network for these `u`, `[nK]`.
    pub fn outputs(&self, u: &[f64]) -> Vec<f64> {
        let alpha = self.alpha.value();
        let rows = self.signs().iter().zip(&self.initial).zip(u);
        rows.map(|((s, f0), u)| f0 + s * u / alpha).collect()
    }

    /// The scale on which errors of `F` are measured: the scale of the targets (1 for signs and
    /// classes, the root mean square of real numbers), or the scaled outputs `α √⟨f²⟩` of the
    /// network if those are smaller. A network whose initial outputs are all 0, for instance the
    /// difference of two equal networks, is measured as if its outputs were at least 1, the size of
    /// random initial outputs. A model that is linear in its weights and starts at 0 has errors that
    /// do not grow, and is measured on the scale of the targets.
    pub(crate) fn unit(&self, u: &[f64]) -> f64 {
        let scale = self.criterion.scale();
        let starts_at_zero = self.initial.iter().all(|&f| f == 0.0);
        if self.linear && starts_at_zero {
            return scale;
        }
        let squares: f64 = self.outputs(u).iter().map(|f| f * f).sum();
        let size = (squares / self.rows.len() as f64).sqrt();
        let size = if starts_at_zero { size.max(1.0) } else { size };
        f64::min(scale, self.alpha.value() * size)
    }

    /// The mean loss `α² L = (1/n) Σ ℓᵢ`.
    pub fn mean_loss(&self, u: &[f64]) -> f64 {
        self.criterion.sum(&self.rows, u) / self.n_points() as f64
    }

    /// The margin of each point, `[n]`: `yF` for a label ±1, `F_y − max_{k≠y} F_k` for classes, and
    /// for real-valued targets the largest residual `max_k |F_k − y_k|`, times −1.
    pub fn point_margins(&self, u: &[f64]) -> Vec<f64> {
        self.criterion.margins(&self.rows, u)
    }

    /// The smallest margin of a point; NaN if a margin is NaN.
    pub(crate) fn smallest_margin(&self, u: &[f64]) -> f64 {
        self.criterion.smallest_margin(&self.rows, u)
    }

    /// The mean loss and the derivatives of `L`, in one pass over the rows.
    ///
    /// # Shapes
    /// `u`: `[nK]`
    ///
    /// # Panics
    /// When `u` has another length.
    pub fn derivatives(&self, u: &[f64]) -> Derivatives {
        assert_eq!(u.len(), self.rows.len(), "every output has a value");
        let n = self.n_points() as f64;
        let (slopes, curvatures) = (1.0 / (self.alpha.value() * n), 1.0 / n);
        let jets = self.criterion.jets(&self.rows, u);
        let pairs = self.signs().iter().zip(&jets.slopes);
        let gradient = pairs.map(|(s, slope)| s * slope * slopes).collect();
        let curvature = jets.curvature.times(curvatures);
        Derivatives { mean_loss: jets.sum / n, gradient, curvature }
    }

    /// `n ∂L/∂fᵣ` of some rows, with their `u` in the same order. With several outputs, the rows
    /// have to be those of some points: the first output of each, then the second, and so on.
    pub fn output_gradient_at(&self, rows: &[usize], u: &[f64]) -> Vec<f64> {
        let scale = 1.0 / self.alpha.value();
        let pairs = rows.iter().zip(self.criterion.slopes(rows, u));
        pairs.map(|(&r, slope)| self.signs()[r] * slope * scale).collect()
    }
}

/// The value of an [`Objective`], and the derivatives of `L` with respect to the outputs of the
/// network.
///
/// # Shapes
/// `gradient`: `[nK]`
#[derive(Debug, Clone, PartialEq)]
pub struct Derivatives {
    /// The mean loss `(1/n) Σ ℓᵢ`, which is `α² L` and not `L`.
    pub mean_loss: f64,
    /// `∂L/∂fᵣ = sᵣ ∂ℓ/∂uᵣ/(αn)`.
    pub gradient: Vec<f64>,
    /// `∂²L/∂f∂f`, which is that of the loss in `F` divided by `n`: α cancels.
    pub curvature: Curvature,
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
                let Curvature::Diagonal(curvature) = &curvature else {
                    panic!("the losses of labels are separate")
                };
                let second = (value(&up) - 2.0 * value(&f) + value(&down)) / (e * e);
                assert!((curvature[i] - second).abs() < 1e-5 * second.abs());
            }
        }
    }

    #[test]
    fn a_network_that_starts_at_zero_has_a_scale() {
        let at = |alpha: f64, f0: f64| {
            let targets = Targets::signs([1.0, -1.0]).unwrap();
            let alpha = Alpha::paper(alpha).unwrap();
            Objective::new(alpha, Loss::Logistic, targets, vec![f0; 2]).unwrap()
        };
        assert_eq!(at(0.01, 0.0).unit(&[0.0, 0.0]), 0.01);
        assert_eq!(at(0.01, 0.0).unit(&[0.3, 0.3]), 0.3);
        assert_eq!(at(10.0, 0.0).unit(&[0.3, 0.3]), 1.0);
        assert_eq!(at(0.01, 0.0).for_linear_model().unit(&[0.3, 0.3]), 1.0);
        assert_eq!(at(0.01, 2.0).unit(&[0.0, 0.0]), 0.02);
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
