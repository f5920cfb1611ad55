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

use std::process::ExitCode;

use crate::cli::Sweep;

pub(super) fn run(command: &Sweep) -> anyhow::Result<ExitCode> {
    match command {
        Sweep::Submit(arguments) => submit::run(arguments),
        Sweep::Status(arguments) => status::run(arguments),
        Sweep::Resume(arguments) => resume::run(arguments),
        Sweep::Collect(arguments) => target::collect(arguments),
        Sweep::Work(arguments) => work::run(arguments),
    }
}
