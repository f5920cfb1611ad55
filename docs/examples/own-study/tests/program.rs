//! Runs the program from the command line.

use std::{fs, process::Command};

#[test]
fn a_figure_is_made_from_a_spec() {
    let svg = std::env::temp_dir().join(format!("own-study-{}.svg", std::process::id()));
    let spec = concat!(env!("CARGO_MANIFEST_DIR"), "/run.json");
    let output =
        Command::new(env!("CARGO_BIN_EXE_own-study")).arg(spec).arg(&svg).output().unwrap();
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && line.starts_with("converged"), "{output:?}");
    let text = fs::read_to_string(&svg).unwrap();
    assert!(text.contains("t₁") && text.contains("<path"), "{text}");
    fs::remove_file(&svg).unwrap();
}
