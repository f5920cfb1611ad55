//! What a network shall learn: signs, classes or real numbers.

use std::borrow::Borrow;

use ndarray::ArrayView2;

use crate::objective_error::ObjectiveError;

/// The targets of `n` training points.
///
/// - Signs `±1`, for a network with one output.
/// - Classes, for a network with one output per class.
/// - Real numbers, one for each output of each point.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    kind: Kind,
}

/// The three kinds of targets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// `±1`, `[n]`.
    Signs(Vec<f64>),
    /// The class of each point, `[n]`, below `n_classes`.
    Classes { classes: Vec<usize>, n_classes: usize },
    /// `[nK]`, output by output.
    Values { values: Vec<f64>, n_outputs: usize },
}

impl Targets {
    /// Labels `yᵢ = ±1`, `[n]`: a vector, a slice, or an `ndarray` array such as the labels of a data
    /// set of `regime-data`.
    ///
    /// # Errors
    /// [`ObjectiveError`] for no labels, and for a label that is neither 1 nor −1.
    pub fn signs(
        labels: impl IntoIterator<Item = impl Borrow<f64>>,
    ) -> Result<Self, ObjectiveError> {
        let labels: Vec<f64> = labels.into_iter().map(|label| *label.borrow()).collect();
        if labels.is_empty() {
            return Err(ObjectiveError::NoPoints);
        }
        match labels.iter().position(|y| y.abs() != 1.0) {
            Some(index) => Err(ObjectiveError::Label { index, value: labels[index] }),
            None => Ok(Self { kind: Kind::Signs(labels) }),
        }
    }

    /// The class of each point, `[n]`, counted from 0.
    ///
    /// # Errors
    /// [`ObjectiveError`] for no points, fewer than two classes, and a class that does not exist.
    pub fn classes(
        classes: impl IntoIterator<Item = impl Borrow<usize>>,
        n_classes: usize,
    ) -> Result<Self, ObjectiveError> {
        let classes: Vec<usize> = classes.into_iter().map(|class| *class.borrow()).collect();
        if classes.is_empty() {
            return Err(ObjectiveError::NoPoints);
        }
        if n_classes < 2 {
            return Err(ObjectiveError::TooFewClasses { n_classes });
        }
        match classes.iter().position(|&class| class >= n_classes) {
            Some(index) => Err(ObjectiveError::Class { index, class: classes[index], n_classes }),
            None => Ok(Self { kind: Kind::Classes { classes, n_classes } }),
        }
    }

    /// Real numbers, `[nK]`, output by output: the target of output `k` of point `i` is number
    /// `k·n + i`. [`table`](Self::table) takes them as an array.
    ///
    /// # Errors
    /// [`ObjectiveError`] for no numbers, a number of values that is no multiple of `n_outputs`,
    /// and a value that is not finite.
    pub fn values(values: impl Into<Vec<f64>>, n_outputs: usize) -> Result<Self, ObjectiveError> {
        let values = values.into();
        if values.is_empty() {
            return Err(ObjectiveError::NoPoints);
        }
        if n_outputs == 0 || !values.len().is_multiple_of(n_outputs) {
            return Err(ObjectiveError::Values { values: values.len(), n_outputs });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(ObjectiveError::Value { index, value: values[index] }),
            None => Ok(Self { kind: Kind::Values { values, n_outputs } }),
        }
    }

    /// Real numbers as an array with a row for every point.
    ///
    /// # Shapes
    /// `[n, K]`
    ///
    /// # Errors
    /// As [`values`](Self::values), with the index of a number in the order of that method.
    pub fn table(values: ArrayView2<'_, f64>) -> Result<Self, ObjectiveError> {
        let by_output: Vec<f64> = values.t().iter().copied().collect();
        Self::values(by_output, values.ncols())
    }

    /// Number of points `n`.
    pub fn n_points(&self) -> usize {
        match &self.kind {
            Kind::Signs(labels) => labels.len(),
            Kind::Classes { classes, .. } => classes.len(),
            Kind::Values { values, n_outputs } => values.len() / n_outputs,
        }
    }

    /// Number of outputs `K` that a network needs for them.
    pub fn n_outputs(&self) -> usize {
        match &self.kind {
            Kind::Signs(_) => 1,
            Kind::Classes { n_classes, .. } => *n_classes,
            Kind::Values { n_outputs, .. } => *n_outputs,
        }
    }

    /// For every point, whether these outputs are on the wrong side: `yF` is not positive, or another
    /// class has the largest output. `None` for real numbers.
    ///
    /// # Shapes
    /// `outputs`: `[nK]`, output by output
    ///
    /// # Panics
    /// When the outputs have another length.
    pub fn wrong(&self, outputs: &[f64]) -> Option<Vec<bool>> {
        let n = self.n_points();
        assert_eq!(outputs.len(), n * self.n_outputs(), "every point has its outputs");
        match &self.kind {
            Kind::Signs(labels) => {
                Some(labels.iter().zip(outputs).map(|(y, f)| !(y * f > 0.0)).collect())
            }
            Kind::Classes { classes, .. } => {
                let is_wrong = |(i, &class): (usize, &usize)| {
                    let own = outputs[class * n + i];
                    // Written so that NaN and a tie are wrong.
                    outputs[i..]
                        .iter()
                        .step_by(n)
                        .enumerate()
                        .any(|(k, other)| k != class && !(own > *other))
                };
                Some(classes.iter().enumerate().map(is_wrong).collect())
            }
            Kind::Values { .. } => None,
        }
    }

    /// Whether an output can be on a wrong side.
    pub(crate) fn has_sides(&self) -> bool {
        !matches!(self.kind, Kind::Values { .. })
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }
}
