//! `sweep`: the runs of a finding or a file, computed by several processes or a cluster.
//!
//! Workers share the folder of the store and nothing else.

mod chunks;
mod resume;
mod slurm;
mod states;
mod status;
mod submission;
mod submit;
mod target;
mod work;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use crate::cli::Sweep;

/// Once `stop` is true, commands that make runs stop.
pub(super) fn run(command: &Sweep, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    match command {
        Sweep::Submit(arguments) => submit::run(arguments, stop),
        Sweep::Status(arguments) => status::run(arguments),
        Sweep::Resume(arguments) => resume::run(arguments, stop),
        Sweep::Collect(arguments) => target::collect(arguments),
        Sweep::Work(arguments) => work::run(arguments, stop),
    }
}
