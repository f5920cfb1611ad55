//! `sweep status`: how many runs are done, running, failed and missing.

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};

use regime_lab::{Failure, Provenance, RunKey, Spec, Store};
use regime_study::RunSpec;
use serde_json::json;

use super::super::run_data::RunData;
use super::{
    slurm::{self, quoted},
    states::{State, states},
    submission,
    target::{Target, store_folder},
};
use crate::{cli::SweepStatus, run_name::run_name};

pub(super) fn run(arguments: &SweepStatus) -> anyhow::Result<ExitCode> {
    let grid = &arguments.target.grid;
    let cache = RunData::new(&Arc::default());
    let target = Target::read(&arguments.target, &cache)?;
    let store = Store::read_only(store_folder(&grid.out));
    let states = states(&target.specs, &store)?;
    let summary = Summary::of(&target.specs, &states);
    let queue = queue(&target.folder(&grid.out))?;
    let complete = summary.done == target.specs.len();
    if grid.json {
        out!("{:#}", summary.to_json(&target.name, &queue));
    } else {
        for line in summary.lines(&target.name, &queue) {
            out!("{line}");
        }
        if arguments.failed {
            let repeat = command_for(&target.name, std::env::args());
            for (spec, failure) in &summary.failed {
                let key = RunKey::of(*spec)?.short();
                out!("{} failed: {}", run_name(spec), failure.reason);
                out!("    on {} at {}", failure.provenance.host, failure.provenance.time);
                out!("    {repeat} --only {key}");
            }
        }
    }
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The number of tasks in Slurm's queue, by their states.
fn queue(folder: &std::path::Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut queue = BTreeMap::new();
    for array in submission::arrays(folder)? {
        match slurm::queued_tasks(&array.job) {
            Ok(tasks) => {
                for (_, state) in tasks {
                    *queue.entry(state.to_lowercase()).or_insert(0) += 1;
                }
            }
            // The folder may lie on a machine without Slurm now.
            Err(error) => {
                note!("the queue is not known: {error:#}");
                break;
            }
        }
    }
    Ok(queue)
}

/// The states of all runs of a sweep.
struct Summary<'a> {
    done: usize,
    running: Vec<(&'a RunSpec, &'a str)>,
    failed: Vec<(&'a RunSpec, &'a Failure)>,
    missing: usize,
    /// Missing runs that continue from a checkpoint.
    with_checkpoint: usize,
    /// The number of records of each version of the program.
    versions: BTreeMap<String, usize>,
    /// Seconds of one core that the other runs take, if the done ones say so.
    left_s: Option<f64>,
}

impl<'a> Summary<'a> {
    fn of(specs: &'a [RunSpec], states: &'a [State]) -> Self {
        let mut summary = Self {
            done: 0,
            running: Vec::new(),
            failed: Vec::new(),
            missing: 0,
            with_checkpoint: 0,
            versions: BTreeMap::new(),
            left_s: None,
        };
        let (mut done_cost, mut done_s, mut left_cost) = (0.0, 0.0, 0.0);
        for (spec, state) in specs.iter().zip(states) {
            match state {
                State::Done(provenance) => {
                    summary.done += 1;
                    *summary.versions.entry(version(provenance)).or_insert(0) += 1;
                    if let Some(wall_s) = provenance.wall_s {
                        done_cost += spec.cost();
                        done_s += wall_s;
                    }
                    continue;
                }
                State::Running(holder) => summary.running.push((spec, holder)),
                State::Failed(failure) => summary.failed.push((spec, failure)),
                State::Missing { has_checkpoint } => {
                    summary.missing += 1;
                    summary.with_checkpoint += usize::from(*has_checkpoint);
                }
            }
            if !matches!(state, State::Failed(_)) {
                left_cost += spec.cost();
            }
        }
        summary.left_s = (done_cost > 0.0).then(|| left_cost * done_s / done_cost);
        summary
    }

