//! Measurements of a network during training.

mod kernel;
mod layers;
mod preactivations;
mod test_error;

use burn_tensor::{Tensor, backend::Backend};

pub use kernel::{KernelChange, WholeKernel};
pub use layers::{LayerWeights, WeightsByLayer};
pub use preactivations::preactivation_speeds;
pub use test_error::TestError;

use crate::observe::{Moment, Observation, Observer};

/// A quantity that depends on the weights alone.
pub trait Probe<B: Backend> {
    /// The type of the measured value.
    type Reading;

    /// The quantity at the weights `w`, `[P]`.
    fn read(&self, w: &Tensor<B, 1>) -> Self::Reading;
}

/// An [`Observer`] that reads a [`Probe`] at selected kinds of moments.
///
/// A tuple of several recorders can observe one run.
#[derive(Debug, Clone)]
pub struct Recorder<P, R> {
    probe: P,
    moments: Vec<Moment>,
    readings: Vec<(Observation, R)>,
}

impl<P, R> Recorder<P, R> {
    /// Reads `probe` at `moments`.
    pub fn new(probe: P, moments: &[Moment]) -> Self {
        Self { probe, moments: moments.to_vec(), readings: Vec::new() }
    }

    /// Continues with the readings of an interrupted run. A checkpoint of a flow holds no readings:
    /// store them beside it, and give them to the recorder of the resumed flow.
    pub fn resume(probe: P, moments: &[Moment], readings: Vec<(Observation, R)>) -> Self {
        Self { probe, moments: moments.to_vec(), readings }
    }

    /// The readings, with their observations, to be stored beside a checkpoint.
    pub fn into_readings(self) -> Vec<(Observation, R)> {
        self.readings
    }

    /// The readings, with their observations.
    pub fn readings(&self) -> &[(Observation, R)] {
        &self.readings
    }
}

impl<B: Backend, P: Probe<B>> Observer<B> for Recorder<P, P::Reading> {
    fn observe(&mut self, observation: &Observation, w: &Tensor<B, 1>) {
        if self.moments.contains(&observation.moment) {
            self.readings.push((*observation, self.probe.read(w)));
        }
    }
}
