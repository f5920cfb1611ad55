//! The program as a user calls it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn xtask(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn bad_input_is_one_line_status_two_and_nothing_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    // An announced image that is not there, and a whole file of one label.
    let header = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28, 7, 7];
    fs::write(images.join("train-images-idx3-ubyte"), header).unwrap();
    fs::write(images.join("train-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 1, 3]).unwrap();
    fs::create_dir(folder.path().join("taken")).unwrap();
    fs::write(folder.path().join("taken/finding-1"), "in the way").unwrap();
    let before = entries(folder.path());

    let cases: [(&[&str], &str); 9] = [
        (&["reproduce", "finding-1", "--profile", "smoke", "--out", "taken"], "taken/finding-1"),
        (&["reproduce", "finding-9"], "finding-1"),
        (&["reproduce", "finding-1", "--seeds", "0"], "--seeds"),
        (&["reproduce", "finding-1", "--dtype", "f16"], "choose f64, f32"),
        (&["reproduce", "finding-1", "--profile", "huge"], "choose smoke, laptop, paper"),
        (&["reproduce", "finding-1", "--fast"], "--profile"),
        (&["reproduce", "finding-1", "--profile", "smoke", "--out", "file/out"], "file"),
        (
            &["reproduce", "finding-1", "--profile", "smoke", "--source", "images"],
            "train-images-idx3-ubyte",
        ),
        (&["plan", "finding-9"], "finding-1"),
    ];
    for (arguments, part) in cases {
        let output = xtask(arguments, folder.path());
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        assert_eq!(message.lines().count(), 1, "{arguments:?}: {message}");
        assert!(message.contains(part), "{arguments:?}: {message}");
        assert!(output.stdout.is_empty());
        assert_eq!(entries(folder.path()), before, "{arguments:?} has written something");
        assert_eq!(entries(&folder.path().join("taken")), ["finding-1"], "{arguments:?}");
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_finding_is_reproduced_once_and_the_same_for_any_number_of_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let smoke = |out: &str, jobs: &str| {
        let arguments = [
            "reproduce",
            "finding-1",
            "--profile",
            "smoke",
            "--seeds",
            "1",
            "--out",
            out,
            "--jobs",
            jobs,
        ];
        let output = xtask(&arguments, folder.path());
        assert!(output.status.success(), "{}", stderr(&output));
        output
    };
    let first = smoke("one", "1");
    let last_line = String::from_utf8_lossy(&first.stdout).lines().last().unwrap().to_owned();
    // A single seed leaves no way to tell an uncertainty.
    assert!(last_line.starts_with("finding-1: inconclusive"), "{last_line}");
    assert!(last_line.ends_with("one/finding-1/report.html"), "{last_line}");
    smoke("two", "2");
    let read = |out: &str, name: &str| {
        fs::read(folder.path().join(out).join("finding-1").join(name)).unwrap()
    };
    assert_eq!(read("one", "data.csv"), read("two", "data.csv"));

    let again = smoke("one", "2");
    assert!(stderr(&again).contains("nothing to compute"), "{}", stderr(&again));

    let report = String::from_utf8(read("one", "report.html")).unwrap();
    for part in ["<svg", "Inconclusive", "SHA-256 of the data", "outcome.json"] {
        assert!(report.contains(part), "the report lacks {part}");
    }
    let outcome: serde_json::Value = serde_json::from_slice(&read("one", "outcome.json")).unwrap();
    assert_eq!(outcome["verdict"], "inconclusive");
    for figure in ["alpha-star", "kernel-change", "kernel-change-collapsed", "test-error"] {
        assert!(read("one", &format!("{figure}.svg")).starts_with(b"<svg"));
        assert!(read("one", &format!("{figure}.png")).starts_with(b"\x89PNG"));
    }

    // A run that is not there any more is made again, and alone.
    let runs = folder.path().join("one/runs");
    let some = fs::read_dir(&runs).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_file());
    let some = some.unwrap();
    fs::write(&some, "half a rec").unwrap();
    let third = smoke("one", "1");
    assert!(stderr(&third).contains("damaged"), "{}", stderr(&third));
    assert_eq!(read("one", "data.csv"), read("two", "data.csv"));

    // A report alone makes no run: one that is not there is told as missing.
    fs::remove_file(&some).unwrap();
    let arguments = ["report", "finding-1", "--profile", "smoke", "--seeds", "1", "--out", "one"];
    let report = xtask(&arguments, folder.path());
    let told = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(told.contains("finding-1: inconclusive (1 runs missing)"), "{told}");
    assert!(!some.exists());
    let rows = String::from_utf8(read("one", "data.csv")).unwrap();
    assert_eq!(rows.matches(",missing,").count(), 1, "{rows}");
}

#[test]
fn a_report_says_what_was_chosen_besides_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["reproduce", "finding-3", "--profile", "smoke", "--seeds", "1", "--no-pca"];
    let output = xtask(&arguments, folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let read = |name: &str| fs::read_to_string(folder.path().join("results").join(name)).unwrap();
    let outcome: serde_json::Value = serde_json::from_str(&read("finding-3/outcome.json")).unwrap();
    assert_eq!(outcome["chosen"], serde_json::json!(["all pixels", "seeds: 1"]));
    for page in ["finding-3/report.html", "index.html"] {
        assert!(read(page).contains("profile smoke · all pixels · seeds: 1"), "{page}");
    }
}

#[test]
fn a_setting_is_diagnosed() {
    let folder = tempfile::tempdir().unwrap();
    let spec = r#"{"data": {"source": {"kind": "stripe", "dim": 3}, "task": {"kind": "own"},
        "inputs": {"centre": false, "sphere": false, "pca": null},
        "n_train": 20, "n_test": 40, "n_kernel": 10},
        "network": {"architecture": "dense", "inputs": 3, "width": 32, "hidden_layers": 2,
        "activation": {"kind": "softplus", "beta": 5.0}, "bias": true}, "alpha": 1e4}"#;
    fs::write(folder.path().join("setting.json"), spec).unwrap();
    let output = xtask(&["diagnose", "setting.json"], folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().filter(|line| line.ends_with("converged")).count(), 5, "{text}");
    assert!(text.lines().last().unwrap().starts_with("lazy: "), "{text}");
}

