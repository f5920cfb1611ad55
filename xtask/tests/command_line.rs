//! The program as a user calls it.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
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
    fs::write(folder.path().join("sweep.json"), SWEEP).unwrap();
    fs::write(folder.path().join("bad.json"), SWEEP.replace("alpha", "alhpa")).unwrap();
    let before = entries(folder.path());

    let cases: [(&[&str], &str); 11] = [
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
        (
            &["run", "sweep.json", "bad.json", "--share", "1/2"],
            "bad.json, sweep 1: network.width = 8, alhpa = 0.3: alhpa is not a field: did you mean alpha?",
        ),
        (&["run", "sweep.json", "--share", "1/2", "--out", "file/out"], "file/out"),
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
fn a_bad_value_in_a_file_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = |fields: &str| {
        format!(
            r#"{{"network": {{"architecture": "dense", "inputs": 10, "width": 9, "hidden_layers": 2,
            "activation": {{"kind": "relu"}}, "bias": true}}, {fields}}}"#
        )
    };
    for (command, fields, message) in [
        (
            "run",
            r#""alpha": 1, "loss": {"kind": "soft-hinge", "beta": -1}"#,
            "bad.json, run 1: loss.beta is -1, but must be finite and greater than 0",
        ),
        (
            "run",
            r#""alpha": 1, "data": {"source": {"kind": "stripe", "dim": 10}, "task": {"kind": "own"},
                "training_set": {"of": 0}}"#,
            "bad.json, run 1: data.training_set.of is 0, but must be at least 1",
        ),
        (
            "diagnose",
            r#""alpha": -1"#,
            "bad.json: alpha is -1, but must be finite and greater than 0",
        ),
    ] {
        fs::write(folder.path().join("bad.json"), run(fields)).unwrap();
        let output = xtask(&[command, "bad.json"], folder.path());
        assert_eq!(stderr(&output).trim_end(), format!("error: {message}"));
    }
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

    // A report alone makes no run: one that is not there is reported as missing.
    fs::remove_file(&some).unwrap();
    let arguments = ["report", "finding-1", "--profile", "smoke", "--seeds", "1", "--out", "one"];
    let report = xtask(&arguments, folder.path());
    let text = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(text.contains("finding-1: inconclusive (1 runs missing)"), "{text}");
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
    assert_eq!(outcome["chosen"], serde_json::json!(["all pixels", "training sets: 1"]));
    for page in ["finding-3/report.html", "index.html"] {
        assert!(read(page).contains("profile smoke · all pixels · training sets: 1"), "{page}");
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
    assert_eq!(text.lines().filter(|line| line.contains("  converged  ")).count(), 5, "{text}");
    assert!(text.lines().last().unwrap().starts_with("lazy: "), "{text}");

    let output = xtask(&["diagnose", "setting.json", "--json"], folder.path());
    let text: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(text["diagnosis"]["regime"], "lazy", "{text}");
    assert_eq!(text["diagnosis"]["alpha"], 1e4, "{text}");
    assert!(text["diagnosis"]["kernel_change"].as_f64().unwrap() < 1.0, "{text}");
    assert_eq!(text["runs"].as_array().unwrap().len(), 5, "{text}");
}

#[test]
fn check_lets_the_status_follow_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["reproduce", "finding-1", "--profile", "smoke", "--seeds", "1", "--check"];
    let output = xtask(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(3), "one seed is inconclusive: {}", stderr(&output));
}

