//! `sweep`, `store` and `--only`, as users call them. `slurm.sh` tests sweeps on a real Slurm.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Two widths, of which the second does not fit into the memory that the tests allow.
const SWEEP: &str = r#"{
    "base": {"network": {"architecture": "dense", "inputs": 10, "hidden_layers": 2,
        "activation": {"kind": "relu"}, "bias": true}, "alpha": 1.0,
        "data": {"n_train": 40, "n_test": 100, "n_kernel": 20}},
    "axes": [{"network.width": [16, 20000]}]
}"#;

fn xtask(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Runs a command that ends with this status, and returns what it wrote to stdout and to stderr.
fn expect(status: i32, folder: &Path, arguments: &str) -> (String, String) {
    let Output { status: ended, stdout, stderr } = xtask(folder, arguments);
    let (out, err) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert_eq!(ended.code(), Some(status), "{arguments}\n{out}\n{err}");
    (out, err)
}

/// A folder with the sweep, submitted here.
fn submitted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.json"), SWEEP).unwrap();
    let (out, err) = expect(1, folder.path(), "sweep submit two.json -j 1 --memory 300M");
    assert!(out.contains("two: 2 runs: 1 computed, 0 stored before, 1 failed"), "{out}");
    assert!(err.contains("(width 20000, α = 1, seed 0) failed: it needs"), "{err}");
    folder
}

/// The only file in the store whose name ends so.
fn stored(folder: &Path, ending: &str) -> PathBuf {
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        // The name of a record has no further dot.
        name.ends_with(ending) && (ending != ".json" || name.len() == 64 + ending.len())
    };
    let files = fs::read_dir(folder.join("results/runs")).unwrap();
    let found: Vec<PathBuf> = files.map(|file| file.unwrap().path()).filter(is_wanted).collect();
    assert_eq!(found.len(), 1, "{ending}: {found:?}");
    found[0].clone()
}

#[test]
fn a_failed_run_is_counted_named_and_repeated_alone() {
    let folder = submitted();
    let folder = folder.path();
    let (out, _) = expect(1, folder, "sweep status two.json");
    assert!(out.starts_with("two: 1 of 2 runs done, 0 running, 1 failed, 0 missing\n"), "{out}");

    let (out, _) = expect(1, folder, "sweep status two.json --failed");
    let repeat = out.lines().last().unwrap().trim();
    let failure = stored(folder, ".failure.json");
    let key = &failure.file_name().unwrap().to_str().unwrap()[..8];
    assert_eq!(repeat, format!("cargo xtask run two.json --only {key}"));
    let arguments = repeat.strip_prefix("cargo xtask ").unwrap();
    let (out, _) = expect(1, folder, &format!("{arguments} --memory 300M"));
    assert!(out.contains("(width 20000, α = 1, seed 0): failed: it needs"), "{out}");

    let json: serde_json::Value =
        serde_json::from_str(&expect(1, folder, "sweep status two.json --json").0).unwrap();
    assert_eq!((&json["done"], &json["missing"]), (&1.into(), &0.into()));
    assert!(json["failed"][0]["reason"].as_str().unwrap().starts_with("it needs"));

    // A failed run is left out; the other is stored.
    let (out, err) = expect(0, folder, "sweep resume two.json --memory 300M");
    assert!(out.contains("two: 1 runs: 0 computed, 1 stored before, 0 failed"), "{out}");
    assert!(err.contains("1 failed runs are left out"), "{err}");
    let (out, _) = expect(1, folder, "sweep resume two.json --memory 300M --retry-failed");
    assert!(out.contains("1 stored before, 1 failed"), "{out}");

    expect(1, folder, "sweep collect two.json");
    let data = fs::read_to_string(folder.join("results/two/data.csv")).unwrap();
    assert_eq!(data.lines().count(), 3);
    assert!(data.contains(",converged,") && data.contains(",failed,\"it needs"), "{data}");
}

#[test]
fn one_run_is_computed_by_the_start_of_its_key() {
    let folder = submitted();
    let record = stored(folder.path(), ".json");
    let key = record.file_name().unwrap().to_str().unwrap()[..12].to_owned();
    fs::remove_file(&record).unwrap();
    let (out, _) = expect(0, folder.path(), &format!("run two.json --only {key}"));
    assert!(out.contains("(width 16, α = 1, seed 0): converged"), "{out}");
    assert!(record.is_file());
    let (_, err) = expect(2, folder.path(), "run two.json --only 0000000000");
    assert_eq!(err.trim(), "error: --only 0000000000: none of the 2 runs has a key that starts so");
}

#[test]
fn a_store_is_verified_repaired_pruned_and_exported() {
    let folder = submitted();
    let folder = folder.path();
    let (out, _) = expect(0, folder, "store verify");
    assert_eq!(out.trim(), "results/runs: 1 failures, 1 records, 0 damaged or not readable");
    expect(0, folder, "store export --parquet runs.parquet --npz arrays.npz");
    for file in ["runs.parquet", "arrays.npz", "arrays.md"] {
        assert!(fs::metadata(folder.join(file)).unwrap().len() > 100, "{file}");
    }
    let (_, err) = expect(2, folder, "store export --parquet runs.parquet");
    assert_eq!(err.trim(), "error: runs.parquet exists: choose another name");

    let record = stored(folder, ".json");
    let mut bytes = fs::read(&record).unwrap();
    bytes[200] ^= 1;
    fs::write(&record, &bytes).unwrap();
    let (out, _) = expect(1, folder, "store verify");
    assert!(out.contains("is damaged: its checksum is"), "{out}");
    fs::write(folder.join("results/runs/notes.txt"), "mine").unwrap();
    let (out, _) = expect(0, folder, "store repair");
    assert!(out.contains("1 damaged files moved aside"), "{out}");
    let aside = stored(folder, ".json.damaged");
    assert_eq!(fs::read(&aside).unwrap(), bytes);
    let (out, _) = expect(1, folder, "sweep status two.json");
    assert!(out.starts_with("two: 0 of 2 runs done, 0 running, 1 failed, 1 missing\n"), "{out}");

    let (out, _) = expect(0, folder, "store prune --dry-run");
    assert!(out.contains("1 files would be removed") && aside.is_file(), "{out}");
    expect(0, folder, "store prune");
    assert!(!aside.exists() && folder.join("results/runs/notes.txt").is_file());
    // The failure of a run that has not succeeded is kept.
    stored(folder, ".failure.json");
}

#[test]
fn options_that_do_not_fit_the_target_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.json"), SWEEP).unwrap();
    for (arguments, message) in [
        (
            "sweep status finding-9",
            "finding-9: neither a finding (`cargo xtask list` names them) nor a file",
        ),
        (
            "sweep status two.json --profile smoke",
            "--profile belongs to findings; two.json is a file, whose fields --set changes",
        ),
        (
            "sweep submit finding-1 --set alpha=1",
            "--set changes the specs of a file, but finding-1 is no file",
        ),
        ("sweep resume two.json", "two: nothing was submitted yet; use `sweep submit`"),
        (
            "sweep submit two.json -- --time=5",
            "options after -- are for sbatch, and need --on slurm",
        ),
        ("store verify", "results/runs holds no finished runs: choose another --out"),
    ] {
        let (_, err) = expect(2, folder.path(), arguments);
        assert_eq!(err.trim(), format!("error: {message}"), "{arguments}");
    }
}
