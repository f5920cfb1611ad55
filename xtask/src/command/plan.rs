//! `plan`: what a grid takes, before anything of it runs.

use std::{
    collections::BTreeMap,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_lab::{RunKey, Share, Spec, Store};
use regime_models::NetworkSpec;

use crate::{
    backend,
    cli::Grid,
    finding::{Finding, find},
    study::{DataCache, DeviceName, RunRecord, RunSpec, Unlimited},
};

/// A step takes about two and a half gradients, with its kernel and its solutions, and a
/// multiply-add is two operations.
const FLOPS_PER_COST: f64 = 5.0;

/// The record of a run without outputs, as it lies in the store.
const RECORD_BYTES: f64 = 3e4;

/// What is known of a grid before it runs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Estimate {
    /// Runs in the grid.
    pub(super) runs: usize,
    /// Those that are stored already.
    pub(super) stored: usize,
    /// Wall-clock seconds for the others.
    pub(super) seconds: f64,
    /// Floating-point operations for the others.
    pub(super) flops: f64,
    /// Bytes held by the largest runs side by side.
    pub(super) bytes: f64,
    /// Bytes that the records of the others take on the disk.
    pub(super) disk: f64,
}

pub(super) fn run(grid: &Grid) -> anyhow::Result<()> {
    let cache = DataCache::new(default_cache_dir());
    let store = finished(&grid.out)?;
    let findings = find(&grid.finding)?;
    for finding in &findings {
        let specs = specs(*finding, grid, &cache)?;
        let estimate = estimate(&specs, store.as_ref(), &cache, grid.jobs())?;
        println!("{}: {}", finding.name(), describe(&estimate, grid.jobs()));
    }
    if findings.len() > 1 {
        println!("{}", together(&findings, grid, store.as_ref(), &cache)?);
    }
    Ok(())
}

/// The store of finished runs in the folder for results, where there is one.
///
/// # Errors
/// A folder that cannot be opened.
pub(super) fn finished(out: &Path) -> anyhow::Result<Option<Store>> {
    let folder = out.join("runs");
    Ok(folder.is_dir().then(|| Store::open(folder)).transpose()?)
}

/// One line on several findings, whose shared runs count once.
///
/// # Errors
/// Data that cannot be read or prepared.
pub(super) fn together(
    findings: &[&dyn Finding],
    grid: &Grid,
    store: Option<&Store>,
    cache: &DataCache,
) -> anyhow::Result<String> {
    let all = union(findings, grid, cache)?;
    let estimate = estimate(&all, store, cache, grid.jobs())?;
    Ok(format!("all together: {}", describe(&estimate, grid.jobs())))
}

/// The runs of several findings, each once.
///
/// # Errors
/// Data that cannot be read or prepared.
pub(super) fn union(
    findings: &[&dyn Finding],
    grid: &Grid,
    cache: &DataCache,
) -> anyhow::Result<Vec<RunSpec>> {
    let grids = findings.iter().map(|finding| specs(*finding, grid, cache));
    let grids = grids.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Share::WHOLE.of(&grids.concat())?)
}

/// The grid of a finding with what the command line changes in it, tied to the
/// content of its data.
///
/// # Errors
/// Data that cannot be read or prepared.
pub(super) fn specs(
    finding: &dyn Finding,
    grid: &Grid,
    cache: &DataCache,
) -> anyhow::Result<Vec<RunSpec>> {
    let settings = grid.settings();
    backend::check(settings.backend, settings.device)?;
    let mut specs = finding.grid(&settings);
    for spec in &mut specs {
        if let Some(source) = &grid.source {
            spec.data.source = source.clone();
        }
        let components = spec.data.inputs.pca.is_some();
        if grid.no_pca {
            spec.data.inputs.pca = None;
        }
        let data = cache.get(&spec.data)?;
        if let (NetworkSpec::Dense(net), true, true) = (&mut spec.network, components, grid.no_pca)
        {
            net.inputs = data.train.dim();
        }
        spec.data_sha256.clone_from(&data.provenance.sha256);
    }
    Ok(specs)
}