/// The profile smoke decides nothing, however many rounds it has.
#[test]
fn rounds_end_where_none_can_decide() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["reproduce", "finding-4", "--profile", "smoke", "--until-decided"];
    let output = xtask(&arguments, folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let outcome = || -> serde_json::Value {
        let text = fs::read(folder.path().join("results/finding-4/outcome.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    assert_eq!((&outcome()["looks"], &outcome()["rounds"]), (&4.into(), &1.into()));
    let sentence = outcome()["sentence"].as_str().unwrap().to_owned();
    assert!(sentence.contains("too small to decide"), "{sentence}");
    // A second report judges at the same levels.
    let levels = outcome()["levels"].clone();
    xtask(&["report", "finding-4", "--profile", "smoke"], folder.path());
    assert_eq!((&outcome()["looks"], &outcome()["levels"]), (&4.into(), &levels));
}

#[test]
fn fresh_seeds_are_said_on_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = ["--seeds", "1", "--seed-offset", "100", "--data-seed", "7"];
    let arguments = [&["reproduce", "finding-1", "--profile", "smoke"][..], &fresh].concat();
    let output = xtask(&arguments, folder.path());
    assert!(output.status.success(), "{}", stderr(&output));
    let text = fs::read(folder.path().join("results/finding-1/outcome.json")).unwrap();
    let outcome: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let chosen = ["training sets: 1", "seeds from 100", "data seed 7"];
    assert_eq!(outcome["chosen"], serde_json::json!(chosen));
    let rows = fs::read_to_string(folder.path().join("results/finding-1/data.csv")).unwrap();
    let header: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
    for (name, value) in [("seed", "100"), ("data.seed", "7"), ("data.training_set.index", "0")] {
        let column = header.iter().position(|column| *column == name).expect(name);
        assert!(
            rows.lines().skip(1).all(|row| row.split(',').nth(column) == Some(value)),
            "{rows}"
        );
    }
}

#[test]
fn a_plan_computes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = xtask(&["plan", "finding-1", "--profile", "smoke"], folder.path());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("runs") && text.contains("side by side") && text.contains("MB"),
        "{text}"
    );
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn frozen_kernels_are_reported_with_their_run() {
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
    assert!(lines[0].ends_with("test_error of frozen kernels"), "{text}");
    let start = lines[1].find("initial 0.").expect("the initial kernel");
    assert_eq!(lines[0].find("test_error of frozen"), Some(start), "{text}");
    assert!(lines[1][start..].contains(", end 0."), "{text}");
    assert!(lines[1].ends_with(", t=1000000000000 none"), "{text}");
    assert!(!lines[2].contains("initial"), "{text}");
    // Records that are there are reported again, not made again.
    let records = || entries(&folder.path().join("results/runs"));
    let made = records();
    assert_eq!(made.len(), 2);
    let again = xtask(&["run", "kernels.json"], folder.path());
    assert_eq!(String::from_utf8_lossy(&again.stdout), text);
    assert_eq!(records(), made);
}

/// Small runs: one axis of widths, one of α.
const SWEEP: &str = r#"{
    "base": {"data": {"source": {"kind": "stripe", "dim": 3}, "task": {"kind": "own"},
        "inputs": {"centre": false, "sphere": false, "pca": null},
        "n_train": 20, "n_test": 40, "n_kernel": 5},
        "network": {"architecture": "dense", "inputs": 3, "hidden_layers": 2,
        "activation": {"kind": "relu"}, "bias": true}},
    "axes": [{"network.width": [8, 16, 24]}, {"alpha": [0.3, 30]}]}"#;

