//! Flow and stochastic training behind one interface.

use burn_tensor::{Tensor, backend::Backend};
use regime_models::Network;
use regime_train::{
    Checkpoint, Flow, FlowError, Moment, Observation, Observer, Outcome, Stochastic,
    StochasticCheckpoint, System,
};
use serde::{Deserialize, Serialize};

use crate::dynamics::Dynamics;

/// Training in progress.
pub(crate) enum Trainer<B: Backend, N: Network<B>> {
    Flow(Box<Flow<B, N>>),
    Stochastic(Box<Stochastic<B, N>>),
}

/// The state of training between two steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum TrainerState {
    Flow(Checkpoint),
    Stochastic(StochasticCheckpoint),
}

impl<B: Backend, N: Network<B>> Trainer<B, N> {
    pub(crate) fn start(
        system: &System<B, N>,
        dynamics: Dynamics,
        seed: u64,
    ) -> Result<Self, FlowError> {
        match dynamics {
            Dynamics::Flow(spec) => Ok(Self::Flow(Box::new(Flow::start(system, spec)?))),
            Dynamics::Stochastic(spec) => {
                let training = Stochastic::start(system, spec, seed)?;
                Ok(Self::Stochastic(Box::new(training)))
            }
        }
    }

    /// `None` when the state belongs to another kind of training.
    pub(crate) fn resume(
        system: &System<B, N>,
        dynamics: Dynamics,
        seed: u64,
        state: TrainerState,
    ) -> Option<Result<Self, FlowError>> {
        match (dynamics, state) {
            (Dynamics::Flow(spec), TrainerState::Flow(state)) => {
                let flow = Flow::resume(system, spec, state);
                Some(flow.map(|flow| Self::Flow(Box::new(flow))))
            }
            (Dynamics::Stochastic(spec), TrainerState::Stochastic(state)) => {
                let training = Stochastic::resume(system, spec, seed, state);
                Some(training.map(|training| Self::Stochastic(Box::new(training))))
            }
            _ => None,
        }
    }

    pub(crate) fn run(&mut self, observer: &mut impl Observer<B>) -> Outcome {
        match self {
            Self::Flow(flow) => flow.run_with(observer).outcome,
            Self::Stochastic(stochastic) => stochastic.run_with(observer).outcome,
        }
    }

    pub(crate) fn state(&self) -> TrainerState {
        match self {
            Self::Flow(flow) => TrainerState::Flow(flow.checkpoint()),
            Self::Stochastic(stochastic) => TrainerState::Stochastic(stochastic.checkpoint()),
        }
    }

    pub(crate) fn weights(&self) -> Tensor<B, 1> {
        match self {
            Self::Flow(flow) => flow.weights(),
            Self::Stochastic(stochastic) => stochastic.weights(),
        }
    }

    /// The observation of the current state, as made at the end.
    pub(crate) fn observation(&self) -> Observation {
        match self {
            Self::Flow(flow) => flow.observation(Moment::End),
            Self::Stochastic(stochastic) => stochastic.observation(Moment::End),
        }
    }
}
