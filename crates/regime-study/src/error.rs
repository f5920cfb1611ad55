//! Why a run leaves no record.

use regime_data::DataError;
use regime_models::ModelError;
use regime_train::{FlowError, ObjectiveError, SpecError, SystemError};

/// Why a run leaves no record.
///
/// Every message is one line that names the field or the value and says what is allowed.
/// Training that does not converge gives a record, not an error.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StudyError {
    /// A field of a spec is out of its range.
    #[error("{field} is {value}, but {requirement}")]
    Field {
        /// The path of the field in the spec.
        field: String,
        /// Its value.
        value: String,
        /// What is allowed.
        requirement: String,
    },
    /// Fields of a spec do not fit each other.
    #[error("{0}")]
    Mismatch(String),
    /// The network cannot be built.
    #[error("network: {0}")]
    Network(ModelError),
    /// α is out of its range.
    #[error("{0}")]
    Alpha(ModelError),
    /// The loss or the dynamics is out of its range.
    #[error(transparent)]
    Dynamics(#[from] SpecError),
    /// The labels do not fit the loss or the outputs.
    #[error(transparent)]
    Objective(#[from] ObjectiveError),
    /// Network, inputs, targets and weights do not fit each other.
    #[error(transparent)]
    System(#[from] SystemError),
    /// Training cannot start.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The data cannot be read or prepared.
    #[error("{0}")]
    Data(String),
    /// The number of inputs of the network is not the number of coordinates of a point.
    #[error("network: it has {network} inputs, but the points have {points} coordinates")]
    Inputs {
        /// Inputs of the network.
        network: usize,
        /// Coordinates of a point.
        points: usize,
    },
    /// A part of a spec in a file cannot be read, or has the wrong form.
    #[error("{place}: {reason}")]
    Parse {
        /// The field or the place in the file.
        place: String,
        /// What the parser says.
        reason: String,
    },
    /// The caller requested a stop. The checkpoint of the run is saved.
    #[error("the run was stopped")]
    Stopped,
    /// The wall-clock budget of one call is spent. The checkpoint of the run is saved.
    #[error(
        "not finished within {max_wall_s} s of wall-clock time: {progress}; the next call continues from there"
    )]
    BudgetSpent {
        /// The budget of one call, in seconds.
        max_wall_s: f64,
        /// How far the run got.
        progress: String,
    },
    /// The checkpoint cannot be saved.
    #[error("the checkpoint cannot be saved: {0}")]
    Checkpoint(String),
    /// A grid cannot be estimated: a short run failed, or a spec has no key.
    #[error("{0}")]
    Estimate(String),
}

impl StudyError {
    /// A field out of its range.
    pub(crate) fn field(
        field: impl Into<String>,
        value: impl ToString,
        requirement: impl Into<String>,
    ) -> Self {
        Self::Field {
            field: field.into(),
            value: value.to_string(),
            requirement: requirement.into(),
        }
    }
}

impl From<DataError> for StudyError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Field { field, value, want } => {
                Self::field(format!("data.{field}"), value, format!("must be {want}"))
            }
            other => Self::Data(format!("data: {other}")),
        }
    }
}
