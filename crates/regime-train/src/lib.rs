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
//! Start with [`System::builder`] and [`Flow`]; [`Scheme`] states the cost of each integrator. On a
//! device where every call has an overhead, [`FlowBatch`] integrates many flows of one shape in one
//! batch.
//!
//! ```
//! use burn_flex::Flex;
//! use ndarray::array;
//! use regime_models::{Alpha, DenseSpec};
//! use regime_tangent::relative_change;
//! use regime_train::{End, Flow, FlowSpec, Loss, System};
//!
//! let net = DenseSpec::new(2, 20).build()?;
//! // Exclusive or: not linearly separable.
//! let x = array![[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
//! let (alpha, loss) = (Alpha::paper(0.1)?, Loss::SoftHinge { beta: 20.0 });
//! let builder = System::<Flex, _>::builder(net, &x).signs([1.0, -1.0, -1.0, 1.0]);
//! let system = builder.alpha(alpha).loss(loss).seed(1).build()?;
//! let end = Flow::start(&system, FlowSpec::default())?.run();
//! println!("{end}"); // Converged at t = …, t₁ = …, t₂ = …, … steps
//! println!("kernel change {:.3}", relative_change(&end.kernel(&x)?, &system.kernel(&x)?)?);
//!
//! assert_eq!(end.end, End::Converged);
//! # assert!(end.t1 < end.t2);
//!
//! // Step by step, with an event. The system keeps its initial weights: the second flow is the
//! // same.
//! let mut flow = Flow::start(system, FlowSpec::default())?
//!     .event("half of the margin", |s| s.smallest_margin() - 0.5);
//! while let Some(step) = flow.step()? {
//!     for event in step.events() {
//!         println!("{} at t = {:.4} ({:.0} %)", event.name, event.time, 100.0 * step.fraction());
//!     }
//! }
//! assert_eq!(flow.outcome(), &end.outcome);
//! # assert_eq!(flow.events().len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attempt;
mod batch;
mod builder;
mod cached_kernel;
mod control;
mod coordinates;
mod criterion;
mod curvature;
mod digest;
mod end_state;
mod evaluate;
mod event;
mod explicit;
mod extremes;
mod factor;
mod flow;
mod flow_error;
mod frozen_system;
mod function_space;
mod implicit;
mod initial;
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
mod points;
mod probe;
mod root;
mod schedule;
mod selection;
mod slopes;
mod spec;
mod step;
mod stochastic;
mod system;
mod system_error;
mod targets;
mod user_event;
mod view;
mod work;
mod workspace;

pub use batch::{BatchError, BatchObserver, FlowBatch, Member, Start};
pub use builder::SystemBuilder;
pub use control::Checkpoint;
pub use coordinates::{Coordinate, Coordinates, coordinates};
pub use curvature::Curvature;
pub use end_state::EndState;
pub use flow::{Flow, Step};
pub use flow_error::FlowError;
pub use initial::{Initialised, Origin};
pub use kernel_model::{KernelModel, KernelModelError, KernelTape, KernelTrace, cross_rows};
pub use linearised::{Linearised, LinearisedTrace};
pub use loss::Loss;
pub use objective::{Derivatives, Objective};
pub use objective_error::ObjectiveError;
pub use observe::{Divergence, End, Moment, Observation, Observer, Outcome};
pub use own_loss::{Argument, OwnLoss, OwnLossError, PointLoss, check_loss};
pub use points::{Points, Weights};
pub use probe::{
    KernelChange, LayerWeights, Probe, Recorder, TestError, WeightsByLayer, WholeKernel,
    preactivation_speeds,
};
pub use spec::{FlowSpec, Momentum, Scheme, SpecError, StepRule, Stop};
pub use stochastic::{BATCH_STREAM, Sampling, Stochastic, StochasticCheckpoint, StochasticSpec};
pub use system::System;
pub use system_error::SystemError;
pub use targets::Targets;
pub use user_event::{Event, Occurred, State};
pub use work::Work;
