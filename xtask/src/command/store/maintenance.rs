//! `store repair` and `store prune`.

use std::{collections::HashSet, process::ExitCode};

use regime_lab::{Claimed, FileKind, RunKey, Store, StoreError, StoredFile};

use super::verify::{is_earlier, verified};
use crate::cli::Prune;

/// Moves damaged files aside, and removes the locks of processes that have ended. (Opening the store has removed
/// old temporary files.)
pub(super) fn repair(store: &Store) -> anyhow::Result<ExitCode> {
    let (mut moved, mut removed, mut left) = (0, 0, 0);
    for (file, result) in verified(store)? {
        match result {
            Err(StoreError::Damaged { .. }) => moved += usize::from(move_aside(store, &file)?),
            Err(other) => {
                left += 1;
                out!("{other}: left as it is");
            }
            Ok(_) if matches!(file.kind, FileKind::Lock(_)) => {
                removed += usize::from(store.discard(&file)?);
            }
            Ok(_) => {}
        }
    }
    let next = match moved {
        0 => "",
        _ => "; `reproduce`, `run` and `sweep resume` compute the missing runs again",
    };
    out!(
        "{}: {moved} damaged files moved aside, {removed} locks of ended processes removed{next}",
        store.dir().display()
    );
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Moves a damaged file aside; not if a process computes its run, or has replaced the file since it was
/// verified.
fn move_aside(store: &Store, file: &StoredFile) -> anyhow::Result<bool> {
    let (FileKind::Record(key) | FileKind::Checkpoint(key) | FileKind::Failure(key)) = file.kind
    else {
        return Ok(false);
    };
    let _claim = match store.claim(&key, "store repair")? {
        Claimed::Granted(claim) => claim,
        Claimed::Held(holder) => {
            out!("{} is damaged, but its run is computed by {holder}", file.path.display());
            return Ok(false);
        }
    };
    let Err(StoreError::Damaged { path, damage }) = store.verify_file(file) else {
        return Ok(false);
    };
    let moved_to = store.set_file_aside(file)?;
    out!("{} is damaged ({damage}): moved to {}", path.display(), moved_to.display());
    Ok(true)
}

/// Removes files that nothing needs.
pub(super) fn prune(store: &Store, arguments: &Prune) -> anyhow::Result<ExitCode> {
    let files = verified(store)?;
    let finished: HashSet<RunKey> = files
        .iter()
        .filter_map(|(file, result)| match (file.kind, result) {
            (FileKind::Record(key), Ok(Some(_))) => Some(key),
            _ => None,
        })
        .collect();
    let (mut removed, mut bytes) = (0, 0);
    for (file, result) in &files {
        let why = match (file.kind, result) {
            (FileKind::SetAside, _) => "it was damaged and moved aside",
            (FileKind::Checkpoint(key), _) if finished.contains(&key) => "its run is finished",
            (FileKind::Failure(key), _) if finished.contains(&key) => "its run has succeeded since",
            (FileKind::Record(_), Ok(Some(header))) if arguments.earlier && is_earlier(header) => {
                "an earlier version of the computation"
            }
            _ => continue,
        };
        let size = file.path.metadata().map(|about| about.len()).unwrap_or(0);
        if !arguments.dry_run && !store.discard(file)? {
            out!("{}: {why}, but it is a folder and stays", file.path.display());
            continue;
        }
        removed += 1;
        bytes += size;
        out!("{}: {why}", file.path.display());
    }
    let verb = if arguments.dry_run { "would be removed" } else { "removed" };
    out!(
        "{}: {removed} files {verb}, {}",
        store.dir().display(),
        crate::memory::size(bytes as f64)
    );
    Ok(ExitCode::SUCCESS)
}
