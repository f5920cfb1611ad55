//! One run: a network trained on a task, with its tangent kernel followed.
//!
//! [`RunSpec`] says everything a run depends on, [`simulate()`] carries it out on
//! one backend, [`RunRecord`] is what remains. Beside the network, frozen kernels can
//! learn the same task.

#[cfg(test)]
mod backend_tests;
mod coordinates;
mod data;
mod foreseen;
mod frozen;
mod record;
#[cfg(test)]
mod resume_tests;
mod simulate;
mod spec;
mod trainer;

pub(crate) use coordinates::{CoordinateCheck, CoordinateSpec};
pub(crate) use data::DataCache;
pub(crate) use record::{Ending, FrozenLearning, FrozenRecord, GramPair, Measurement, RunRecord};
pub(crate) use simulate::{Partial, STOPPED, Unlimited, World, simulate};
pub(crate) use spec::{BackendName, Budget, DeviceName, Dynamics, FrozenKernel, RunSpec};
