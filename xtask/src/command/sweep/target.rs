//! The runs that a sweep is about: those of a finding, or of a file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{bail, ensure};
use regime_findings::FINDINGS;
use regime_lab::Store;
use regime_study::RunSpec;

use super::super::{
    plan, report,
    run::{RunsOfFile, collect as collect_file, read_files},
    run_data::RunData,
};
use crate::{cli::SweepTarget, memory::Memory, study::find};

/// The runs of a sweep and the name of its folder.
pub(super) struct Target {
    pub(super) name: String,
    pub(super) specs: Vec<RunSpec>,
    /// If the runs come from a file.
    file: Option<RunsOfFile>,
}

impl Target {
    /// Reads the specs, and prepares their data.
    ///
    /// # Errors
    /// A name that is neither a finding nor a file, a file that cannot be used, data that cannot be read.
    pub(super) fn read(arguments: &SweepTarget, cache: &RunData) -> anyhow::Result<Self> {
        let SweepTarget { grid, set } = arguments;
        let name = grid.finding.clone();
        if name == "all" || FINDINGS.iter().any(|finding| finding.name() == name) {
            ensure!(set.is_empty(), "--set changes the specs of a file, but {name} is no file");
            let grids = plan::grids(&find(&name)?, grid, cache)?;
            return Ok(Self { name, specs: plan::union(&grids)?, file: None });
        }
        let path = PathBuf::from(&name);
        if !path.is_file() {
            bail!("{name}: neither a finding (`cargo xtask list` names them) nor a file");
        }
        if let Some(option) = grid.chosen_option() {
            bail!("{option} belongs to findings; {name} is a file, whose fields --set changes");
        }
        let memory = Memory::of_machine(grid.resources.memory);
        let mut files = read_files(&[path], set, &grid.out, cache, memory)?;
        let file = files.remove(0);
        Ok(Self { name: file.name.clone(), specs: file.specs.clone(), file: Some(file) })
    }

    /// The folder of the submissions of this sweep.
    pub(super) fn folder(&self, out: &Path) -> PathBuf {
        out.join("sweeps").join(&self.name)
    }
}

/// The folder of the store.
pub(super) fn store_folder(out: &Path) -> PathBuf {
    out.join("runs")
}

/// `sweep collect`: the report of a finding, or the table of a file, from the stored runs.
pub(super) fn collect(arguments: &SweepTarget) -> anyhow::Result<ExitCode> {
    // Signals end this command at once.
    let cache = RunData::new(&Arc::default());
    let grid = &arguments.grid;
    match Target::read(arguments, &cache)?.file {
        None => report::run(grid),
        Some(file) => collect_file(&file, &Store::read_only(store_folder(&grid.out)), grid.json),
    }
}
