//! `plan`: what a grid takes, before anything of it runs.

use std::{path::Path, time::Duration};

use regime_data::default_cache_dir;
use regime_findings::{Finding, Settings};
use regime_lab::{RunKey, Share, Store};
use regime_models::NetworkSpec;
use regime_study::{Calibration, DataCache, Estimate, RunSpec};

use super::timer::calibration;
use crate::{backend, cli::Grid, study::find};

pub(super) fn run(grid: &Grid) -> anyhow::Result<()> {
    let cache = DataCache::new(default_cache_dir());
    let mut calibration = calibration(&cache);
    let store = finished(&grid.out)?;
    let grids = grids(&find(&grid.finding)?, grid, &cache)?;
    let mut print = |name: &str, specs: &[RunSpec]| -> anyhow::Result<()> {
        let estimate = estimate(specs, store.as_ref(), &mut calibration, grid.jobs())?;
        println!("{name}: {}", describe(&estimate, grid.jobs()));
        Ok(())
    };
    for (finding, specs) in &grids {
        print(finding.name(), specs)?;
    }
    if grids.len() > 1 {
        print("all together", &union(&grids)?)?;
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
    let settings = grid.settings();
    let of = |&finding: &&'a dyn Finding| Ok((finding, specs(finding, grid, &settings, cache)?));
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
pub(super) fn specs(
    finding: &dyn Finding,
    grid: &Grid,
    settings: &Settings,
    cache: &DataCache,
) -> anyhow::Result<Vec<RunSpec>> {
    backend::check(settings.backend, settings.device)?;
    let mut specs = finding.grid(settings);
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
    let Estimate { runs, stored, wall_s, flops, memory_bytes, disk_bytes } = estimate;
    let time = Duration::from_secs(wall_s.ceil() as u64);
    format!(
        "{runs} runs, {stored} of them stored; about {} for the rest with {jobs} side by side, \
         {:.1e} floating-point operations, {:.0} MB of memory, {:.0} MB of disk",
        humantime::format_duration(time),
        // A sum of nothing is −0.
        flops + 0.0,
        memory_bytes / 1e6 + 0.0,
        disk_bytes / 1e6 + 0.0,
    )
}

/// Runs, time and memory, after a calibration by short runs of each kind.
pub(super) fn estimate(
    specs: &[RunSpec],
    store: Option<&Store>,
    calibration: &mut Calibration<'_>,
    jobs: usize,
) -> anyhow::Result<Estimate> {
    let is_stored = |key: &RunKey| store.is_some_and(|store| store.path(key).is_file());
    Ok(regime_study::estimate(specs, &is_stored, calibration, jobs)?)
}
