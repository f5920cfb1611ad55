//! `plan`: what a grid takes, before anything of it runs.

use std::{path::Path, time::Duration};

use regime_data::default_cache_dir;
use regime_lab::{RunKey, Share, Spec, Store};
use regime_models::NetworkSpec;

use super::calibrate::Calibration;
use crate::{
    backend,
    cli::Grid,
    finding::{Finding, find},
    study::{DataCache, RunSpec},
};

/// A cost is counted in multiply-adds.
const FLOPS_PER_COST: f64 = 2.0;

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
    let mut calibration = Calibration::new(&cache);
    let store = finished(&grid.out)?;
    let grids = grids(&find(&grid.finding)?, grid, &cache)?;
    let mut tell = |name: &str, specs: &[RunSpec]| -> anyhow::Result<()> {
        let estimate = estimate(specs, store.as_ref(), &mut calibration, grid.jobs())?;
        println!("{name}: {}", describe(&estimate, grid.jobs()));
        Ok(())
    };
    for (finding, specs) in &grids {
        tell(finding.name(), specs)?;
    }
    if grids.len() > 1 {
        tell("all together", &union(&grids)?)?;
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

/// A finding and its runs.
pub(super) type FindingGrid<'a> = (&'a dyn Finding, Vec<RunSpec>);

/// The runs of each of several findings.
///
/// # Errors
/// As [`specs`].
pub(super) fn grids<'a>(
    findings: &[&'a dyn Finding],
    grid: &Grid,
    cache: &DataCache,
) -> anyhow::Result<Vec<FindingGrid<'a>>> {
    let of = |&finding: &&'a dyn Finding| Ok((finding, specs(finding, grid, cache)?));
    findings.iter().map(of).collect()
}

/// The runs of several findings, each once.
///
/// # Errors
/// A run without a name or with a cost that is none.
pub(super) fn union(grids: &[FindingGrid<'_>]) -> anyhow::Result<Vec<RunSpec>> {
    let all: Vec<RunSpec> = grids.iter().flat_map(|(_, specs)| specs.clone()).collect();
    Ok(Share::WHOLE.of(&all)?)
}

/// The grid of a finding with what the command line changes in it, tied to the
/// content of its data.
///
/// # Errors
/// Data that cannot be read or prepared.
fn specs(finding: &dyn Finding, grid: &Grid, cache: &DataCache) -> anyhow::Result<Vec<RunSpec>> {
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

/// Runs, time and memory, after a calibration by short runs of each kind.
pub(super) fn estimate(
    specs: &[RunSpec],
    store: Option<&Store>,
    calibration: &mut Calibration<'_>,
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
    // Each of these has its own price of an operation.
    let price = |spec: &RunSpec| {
        let RunSpec { network, dynamics, precision, backend, device, .. } = spec;
        (network.architecture(), dynamics.name(), *precision, *backend, *device)
    };
    let mut kinds: Vec<Vec<&RunSpec>> = Vec::new();
    for &spec in &lacking {
        match kinds.iter_mut().find(|kind| price(kind[0]) == price(spec)) {
            Some(kind) => kind.push(spec),
            None => kinds.push(vec![spec]),
        }
    }
    let together = jobs.min(lacking.len());
    let mut seconds = 0.0;
    for specs in &kinds {
        seconds += calibration.unit(specs, together)? * cost(specs);
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
