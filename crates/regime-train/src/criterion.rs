//! The losses of training points as a function of their outputs.
//!
//! Rows are outputs of points. A loss is evaluated on all rows, or on the rows of some points: the
//! first output of each of these points, then the second of each, and so on.

use crate::{
    curvature::Curvature,
    extremes::{largest, smallest},
    loss::Loss,
    objective_error::ObjectiveError,
    spec::{SpecError, Stop},
    targets::{Kind, Targets},
};

/// A loss with its targets, as a function of `uᵣ = sᵣ Fᵣ`: the output times the label for labels
/// ±1, and the output itself (`s = 1`) for other targets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Criterion {
    loss: Loss,
    form: Form,
    /// `sᵣ`, `[nK]`.
    signs: Vec<f64>,
    n_points: usize,
    /// The scale of the targets.
    scale: f64,
}

/// How the loss depends on the outputs.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    /// `ℓ(u)` for each row.
    Margin,
    /// `ℓ(u − y)` for each row, with the targets `y`, `[nK]`; with classes, if there are any.
    Residual { targets: Vec<f64>, classes: Option<Vec<usize>> },
    /// `Σ_{k≠y} ℓ(u_y − u_k)` for each point of class `y`.
    Pairs { classes: Vec<usize> },
    /// `ln Σ_k e^{u_k} − u_y` for each point of class `y`.
    CrossEntropy { classes: Vec<usize> },
}

/// The losses of some points, with their derivatives in `u`.
pub(crate) struct Jets {
    /// The sum of the losses.
    pub(crate) sum: f64,
    /// `∂/∂uᵣ`
    pub(crate) slopes: Vec<f64>,
    pub(crate) curvature: Curvature,
}

impl Criterion {
    /// # Errors
    /// [`ObjectiveError`] if the loss has a parameter out of its range, or is not defined for these
    /// targets.
    pub(crate) fn new(loss: Loss, targets: &Targets) -> Result<Self, ObjectiveError> {
        loss.check()?;
        let (n_points, n_rows) = (targets.n_points(), targets.n_points() * targets.n_outputs());
        let (of_margin, of_residual) = loss.arguments();
        let not_defined = |targets| Err(ObjectiveError::NotDefined { loss: loss.name(), targets });
        let (form, signs, scale) = match targets.kind() {
            Kind::Signs(_) if !of_margin => return not_defined("labels 1 and -1"),
            Kind::Signs(labels) => (Form::Margin, labels.clone(), 1.0),
            Kind::Classes { classes, .. } => {
                let form = match loss {
                    Loss::CrossEntropy => Form::CrossEntropy { classes: classes.clone() },
                    Loss::Squared => {
                        let mut targets = vec![0.0; n_rows];
                        classes
                            .iter()
                            .enumerate()
                            .for_each(|(i, y)| targets[y * n_points + i] = 1.0);
                        Form::Residual { targets, classes: Some(classes.clone()) }
                    }
                    _ if of_margin => Form::Pairs { classes: classes.clone() },
                    _ => return not_defined("classes"),
                };
                (form, vec![1.0; n_rows], 1.0)
            }
            Kind::Values { .. } if !of_residual => return not_defined("real numbers"),
            Kind::Values { values, .. } => {
                let square = values.iter().map(|y| y * y).sum::<f64>() / n_rows as f64;
                let scale = if square > 0.0 { square.sqrt() } else { 1.0 };
                let form = Form::Residual { targets: values.clone(), classes: None };
                (form, vec![1.0; n_rows], scale)
            }
        };
        Ok(Self { loss, form, signs, n_points, scale })
    }

    pub(crate) fn loss(&self) -> Loss {
        self.loss
    }

    /// `sᵣ`, `[nK]`.
    pub(crate) fn signs(&self) -> &[f64] {
        &self.signs
    }

    pub(crate) fn n_points(&self) -> usize {
        self.n_points
    }

    /// Number of outputs `K`.
    pub(crate) fn n_outputs(&self) -> usize {
        self.signs.len() / self.n_points
    }