    fn lines(&self, name: &str, queue: &BTreeMap<String, usize>) -> Vec<String> {
        let total = self.done + self.running.len() + self.failed.len() + self.missing;
        let mut lines = vec![format!(
            "{name}: {} of {total} runs done, {} running, {} failed, {} missing{}",
            self.done,
            self.running.len(),
            self.failed.len(),
            self.missing,
            match self.with_checkpoint {
                0 => String::new(),
                n => format!(" ({n} with a checkpoint)"),
            }
        )];
        if !queue.is_empty() {
            let counts: Vec<String> =
                queue.iter().map(|(state, n)| format!("{n} {state}")).collect();
            lines.push(format!("tasks in the queue of Slurm: {}", counts.join(", ")));
        }
        for (spec, holder) in &self.running {
            lines.push(format!("{} is running on {holder}", run_name(spec)));
        }
        if let Some(left_s) = self.left_s.filter(|left| *left > 0.0) {
            let time = |s: f64| humantime::format_duration(Duration::from_secs(s.ceil() as u64));
            let side_by_side = self.running.len();
            lines.push(match side_by_side {
                0 => format!("time left: about {} of one core", time(left_s)),
                n => format!("time left: about {}, with {n} running", time(left_s / n as f64)),
            });
        }
        if self.versions.len() > 1 {
            let versions: Vec<String> =
                self.versions.iter().map(|(version, n)| format!("{n} by {version}")).collect();
            lines.push(format!("the records come from several versions: {}", versions.join(", ")));
        }
        lines
    }

    fn to_json(&self, name: &str, queue: &BTreeMap<String, usize>) -> serde_json::Value {
        let key = |spec: &RunSpec| RunKey::of(spec).map(|key| key.to_string()).unwrap_or_default();
        json!({
            "name": name,
            "done": self.done,
            "running": self.running.iter().map(|(spec, holder)| json!({"key": key(spec), "holder": holder}))
                .collect::<Vec<_>>(),
            "failed": self.failed.iter().map(|(spec, failure)| json!({
                "key": key(spec), "reason": failure.reason, "host": failure.provenance.host,
                "time": failure.provenance.time,
            })).collect::<Vec<_>>(),
            "missing": self.missing,
            "with_checkpoint": self.with_checkpoint,
            "versions": self.versions,
            "core_seconds_left": self.left_s,
            "queue": queue,
        })
    }
}

/// The program of a record and its commit.
fn version(provenance: &Provenance) -> String {
    match provenance.extra.get("commit") {
        Some(commit) => format!("{}, commit {commit}", provenance.program),
        None => provenance.program.clone(),
    }
}

/// The command that computes runs of this target here: that of this process, with `reproduce` or `run` in the
/// place of `sweep status`, and without the options of `status`.
fn command_for(name: &str, arguments: impl Iterator<Item = String>) -> String {
    let command = if regime_findings::FINDINGS.iter().any(|f| f.name() == name) || name == "all" {
        "reproduce"
    } else {
        "run"
    };
    let own = ["sweep", "status", "--failed", "--quiet", "-q"];
    let rest = arguments.skip(1).filter(|word| !own.contains(&word.as_str()));
    let words: Vec<String> = rest.map(|word| quoted(&word)).collect();
    format!("cargo xtask {command} {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_keeps_the_options_of_the_target() {
        let words = ["xtask", "sweep", "status", "finding-1", "--profile", "smoke", "--failed"];
        let command = command_for("finding-1", words.into_iter().map(str::to_owned));
        assert_eq!(command, "cargo xtask reproduce finding-1 --profile smoke");
        let words = ["xtask", "-q", "sweep", "status", "my runs.json", "--set", "alpha=1"];
        let command = command_for("my runs", words.into_iter().map(str::to_owned));
        assert_eq!(command, "cargo xtask run 'my runs.json' --set alpha=1");
    }
}