#[test]
fn check_lets_the_status_follow_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["reproduce", "finding-1", "--profile", "smoke", "--seeds", "1", "--check"];
    let output = xtask(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(3), "one seed is inconclusive: {}", stderr(&output));
}

#[test]
fn a_plan_computes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = xtask(&["plan", "finding-1", "--profile", "smoke"], folder.path());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("runs") && text.contains("about") && text.contains("MB"), "{text}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn frozen_kernels_are_told_beside_their_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = |frozen: &str| {
        format!(
            r#"{{"data": {{"source": {{"kind": "stripe", "dim": 3}}, "task": {{"kind": "own"}},
            "inputs": {{"centre": false, "sphere": false, "pca": null}},
            "n_train": 20, "n_test": 40, "n_kernel": 5}},
            "network": {{"architecture": "dense", "inputs": 3, "width": 8, "hidden_layers": 2,
            "activation": {{"kind": "relu"}}, "bias": true}}, "alpha": 0.3{frozen}}}"#
        )
    };
    let with = run(r#", "frozen": ["initial", "end", {"at": 1e12}]"#);
    fs::write(folder.path().join("kernels.json"), format!("[{with}, {}]", run(""))).unwrap();
    let output = xtask(&["run", "kernels.json"], folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].ends_with("test error of frozen kernels"), "{text}");
    let start = lines[1].find("initial 0.").expect("the initial kernel");
    assert_eq!(lines[0].find("test error of frozen"), Some(start), "{text}");
    assert!(lines[1][start..].contains(", end 0."), "{text}");
    assert!(lines[1].ends_with(", t=1000000000000 none"), "{text}");
    assert!(!lines[2].contains("initial"), "{text}");
    // Records that are there are told again, not made again.
    let records = || entries(&folder.path().join("results/runs"));
    let made = records();
    assert_eq!(made.len(), 2);
    let again = xtask(&["run", "kernels.json"], folder.path());
    assert_eq!(String::from_utf8_lossy(&again.stdout), text);
    assert_eq!(records(), made);
}
