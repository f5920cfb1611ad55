//! The interface between a run and the program that calls it, and the rules of interruption.

use burn_tensor::{Tensor, backend::Backend};
use regime_train::{Observation, Observer};

use crate::{checkpoint::RunCheckpoint, error::StudyError};

/// Wall-clock seconds between two checkpoints of a run.
const CHECKPOINT_INTERVAL_S: f64 = 60.0;

/// The interface between a run and the program that calls it: a clock, a stop request, storage
/// for checkpoints.
///
/// The default methods never interrupt the run.
pub trait RunContext {
    /// Wall-clock seconds since the run started. No record depends on it.
    fn elapsed_s(&self) -> f64 {
        0.0
    }

    /// Whether the caller requests that the run stop.
    fn stop_requested(&self) -> bool {
        false
    }

    /// The checkpoint of this run that an earlier call saved.
    fn checkpoint(&self) -> Option<RunCheckpoint> {
        None
    }

    /// Saves a checkpoint.
    ///
    /// # Errors
    /// [`StudyError::Checkpoint`] when it cannot be saved; the run then ends with this error.
    fn save(&self, _: &RunCheckpoint) -> Result<(), StudyError> {
        Ok(())
    }
}

/// A context without limits and without checkpoints.
#[derive(Debug, Clone, Copy, Default)]
pub struct Uninterrupted;

impl RunContext for Uninterrupted {}

/// Decides when a run is interrupted: at the caller's request, at the end of the budget, and
/// to save a checkpoint.
pub(crate) struct InterruptPolicy<'a> {
    context: &'a dyn RunContext,
    max_wall_s: f64,
    /// Time at which the budget began, in seconds.
    start_s: f64,
    /// Time at which the last checkpoint was saved, in seconds.
    saved_s: f64,
}

impl<'a> InterruptPolicy<'a> {
    pub(crate) fn new(context: &'a dyn RunContext, max_wall_s: f64) -> Self {
        Self { context, max_wall_s, start_s: 0.0, saved_s: context.elapsed_s() }
    }

    /// Starts again with the whole budget.
    pub(crate) fn restart(&mut self) {
        self.start_s = self.context.elapsed_s();
    }

    /// Saves the checkpoint of a run that is not interrupted.
    pub(crate) fn save(&self, checkpoint: &RunCheckpoint) -> Result<(), StudyError> {
        self.context.save(checkpoint)
    }

    /// Whether the run is to be interrupted now.
    pub(crate) fn is_due(&self) -> bool {
        let checkpoint_due = self.context.elapsed_s() > self.saved_s + CHECKPOINT_INTERVAL_S;
        self.context.stop_requested() || self.budget_is_spent() || checkpoint_due
    }

    fn budget_is_spent(&self) -> bool {
        self.context.elapsed_s() - self.start_s > self.max_wall_s
    }

    /// Saves the checkpoint of an interrupted run. Returns `Ok` if the run may continue.
    ///
    /// # Errors
    /// When the checkpoint cannot be saved, a stop was requested or the budget is spent. The
    /// state at the end of the budget depends on the machine and its load; it is therefore
    /// reported as an error with the text `progress`, and never as a record.
    pub(crate) fn pause(
        &mut self,
        checkpoint: &RunCheckpoint,
        progress: impl FnOnce() -> String,
    ) -> Result<(), StudyError> {
        self.context.save(checkpoint)?;
        if self.context.stop_requested() {
            return Err(StudyError::Stopped);
        }
        if self.budget_is_spent() {
            let max_wall_s = self.max_wall_s;
            return Err(StudyError::BudgetSpent { max_wall_s, progress: progress() });
        }
        self.saved_s = self.context.elapsed_s();
        Ok(())
    }
}

/// An observer that only interrupts training.
pub(crate) struct Interrupter<'a>(pub(crate) &'a InterruptPolicy<'a>);

impl<B: Backend> Observer<B> for Interrupter<'_> {
    fn observe(&mut self, _: &Observation, _: &Tensor<B, 1>) {}

    fn interrupts(&mut self) -> bool {
        self.0.is_due()
    }
}