#[test]
fn shares_make_the_runs_of_a_sweep_and_the_whole_is_what_it_is_in_one_go() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sweep.json"), SWEEP).unwrap();
    let run = |out: &str, choices: &[&str]| {
        let output =
            xtask(&[&["run", "sweep.json", "--out", out], choices].concat(), folder.path());
        assert!(output.status.success(), "{choices:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let plan = run("shared", &["--plan"]);
    assert!(plan.starts_with("6 runs, 0 stored; about "), "{plan}");
    assert!(!folder.path().join("shared").exists());

    let mut lacking = 6;
    for share in ["2/3", "3/3", "1/3"] {
        let text = run("shared", &["--share", share]);
        let made = text.strip_prefix(&format!("share {share}: ")).and_then(|rest| {
            let (made, rest) = rest.split_once(" of 6 runs, 0 without a record; ")?;
            Some((made.parse::<usize>().ok()?, rest))
        });
        let (made, rest) = made.expect(&text);
        assert!(made > 0, "{text}");
        lacking -= made;
        let left = format!("{lacking} runs of all shares are missing — shared/runs\n");
        assert_eq!(rest, left);
    }
    assert_eq!(lacking, 0);
    assert_eq!(entries(&folder.path().join("shared")), ["runs"]);
    let table = run("shared", &[]);
    assert_eq!(table.lines().filter(|line| line.contains("converged")).count(), 6, "{table}");

    run("whole", &[]);
    let data = |out: &str| fs::read(folder.path().join(out).join("sweep/data.csv")).unwrap();
    assert_eq!(data("shared"), data("whole"));
}

/// Writes the spec of a run with a step that is far too careful: a million of them, which nobody waits for.
#[cfg(unix)]
fn write_endless(folder: &Path) {
    let endless = SWEEP.replace("[8, 16, 24]", "[200]").replace("[0.3, 30]", "[0.3]").replace(
        "\"base\": {",
        r#""base": {"dynamics": {"kind": "flow", "scheme": {"scheme": "explicit", "rule":
        {"rule": "output-change", "undo_above": 1e-9, "grow_below": 1e-10}}}, "#,
    );
    fs::write(folder.join("endless.json"), endless).unwrap();
}

#[cfg(unix)]
#[test]
fn a_job_that_a_cluster_ends_leaves_its_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    write_endless(folder.path());
    let mut job = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["run", "endless.json", "--share", "1/1"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let runs = folder.path().join("results/runs");
    while !runs.is_dir() {
        assert!(job.try_wait().unwrap().is_none(), "it has ended before it began");
        thread::sleep(Duration::from_millis(50));
    }
    // The run begins.
    thread::sleep(Duration::from_secs(2));
    let id = job.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let ended = job.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
    assert!(stderr(&ended).contains("share 1/1: stopped; run the same command again"));
    let left = entries(&runs);
    assert!(left.len() == 1 && left[0].ends_with(".checkpoint.json"), "{left:?}");
}

/// Whether a mask of signals in the status file of a process has a signal.
#[cfg(target_os = "linux")]
fn has_signal(process: u32, mask: &str, signal: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let digits = status.lines().find_map(|line| line.strip_prefix(mask)).expect(mask);
    let mask = u128::from_str_radix(digits.trim_start_matches(':').trim(), 16).unwrap();
    (mask >> (signal - 1)) & 1 == 1
}

/// Whether the tests themselves run under `nohup`, whose setting the program inherits.
#[cfg(target_os = "linux")]
fn under_nohup() -> bool {
    has_signal(std::process::id(), "SigIgn", 1)
}

/// Starts the program from a shell, after the shell has done `before`, and waits until it handles signals.
#[cfg(target_os = "linux")]
fn started(before: &str, arguments: &[&str], folder: &Path) -> std::process::Child {
    let mut child = Command::new("sh")
        .args(["-c", &format!("{before} exec \"$@\""), "sh", env!("CARGO_BIN_EXE_xtask")])
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..10_000 {
        if has_signal(child.id(), "SigCgt", 15) {
            // The handlers of all signals are registered one after another.
            thread::sleep(Duration::from_millis(20));
            return child;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let _ = child.kill();
    panic!("SIGTERM is not handled: {:?}", child.wait());
}

#[cfg(target_os = "linux")]
fn send(signal: &str, process: u32) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// The data of this grid take seconds, its runs minutes.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_before_the_first_run_stops_the_command_before_it_computes() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        if signal == "-HUP" && under_nohup() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        let child = started("", &["reproduce", "all"], folder.path());
        send(signal, child.id());
        let ended = child.wait_with_output().unwrap();
        let message = stderr(&ended);
        assert_eq!(ended.status.code(), Some(130), "{signal}: {message}");
        assert!(message.contains("stopped; "), "{signal}: {message}");
        assert!(
            message.ends_with("run the same command again to continue\n"),
            "{signal}: {message}"
        );
        assert!(ended.stdout.is_empty(), "{signal}");
        let runs = folder.path().join("results/runs");
        assert!(!runs.exists() || entries(&runs).is_empty(), "{signal}: {:?}", entries(&runs));
    }
}

