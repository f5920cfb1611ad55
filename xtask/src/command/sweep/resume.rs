//! `sweep resume`: submits what is missing and not in the queue, as it was submitted last.

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, ensure};
use regime_lab::Store;
use regime_study::RunSpec;

use super::super::run_data::RunData;
use super::{
    states::{State, states},
    submission::{self, Submission},
    submit::submit,
    target::{Target, store_folder},
};
use crate::cli::{Engine, Resume};

pub(super) fn run(arguments: &Resume, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let grid = &arguments.target.grid;
    let cache = RunData::new(stop);
    let target = Target::read(&arguments.target, &cache)?;
    let last = submission::all(&target.folder(&grid.out))?.pop();
    let mut way = last.with_context(|| {
        format!("{}: nothing was submitted yet; use `sweep submit`", target.name)
    })?;
    ensure!(
        arguments.sbatch.is_empty() || way.on == Engine::Slurm,
        "options after -- are for sbatch, but the last submission was --on local"
    );
    way.sbatch.extend(arguments.sbatch.clone());
    let way = Submission { arrays: Vec::new(), ..way };
    let store = Store::read_only(store_folder(&grid.out));
    let specs = if arguments.retry_failed {
        target.specs.clone()
    } else {
        let states = states(&target.specs, &store)?;
        let failed = states.iter().filter(|state| matches!(state, State::Failed(_))).count();
        if failed > 0 {
            note!(
                "{}: {failed} failed runs are left out; --retry-failed tries them again",
                target.name
            );
        }
        let others = target.specs.iter().zip(&states);
        others
            .filter(|(_, state)| !matches!(state, State::Failed(_)))
            .map(|(spec, _)| spec.clone())
            .collect::<Vec<RunSpec>>()
    };
    submit(&target, &specs, way, (&grid.out, grid.resources), (&cache, stop))
}
