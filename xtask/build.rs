//! Notes the commit from which the program is built, and the day.

use std::{path::Path, process::Command, time::SystemTime};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "-C"])
            .arg(&root)
            .args(args)
            .output()
            .ok()?;
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
    let commit = commit.unwrap_or_default();
    println!("cargo::rustc-env=REGIME_COMMIT={commit}");
    let version = env!("CARGO_PKG_VERSION");
    let of = if commit.is_empty() { String::new() } else { format!("commit {commit}, ") };
    println!("cargo::rustc-env=REGIME_VERSION={version} ({of}built {})", day());
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    for path in ["crates", "xtask", "benches", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    if let Some(git_folder) = git(&["rev-parse", "--absolute-git-dir"]) {
        println!("cargo::rerun-if-changed={git_folder}/logs/HEAD");
    }
}

/// The day of the build, such as 2026-11-27; `SOURCE_DATE_EPOCH` replaces the clock.
fn day() -> String {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse().ok());
    let clock =
        || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let days = given.unwrap_or_else(clock) / 86_400;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", left + 1)
}