    /// The size of outputs that fit the targets: 1 for signs and classes, the root mean square for
    /// real numbers.
    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    /// Whether the margins of points are the negative largest residuals of real-valued targets.
    pub(crate) fn has_residuals(&self) -> bool {
        matches!(self.form, Form::Residual { classes: None, .. })
    }

    /// Whether the targets are labels ±1.
    pub(crate) fn has_labels(&self) -> bool {
        matches!(self.form, Form::Margin)
    }

    /// Checks that training on real-valued targets has an end.
    ///
    /// # Errors
    /// [`SpecError`] for a stopping margin that no residual can reach, without a maximum time.
    pub(crate) fn check_stop(&self, stop: &Stop) -> Result<(), SpecError> {
        if self.has_residuals() && stop.margin >= 0.0 && stop.max_time.is_none() {
            let right = "negative for real-valued targets, minus the residual that ends the \
                         training; or set stop.max_time";
            return Err(SpecError { field: "stop.margin", value: stop.margin, right });
        }
        Ok(())
    }

    /// The losses at `u`, one number for each of `rows`.
    pub(crate) fn jets(&self, rows: &[usize], u: &[f64]) -> Jets {
        match &self.form {
            Form::Margin => self.separate(u.iter().copied()),
            Form::Residual { targets, .. } => {
                self.separate(rows.iter().zip(u).map(|(&r, u)| u - targets[r]))
            }
            Form::Pairs { .. } | Form::CrossEntropy { .. } => {
                let mut directions = Vec::new();
                let (sum, slopes) = self.coupled(rows, u, |entries| directions.push(entries()));
                Jets { sum, slopes, curvature: Curvature::Directions(directions) }
            }
        }
    }

    /// The sum of the losses at `u`.
    pub(crate) fn sum(&self, rows: &[usize], u: &[f64]) -> f64 {
        match &self.form {
            Form::Margin => u.iter().map(|&u| self.loss.value(u)).sum(),
            Form::Residual { targets, .. } => {
                rows.iter().zip(u).map(|(&r, u)| self.residual(u - targets[r])[0]).sum()
            }
            Form::Pairs { .. } | Form::CrossEntropy { .. } => self.coupled(rows, u, |_| {}).0,
        }
    }

    /// `∂/∂uᵣ` of the losses at `u`.
    pub(crate) fn slopes(&self, rows: &[usize], u: &[f64]) -> Vec<f64> {
        match &self.form {
            Form::Margin => u.iter().map(|&u| self.loss.slope(u)).collect(),
            Form::Residual { targets, .. } => {
                let slope = |(&r, u): (&usize, &f64)| self.residual(u - targets[r])[1];
                rows.iter().zip(u).map(slope).collect()
            }
            Form::Pairs { .. } | Form::CrossEntropy { .. } => self.coupled(rows, u, |_| {}).1,
        }
    }

    /// A loss that is a sum over rows, with its argument in each row.
    fn separate(&self, arguments: impl Iterator<Item = f64>) -> Jets {
        let of_residual = matches!(self.form, Form::Residual { .. });
        let mut sum = 0.0;
        let jets = arguments.map(|argument| {
            let [value, slope, curvature] =
                if of_residual { self.residual(argument) } else { self.loss.jet(argument) };
            sum += value;
            (slope, curvature)
        });
        let (slopes, curvature) = jets.unzip();
        Jets { sum, slopes, curvature: Curvature::Diagonal(curvature) }
    }

    /// The loss of a residual.
    fn residual(&self, r: f64) -> [f64; 3] {
        match self.loss {
            Loss::Own(own) => own.loss().jet(r),
            _ => [0.5 * r * r, r, 1.0],
        }
    }

    /// A loss that couples the outputs of a point: its sum and its slopes. Every direction of the
    /// curvature is passed to `direction`, as a function that lists its entries.
    fn coupled(
        &self,
        rows: &[usize],
        u: &[f64],
        direction: impl FnMut(&dyn Fn() -> Vec<(usize, f64)>),
    ) -> (f64, Vec<f64>) {
        match &self.form {
            Form::Pairs { classes } => self.pairs(classes, rows, u, direction),
            Form::CrossEntropy { classes } => self.cross_entropy(classes, rows, u, direction),
            Form::Margin | Form::Residual { .. } => unreachable!("these losses are sums over rows"),
        }
    }

