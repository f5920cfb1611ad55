//! `store export`: all runs as files for other programs.

use std::{fmt::Write, fs, path::Path, process::ExitCode};

use anyhow::{Context, ensure};
use ndarray::ArrayView1;
use rayon::prelude::*;
use regime_lab::{Entry, RunKey, Store, StoreError};
use regime_models::Precision;
use regime_study::{Run, RunArray, RunRecord, RunSpec, run_arrays, run_columns};
use regime_tangent::file::write_npz;

use crate::{cli::Export, console, output};

pub(super) fn run(store: &Store, arguments: &Export) -> anyhow::Result<ExitCode> {
    let Export { parquet, npz, .. } = arguments;
    let meaning = npz.as_ref().map(|npz| npz.with_extension("md"));
    for file in [parquet, npz, &meaning].into_iter().flatten() {
        ensure!(!file.exists(), "{} exists: choose another name", file.display());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        ensure!(folder.is_dir(), "{}: there is no folder {}", file.display(), folder.display());
    }
    let (runs, damaged) = runs(store)?;
    if let Some(path) = parquet {
        let bytes = run_columns(&runs).to_parquet();
        output::replace(path, &bytes).with_context(|| path.display().to_string())?;
        out!("{}: {} runs", path.display(), runs.len());
    }
    if let (Some(path), Some(meaning)) = (npz, meaning) {
        let arrays = run_arrays(&runs);
        let named =
            arrays.iter().map(|array| (array.name, ArrayView1::from(&array.values).into_dyn()));
        write_npz(path, named, Precision::F64)?;
        fs::write(&meaning, page(&arrays)).with_context(|| meaning.display().to_string())?;
        out!(
            "{}: {} arrays; {} has their meaning",
            path.display(),
            arrays.len(),
            meaning.display()
        );
    }
    Ok(if damaged == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All records of this version, in the order of their keys, and the number of damaged files, which are reported.
fn runs(store: &Store) -> anyhow::Result<(Vec<Run>, usize)> {
    let keys = store.keys()?;
    let entry = |key: &RunKey| store.entry::<RunSpec, RunRecord>(key);
    let entries: Vec<Result<Option<Entry<RunSpec, RunRecord>>, StoreError>> =
        keys.par_iter().map(entry).collect();
    let mut runs = Vec::new();
    let mut damaged = 0;
    for entry in entries {
        match entry {
            Ok(None) => {}
            Ok(Some(Entry { spec, record, provenance, .. })) => {
                runs.push(Run { spec, record: Ok(record), provenance: Some(provenance) });
            }
            Err(error) => {
                damaged += 1;
                console::warn(format_args!("left out: {error}"));
            }
        }
    }
    Ok((runs, damaged))
}

/// The meaning of each array, in Markdown.
fn page(arrays: &[RunArray]) -> String {
    let mut page = String::from(
        "# Arrays of the runs\n\nArrays with the same first word are the columns of one table.\n\n\
         | array | meaning |\n|---|---|\n",
    );
    for RunArray { name, description, .. } in arrays {
        let _ = writeln!(page, "| `{name}` | {description} |");
    }
    page
}
