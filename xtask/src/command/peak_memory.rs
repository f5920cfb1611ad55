//! Measures the peak memory of a run in a separate process.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use serde_json::json;

/// The peak memory, in bytes, of a process that makes ten steps of a run with `n` points, width `h`
/// and five hidden layers.
///
/// # Errors
/// If the process cannot be started or fails, and on systems other than Linux, which do not report
/// the peak.
pub(super) fn peak_memory(n: usize, h: usize, folder: &Path) -> anyhow::Result<f64> {
    let spec = json!({
        "data": {"n_train": n, "n_test": 100, "n_kernel": 10},
        "network": {"architecture": "dense", "inputs": 10, "width": h, "hidden_layers": 5,
            "activation": {"kind": "softplus", "beta": 5.0}, "bias": true},
        "alpha": 1.0,
        "loss": {"kind": "squared"},
        "dynamics": {"kind": "flow", "stop": {"margin": 0.999, "max_steps": 10}},
    });
    let file = folder.join("peak-memory.json");
    fs::write(&file, spec.to_string()).with_context(|| file.display().to_string())?;
    let program = std::env::current_exe().context("the path of this program is unknown")?;
    let mut child = Command::new(program)
        .args(["run", "--jobs", "1", "--out"])
        .args([folder, &file])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("this program cannot be started again")?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0f64;
    loop {
        if let Some(now) = high_water_mark(&status) {
            peak = peak.max(now);
        }
        if let Some(ended) = child.try_wait()? {
            if !ended.success() || peak == 0.0 {
                bail!("the peak memory of a run could not be measured ({ended})");
            }
            return Ok(peak);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The peak memory in bytes that the status file of a process reports.
fn high_water_mark(status: &str) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(1024.0 * kilobytes)
}
