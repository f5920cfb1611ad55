//! The division of runs into tasks of equal cost, which need similar memory.

use std::collections::BTreeMap;

use regime_lab::{Share, Spec};
use regime_study::RunSpec;

use super::super::data_memory::data_bytes;
use crate::memory;

/// Tasks that need the same memory: one job array.
pub(super) struct Array {
    /// Memory of each task in megabytes.
    pub(super) megabytes: u64,
    /// The runs of each task.
    pub(super) tasks: Vec<Vec<RunSpec>>,
    /// The expected time of the longest task, in seconds of wall time, if the time of a run is known.
    pub(super) longest_s: Option<f64>,
}

/// How runs are divided.
pub(super) struct Division {
    /// Cores of each task, which are its runs side by side.
    pub(super) cores: usize,
    /// The number of tasks, or the time that each is expected to take.
    pub(super) size: Size,
    /// Wall seconds of one core per unit of cost, if known.
    pub(super) seconds_per_cost: Option<f64>,
}

/// What decides the number of tasks.
pub(super) enum Size {
    /// So many, in all arrays together.
    Tasks(usize),
    /// As many as take this many seconds each.
    Seconds(f64),
}

/// The largest number of tasks: Slurm's default limit of an array is 1000.
const MAX_TASKS: usize = 1000;

/// The least memory that is asked for, in megabytes.
const MIN_MEGABYTES: u64 = 500;

/// Divides runs into arrays by their memory, and each array into tasks of equal cost.
///
/// # Errors
/// A run without a key, or with a cost that is not a number.
pub(super) fn divide(specs: &[RunSpec], division: &Division) -> anyhow::Result<Vec<Array>> {
    let total: f64 = specs.iter().map(Spec::cost).sum();
    let mut classes: BTreeMap<u64, Vec<RunSpec>> = BTreeMap::new();
    for spec in specs {
        let class = memory_class(task_bytes(&vec![spec.clone(); division.cores], division.cores));
        classes.entry(class).or_default().push(spec.clone());
    }
    let arrays = classes.into_values().map(|specs| {
        let cost: f64 = specs.iter().map(Spec::cost).sum();
        let wanted = match (&division.size, division.seconds_per_cost) {
            // Each array gets its part of the tasks.
            (Size::Tasks(n), _) if total > 0.0 => *n as f64 * cost / total,
            (Size::Tasks(n), _) => *n as f64,
            (Size::Seconds(s), Some(per_cost)) => cost * per_cost / (division.cores as f64 * s),
            // Without a time, a few runs per core.
            (Size::Seconds(_), None) => specs.len() as f64 / (4.0 * division.cores as f64),
        };
        let n = (wanted.ceil() as usize).clamp(1, MAX_TASKS);
        let tasks = Share::divide(&specs, n)?;
        let longest = |specs: &Vec<RunSpec>| -> f64 {
            let costs = || specs.iter().map(Spec::cost);
            f64::max(costs().sum::<f64>() / division.cores as f64, costs().fold(0.0, f64::max))
        };
        let longest = tasks.iter().map(longest).fold(0.0, f64::max);
        let longest_s = division.seconds_per_cost.map(|per_cost| per_cost * longest);
        // The runs of a task may have different data.
        let bytes = tasks.iter().map(|task| task_bytes(task, division.cores)).fold(0.0, f64::max);
        Ok(Array { megabytes: memory_class(bytes), tasks, longest_s })
    });
    arrays.collect()
}

/// Bytes of a task: its data, and its largest runs side by side.
fn task_bytes(specs: &[RunSpec], cores: usize) -> f64 {
    let mut runs: Vec<f64> = specs.iter().map(RunSpec::memory_bytes).collect();
    runs.sort_by(|a, b| b.total_cmp(a));
    let side_by_side: f64 = runs.iter().take(cores).sum();
    (memory::PROGRAM + data_bytes(specs) + side_by_side) / memory::USABLE
}

/// The smallest power of two, times the least memory, that has so many bytes; in megabytes.
fn memory_class(bytes: f64) -> u64 {
    let mut megabytes = MIN_MEGABYTES;
    while megabytes as f64 * 1e6 < bytes && megabytes < 1 << 40 {
        megabytes *= 2;
    }
    megabytes
}

#[cfg(test)]
mod tests {
    use regime_models::{Activation, DenseSpec, NetworkSpec};

    use super::*;

    fn specs(widths: &[usize]) -> Vec<RunSpec> {
        let of = |(seed, &width): (usize, &usize)| {
            let activation = Activation::Relu;
            let net = DenseSpec { inputs: 10, width, hidden_layers: 3, activation, bias: true };
            RunSpec { seed: seed as u64, ..RunSpec::new(NetworkSpec::Dense(net), 1.0) }
        };
        widths.iter().enumerate().map(of).collect()
    }

    fn sizes(arrays: &[Array]) -> Vec<Vec<usize>> {
        arrays.iter().map(|array| array.tasks.iter().map(Vec::len).collect()).collect()
    }

    #[test]
    fn every_run_is_in_one_task_and_tasks_take_the_expected_time() {
        let specs = specs(&[30; 12]);
        let cost = specs[0].cost();
        // Ten seconds for each run on one core; two cores; tasks of half a minute.
        let division =
            Division { cores: 2, size: Size::Seconds(30.0), seconds_per_cost: Some(10.0 / cost) };
        let arrays = divide(&specs, &division).unwrap();
        assert_eq!(sizes(&arrays), [[6, 6]]);
        assert!((arrays[0].longest_s.unwrap() - 30.0).abs() < 1e-9);
        let division = Division { size: Size::Tasks(4), ..division };
        assert_eq!(sizes(&divide(&specs, &division).unwrap()), [[3, 3, 3, 3]]);
        let division = Division { size: Size::Tasks(50), ..division };
        assert_eq!(sizes(&divide(&specs, &division).unwrap()), [vec![1; 12]]);
    }

    #[test]
    fn runs_that_need_much_memory_are_an_array_of_their_own() {
        let specs = specs(&[30, 30, 6000]);
        let division = Division { cores: 1, size: Size::Tasks(1), seconds_per_cost: None };
        let arrays = divide(&specs, &division).unwrap();
        assert_eq!(sizes(&arrays), [vec![2], vec![1]]);
        let large = specs[2].memory_bytes();
        let asked = arrays[1].megabytes as f64 * 1e6;
        assert!(asked > large && asked < 4.0 * large, "{asked} for {large}");
        assert_eq!(arrays[0].megabytes, MIN_MEGABYTES);
    }

    #[test]
    fn the_number_of_tasks_is_limited() {
        let specs = specs(&[10; 1200]);
        let division =
            Division { cores: 1, size: Size::Seconds(1e-9), seconds_per_cost: Some(1.0) };
        let arrays = divide(&specs, &division).unwrap();
        assert_eq!(arrays[0].tasks.len(), MAX_TASKS);
    }
}
