//! Notes the commit from which the program is built.

use std::{path::Path, process::Command};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&root).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).map(|commit| {
        // What is built: not pages, and not files that git does not know.
        let code = ["crates", "xtask", "benches", "Cargo.toml", "Cargo.lock"];
        let status = [&["status", "--porcelain", "--untracked-files=no", "--"], &code[..]].concat();
        match git(&status) {
            Some(changes) if changes.is_empty() => commit,
            _ => format!("{commit} with changes"),
        }
    });
    println!("cargo::rustc-env=REGIME_COMMIT={}", commit.unwrap_or_default());
    for path in ["crates", "xtask", "benches", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    if let Some(git_folder) = git(&["rev-parse", "--absolute-git-dir"]) {
        println!("cargo::rerun-if-changed={git_folder}/logs/HEAD");
    }
}
