//! `setup-tch`: installs LibTorch in a folder of the repository.

use std::{path::Path, process::Command};

use anyhow::{Context, bail};

use crate::cli::SetupTch;

/// Runs the script that installs LibTorch and prints how to use it. A script can run before this
/// program is built.
pub(super) fn run(arguments: &SetupTch) -> anyhow::Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("setup-tch.sh");
    let mut command = Command::new("bash");
    command.arg(&script);
    if arguments.cuda {
        command.arg("--cuda");
    }
    let status = command.status().context("bash cannot be run")?;
    if !status.success() {
        bail!("{} failed ({status}): see its message above", script.display());
    }
    Ok(())
}
