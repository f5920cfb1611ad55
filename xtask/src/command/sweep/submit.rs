//! `sweep submit`: computes the runs that the store lacks, here or by job arrays of Slurm.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context, ensure};
use regime_lab::{RunKey, Store};
use regime_study::{RunSpec, StudyError};

use super::super::{
    compute::{ExecutionContext, compute},
    plan::Plan,
    run_data::RunData,
    stored::{is_missing, stored_keys},
    timer::calibration,
};
use super::{
    chunks::{Array, Division, Size, divide},
    slurm,
    submission::{self, FORMAT, Submission, SubmittedArray},
    target::{Target, store_folder},
};
use crate::{
    cli::{Engine, Resources, Submit},
    console,
    memory::Memory,
    signals,
    status::{BAD_INPUT, INTERRUPTED},
};

/// Cores of a task of Slurm, unless the user chooses a number.
const CORES: u16 = 4;

/// The shortest time limit that is asked for, in minutes.
const MIN_MINUTES: f64 = 30.0;

/// The time limit as a multiple of the expected time.
const TIME_MARGIN: f64 = 3.0;

pub(super) fn run(arguments: &Submit, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let Submit { target, on, cores, task_time, tasks, sbatch } = arguments;
    let grid = &target.grid;
    let resources = grid.resources;
    let cores = cores.or(resources.chosen_jobs()).unwrap_or(CORES);
    let way = Submission {
        format: FORMAT,
        on: *on,
        cores: cores.into(),
        tasks: tasks.map(usize::from),
        task_s: task_time.as_secs_f64(),
        sbatch: sbatch.clone(),
        arrays: Vec::new(),
    };
    if *on == Engine::Local {
        ensure!(sbatch.is_empty(), "options after -- are for sbatch, and need --on slurm");
    }
    let cache = RunData::new(stop);
    let target = Target::read(target, &cache)?;
    submit(&target, &target.specs, way, (&grid.out, resources), (&cache, stop))
}

