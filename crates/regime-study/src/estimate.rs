//! The estimated operations, time, memory and disk of a grid of runs.

use regime_lab::{RunKey, Spec};

use crate::{calibration::Calibration, error::StudyError, spec::RunSpec};

/// A cost is counted in multiply-adds.
const FLOPS_PER_COST: f64 = 2.0;

/// Bytes of a record without outputs in the store.
const RECORD_BYTES: f64 = 3e4;

/// The estimated cost of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Runs in the grid.
    pub runs: usize,
    /// Runs whose records are in the store.
    pub stored: usize,
    /// Cost of the other runs, in the unit of [`Spec::cost`].
    pub cost: f64,
    /// Wall-clock seconds for the other runs.
    pub wall_s: f64,
    /// Floating-point operations for the other runs.
    pub flops: f64,
    /// Bytes of memory that the largest runs need side by side.
    pub memory_bytes: f64,
    /// Bytes of the records of the other runs on the disk.
    pub disk_bytes: f64,
}

/// Estimates the cost of a grid with `jobs` runs side by side. Stored runs cost nothing.
///
/// # Errors
/// A short run of the calibration that fails, or a spec without a key.
pub fn estimate(
    specs: &[RunSpec],
    is_stored: &dyn Fn(&RunKey) -> bool,
    calibration: &mut Calibration<'_>,
    jobs: usize,
) -> Result<Estimate, StudyError> {
    let mut missing = Vec::new();
    for spec in specs {
        let key = RunKey::of(spec).map_err(|e| StudyError::Estimate(e.to_string()))?;
        if !is_stored(&key) {
            missing.push(spec);
        }
    }
    let mut memory: Vec<f64> = missing.iter().map(|spec| spec.memory_bytes()).collect();
    memory.sort_by(f64::total_cmp);
    let cost = |specs: &[&RunSpec]| -> f64 { specs.iter().map(|spec| spec.cost()).sum() };
    let side_by_side = jobs.min(missing.len());
    let mut wall_s = 0.0;
    for specs in &by_price(&missing) {
        wall_s += calibration.unit(specs, side_by_side)? * cost(specs);
    }
    Ok(Estimate {
        runs: specs.len(),
        stored: specs.len() - missing.len(),
        cost: cost(&missing),
        wall_s,
        flops: FLOPS_PER_COST * cost(&missing),
        memory_bytes: memory.iter().rev().take(jobs).sum(),
        disk_bytes: missing.iter().map(|spec| RECORD_BYTES + 20.0 * numbers_kept(spec)).sum(),
    })
}

/// Groups runs with the same time per operation.
fn by_price<'a>(specs: &[&'a RunSpec]) -> Vec<Vec<&'a RunSpec>> {
    let price = |spec: &RunSpec| {
        let RunSpec { network, dynamics, precision, backend, device, .. } = spec;
        (network.architecture(), dynamics.name(), *precision, *backend, *device)
    };
    let mut kinds: Vec<Vec<&RunSpec>> = Vec::new();
    for &spec in specs {
        match kinds.iter_mut().find(|kind| price(kind[0]) == price(spec)) {
            Some(kind) => kind.push(spec),
            None => kinds.push(vec![spec]),
        }
    }
    kinds
}

/// Number of outputs and kernel entries in a record.
fn numbers_kept(spec: &RunSpec) -> f64 {
    let gram = spec.gram_kept as f64;
    spec.outputs_kept as f64 + gram * (gram + 1.0)
}
