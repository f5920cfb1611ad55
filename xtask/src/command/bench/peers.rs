//! `bench --json`: times the operations of a run, and the same in PyTorch on the same device.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use regime_benches::PeerRow;
use regime_models::Precision;
use regime_study::{BackendName, DeviceName};
use serde::{Deserialize, Serialize};

use crate::{backend, output, provenance};

/// The script that times PyTorch.
const SCRIPT: &str = include_str!("../../../../benches/torch_peers.py");

/// Number of small runs in one batch on a GPU.
const MANY: usize = 256;

/// One line of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    work: String,
    n: usize,
    h: usize,
    seconds: f64,
    library: String,
    device: String,
    dtype: String,
    threads: usize,
}

/// Times the operations, then those of PyTorch, prints both and writes them to `path`.
pub(super) fn run(
    (name, device): (BackendName, DeviceName),
    smoke: bool,
    path: &Path,
) -> anyhow::Result<()> {
    let on_gpu = device != DeviceName::Cpu;
    let sizes: &[(usize, usize)] = match (smoke, on_gpu) {
        (true, _) => &[(60, 16)],
        (false, true) => &[(5000, 100), (5000, 400), (5000, 800)],
        (false, false) => &[(1000, 100), (1000, 400)],
    };
    let many = match (smoke, on_gpu) {
        (true, _) => 2,
        (false, true) => MANY,
        (false, false) => 0,
    };
    out!("{:<34} {:>5} {:>4} {:>11} {:>14} {:>7}", "work", "n", "h", "ms", "PyTorch, ms", "ratio");
    let mut own = Vec::new();
    let line = |row: &PeerRow| Line {
        work: row.work.to_owned(),
        n: row.n,
        h: row.h,
        seconds: row.seconds,
        library: format!("regime {}, {}", env!("CARGO_PKG_VERSION"), name.name()),
        device: device.to_string(),
        dtype: "float64".to_owned(),
        threads: 1,
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut add = |row: &PeerRow| {
        note!("{} at n = {}, h = {}: {:.3} ms", row.work, row.n, row.h, 1e3 * row.seconds);
        own.push(line(row));
    };
    pool.install(|| backend::bench_peers((name, device), Precision::F64, sizes, many, &mut add))?;
    let peers = match pytorch(device, sizes) {
        Ok(peers) => peers,
        Err(why) => {
            note!("PyTorch is not in the table: {why:#}");
            Vec::new()
        }
    };
    for line in &own {
        let same = |peer: &&Line| (&peer.work, peer.n, peer.h) == (&line.work, line.n, line.h);
        let (ms, ratio) = match peers.iter().find(same) {
            Some(peer) => {
                let ratio = line.seconds / peer.seconds;
                (format!("{:.3}", 1e3 * peer.seconds), format!("{ratio:.2}"))
            }
            None => ("–".to_owned(), "–".to_owned()),
        };
        let Line { work, n, h, seconds, .. } = line;
        out!("{work:<34} {n:>5} {h:>4} {:>11.3} {ms:>14} {ratio:>7}", 1e3 * seconds);
    }
    if let Some(one) = own.iter().find(|line| line.work.starts_with("one of many")) {
        out!("{:.0} small runs per second, in a batch of {many}", 1.0 / one.seconds);
    }
    let machine = provenance::cpu().unwrap_or_default();
    let rows = [own, peers].concat();
    let table = serde_json::json!({ "processor": machine, "rows": rows });
    output::replace(path, format!("{table:#}\n").as_bytes())
        .with_context(|| path.display().to_string())
}

/// Times PyTorch.
///
/// # Errors
/// If Python or PyTorch is missing, or the script fails: the last line of its error output.
fn pytorch(device: DeviceName, sizes: &[(usize, usize)]) -> anyhow::Result<Vec<Line>> {
    let python = std::env::var("REGIME_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let rows = tempfile::NamedTempFile::new().context("no temporary file can be made")?;
    let sizes: Vec<String> = sizes.iter().map(|(n, h)| format!("{n}:{h}")).collect();
    let mut child = Command::new(&python)
        .args(["-", "--threads", "1", "--device", &device.to_string(), "--sizes"])
        .arg(sizes.join(","))
        .arg("--out")
        .arg(rows.path())
        // PyTorch must find its own libraries.
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{python} cannot be started"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(SCRIPT.as_bytes()).context("the script cannot be passed to Python")?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{python}: {}", errors.lines().last().unwrap_or("it failed without a message"));
    }
    let text = std::fs::read(rows.path()).context("its rows cannot be read")?;
    serde_json::from_slice(&text).context("its rows have an unexpected format")
}
