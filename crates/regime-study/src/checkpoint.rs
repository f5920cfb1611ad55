//! The state of a run between two calls.

use regime_train::Outcome;
use serde::{Deserialize, Serialize};

use crate::{
    record::{FrozenRecord, Measurement},
    trainer::TrainerState,
};

/// The state of an unfinished run. A run that continues from it gives the same bits as a run
/// that was never interrupted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunCheckpoint {
    pub(crate) training: TrainerState,
    pub(crate) path: Vec<Measurement>,
    /// Saved weights for the frozen kernels, in the order of the spec; `None` for a kernel whose
    /// time has not been reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty", rename = "kept")]
    pub(crate) saved_weights: Vec<Option<SavedWeights>>,
    /// Once training has ended: its outcome, and the progress of the frozen kernels.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "learning")]
    pub(crate) frozen: Option<(Outcome, FrozenProgress)>,
}

/// The weights of a network at the time `t` of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedWeights {
    pub(crate) t: f64,
    pub(crate) weights: Vec<f64>,
}

/// The progress of the frozen kernels of a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct FrozenProgress {
    /// Records of the kernels that have ended.
    pub(crate) done: Vec<FrozenRecord>,
    /// State of the next kernel, if its training has begun.
    #[serde(rename = "at")]
    pub(crate) next: Option<TrainerState>,
}
