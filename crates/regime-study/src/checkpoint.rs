//! The state of a run between two calls.

use regime_train::Outcome;
use serde::{Deserialize, Serialize};

use crate::{
    record::{FrozenRecord, Measurement},
    trainer::TrainerState,
};

/// A run that is under way. It is exact: a run that goes on from it ends with the bits of
/// one that was never interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCheckpoint {
    pub(crate) training: TrainerState,
    pub(crate) path: Vec<Measurement>,
    /// The weights whose kernels are to be frozen, in the order of the spec; `None` for those
    /// whose time has not come.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "kept")]
    pub(crate) saved_weights: Vec<Option<SavedWeights>>,
    /// Once training has ended, its outcome, and where the frozen kernels are.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "learning")]
    pub(crate) frozen: Option<(Outcome, FrozenProgress)>,
}

/// The weights of a network at some moment of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedWeights {
    pub(crate) t: f64,
    pub(crate) weights: Vec<f64>,
}

/// Where the frozen kernels of a run are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FrozenProgress {
    /// Those that have ended.
    pub(crate) done: Vec<FrozenRecord>,
    /// The state of the next.
    #[serde(rename = "at")]
    pub(crate) next: Option<TrainerState>,
}
