//! Progress of a grid: a bar on a terminal, plain lines elsewhere.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use indicatif::{ProgressDrawTarget, ProgressStyle};
use regime_lab::{Event, Observer, Progress, RunKey};
use regime_study::{RunSpec, StudyError};

use crate::{console, run_name::run_name};

/// Where bars are drawn: nowhere with `--quiet`.
fn target() -> ProgressDrawTarget {
    if console::is_quiet() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() }
}

/// Draws the events of an execution.
pub(crate) struct ProgressBar {
    progress: Progress,
    start: Instant,
    /// Runs that were in the store when computing began.
    reused: usize,
    bar: indicatif::ProgressBar,
    /// The tenths of the work for which a plain line has been printed.
    tenths: usize,
    /// The runs for people.
    names: HashMap<RunKey, String>,
    /// Whether a note has reported that another process computes a run.
    held_noted: bool,
}

impl ProgressBar {
    /// `jobs`: runs side by side; `expected`: cost of the runs, and the wall seconds that they are expected to take.
    pub(crate) fn new(jobs: usize, expected: Option<(f64, f64)>, specs: &[RunSpec]) -> Self {
        let named = |spec: &RunSpec| Some((RunKey::of(spec).ok()?, run_name(spec)));
        let bar = indicatif::ProgressBar::with_draw_target(None, target());
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs  {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self {
            progress: Progress::new(jobs).with_expected_time(expected),
            start: Instant::now(),
            reused: 0,
            bar,
            tenths: 0,
            names: specs.iter().filter_map(named).collect(),
            held_noted: false,
        }
    }

    /// The rate of the runs that this call computes and the time left, in words; empty if all runs were stored.
    fn rest(&self) -> String {
        let now = self.start.elapsed().as_secs_f64();
        let computed = self.progress.settled().saturating_sub(self.reused);
        if self.progress.total() == self.reused {
            return String::new();
        }
        let left = match self.progress.time_left_s(now) {
            Some(left) => {
                let left = Duration::from_secs(left.ceil() as u64);
                format!("{} left", humantime::format_duration(left))
            }
            None => "time left not known yet".into(),
        };
        match computed {
            0 => left,
            n => format!("{:.2} runs/s, {left}", n as f64 / now.max(1e-9)),
        }
    }

    /// A run for people.
    fn name(&self, key: &RunKey) -> String {
        self.names.get(key).cloned().unwrap_or_else(|| format!("run {}", key.short()))
    }

    fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            console::warn(format_args!("{text}"));
        } else {
            self.bar.println(text);
        }
    }
}

impl Observer for ProgressBar {
    fn on(&mut self, event: &Event) {
        self.progress.observe(event);
        match event {
            Event::Damaged { key, moved_to, damage } => {
                self.line(&format!(
                    "{}: its record is damaged ({damage}) and was moved to {}; the run is computed again",
                    self.name(key),
                    moved_to.display()
                ));
            }
            Event::Held { key, holder } if !self.held_noted => {
                self.held_noted = true;
                if !console::is_quiet() {
                    self.line(&format!(
                        "{} is computed by another process ({holder}); other runs first",
                        self.name(key)
                    ));
                }
            }
            Event::Planned { total, reused, .. } => {
                self.bar.set_length(*total as u64);
                // The store has been searched: the computation begins here.
                self.start = Instant::now();
                self.reused = *reused;
                self.tenths = if *total == *reused { 10 } else { 0 };
            }
            // The user knows; the command reports it once.
            Event::Failed { reason, .. } if reason.ends_with(&StudyError::Stopped.to_string()) => {}
            Event::Failed { key, reason, .. } => {
                self.line(&format!("{} failed: {reason}", self.name(key)));
            }
            _ => {}
        }
        self.bar.set_position(self.progress.settled() as u64);
        self.bar.set_message(self.rest());
        let tenths = (self.progress.fraction() * 10.0) as usize;
        if self.bar.is_hidden() && tenths > self.tenths && self.progress.total() > 0 {
            self.tenths = tenths;
            let (settled, total) = (self.progress.settled(), self.progress.total());
            note!("{settled}/{total} runs, {}", self.rest());
        }
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Progress of a coordinate check: a bar on a terminal, nothing elsewhere.
pub(crate) struct Counter(indicatif::ProgressBar);

impl Counter {
    /// A counter of `total` measurements.
    pub(crate) fn new(total: usize) -> Self {
        let bar = indicatif::ProgressBar::with_draw_target(Some(total as u64), target());
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} measurements  {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self(bar)
    }

    /// Counts one measurement.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
