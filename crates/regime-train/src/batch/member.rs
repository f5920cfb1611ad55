//! The members of a batch, its observers and its errors.

use burn_tensor::{Tensor, backend::Backend};

use crate::{
    control::Checkpoint,
    flow_error::FlowError,
    objective::Objective,
    observe::Observation,
    spec::{FlowSpec, SpecError},
};

/// One flow of a batch.
#[derive(Debug, Clone)]
pub struct Member<B: Backend> {
    /// Its objective, on its own training points.
    pub objective: Objective,
    /// The training points, `[n, d]`.
    pub inputs: Tensor<B, 2>,
    /// Its settings.
    pub spec: FlowSpec,
    /// The state from which it starts.
    pub start: Start<B>,
}

/// The state from which a flow of a batch starts.
#[derive(Debug, Clone)]
pub enum Start<B: Backend> {
    /// At `t = 0`, with the weights `[P]` at which the objective's `f₀` was taken.
    Weights(Tensor<B, 1>),
    /// Between two steps, from a checkpoint of a [`Flow`](crate::Flow) or of a batch.
    Checkpoint(Box<Checkpoint>),
}

/// Observes the flows of a batch.
pub trait BatchObserver<B: Backend> {
    /// Called after a step with the observations, each with the number of its member, and with
    /// the weights `[r, P]` of these members in the same order. A member may occur twice.
    fn observe(&mut self, observed: &[(usize, Observation)], w: &Tensor<B, 2>);

    /// Called before every step. `true` interrupts all flows that have not ended.
    fn interrupts(&mut self) -> bool {
        false
    }
}

impl<B: Backend> BatchObserver<B> for () {
    fn observe(&mut self, _: &[(usize, Observation)], _: &Tensor<B, 2>) {}
}

/// Why flows cannot be integrated in one batch.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// There are no flows.
    #[error("a batch needs at least one flow")]
    Empty,
    /// The network is not a fully connected one with one output.
    #[error(
        "a batch needs a fully connected network with one output: use single flows for this network"
    )]
    Network,
    /// The points of a flow do not match its labels or the network, or their number, their
    /// element type or its loss differs from the first flow.
    #[error(
        "the points of flow {member} do not match its labels or the network, or their number, their \
         element type or the loss differs from the first flow"
    )]
    Different {
        /// Its number among the members.
        member: usize,
    },
    /// The targets of a flow are not labels ±1.
    #[error("the targets of flow {member} are not labels 1 and -1: use single flows for them")]
    Targets {
        /// Its number among the members.
        member: usize,
    },
    /// A flow requests a scheme or a momentum that a batch does not support.
    #[error(
        "flow {member} requests an explicit scheme or momentum, which a batch does not support"
    )]
    Scheme {
        /// Its number among the members.
        member: usize,
    },
    /// The checkpoint of a flow belongs to another problem.
    #[error("flow {member}: {error}")]
    OtherProblem {
        /// Its number among the members.
        member: usize,
        /// What differs.
        error: FlowError,
    },
    /// A setting is out of its range, or a start belongs to another network.
    #[error(transparent)]
    Spec(#[from] SpecError),
}
