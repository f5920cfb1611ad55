//! Where results come from: program, machine, time.

use std::{collections::BTreeSet, fs, time::SystemTime};

use regime_lab::{Provenance, RunKey, Store};
use regime_models::Precision;
use regime_study::{RunRecord, RunSpec};

use crate::clock;

/// The provenance that is stored with the record of a run.
pub(crate) fn of_run(spec: &RunSpec) -> Provenance {
    let dtype = match spec.precision {
        Precision::F64 => "float64",
        Precision::F32 => "float32",
    };
    let provenance = Provenance {
        host: first_line("/proc/sys/kernel/hostname").unwrap_or_default(),
        cpu: cpu().unwrap_or_default(),
        time: clock::written(SystemTime::now()),
        backend: format!("burn 0.21, {} on {}", spec.backend.name(), spec.device),
        dtype: dtype.into(),
        ..Provenance::of_program("regime", env!("CARGO_PKG_VERSION"))
    };
    [("commit", commit()), ("slurm_job", slurm_job())]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .fold(provenance, |provenance, (name, value)| provenance.with(name, value))
}

/// The provenance that is stored with the records of several runs. If the runs differ in backend
/// or element type, the spec of each says which it has.
pub(crate) fn of_runs(specs: &[RunSpec]) -> Provenance {
    let Some(first) = specs.first() else { return Provenance::default() };
    let mut provenance = of_run(first);
    for other in specs.iter().filter(|spec| spec.backend != first.backend).take(1) {
        provenance.backend =
            format!("burn 0.21, {} or {}", first.backend.name(), other.backend.name());
    }
    if specs.iter().any(|spec| spec.precision != first.precision) {
        provenance.dtype = "float64 or float32".into();
    }
    provenance
}

/// This process for other processes on the same store: its machine, its number and its Slurm job.
pub(crate) fn of_process() -> String {
    let host = first_line("/proc/sys/kernel/hostname").unwrap_or_default();
    let job = slurm_job().map(|job| format!(", Slurm job {job}")).unwrap_or_default();
    format!("{host}, process {}{job}", std::process::id())
}

/// The Slurm job of this process, such as `12` or `12_3` for task 3 of an array.
pub(crate) fn slurm_job() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let array = || {
        Some(format!("{}_{}", variable("SLURM_ARRAY_JOB_ID")?, variable("SLURM_ARRAY_TASK_ID")?))
    };
    array().or_else(|| variable("SLURM_JOB_ID"))
}

/// Where the stored records of some runs were computed: the distinct programs,
/// machines and commits.
pub(crate) fn of_records<'a>(
    specs: impl IntoIterator<Item = &'a RunSpec>,
    store: &Store,
) -> Vec<String> {
    let origin = |spec: &RunSpec| {
        let entry = store.entry::<RunSpec, RunRecord>(&RunKey::of(spec).ok()?).ok()??;
        let Provenance { program, host, cpu, extra, .. } = entry.provenance;
        let commit = extra.get("commit").map(|c| format!(", commit {c}")).unwrap_or_default();
        Some(format!("{program}{commit}, on {host} ({cpu})"))
    };
    let distinct: BTreeSet<String> = specs.into_iter().filter_map(origin).collect();
    distinct.into_iter().collect()
}

/// The rows of a report's provenance table.
pub(crate) fn rows(provenance: &Provenance) -> Vec<(String, String)> {
    let fields = [
        ("program of the report", &provenance.program),
        ("backend", &provenance.backend),
        ("element type", &provenance.dtype),
        ("host of the report", &provenance.host),
        ("processor", &provenance.cpu),
        ("system", &provenance.os),
        ("time of the report", &provenance.time),
    ];
    let extra = provenance.extra.iter().map(|(name, value)| (name.clone(), value.clone()));
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).chain(extra).collect()
}

/// The processor and its number of cores, if the system reports them.
pub(crate) fn cpu() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = info.lines().find_map(|line| line.strip_prefix("model name"))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Some(format!("{}, {cores} cores", model.trim_start_matches([' ', '\t', ':'])))
}

fn first_line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.lines().next()?.to_owned())
}

/// The commit of the sources from which this program was built, if git knew one; marked when files
/// differed from it.
fn commit() -> Option<String> {
    let commit = env!("REGIME_COMMIT");
    (!commit.is_empty()).then(|| commit.to_owned())
}
