//! What a batch is made of, and why it may not be.

use burn_tensor::{Tensor, backend::Backend};

use crate::{
    course::Checkpoint,
    objective::Objective,
    observe::Observation,
    spec::{FlowSpec, SpecError},
};

/// One flow of a batch.
#[derive(Debug, Clone)]
pub struct Member<B: Backend> {
    /// Its loss, on points of its own.
    pub objective: Objective,
    /// The training points, `[n, d]`.
    pub inputs: Tensor<B, 2>,
    /// Its settings.
    pub spec: FlowSpec,
    /// Where it starts.
    pub start: Start<B>,
}

/// Where a flow of a batch starts.
#[derive(Debug, Clone)]
pub enum Start<B: Backend> {
    /// At `t = 0`, with the weights `[P]` at which the objective's `f₀` was taken.
    Weights(Tensor<B, 1>),
    /// Between two steps: that of a [`Flow`](crate::Flow) or of a batch.
    Checkpoint(Box<Checkpoint>),
}

/// Follows the flows of a batch.
pub trait BatchObserver<B: Backend> {
    /// Called with what is to be observed after a step: which member, and how it stands, with
    /// the weights `[r, P]` of those members in the same order. A member may be there twice.
    fn observe(&mut self, observed: &[(usize, Observation)], w: &Tensor<B, 2>);

    /// Asked before every step. `true` interrupts all flows that have not ended.
    fn interrupts(&mut self) -> bool {
        false
    }
}

impl<B: Backend> BatchObserver<B> for () {
    fn observe(&mut self, _: &[(usize, Observation)], _: &Tensor<B, 2>) {}
}

/// Why flows cannot advance together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BatchError {
    /// There are none.
    #[error("a batch needs at least one flow")]
    Empty,
    /// The network is of another kind.
    #[error(
        "a batch is of fully connected networks with one output: use a flow for each other one"
    )]
    Network,
    /// The points of a flow do not fit its labels or the network, or its number of points, their
    /// element type or its loss is not that of the first.
    #[error(
        "the points of flow {member} do not fit its labels or the network, or their number, their \
         element type or the loss is not that of the first flow"
    )]
    Different {
        /// Which.
        member: usize,
    },
    /// A flow asks for a scheme that a batch has not.
    #[error(
        "flow {member} asks for an explicit scheme or for momentum, which a batch does not have"
    )]
    Scheme {
        /// Which.
        member: usize,
    },
    /// A setting is out of its range, or a start is that of another network.
    #[error(transparent)]
    Spec(#[from] SpecError),
}
