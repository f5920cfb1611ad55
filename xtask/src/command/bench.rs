//! `bench`: times the main operations and their bare matrix products.

mod peers;

use std::time::SystemTime;

use anyhow::{Context, bail};
use regime_benches::{Row, Selection, Sizes};
use regime_models::Precision;
use regime_study::{BackendName, Cells, Columns};

use super::peak_memory::peak_memory;
use crate::{backend, cli::Bench, clock, output, provenance};

/// `(n, h)` of the run whose peak memory is measured.
const MEMORY: (usize, usize) = (5000, 400);

pub(super) fn run(arguments: &Bench) -> anyhow::Result<()> {
    let (name, device) = arguments.backend();
    backend::check(name, device)?;
    if let Some(path) = &arguments.json {
        return peers::run((name, device), arguments.smoke, path);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let machine = provenance::cpu().unwrap_or_else(|| "unknown processor".into());
    out!(
        "{} on {device}, {machine}; times are medians of alternating measurements; slow operations are timed once",
        name.name()
    );
    out!(
        "{:<40} {:>5} {:>4} {:>5} {:>7} {:>10} {:>9} {:>7}",
        "work",
        "n",
        "h",
        "dtype",
        "threads",
        "ms",
        "Gflop/s",
        "ratio"
    );
    let sizes = if arguments.smoke { Sizes::Smoke } else { Sizes::Full };
    let selection = Selection { sizes, only: &arguments.only };
    let mut print = |row: &Row| {
        out!(
            "{:<40} {:>5} {:>4} {:>5} {:>7} {:>10.3} {:>9.1} {:>7.2}",
            row.work,
            row.n,
            row.h,
            dtype(row.precision),
            row.threads,
            1e3 * row.seconds,
            row.gflops(),
            row.ratio(),
        );
    };
    // LibTorch has its own threads, and is limited to one.
    let mut threads = if name == BackendName::Tch { vec![1] } else { vec![1, cores] };
    threads.dedup();
    let mut rows = Vec::new();
    for precision in [Precision::F64, Precision::F32] {
        rows.extend(backend::bench((name, device), precision, &threads, selection, &mut print)?);
    }
    if rows.is_empty() {
        bail!("no operation has '{}' in its name: see the table without --only", arguments.only);
    }
    if !arguments.smoke && arguments.only.is_empty() {
        let folder = tempfile::tempdir().context("no temporary folder can be made")?;
        let peak = peak_memory(MEMORY.0, MEMORY.1, folder.path())?;
        out!(
            "peak memory of a run with n = {}, h = {}, L = 5: {:.0} MB",
            MEMORY.0,
            MEMORY.1,
            peak / 1e6
        );
    }
    if let Some(path) = &arguments.out {
        let day = clock::written(SystemTime::now());
        let place = format!("{} on {device}", name.name());
        let table = table(&rows, &place, &machine, &day);
        output::replace(path, table.to_csv().as_bytes())
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn dtype(precision: Precision) -> &'static str {
    match precision {
        Precision::F64 => "f64",
        Precision::F32 => "f32",
    }
}

fn table(rows: &[Row], place: &str, machine: &str, day: &str) -> Columns {
    let text =
        |of: &dyn Fn(&Row) -> String| Cells::Text(rows.iter().map(|r| Some(of(r))).collect());
    let whole =
        |of: fn(&Row) -> usize| Cells::Integer(rows.iter().map(|r| Some(of(r) as u64)).collect());
    let real = |of: fn(&Row) -> f64| Cells::Float(rows.iter().map(|r| Some(of(r))).collect());
    Columns::default()
        .with("work", text(&|r| r.work.to_owned()))
        .with("n", whole(|r| r.n))
        .with("h", whole(|r| r.h))
        .with("dtype", text(&|r| dtype(r.precision).to_owned()))
        .with("threads", whole(|r| r.threads))
        .with("seconds", real(|r| r.seconds))
        .with("gflops", real(Row::gflops))
        .with("bare_seconds", real(|r| r.bare_seconds))
        .with("ratio", real(Row::ratio))
        .with("backend", text(&|_| place.to_owned()))
        .with("machine", text(&|_| machine.to_owned()))
        .with("time", text(&|_| day.to_owned()))
}
