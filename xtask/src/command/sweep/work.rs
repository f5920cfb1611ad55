//! `sweep work`: one task of a submission.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::bail;
use regime_lab::Store;

use super::super::{
    compute::{ExecutionContext, compute},
    run_data::RunData,
    spec_files::checked,
};
use super::{slurm::SIGNAL_LEAD_S, submission::read_task, target::store_folder};
use crate::{
    cli::Work,
    console,
    memory::Memory,
    signals,
    status::{INTERRUPTED, NO_PROGRESS},
};

pub(super) fn run(arguments: &Work, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    match work(arguments, stop) {
        // Stopped while data were read.
        Err(error) if signals::is_stop(&error) => Ok(without_progress(arguments.task)),
        ended => ended,
    }
}

fn work(arguments: &Work, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let Work { folder, task, resources } = arguments;
    let resources = resources.with_defaults(cores_of_job(), memory_of_job());
    let cache = RunData::new(stop);
    let specs = read_task(folder, *task)?;
    let specs = checked(specs, &cache, Memory::of_machine(resources.memory))?;
    let store = Store::open(store_of(folder)?)?;
    // A run that another process computes is waited for: if that process fails, nobody else would compute it.
    let context = ExecutionContext::new(&store, resources, &cache, stop);
    let computed = compute(&specs, context, None)?;
    if computed.stopped && computed.advanced {
        note!("task {task}: stopped; its runs have checkpoints, and the same task continues");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    if computed.stopped {
        return Ok(without_progress(*task));
    }
    Ok(computed.report(&format!("task {task}"), &store))
}

/// The status of a task that was stopped before it had achieved anything.
fn without_progress(task: usize) -> ExitCode {
    console::warn(format_args!(
        "error: task {task}: stopped before any of its runs had advanced, so starting it again would not help: \
         give it more time, such as `sweep resume … -- --time=01:00:00` (the signal comes {} minutes before the \
         time limit)",
        SIGNAL_LEAD_S / 60.0
    ));
    ExitCode::from(NO_PROGRESS)
}

/// The store of the results that the folder of an array belongs to: `<out>/sweeps/<name>/<n>/<array>`.
fn store_of(array: &Path) -> anyhow::Result<PathBuf> {
    let out = array.ancestors().nth(4);
    match out.filter(|out| out.join("sweeps").is_dir()) {
        Some(out) => Ok(store_folder(out)),
        None => bail!("{} is not the folder of a job array", array.display()),
    }
}

/// The cores that Slurm gives to this task.
fn cores_of_job() -> Option<u16> {
    std::env::var("SLURM_CPUS_PER_TASK").ok()?.parse().ok()
}

/// The memory that Slurm gives to this task, in bytes.
fn memory_of_job() -> Option<u64> {
    let megabytes = |name: &str| -> Option<u64> { std::env::var(name).ok()?.parse().ok() };
    let per_cpu = || Some(megabytes("SLURM_MEM_PER_CPU")? * u64::from(cores_of_job()?));
    // Slurm counts in powers of 1024; 0 means all of the machine.
    megabytes("SLURM_MEM_PER_NODE").or_else(per_cpu).filter(|&m| m > 0).map(|m| m << 20)
}
