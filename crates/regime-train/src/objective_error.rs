//! Why a training set cannot be used.

use crate::spec::SpecError;

/// Why an [`Objective`](crate::Objective) could not be created.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ObjectiveError {
    /// The loss has a parameter out of its range.
    #[error(transparent)]
    Loss(#[from] SpecError),
    /// The training set is empty.
    #[error("there are no training points")]
    NoPoints,
    /// Labels and initial outputs differ in number.
    #[error("{labels} targets for {outputs} outputs")]
    Lengths {
        /// Number of labels.
        labels: usize,
        /// Number of outputs.
        outputs: usize,
    },
    /// There is only one class.
    #[error("there are {n_classes} classes, but a classification needs at least 2")]
    TooFewClasses {
        /// Number of classes.
        n_classes: usize,
    },
    /// A class does not exist.
    #[error("class {class} of point {index} does not exist: there are {n_classes}, counted from 0")]
    Class {
        /// The point.
        index: usize,
        /// Its class.
        class: usize,
        /// Number of classes.
        n_classes: usize,
    },
    /// The values cannot be divided among the outputs.
    #[error("{values} target values cannot be divided among {n_outputs} outputs")]
    Values {
        /// Number of values.
        values: usize,
        /// Number of outputs.
        n_outputs: usize,
    },
    /// A target value is not finite.
    #[error("target value {index} is {value}")]
    Value {
        /// Its index.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// The loss is not defined for these targets.
    #[error(
        "the loss {loss} is not defined for {targets}; labels and classes take every loss of margins, \
         real numbers the squared loss and own losses of residuals"
    )]
    NotDefined {
        /// The name of the loss.
        loss: &'static str,
        /// The kind of targets.
        targets: &'static str,
    },
    /// A label is neither +1 nor −1.
    #[error("label {index} is {value}, but must be 1 or -1")]
    Label {
        /// Its index.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// An output at the initial weights is not finite.
    #[error("the network's initial output {index} is {value}")]
    InitialOutput {
        /// Its index.
        index: usize,
        /// Its value.
        value: f64,
    },
}
