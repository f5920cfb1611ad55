//! The commands of Slurm.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use anyhow::{Context, bail};

/// The job script, with places for the cores, the program and the folder of the array.
const JOB_SCRIPT: &str = include_str!("job.sh");

/// Seconds between the signal to a worker and the time limit of its task. Slurm may send it a minute earlier.
pub(super) const SIGNAL_LEAD_S: f64 = 120.0;

/// Writes the job script of an array into its folder.
///
/// # Errors
/// A path that is not text, or a file that cannot be written.
pub(super) fn write_job_script(array: &Path, cores: usize) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("the path of this program")?;
    let text = JOB_SCRIPT
        .replace("{cpus}", &cores.to_string())
        .replace("{program}", &quoted(text_of(&program)?))
        .replace("{folder}", &quoted(text_of(array)?));
    let path = array.join("job.sh");
    fs::write(&path, text).with_context(|| path.display().to_string())
}

fn text_of(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// A word for a shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Submits the job script in the folder of an array with `tasks` tasks, and returns the number of the job, or
/// `JOB;CLUSTER` with `--clusters`.
/// `options` come after those of this program, and replace them.
///
/// # Errors
/// What sbatch writes, if it refuses.
pub(super) fn sbatch(
    array: &Path,
    name: &str,
    (tasks, megabytes): (usize, u64),
    minutes: Option<u64>,
    options: &[String],
) -> anyhow::Result<String> {
    // In the name of a log, % begins a field of the task, and %% is %.
    let logs = text_of(&array.join("logs"))?.replace('%', "%%");
    let mut command = Command::new("sbatch");
    command
        .arg("--parsable")
        .arg(format!("--job-name=regime-{name}"))
        .arg(format!("--array=1-{tasks}"))
        .arg(format!("--output={logs}/%a.log"))
        // Relative paths of data are relative to this folder.
        .arg(format!("--chdir={}", text_of(&std::env::current_dir()?)?));
    // Slurm lets --mem, --mem-per-cpu and --mem-per-gpu exclude each other.
    let is_memory = |option: &&String| {
        *option == "--mem" || ["--mem=", "--mem-per-"].iter().any(|start| option.starts_with(start))
    };
    if !options.iter().any(|option| is_memory(&option)) {
        command.arg(format!("--mem={megabytes}M"));
    }
    if let Some(minutes) = minutes {
        command.arg(format!("--time={minutes}"));
    }
    let output = run(command.args(options).arg(array.join("job.sh")))?;
    let job = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let number = job.split(';').next().unwrap_or_default();
    if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
        bail!("sbatch submitted no job: its answer is `{job}`");
    }
    Ok(job)
}

/// The tasks of a job that are in the queue, with their states; none for a job that Slurm has forgotten.
///
/// # Errors
/// A squeue that cannot be run.
pub(super) fn queued_tasks(job: &str) -> anyhow::Result<Vec<(usize, String)>> {
    let mut command = Command::new("squeue");
    let (number, cluster) = job.split_once(';').unwrap_or((job, ""));
    command.args(["--noheader", "--all", "--array", "--format=%K %T", &format!("--jobs={number}")]);
    if !cluster.is_empty() {
        command.arg(format!("--clusters={cluster}"));
    }
    let output = command.output().context("squeue cannot be run")?;
    let refused = String::from_utf8_lossy(&output.stderr);
    // Slurm forgets a job some minutes after its end.
    if !output.status.success() && !refused.contains("Invalid job id") {
        bail!("squeue: {}", refused.trim().replace('\n', "; "));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let task = |line: &str| {
        let (task, state) = line.trim().split_once(' ')?;
        Some((task.parse().ok()?, state.trim().to_owned()))
    };
    Ok(text.lines().filter_map(task).collect())
}

fn run(command: &mut Command) -> anyhow::Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} cannot be run"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        let why: Vec<&str> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        bail!("{program}: {}", why.join("; "));
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell_are_quoted_where_needed() {
        assert_eq!(quoted("/home/a-b/c.json"), "/home/a-b/c.json");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn the_job_script_has_no_places_left() {
        let folder = tempfile::tempdir().unwrap();
        write_job_script(folder.path(), 3).unwrap();
        let script = fs::read_to_string(folder.path().join("job.sh")).unwrap();
        assert!(script.contains("#SBATCH --cpus-per-task=3\n"));
        for place in ["{cpus}", "{program}", "{folder}"] {
            assert!(JOB_SCRIPT.contains(place) && !script.contains(place), "{place}");
        }
        let lead = format!("--signal=TERM@{SIGNAL_LEAD_S}\n");
        assert!(JOB_SCRIPT.contains(&lead));
    }
}
