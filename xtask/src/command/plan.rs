//! `plan`: what a grid takes, before anything of it runs.

use std::{path::Path, sync::Arc, time::Duration};

use regime_findings::{Finding, Settings};
use regime_lab::{RunKey, Share, Store};
use regime_models::NetworkSpec;
use regime_study::{Calibration, DeviceName, Estimate, RunSpec};
use serde_json::{Value, json};

use super::{
    data_memory,
    run_data::RunData,
    stored::{is_missing, stored_keys},
    timer::calibration,
};
use crate::{
    backend,
    cli::{Grid, Resources},
    memory::{Fit, Memory, PROGRAM, size},
    study::find,
    terminal,
};

pub(super) fn run(grid: &Grid) -> anyhow::Result<()> {
    // Signals end this command at once.
    let cache = RunData::new(&Arc::default());
    let mut calibration = calibration(&cache, Memory::of_machine(grid.resources.memory));
    let store = finished(&grid.out);
    let grids = grids(&find(&grid.finding)?, grid, &cache)?;
    let mut plans = Vec::new();
    for (finding, specs) in &grids {
        let plan = Plan::of(specs, &store, &mut calibration, grid.resources)?;
        plans.push((finding.name(), plan));
    }
    if grids.len() > 1 {
        let plan = Plan::of(&union(&grids)?, &store, &mut calibration, grid.resources)?;
        plans.push(("all together", plan));
    }
    if grid.json {
        out!("{:#}", plans.iter().map(|(name, plan)| plan.to_json(name)).collect::<Value>());
        return Ok(());
    }
    let head = ["", "runs", "stored", "time", "side by side", "memory", "disk"].map(str::to_owned);
    let rows = plans.iter().map(|(name, plan)| plan.row(name));
    for line in terminal::table(std::iter::once(head).chain(rows)) {
        out!("{line}");
    }
    for (name, plan) in &plans {
        if let Some(warning) = plan.too_large() {
            out!("{name}: {warning}");
        }
    }
    Ok(())
}

/// The store of finished runs in the folder for results, to be read.
pub(super) fn finished(out: &Path) -> Store {
    Store::read_only(out.join("runs"))
}

/// A finding and its runs.
pub(super) type FindingGrid<'a> = (&'a dyn Finding, Vec<RunSpec>);

/// The runs of each of several findings.
///
/// # Errors
/// As [`specs`].
pub(super) fn grids<'a>(
    findings: &[&'a dyn Finding],
    grid: &Grid,
    cache: &RunData,
) -> anyhow::Result<Vec<FindingGrid<'a>>> {
    let settings = grid.settings();
    let of = |&finding: &&'a dyn Finding| Ok((finding, specs(finding, grid, &settings, cache)?));
    findings.iter().map(of).collect()
}

