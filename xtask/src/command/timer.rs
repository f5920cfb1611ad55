//! Times short runs side by side, for estimates of what a grid takes.

use std::{thread, time::Instant};

use anyhow::bail;
use regime_study::{
    Calibration, DeviceName, RunContext, RunRecord, RunSpec, StudyError, TimedRuns,
};

use super::{compute::threads_per_run, run_data::RunData};
use crate::{backend, memory::Memory, signals};

/// A calibration by this machine's clock. Once a stop is requested, its error is [`StudyError::Stopped`].
///
/// Of a run that needs much memory fewer copies are made side by side, as many as fit.
pub(super) fn calibration(cache: &RunData, memory: Memory) -> Calibration<'_> {
    Calibration::new(move |spec, side_by_side| {
        let copies = match spec.device {
            DeviceName::Cpu => memory.copies(spec.memory_bytes(), side_by_side),
            DeviceName::Cuda(_) => side_by_side,
        };
        timed(spec, copies, cache).map_err(|error| match signals::is_stop(&error) {
            true => StudyError::Stopped,
            false => StudyError::Estimate(format!("{error:#}")),
        })
    })
}

/// The context of a short run: without limits and checkpoints, until a stop is requested.
struct UntilStop<'a>(&'a RunData);

impl RunContext for UntilStop<'_> {
    fn stop_requested(&self) -> bool {
        self.0.stop_requested()
    }
}

fn timed(spec: &RunSpec, side_by_side: usize, cache: &RunData) -> anyhow::Result<TimedRuns> {
    let data = cache.get(&spec.data)?;
    let run = || -> anyhow::Result<RunRecord> {
        let threads = threads_per_run(side_by_side, side_by_side);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        pool.install(|| backend::run(spec, &data, &UntilStop(cache)))
    };
    let start = Instant::now();
    let ended: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..side_by_side).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join()).collect()
    });
    let wall_s = start.elapsed().as_secs_f64();
    let failed = |_| bail!("a short run failed, with {side_by_side} side by side");
    let records =
        ended.into_iter().map(|run| run.unwrap_or_else(failed)).collect::<Result<_, _>>()?;
    Ok(TimedRuns { wall_s, records })
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use regime_study::read_specs;

    use super::*;

    #[test]
    fn after_a_stop_no_data_are_read_and_short_runs_end() {
        let text = r#"{"data": {"source": {"kind": "stripe", "dim": 3}, "task": {"kind": "own"},
            "inputs": {"centre": false, "sphere": false, "pca": null},
            "n_train": 20, "n_test": 40, "n_kernel": 5},
            "network": {"architecture": "dense", "inputs": 3, "width": 8, "hidden_layers": 2,
            "activation": {"kind": "relu"}, "bias": true}, "alpha": 0.3}"#;
        let spec = read_specs("one.json", text, &[]).unwrap().remove(0).spec;
        let stop = Arc::new(AtomicBool::new(false));
        let cache = RunData::new(&stop);
        let unit = || calibration(&cache, Memory::of_machine(None)).unit(&[&spec], 1);
        assert!(unit().is_ok());
        let data = cache.get(&spec.data).unwrap();

        stop.store(true, Ordering::Relaxed);
        assert_eq!(cache.get(&spec.data).err(), Some(StudyError::Stopped));
        assert_eq!(unit(), Err(StudyError::Stopped));
        // So does a short run that has its data already.
        assert!(signals::is_stop(&backend::run(&spec, &data, &UntilStop(&cache)).unwrap_err()));
    }
}