/// Computes those of `specs` that are missing and not in the queue, in the given way.
pub(super) fn submit(
    target: &Target,
    specs: &[RunSpec],
    way: Submission,
    (out, resources): (&Path, Resources),
    (cache, stop): (&RunData, &Arc<AtomicBool>),
) -> anyhow::Result<ExitCode> {
    let store = Store::open(store_folder(out))?;
    if way.on == Engine::Local {
        note_local(&target.folder(out), way)?;
        return compute_here(target, specs, (&store, resources), (cache, stop));
    }
    let stored = stored_keys(specs, &store)?;
    let queued = queued_runs(&target.folder(out))?;
    let is_open = |spec: &&RunSpec| {
        is_missing(spec, &stored) && !RunKey::of(*spec).is_ok_and(|key| queued.contains(&key))
    };
    let open: Vec<RunSpec> = specs.iter().filter(is_open).cloned().collect();
    if open.is_empty() {
        out!(
            "{}: nothing to submit: {} of {} runs are stored, and {} are in the queue",
            target.name,
            stored.len(),
            specs.len(),
            specs.len() - stored.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    let folder = submission::new_folder(&target.folder(out))?;
    let arrays = write_arrays(&open, &way, &store, (&folder, cache)).inspect_err(|_| {
        // Nothing is submitted yet.
        let _ = fs::remove_dir_all(&folder);
    })?;
    send(target, &arrays, way, (&folder, stop))
}

/// Notes that a sweep is computed without Slurm, so that `resume` does the same.
fn note_local(folder: &Path, way: Submission) -> anyhow::Result<()> {
    match submission::all(folder)?.pop() {
        Some(last) if last.on == Engine::Local => Ok(()),
        _ => way.save(&submission::new_folder(folder)?),
    }
}

fn compute_here(
    target: &Target,
    specs: &[RunSpec],
    (store, resources): (&Store, Resources),
    (cache, stop): (&RunData, &Arc<AtomicBool>),
) -> anyhow::Result<ExitCode> {
    let context = ExecutionContext::new(store, resources, cache, stop);
    let computed = compute(specs, context, None)?;
    if computed.stopped {
        note!("{}: stopped; `sweep resume` continues", target.name);
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(computed.report(&target.name, store))
}

/// Divides runs into job arrays, and writes the files of all of them.
fn write_arrays(
    open: &[RunSpec],
    way: &Submission,
    store: &Store,
    (folder, cache): (&Path, &RunData),
) -> anyhow::Result<Vec<Array>> {
    let division = Division {
        cores: way.cores,
        size: way.tasks.map_or(Size::Seconds(way.task_s), Size::Tasks),
        seconds_per_cost: seconds_per_cost(open, store, cache)?,
    };
    let arrays = divide(open, &division)?;
    for (number, array) in (1..).zip(&arrays) {
        let place = array_folder(folder, number);
        for part in ["tasks", "logs"] {
            let part = place.join(part);
            fs::create_dir_all(&part).with_context(|| part.display().to_string())?;
        }
        for (task, specs) in (1..).zip(&array.tasks) {
            submission::save_task(&place, task, specs)?;
        }
        slurm::write_job_script(&place, way.cores)?;
    }
    Ok(arrays)
}

fn array_folder(folder: &Path, number: usize) -> PathBuf {
    folder.join(number.to_string())
}

/// Submits job arrays whose files are written. Once Slurm has one of them, the folder stays.
fn send(
    target: &Target,
    arrays: &[Array],
    way: Submission,
    (folder, stop): (&Path, &Arc<AtomicBool>),
) -> anyhow::Result<ExitCode> {
    let chose_time = way.sbatch.iter().any(|option| {
        option == "--time" || option.starts_with("--time=") || option.starts_with("-t")
    });
    let mut submission = way;
    for (number, array) in (1..).zip(arrays) {
        let place = array_folder(folder, number);
        let minutes = array.longest_s.filter(|_| !chose_time).map(|longest_s| {
            let limit_s = TIME_MARGIN * longest_s + slurm::SIGNAL_LEAD_S;
            f64::max(MIN_MINUTES, limit_s / 60.0).ceil() as u64
        });
        let keys = |specs: &Vec<RunSpec>| specs.iter().map(RunKey::of).collect::<Result<_, _>>();
        let tasks = array.tasks.iter().map(keys).collect::<Result<_, _>>()?;
        let size = (array.tasks.len(), array.megabytes);
        let sent = match stop.load(Ordering::Relaxed) {
            true => Err(StudyError::Stopped.into()),
            false => slurm::sbatch(&place, &target.name, size, minutes, &submission.sbatch),
        };
        let job = match sent {
            Ok(job) => job,
            Err(error) if submission.arrays.is_empty() => {
                let _ = fs::remove_dir_all(folder);
                return Err(error);
            }
            Err(error) => {
                console::warn(format_args!(
                    "error: {error:#}; {} of {} arrays are submitted, and `sweep resume` submits the rest",
                    submission.arrays.len(),
                    arrays.len()
                ));
                return Ok(ExitCode::from(BAD_INPUT));
            }
        };
        submission.arrays.push(SubmittedArray { job: job.clone(), tasks });
        // After each job, so that none is forgotten.
        submission
            .save(folder)
            .with_context(|| format!("job {job} is submitted, but not noted"))?;
        let runs: usize = array.tasks.iter().map(Vec::len).sum();
        let longest = array.longest_s.map(|s| {
            let time = std::time::Duration::from_secs(s.ceil() as u64);
            format!(", about {} each", humantime::format_duration(time))
        });
        out!(
            "{}: job {job}: {} in {}{}, {} and {} MB each — {}",
            target.name,
            counted(runs, "run"),
            counted(array.tasks.len(), "task"),
            longest.unwrap_or_default(),
            counted(submission.cores, "core"),
            array.megabytes,
            place.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A number of things in words: `1 task`, `2 tasks`.
fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// The runs in tasks that are in Slurm's queue.
fn queued_runs(folder: &Path) -> anyhow::Result<HashSet<RunKey>> {
    let mut queued = HashSet::new();
    for array in submission::arrays(folder)? {
        for (task, _) in slurm::queued_tasks(&array.job)? {
            queued.extend(array.tasks.get(task.wrapping_sub(1)).into_iter().flatten());
        }
    }
    Ok(queued)
}

/// Wall seconds of one core per unit of cost, by short runs of each kind on this machine; `None`, with a warning,
/// if a short run fails.
///
/// # Errors
/// A stop that the user requests.
fn seconds_per_cost(
    specs: &[RunSpec],
    store: &Store,
    cache: &RunData,
) -> anyhow::Result<Option<f64>> {
    let resources = Resources::one_job();
    let mut calibration = calibration(cache, Memory::of_machine(None));
    match Plan::of(specs, store, &mut calibration, resources) {
        Ok(plan) => {
            let (cost, wall_s) = plan.expected();
            Ok((cost > 0.0).then(|| wall_s / cost))
        }
        Err(error) if signals::is_stop(&error) => Err(error),
        Err(error) => {
            console::warn(format_args!(
                "warning: the time of the runs cannot be estimated: {error:#}"
            ));
            Ok(None)
        }
    }
}
