//! A submission to Slurm on disk: which runs which task has, and how it was submitted.
//!
//! `<out>/sweeps/<name>/<n>/` is the n-th submission of a sweep. Each of its job arrays has a folder, `1`,
//! `2` and so on, with `job.sh`, the runs of its tasks in `tasks/<task>.json`, and `logs`. A folder is never used
//! again: tasks in the queue still read it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use regime_lab::RunKey;
use regime_study::{PlacedSpec, RunSpec};
use serde::{Deserialize, Serialize};

use crate::{cli::Engine, output};

/// The file `submission.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Submission {
    /// The version of the layout of the folder.
    pub(super) format: u32,
    /// Where the runs are computed.
    pub(super) on: Engine,
    /// Cores of each task.
    pub(super) cores: usize,
    /// The number of tasks that the user chose.
    pub(super) tasks: Option<usize>,
    /// The expected time of a task, in seconds.
    pub(super) task_s: f64,
    /// Options of sbatch.
    pub(super) sbatch: Vec<String>,
    /// The job arrays, in the order of their folders.
    pub(super) arrays: Vec<SubmittedArray>,
}

/// A job array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SubmittedArray {
    /// The number that Slurm gave it.
    pub(super) job: String,
    /// The keys of the runs of each task.
    pub(super) tasks: Vec<Vec<RunKey>>,
}

/// The version of the layout that this program writes and reads.
pub(super) const FORMAT: u32 = 1;

impl Submission {
    /// Saves the submission in its folder.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join("submission.json");
        let text = serde_json::to_string_pretty(self)? + "\n";
        output::replace(&path, text.as_bytes()).with_context(|| path.display().to_string())
    }
}

/// All submissions of a sweep, from the first to the last.
///
/// # Errors
/// A file that cannot be read, or that another version wrote.
pub(super) fn all(folder: &Path) -> anyhow::Result<Vec<Submission>> {
    let mut submissions = Vec::new();
    for number in numbers(folder)? {
        let path = folder.join(number.to_string()).join("submission.json");
        // A submission that sbatch refused has none.
        if !path.is_file() {
            continue;
        }
        let name = || path.display().to_string();
        let text = fs::read_to_string(&path).with_context(name)?;
        let submission: Submission = serde_json::from_str(&text).with_context(name)?;
        anyhow::ensure!(
            submission.format == FORMAT,
            "{}: it has format {}, and this version reads format {FORMAT}",
            name(),
            submission.format
        );
        submissions.push(submission);
    }
    Ok(submissions)
}

/// The job arrays of all submissions of a sweep.
///
/// # Errors
/// As [`all`].
pub(super) fn arrays(folder: &Path) -> anyhow::Result<Vec<SubmittedArray>> {
    Ok(all(folder)?.into_iter().flat_map(|submission| submission.arrays).collect())
}

/// The numbers of the submissions that have a folder, sorted.
fn numbers(folder: &Path) -> anyhow::Result<Vec<u32>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let name = || folder.display().to_string();
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).with_context(name)? {
        let entry = entry.with_context(name)?;
        numbers.extend(entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Creates the folder of the next submission, and returns its absolute path.
///
/// # Errors
/// A folder that cannot be created.
pub(super) fn new_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = || folder.display().to_string();
    fs::create_dir_all(folder).with_context(name)?;
    let mut number = numbers(folder)?.last().map_or(1, |last| last + 1);
    loop {
        let next = folder.join(number.to_string());
        match fs::create_dir(&next) {
            Ok(()) => return fs::canonicalize(&next).with_context(name),
            // Another process has just created it.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error).with_context(|| next.display().to_string()),
        }
    }
}

/// The file with the runs of a task.
fn task_file(array: &Path, task: usize) -> PathBuf {
    array.join("tasks").join(format!("{task}.json"))
}

/// The runs of a task. Unlike a spec file of a user, the file may be of any size.
///
/// # Errors
/// A file that cannot be read, or that this program did not write.
pub(super) fn read_task(array: &Path, task: usize) -> anyhow::Result<Vec<PlacedSpec>> {
    let path = task_file(array, task);
    let name = path.display().to_string();
    let text = fs::read_to_string(&path).with_context(|| name.clone())?;
    let specs: Vec<RunSpec> = serde_json::from_str(&text).with_context(|| name.clone())?;
    let placed = |(number, spec)| PlacedSpec { place: format!("{name}, run {number}"), spec };
    Ok((1..).zip(specs).map(placed).collect())
}

/// Writes the runs of a task.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn save_task(array: &Path, task: usize, specs: &[RunSpec]) -> anyhow::Result<()> {
    let path = task_file(array, task);
    let specs: Vec<serde_json::Value> = specs.iter().map(RunSpec::complete).collect();
    let text = serde_json::to_string(&specs)? + "\n";
    fs::write(&path, text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use regime_models::{Activation, DenseSpec, NetworkSpec};

    use super::*;

    fn spec(seed: u64) -> RunSpec {
        let activation = Activation::Relu;
        let net = DenseSpec { inputs: 10, width: 8, hidden_layers: 3, activation, bias: true };
        let mut spec = RunSpec { seed, ..RunSpec::new(NetworkSpec::Dense(net), 0.1) };
        spec.budget.max_wall_s = 7.5;
        spec
    }

    #[test]
    fn the_runs_of_a_task_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tasks")).unwrap();
        let specs = [spec(0), spec(u64::MAX)];
        save_task(folder.path(), 3, &specs).unwrap();
        let read = read_task(folder.path(), 3).unwrap();
        assert_eq!(read.into_iter().map(|placed| placed.spec).collect::<Vec<_>>(), specs);
        assert!(read_task(folder.path(), 4).unwrap_err().to_string().contains("4.json"));
    }

    #[test]
    fn submissions_are_numbered_and_read_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let sweep = folder.path().join("sweep");
        assert_eq!(all(&sweep).unwrap(), []);
        let of = |job: &str| Submission {
            format: FORMAT,
            on: Engine::Slurm,
            cores: 4,
            tasks: None,
            task_s: 3600.0,
            sbatch: vec!["--account=physics".into()],
            arrays: vec![SubmittedArray { job: job.into(), tasks: Vec::new() }],
        };
        for n in 1..=11 {
            let next = new_folder(&sweep).unwrap();
            assert!(next.ends_with(n.to_string()));
            // The second was refused by sbatch.
            if n != 2 {
                of(&n.to_string()).save(&next).unwrap();
            }
        }
        let jobs: Vec<String> =
            all(&sweep).unwrap().into_iter().map(|s| s.arrays[0].job.clone()).collect();
        assert_eq!(jobs, ["1", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
        Submission { format: 2, ..of("12") }.save(&new_folder(&sweep).unwrap()).unwrap();
        assert!(all(&sweep).unwrap_err().to_string().contains("it has format 2"));
    }
}