/// One line for people.
pub(super) fn describe(estimate: &Estimate, jobs: usize) -> String {
    let Estimate { runs, stored, seconds, flops, bytes, disk } = estimate;
    let time = Duration::from_secs(seconds.ceil() as u64);
    format!(
        "{runs} runs, {stored} of them stored; about {} for the rest with {jobs} side by side, \
         {:.1e} floating-point operations, {:.0} MB of memory, {:.0} MB of disk",
        humantime::format_duration(time),
        // A sum of nothing is −0.
        flops + 0.0,
        bytes / 1e6 + 0.0,
        disk / 1e6 + 0.0,
    )
}

/// Runs, time and memory, after a calibration by short runs of each architecture.
pub(super) fn estimate(
    specs: &[RunSpec],
    store: Option<&Store>,
    cache: &DataCache,
    jobs: usize,
) -> anyhow::Result<Estimate> {
    let mut lacking = Vec::new();
    for spec in specs {
        let stored = match store {
            Some(store) => store.path(&RunKey::of(spec)?).is_file(),
            None => false,
        };
        if !stored {
            lacking.push(spec);
        }
    }
    let mut memory: Vec<f64> = lacking.iter().map(|spec| spec.memory_bytes()).collect();
    memory.sort_by(f64::total_cmp);
    let cost = |specs: &[&RunSpec]| -> f64 { specs.iter().map(|spec| spec.cost()).sum() };
    // Each architecture has its own price of an operation.
    let mut kinds: BTreeMap<&str, Vec<&RunSpec>> = BTreeMap::new();
    for &spec in &lacking {
        kinds.entry(spec.network.architecture()).or_default().push(spec);
    }
    let together = jobs.min(lacking.len());
    let mut seconds = 0.0;
    for specs in kinds.values() {
        if let Some(sample) = median_cost(specs) {
            let unit = step_seconds(sample, cache, together)? / sample.gradient_cost();
            seconds += unit * cost(specs);
        }
    }
    Ok(Estimate {
        runs: specs.len(),
        stored: specs.len() - lacking.len(),
        seconds,
        flops: FLOPS_PER_COST * cost(&lacking),
        disk: lacking.iter().map(|spec| RECORD_BYTES + 20.0 * numbers_kept(spec)).sum(),
        bytes: memory.iter().rev().take(jobs).sum(),
    })
}

/// Outputs and halves of kernels that a record holds besides.
fn numbers_kept(spec: &RunSpec) -> f64 {
    let gram = spec.gram_kept as f64;
    spec.outputs_kept as f64 + gram * (gram + 1.0)
}

fn median_cost<'a>(specs: &[&'a RunSpec]) -> Option<&'a RunSpec> {
    let mut sorted = specs.to_vec();
    sorted.sort_by(|a, b| a.gradient_cost().total_cmp(&b.gradient_cost()));
    sorted.get(sorted.len() / 2).copied()
}

/// Wall-clock seconds for a step of each of so many runs side by side, divided by their number,
/// from short runs that differ in their number of steps: what runs share, a memory or a GPU, is
/// counted. The first steps of a run have few active points, so this is a lower
/// estimate for stiff runs.
fn step_seconds(spec: &RunSpec, cache: &DataCache, together: usize) -> anyhow::Result<f64> {
    const FEW: u64 = 2;
    const MORE: u64 = 12;
    let data = cache.get(&spec.data).context("data")?;
    let timed = |steps: u64| -> anyhow::Result<f64> {
        let mut short = spec.clone();
        short.dynamics.stop_mut().max_steps = steps;
        let run = || -> anyhow::Result<()> {
            // One thread, as a run has.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
            let _: RunRecord = pool.install(|| backend::run(&short, &data, &Unlimited))?;
            Ok(())
        };
        let start = Instant::now();
        let ended: Vec<_> = thread::scope(|scope| {
            let runs: Vec<_> = (0..together).map(|_| scope.spawn(run)).collect();
            runs.into_iter().map(|run| run.join()).collect()
        });
        for run in ended {
            run.unwrap_or_else(|_| bail!("a short run failed, with {together} side by side"))?;
        }
        Ok(start.elapsed().as_secs_f64())
    };
    if spec.device != DeviceName::Cpu {
        // The first run of all pays for the start of the GPU.
        timed(FEW)?;
    }
    let (few, more) = (timed(FEW)?, timed(MORE)?);
    Ok((more - few).max(0.0) / ((MORE - FEW) as f64 * together as f64))
}