/// The runs of several findings, each once.
///
/// # Errors
/// A run without a key, or with a cost that is not a number.
pub(super) fn union(grids: &[FindingGrid<'_>]) -> anyhow::Result<Vec<RunSpec>> {
    let all: Vec<RunSpec> = grids.iter().flat_map(|(_, specs)| specs.clone()).collect();
    Ok(Share::WHOLE.of(&all)?)
}

/// The grid of a finding with what the command line changes in it, tied to the
/// content of its data.
///
/// # Errors
/// Data that cannot be read or prepared.
pub(super) fn specs(
    finding: &dyn Finding,
    grid: &Grid,
    settings: &Settings,
    cache: &RunData,
) -> anyhow::Result<Vec<RunSpec>> {
    backend::check(settings.backend, settings.device)?;
    let mut specs = finding.grid(settings);
    let had_components: Vec<bool> =
        specs.iter().map(|spec| spec.data.inputs.pca.is_some()).collect();
    for spec in &mut specs {
        if let Some(source) = &grid.source {
            spec.data.source = source.clone();
        }
        if grid.no_pca {
            spec.data.inputs.pca = None;
        }
    }
    data_memory::check(&specs, Memory::of_machine(grid.resources.memory))?;
    for (spec, had_components) in specs.iter_mut().zip(had_components) {
        let data = cache.get(&spec.data)?;
        if let (NetworkSpec::Dense(net), true) = (&mut spec.network, had_components && grid.no_pca)
        {
            net.inputs = data.train.dim();
        }
        spec.data_sha256.clone_from(&data.provenance.sha256);
    }
    Ok(specs)
}

/// What a grid takes on this machine.
#[derive(Debug)]
pub(super) struct Plan {
    /// Of the runs that fit into the memory.
    estimate: Estimate,
    /// Runs side by side.
    jobs: usize,
    /// Runs that do not fit into the memory, and the bytes of the largest.
    too_large: (usize, f64),
}

impl Plan {
    /// After short runs of each kind, which are made only where they fit into the memory.
    ///
    /// # Errors
    /// A short run that fails, or a store that cannot be read.
    pub(super) fn of(
        specs: &[RunSpec],
        store: &Store,
        calibration: &mut Calibration<'_>,
        resources: Resources,
    ) -> anyhow::Result<Self> {
        let asked = resources.jobs();
        let memory = Memory::of_machine(resources.memory).less(data_memory::data_bytes(specs));
        let stored = stored_keys(specs, store)?;
        let is_stored = |key: &RunKey| stored.contains(key);
        let fits = |spec: &RunSpec| {
            let on_processor = spec.device == DeviceName::Cpu;
            !is_missing(spec, &stored)
                || !on_processor
                || memory.refuses(spec.memory_bytes()).is_none()
        };
        let (fitting, large): (Vec<RunSpec>, Vec<RunSpec>) = specs.iter().cloned().partition(fits);
        let missing = fitting.iter().filter(|spec| is_missing(spec, &stored));
        let Fit { jobs, .. } = memory.fit(missing, asked);
        let estimate = regime_study::estimate(&fitting, &is_stored, calibration, jobs)?;
        let largest = large.iter().map(RunSpec::memory_bytes).fold(0.0, f64::max);
        Ok(Self { estimate, jobs, too_large: (large.len(), largest) })
    }

    /// The cost of the missing runs that fit into the memory, in the unit of their specs, and the wall-clock
    /// seconds that they take.
    pub(super) fn expected(&self) -> (f64, f64) {
        (self.estimate.cost, self.estimate.wall_s)
    }

    /// Runs, stored runs, time, runs side by side, memory and disk, for people.
    fn cells(&self) -> [String; 6] {
        let Estimate { runs, stored, wall_s, memory_bytes, disk_bytes, .. } = self.estimate;
        [
            (runs + self.too_large.0).to_string(),
            stored.to_string(),
            humantime::format_duration(Duration::from_secs(wall_s.ceil() as u64)).to_string(),
            self.jobs.to_string(),
            size(PROGRAM + memory_bytes),
            size(disk_bytes),
        ]
    }

    /// The row of a table.
    fn row(&self, name: &str) -> [String; 7] {
        let [runs, stored, time, jobs, memory, disk] = self.cells();
        [name.to_owned(), runs, stored, time, jobs, memory, disk]
    }

    /// A sentence on the runs that do not fit into the memory, if there are any.
    fn too_large(&self) -> Option<String> {
        let (n, largest) = self.too_large;
        (n > 0).then(|| {
            let (verb, needs) = match n {
                1 => ("does", "it needs"),
                _ => ("do", "the largest needs"),
            };
            format!(
                "{n} of the runs {verb} not fit into the memory and will be refused ({needs} {})",
                size(largest)
            )
        })
    }

    /// For programs.
    pub(super) fn to_json(&self, name: &str) -> Value {
        let Estimate { runs, stored, wall_s, flops, memory_bytes, disk_bytes, .. } = self.estimate;
        let (too_large, largest) = self.too_large;
        json!({
            "name": name,
            "runs": runs + too_large,
            "stored": stored,
            "jobs": self.jobs,
            "wall_s": wall_s,
            "flops": flops,
            "memory_bytes": PROGRAM + memory_bytes,
            "disk_bytes": disk_bytes,
            "too_large_for_memory": too_large,
            "largest_run_bytes": if too_large > 0 { largest } else { 0.0 },
        })
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [runs, stored, time, jobs, memory, disk] = self.cells();
        write!(
            f,
            "{runs} runs, {stored} stored; about {time}, {jobs} side by side; {memory} of memory, \
             {disk} of disk"
        )?;
        match self.too_large() {
            Some(warning) => write!(f, "; {warning}"),
            None => Ok(()),
        }
    }
}
