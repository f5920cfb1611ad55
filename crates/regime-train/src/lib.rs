//! Gradient flows of scaled networks, `dw/dt = −∇L`, until every margin is reached.
//!
//! The crate contains the losses; the objective `L = 1/(α²n) Σ ℓ(y α (f − f₀))`; an explicit
//! integrator and two integrators that use the tangent kernel, behind one interface; events located
//! between steps, observers, checkpoints, and a reported end of every run. Frozen kernels
//! ([`KernelModel`]) and linearised networks ([`Linearised`]) train with the same integrators. The
//! crate does not load data, read or write files, read clocks, or print. A wall-clock budget is
//! imposed through [`Observer::interrupts`].
//!
//! Time is the time of the flow, in the convention of the paper; [`Alpha`](regime_models::Alpha)
//! describes the other convention.
//!
//! Start with [`Flow`]; [`Scheme`] states the cost of each integrator. On a device where every call
//! has an overhead, [`FlowBatch`] integrates many flows of one shape in one batch.
//!
//! ```
//! use burn_flex::{Flex, FlexDevice};
//! use regime_models::{Activation, Alpha, DenseSpec, Network, Precision};
//! use regime_train::{End, Flow, FlowSpec, Loss, Objective, System, Targets};
//!
//! let net = DenseSpec {
//!     inputs: 2,
//!     width: 20,
//!     hidden_layers: 2,
//!     activation: Activation::Softplus { beta: 5.0 },
//!     bias: true,
//! }.build()?;
//! let device = FlexDevice;
//! // Exclusive or: not linearly separable.
//! let corners = [1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, -1.0];
//! let x = Precision::F64.matrix::<Flex>(&corners, [4, 2], &device);
//! let w0 = Precision::F64.vector::<Flex>(&net.initial_weights(1), &device);
//!
//! let f0 = Precision::to_host(net.forward(&w0, &x));
//! let loss = Loss::SoftHinge { beta: 20.0 };
//! let targets = Targets::signs([1.0, -1.0, -1.0, 1.0])?;
//! let objective = Objective::new(Alpha::paper(0.1)?, loss, targets, f0)?;
//! let system = System::new(&net, x, objective);
//! let outcome = Flow::start(&system, FlowSpec::default(), w0)?.run(&mut ());
//!
//! assert_eq!(outcome.end, End::Converged);
//! assert!(outcome.t1 < outcome.t2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attempt;
mod batch;
mod cached_kernel;
mod control;
mod coordinates;
mod criterion;
mod curvature;
mod evaluate;
mod event;
mod explicit;
mod factor;
mod flow;
mod function_space;
mod implicit;
mod kernel_model;
mod large_step;
mod large_steps;
mod linearised;
mod loss;
mod objective;
mod objective_error;
mod observe;
#[cfg(test)]
mod order_tests;
mod own_loss;
mod probe;
mod schedule;
mod slopes;
mod spec;
mod step;
mod stochastic;
mod system;
mod targets;
mod view;
mod work;
mod workspace;

pub use batch::{BatchError, BatchObserver, FlowBatch, Member, Start};
pub use control::Checkpoint;
pub use coordinates::{Coordinate, Coordinates, coordinates};
pub use curvature::Curvature;
pub use flow::Flow;
pub use kernel_model::{KernelModel, KernelModelError, KernelTape, KernelTrace, cross_rows};
pub use linearised::{Linearised, LinearisedTrace};
pub use loss::Loss;
pub use objective::{Derivatives, Objective};
pub use objective_error::ObjectiveError;
pub use observe::{Divergence, End, Moment, Observation, Observer, Outcome};
pub use own_loss::{Argument, OwnLoss, OwnLossError, PointLoss, check_loss};
pub use probe::{
    KernelChange, LayerWeights, Probe, Recorder, TestError, WeightsByLayer, WholeKernel,
    preactivation_speeds,
};
pub use spec::{FlowSpec, Momentum, Scheme, SpecError, StepRule, Stop};
pub use stochastic::{BATCH_STREAM, Sampling, Stochastic, StochasticCheckpoint, StochasticSpec};
pub use system::System;
pub use targets::Targets;
pub use work::Work;
