//! `store verify`: whether every file is as it was written.

use std::{collections::BTreeMap, process::ExitCode};

use rayon::prelude::*;
use regime_lab::{FileKind, RecordHeader, Spec, Store, StoreError, StoredFile};
use regime_study::RunSpec;

/// A file with the result of its verification.
pub(super) type Verified = (StoredFile, Result<Option<RecordHeader>, StoreError>);

/// All files of a store, verified in parallel.
///
/// # Errors
/// A folder that cannot be listed.
pub(super) fn verified(store: &Store) -> anyhow::Result<Vec<Verified>> {
    let files = store.files()?;
    Ok(files
        .into_par_iter()
        .map(|file| {
            let result = store.verify_file(&file);
            (file, result)
        })
        .collect())
}

/// Whether a record belongs to an earlier or later version of the computation, or to another kind of run.
fn is_unused(header: &RecordHeader) -> bool {
    header.kind != RunSpec::KIND || header.version != RunSpec::VERSION
}

/// Whether a record belongs to an earlier version of the computation.
pub(super) fn is_earlier(header: &RecordHeader) -> bool {
    header.kind == RunSpec::KIND && header.version < RunSpec::VERSION
}

pub(super) fn run(store: &Store) -> anyhow::Result<ExitCode> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unused: BTreeMap<(String, u32), usize> = BTreeMap::new();
    let mut wrong = 0;
    for (file, result) in verified(store)? {
        match (file.kind, result) {
            (_, Err(error)) => {
                wrong += 1;
                out!("{error}");
            }
            (FileKind::Record(_), Ok(Some(header))) if is_unused(&header) => {
                *unused.entry((header.kind, header.version)).or_insert(0) += 1;
            }
            (kind, Ok(_)) => {
                if let FileKind::Other = kind {
                    out!("{}: no file of this program", file.path.display());
                }
                *counts.entry(name(kind)).or_insert(0) += 1;
            }
        }
    }
    for ((kind, version), n) in unused {
        out!(
            "{n} records of `{kind}`, version {version}, which this program does not use (it uses `{}`, version {})",
            RunSpec::KIND,
            RunSpec::VERSION
        );
    }
    let counts: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
    let counts = if counts.is_empty() { "no files".to_owned() } else { counts.join(", ") };
    out!("{}: {counts}, {wrong} damaged or not readable", store.dir().display());
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A kind of file for people, in the plural.
fn name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Record(_) => "records",
        FileKind::Checkpoint(_) => "checkpoints",
        FileKind::Failure(_) => "failures",
        FileKind::Lock(_) => "locks",
        FileKind::SetAside => "moved aside",
        FileKind::Temporary => "temporary files",
        _ => "other files",
    }
}