    fn pairs(
        &self,
        classes: &[usize],
        rows: &[usize],
        u: &[f64],
        mut direction: impl FnMut(&dyn Fn() -> Vec<(usize, f64)>),
    ) -> (f64, Vec<f64>) {
        let points = self.points_of(rows);
        let b = points.len();
        let (mut sum, mut slopes) = (0.0, vec![0.0; u.len()]);
        for (i, &point) in points.iter().enumerate() {
            let own = classes[point] * b + i;
            for other in (i..u.len()).step_by(b).filter(|&other| other != own) {
                let [value, slope, curvature] = self.loss.jet(u[own] - u[other]);
                sum += value;
                slopes[own] += slope;
                slopes[other] -= slope;
                if curvature > 0.0 {
                    let root = curvature.sqrt();
                    direction(&|| vec![(own, root), (other, -root)]);
                }
            }
        }
        (sum, slopes)
    }

    /// With the probabilities `p`, the gradient is `p − e_y` and the Hessian
    /// `diag(p) − p pᵀ = Σ_a p_a (e_a − p)(e_a − p)ᵀ`.
    fn cross_entropy(
        &self,
        classes: &[usize],
        rows: &[usize],
        u: &[f64],
        mut direction: impl FnMut(&dyn Fn() -> Vec<(usize, f64)>),
    ) -> (f64, Vec<f64>) {
        let points = self.points_of(rows);
        let b = points.len();
        let (mut sum, mut slopes) = (0.0, vec![0.0; u.len()]);
        for (i, &point) in points.iter().enumerate() {
            let (class, own) = (classes[point], classes[point] * b + i);
            let outputs = || (i..u.len()).step_by(b);
            let top = outputs().map(|r| u[r]).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = outputs().map(|r| (u[r] - top).exp()).sum();
            // The terms of the other classes alone: their sum is precise where it is small.
            let others: f64 = outputs().filter(|&r| r != own).map(|r| (u[r] - u[own]).exp()).sum();
            sum += if others.is_finite() { others.ln_1p() } else { top - u[own] + total.ln() };
            let share: Vec<f64> = outputs().map(|r| (u[r] - top).exp() / total).collect();
            // `1 − p_a`, as the sum of the other probabilities.
            let rest = |a: usize| -> f64 {
                share.iter().enumerate().filter(|(k, _)| *k != a).map(|(_, p)| p).sum()
            };
            for (k, r) in outputs().enumerate() {
                slopes[r] = if k == class { -rest(class) } else { share[k] };
            }
            for (a, p) in share.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                let root = p.sqrt();
                let entry =
                    |(k, r): (usize, usize)| (r, root * if k == a { rest(a) } else { -share[k] });
                direction(&|| outputs().enumerate().map(entry).collect());
            }
        }
        (sum, slopes)
    }

    /// The points whose rows these are.
    fn points_of<'r>(&self, rows: &'r [usize]) -> &'r [usize] {
        &rows[..rows.len() / self.n_outputs()]
    }

    /// The margin of each of these points: `u` for a label ±1; `u_y − max_{k≠y} u_k` for classes;
    /// for real-valued targets the largest residual `max_k |u_k − y_k|`, times −1.
    pub(crate) fn margins(&self, rows: &[usize], u: &[f64]) -> Vec<f64> {
        match &self.form {
            Form::Margin => u.to_vec(),
            Form::Residual { targets, classes: None } => {
                let points = self.points_of(rows);
                let b = points.len();
                let of = |i: usize| {
                    -largest((i..u.len()).step_by(b).map(|r| (u[r] - targets[rows[r]]).abs()))
                };
                (0..b).map(of).collect()
            }
            Form::Residual { classes: Some(classes), .. }
            | Form::Pairs { classes }
            | Form::CrossEntropy { classes } => {
                let points = self.points_of(rows);
                let b = points.len();
                let of = |(i, &point): (usize, &usize)| {
                    let own = classes[point] * b + i;
                    let others = (i..u.len()).step_by(b).filter(|&r| r != own);
                    smallest(&others.map(|r| u[own] - u[r]).collect::<Vec<_>>())
                };
                points.iter().enumerate().map(of).collect()
            }
        }
    }

    /// The smallest of the [`margins`](Self::margins); NaN if any of them is NaN.
    pub(crate) fn smallest_margin(&self, rows: &[usize], u: &[f64]) -> f64 {
        match self.form {
            Form::Margin => smallest(u),
            _ => smallest(&self.margins(rows, u)),
        }
    }

    /// The largest square of a direction of the curvature.
    pub(crate) fn largest_curvature(&self) -> f64 {
        match self.form {
            Form::Margin => self.loss.largest_curvature(),
            Form::Residual { .. } => match self.loss {
                Loss::Own(own) => own.loss().largest_curvature(),
                _ => 1.0,
            },
            // `|e_y − e_k|² = 2`.
            Form::Pairs { .. } => 2.0 * self.loss.largest_curvature(),
            // `p (1 − p)² + p Σ p_k²` is at most `2p (1 − p)²`.
            Form::CrossEntropy { .. } => 8.0 / 27.0,
        }
    }

    /// See [`Loss::settled_above`]; `None` except for labels ±1, since only single rows are left
    /// out.
    pub(crate) fn settled_above(&self, part: f64) -> Option<f64> {
        match self.form {
            Form::Margin => self.loss.settled_above(part),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_loss::{Argument, OwnLoss, PointLoss};

    /// A loss of the residual that is not symmetric: `e^r − r − 1` up to 1, with bounded curvature.
    struct Linex;

    impl PointLoss for Linex {
        fn argument(&self) -> Argument {
            Argument::Residual
        }

        fn jet(&self, r: f64) -> [f64; 3] {
            let e = r.min(1.0).exp();
            if r <= 1.0 { [e - r - 1.0, e - 1.0, e] } else { [e * r - r - 1.0, e - 1.0, 0.0] }
        }

        fn largest_curvature(&self) -> f64 {
            1f64.exp()
        }
    }

    fn all() -> Vec<Criterion> {
        let classes = Targets::classes([2, 0, 1, 2], 3).unwrap();
        let values = Targets::values([0.3, -2.0, 1.0, 0.7, 0.1, 0.0], 2).unwrap();
        let signs = Targets::signs([1.0, -1.0, 1.0]).unwrap();
        let own = Loss::Own(OwnLoss::register("linex", &Linex).unwrap());
        let soft = Loss::SoftHinge { beta: 3.0 };
        [
            (Loss::CrossEntropy, &classes),
            (Loss::Squared, &classes),
            (soft, &classes),
            (Loss::Logistic, &classes),
            (Loss::Squared, &values),
            (own, &values),
            (soft, &signs),
            (Loss::CrossEntropy, &signs),
        ]
        .map(|(loss, targets)| Criterion::new(loss, targets).unwrap())
        .into()
    }

    /// Rows of all points, and of two points.
    fn row_lists(criterion: &Criterion) -> [Vec<usize>; 2] {
        let (n, k) = (criterion.n_points(), criterion.n_outputs());
        [(0..n * k).collect(), (0..k).flat_map(|k| [k * n + 2, k * n]).collect()]
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        for criterion in all() {
            for rows in row_lists(&criterion) {
                let u: Vec<f64> = rows.iter().map(|&r| (1.3 * r as f64 + 0.4).sin()).collect();
                let Jets { sum, slopes, curvature } = criterion.jets(&rows, &u);
                assert!(sum > 0.0);
                assert_eq!(slopes, criterion.slopes(&rows, &u));
                assert_eq!(sum, criterion.sum(&rows, &u));
                let e = 1e-5;
                for r in 0..u.len() {
                    let (mut above, mut below) = (u.clone(), u.clone());
                    above[r] += e;
                    below[r] -= e;
                    let (above, below) =
                        (criterion.jets(&rows, &above), criterion.jets(&rows, &below));
                    let slope = (above.sum - below.sum) / (2.0 * e);
                    assert!((slopes[r] - slope).abs() < 1e-8, "{criterion:?}: {slope}");
                    for s in 0..u.len() {
                        let found = (above.slopes[s] - below.slopes[s]) / (2.0 * e);
                        let given = entry(&curvature, r, s);
                        assert!((given - found).abs() < 1e-8, "{criterion:?}: {given} {found}");
                    }
                }
            }
        }
    }

    fn entry(curvature: &Curvature, r: usize, s: usize) -> f64 {
        match curvature {
            Curvature::Diagonal(values) => f64::from(u8::from(r == s)) * values[r],
            Curvature::Directions(directions) => {
                let at = |entries: &[(usize, f64)], row| -> f64 {
                    entries.iter().filter(|entry| entry.0 == row).map(|entry| entry.1).sum()
                };
                directions.iter().map(|entries| at(entries, r) * at(entries, s)).sum()
            }
        }
    }

    #[test]
    fn two_classes_are_labels() {
        // With F = ±u/2 for both outputs, the margin is u.
        let classes = Targets::classes([0, 1], 2).unwrap();
        let signs = Targets::signs([1.0, 1.0]).unwrap();
        for loss in [Loss::Logistic, Loss::CrossEntropy, Loss::SoftHinge { beta: 20.0 }] {
            let two = Criterion::new(loss, &classes).unwrap();
            let one = Criterion::new(loss, &signs).unwrap();
            let u = [0.7, -1.2];
            let outputs = [0.35, 0.6, -0.35, -0.6];
            let rows: Vec<usize> = (0..4).collect();
            let (found, expected) = (two.jets(&rows, &outputs), one.jets(&[0, 1], &u));
            assert!((found.sum - expected.sum).abs() < 1e-15);
            assert!((found.slopes[0] - expected.slopes[0]).abs() < 1e-15);
            assert!((found.slopes[1] + expected.slopes[1]).abs() < 1e-15);
            let margins = two.margins(&rows, &outputs);
            assert!(margins.iter().zip(u).all(|(a, b)| (a - b).abs() < 1e-15));
            assert!((two.smallest_margin(&rows, &outputs) + 1.2).abs() < 1e-15);
        }
    }

    #[test]
    fn large_outputs_do_not_overflow() {
        let classes = Targets::classes([0], 3).unwrap();
        let criterion = Criterion::new(Loss::CrossEntropy, &classes).unwrap();
        let rows = [0, 1, 2];
        let wrong = criterion.jets(&rows, &[-2000.0, 0.0, 1.0]);
        assert!((wrong.sum - 2001.0 - (-1f64).exp().ln_1p()).abs() < 1e-12);
        let right = criterion.jets(&rows, &[50.0, 0.0, 0.0]);
        assert!((right.sum / (2.0 * (-50f64).exp()) - 1.0).abs() < 1e-14, "{}", right.sum);
        assert!((right.slopes[0] / (-2.0 * (-50f64).exp()) - 1.0).abs() < 1e-14);
    }

    #[test]
    fn margins_and_refusals() {
        let values = Targets::values([1.0, 2.0, 3.0, 5.0], 2).unwrap();
        let criterion = Criterion::new(Loss::Squared, &values).unwrap();
        let rows: Vec<usize> = (0..4).collect();
        assert_eq!(criterion.margins(&rows, &[1.5, 2.0, 3.0, 4.75]), [-0.5, -0.25]);
        assert!(criterion.smallest_margin(&rows, &[f64::NAN, 2.0, 3.0, 5.0]).is_nan());
        let refused = Criterion::new(Loss::Logistic, &values).unwrap_err().to_string();
        assert!(
            refused.starts_with("the loss logistic is not defined for real numbers; "),
            "{refused}"
        );
        let own = Loss::Own(OwnLoss::register("linex", &Linex).unwrap());
        assert!(Criterion::new(own, &Targets::signs([1.0]).unwrap()).is_err());
        assert!(Criterion::new(own, &Targets::classes([0], 2).unwrap()).is_err());
    }
}