/// A closed terminal and its shell send one SIGHUP each, while the run writes its checkpoint.
#[cfg(target_os = "linux")]
#[test]
fn a_closed_terminal_leaves_checkpoints_unless_hangups_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    write_endless(folder.path());
    let arguments = ["run", "endless.json", "--share", "1/1"];

    if !under_nohup() {
        let mut child = started("", &arguments, folder.path());
        let runs = folder.path().join("results/runs");
        while !runs.is_dir() {
            assert!(child.try_wait().unwrap().is_none(), "it has ended before it began");
            thread::sleep(Duration::from_millis(50));
        }
        // The run begins.
        thread::sleep(Duration::from_secs(2));
        send("-HUP", child.id());
        send("-HUP", child.id());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{}", stderr(&ended));
        let left = entries(&runs);
        assert!(left.len() == 1 && left[0].ends_with(".checkpoint.json"), "{left:?}");
    }

    // As `nohup` does it.
    let mut child = started("trap '' HUP;", &arguments, folder.path());
    assert!(has_signal(child.id(), "SigIgn", 1) && !has_signal(child.id(), "SigCgt", 1));
    send("-HUP", child.id());
    thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "SIGHUP has ended it");
    send("-TERM", child.id());
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
}

#[test]
fn files_of_the_user_are_not_touched_and_found_before_anything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("sweep.json"), SWEEP).unwrap();
    fs::create_dir_all(place("results/sweep")).unwrap();
    fs::create_dir_all(place("results/finding-1")).unwrap();
    let run: &[&str] = &["run", "sweep.json"];
    let reproduce: &[&str] = &["reproduce", "finding-1", "--profile", "smoke", "--seeds", "1"];
    for (arguments, file) in [
        (run, "results/sweep/data.csv"),
        (run, "results/sweep/data.parquet"),
        (reproduce, "results/finding-1/report.html"),
        (reproduce, "results/index.html"),
    ] {
        fs::write(place(file), "mine").unwrap();
        let output = xtask(arguments, folder.path());
        let line = format!(
            "error: {file} was not written by this program, or was changed since: move it, or choose another --out\n"
        );
        assert_eq!((stderr(&output), output.status.code()), (line, Some(2)));
        assert_eq!(fs::read_to_string(place(file)).unwrap(), "mine");
        assert!(!place("results/runs").exists(), "{file}: something was computed");
        fs::remove_file(place(file)).unwrap();
    }

    // The manifest lists all files of the report; a file of the user is not listed, and stays.
    assert!(xtask(reproduce, folder.path()).status.success());
    let manifest = || -> serde_json::Value {
        let text = fs::read(place("results/finding-1/manifest.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let listed: Vec<String> = manifest()["files"].as_object().unwrap().keys().cloned().collect();
    let mut there = entries(&place("results/finding-1"));
    there.retain(|name| name != "manifest.json");
    assert_eq!(listed, there);
    fs::write(place("results/finding-1/mine.svg"), "mine").unwrap();
    assert!(xtask(reproduce, folder.path()).status.success());
    there.push("mine.svg".into());
    there.sort();
    let mut now = entries(&place("results/finding-1"));
    now.retain(|name| name != "manifest.json");
    assert_eq!(now, there);

    // A folder of an earlier version has no manifest, but is recognised.
    fs::remove_file(place("results/manifest.json")).unwrap();
    fs::remove_file(place("results/finding-1/manifest.json")).unwrap();
    assert!(xtask(reproduce, folder.path()).status.success());
    assert!(manifest()["files"].get("mine.svg").is_none());

    // A figure whose name is known only after the analysis.
    fs::write(place("results/finding-1/alpha-star.svg"), "mine").unwrap();
    let page = fs::read(place("results/finding-1/report.html")).unwrap();
    let output = xtask(reproduce, folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("results/finding-1/alpha-star.svg was not written by this"));
    assert_eq!(fs::read(place("results/finding-1/report.html")).unwrap(), page);
    assert_eq!(fs::read_to_string(place("results/finding-1/alpha-star.svg")).unwrap(), "mine");
}

/// Depth, activation and size of the training set: three sweeps in one folder of results.
#[test]
fn a_table_tells_the_runs_of_any_sweep_apart() {
    let folder = tempfile::tempdir().unwrap();
    let axes = [
        ("network.hidden_layers", "[1, 2, 3]"),
        (
            "network.activation",
            r#"[{"kind": "relu"}, {"kind": "tanh"}, {"kind": "softplus", "beta": 5}]"#,
        ),
        ("data.n_train", "[10, 20, 30]"),
        ("loss", r#"[{"kind": "hinge"}, {"kind": "soft-hinge", "beta": 20}]"#),
        ("dynamics.scheme.tolerance", "[0.05, 0.1]"),
    ];
    for (field, values) in axes {
        let scheme = r#""dynamics": {"kind": "flow", "scheme": {"scheme": "adaptive"}},"#;
        let sweep = SWEEP
            .replace(
                r#"[{"network.width": [8, 16, 24]}, {"alpha": [0.3, 30]}]"#,
                &format!(r#"[{{"{field}": {values}}}]"#),
            )
            .replace(r#""base": {"#, &format!(r#""base": {{"alpha": 30, {scheme}"#))
            .replace(r#""hidden_layers": 2"#, r#""width": 8, "hidden_layers": 2"#);
        fs::write(folder.path().join("one.json"), sweep).unwrap();
        let output = xtask(&["run", "one.json"], folder.path());
        assert!(output.status.success(), "{field}: {}", stderr(&output));
        let printed = String::from_utf8(output.stdout).unwrap();
        // The printed table names what varies, and shows the first digits of the key.
        assert!(
            printed.starts_with("key ") && printed.lines().next().unwrap().contains(field),
            "{printed}"
        );
        let csv = fs::read_to_string(folder.path().join("results/one/data.csv")).unwrap();
        let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
        let column = |name: &str| rows[0].iter().position(|column| *column == name).expect(name);
        for row in &rows[1..] {
            assert!(printed.contains(&row[column("key")][..8]), "{printed}");
            assert!(!row[column("version")].is_empty() && row[column("ending")] == "converged");
        }
        let fields: Vec<usize> =
            (0..rows[0].len()).filter(|&c| rows[0][c].starts_with(field)).collect();
        assert!(!fields.is_empty(), "{csv}");
        let of_row =
            |row: &Vec<&str>| fields.iter().map(|&c| row[c].to_owned()).collect::<Vec<_>>();
        let distinct: std::collections::BTreeSet<_> = rows[1..].iter().map(of_row).collect();
        assert_eq!(distinct.len(), rows.len() - 1, "{csv}");
    }
}

#[test]
fn a_spec_may_be_toml_and_fields_may_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let toml = r#"
alpha = 30 # on the lazy side
[data]
source = {kind = "stripe", dim = 3}
task = {kind = "own"}
inputs = {centre = false, sphere = false, pca = "none"}
n_train = 20
n_test = 40
n_kernel = 5
[network]
architecture = "dense"
inputs = 3
width = 8
hidden_layers = 2
activation = {kind = "relu"}
bias = true
"#;
    fs::write(folder.path().join("one.toml"), toml).unwrap();
    let print = |arguments: &[&str]| -> serde_json::Value {
        let output =
            xtask(&[&["run", "one.toml", "--print-spec"], arguments].concat(), folder.path());
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let spec = print(&[]);
    assert_eq!(
        (&spec["alpha"], &spec["data"]["inputs"]["pca"]),
        (&30.0.into(), &serde_json::Value::Null)
    );
    // All defaults are written out.
    assert_eq!(spec["budget"]["max_wall_s"], 3600.0);
    assert_eq!(spec["data"]["training_set"]["of"], 1);
    let set = ["--set", "network.width=64", "--set", "loss.kind=hinge"];
    let changed = print(&set);
    assert_eq!(
        (&changed["network"]["width"], &changed["loss"]["kind"]),
        (&64.into(), &"hinge".into())
    );

    // What was printed is a spec, and gives the same run.
    fs::write(folder.path().join("again.json"), spec.to_string()).unwrap();
    let json = |file: &str| -> serde_json::Value {
        let output = xtask(&["run", file, "--json", "--quiet"], folder.path());
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (first, again) = (json("one.toml"), json("again.json"));
    assert_eq!(first[0]["runs"], again[0]["runs"]);
    assert_eq!(first[0]["runs"][0]["network.width"], 8);
    assert_eq!(entries(&folder.path().join("results/runs")).len(), 1);
}

#[test]
fn a_run_that_does_not_fit_is_refused_with_its_bytes_and_the_others_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = SWEEP.replace("[8, 16, 24]", "[8, 3000]").replace("[0.3, 30]", "[30]");
    fs::write(folder.path().join("two.json"), sweep).unwrap();
    for (arguments, status) in [(&["--plan"][..], 0), (&[], 1)] {
        let all = [&["run", "two.json", "--memory", "100M"], arguments].concat();
        let output = xtask(&all, folder.path());
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        assert_eq!(output.status.code(), Some(status), "{text}");
        if status == 0 {
            assert!(text.contains("1 of the runs does not fit into the memory"), "{text}");
        } else {
            let refusal =
                text.lines().find(|line| line.contains("of memory, but 100 MB can be used"));
            assert!(refusal.is_some_and(|line| line.contains("it needs 1.1 GB")), "{text}");
            assert_eq!(text.matches("converged").count(), 1, "{text}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_or_full_stdout_is_no_panic_and_loses_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sweep.json"), SWEEP).unwrap();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = |stdout: Stdio| {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["run", "sweep.json", "-q"])
            .current_dir(folder.path())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .output()
            .unwrap()
    };
    let on_full = run(full.into());
    assert_eq!(on_full.status.code(), Some(2));
    assert_eq!(stderr(&on_full), "error: stdout cannot be written to: no storage space\n");
    let table = folder.path().join("results/sweep/data.csv");
    assert_eq!(fs::read_to_string(&table).unwrap().lines().count(), 7);
    fs::remove_file(&table).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = run(writer.into());
    assert_eq!((closed.status.code(), stderr(&closed)), (Some(0), String::new()));
    assert!(table.is_file());
}

#[test]
fn the_version_names_the_commit_and_the_day_of_the_build() {
    let output = xtask(&["--version"], Path::new("."));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with(concat!("regime ", env!("CARGO_PKG_VERSION"), " (")), "{text}");
    assert!(text.contains("built 20"), "{text}");
    for shell in ["bash", "zsh", "fish"] {
        let output = xtask(&["completions", shell], Path::new("."));
        assert!(String::from_utf8(output.stdout).unwrap().contains("coord-check"), "{shell}");
    }
}

#[cfg(unix)]
#[test]
fn a_plan_needs_no_permission_to_write() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("sweep.json"), SWEEP).unwrap();
    assert!(xtask(&["run", "sweep.json"], folder.path()).status.success());
    let runs = folder.path().join("results/runs");
    let mode = |mode| fs::set_permissions(&runs, fs::Permissions::from_mode(mode)).unwrap();
    let before = fs::metadata(&runs).unwrap().modified().unwrap();
    mode(0o555);
    let plan = xtask(&["run", "sweep.json", "--plan", "--json"], folder.path());
    mode(0o755);
    let found: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!((&found["runs"], &found["stored"]), (&6.into(), &6.into()), "{}", stderr(&plan));
    // As root nothing is forbidden; but nothing was written either.
    assert_eq!(fs::metadata(&runs).unwrap().modified().unwrap(), before);
}
