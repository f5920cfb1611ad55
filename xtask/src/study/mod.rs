//! One run: a network trained on a task, with its tangent kernel followed.
//!
//! [`RunSpec`] says everything a run depends on, [`simulate()`] carries it out on
//! one backend, [`RunRecord`] is what remains.

mod data;
mod record;
mod simulate;
mod spec;

pub(crate) use data::DataCache;
pub(crate) use record::{Ending, Measurement, RunRecord};
pub(crate) use simulate::{Clock, STOPPED, simulate};
pub(crate) use spec::{BackendName, Budget, RunSpec};
