//! `store`: the folder of finished runs as a whole.

mod export;
mod maintenance;
mod verify;

use std::{path::Path, process::ExitCode};

use anyhow::bail;
use regime_lab::Store;

use crate::cli::StoreCommand;

pub(super) fn run(command: &StoreCommand) -> anyhow::Result<ExitCode> {
    match command {
        StoreCommand::Verify(folder) => verify::run(&read_only(&folder.out)?),
        StoreCommand::Repair(folder) => {
            read_only(&folder.out)?;
            maintenance::repair(&Store::open(folder.out.join("runs"))?)
        }
        StoreCommand::Prune(arguments) => {
            maintenance::prune(&read_only(&arguments.store.out)?, arguments)
        }
        StoreCommand::Export(arguments) => {
            export::run(&read_only(&arguments.store.out)?, arguments)
        }
    }
}

/// The store in the folder for results, to be read.
///
/// # Errors
/// A folder that does not exist.
fn read_only(out: &Path) -> anyhow::Result<Store> {
    let folder = out.join("runs");
    if !folder.is_dir() {
        bail!("{} holds no finished runs: choose another --out", folder.display());
    }
    Ok(Store::read_only(folder))
}
