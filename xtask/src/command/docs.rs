//! `docs`: the page of every finding in `docs/findings`, from the code and from what the
//! last run has found.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::{
    cli::Docs,
    finding::{FINDINGS, Finding, Profile},
    output,
};

/// Where the pages are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/findings");

/// What is between these is measured, and not checked against the code.
const MEASURED: [&str; 2] = ["<!-- measured -->\n", "<!-- end of what was measured -->\n"];

pub(super) fn run(arguments: &Docs) -> anyhow::Result<ExitCode> {
    let folder = PathBuf::from(FOLDER);
    output::prepare(&folder)?;
    let mut pages = Vec::new();
    for finding in FINDINGS {
        let path = folder.join(format!("{}.md", finding.name()));
        let results = arguments.out.join(finding.name());
        let measured = match fs::read_to_string(results.join("outcome.json")) {
            Ok(text) => {
                let outcome = serde_json::from_str(&text).context("outcome.json")?;
                of_laptop(&outcome).with_context(|| results.display().to_string())?;
                measured(&outcome)
            }
            Err(_) => kept(&path).unwrap_or_else(|| "Not measured yet.\n".into()),
        };
        pages.push((path, page(*finding, &measured)));
    }
    for (path, page) in pages {
        output::replace(&path, page.as_bytes()).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// That an outcome is what the pages tell: the profile `laptop` as it is.
fn of_laptop(outcome: &Value) -> anyhow::Result<()> {
    let unchanged = outcome["chosen"].as_array().is_some_and(Vec::is_empty);
    if outcome["profile"] != Profile::Laptop.name() || !unchanged {
        bail!(
            "the pages are about the profile {} with nothing changed, but this is {} {}",
            Profile::Laptop.name(),
            outcome["profile"],
            outcome["chosen"]
        );
    }
    Ok(())
}

/// The page of a finding.
fn page(finding: &dyn Finding, measured: &str) -> String {
    let [start, end] = MEASURED;
    format!(
        "# {}: {}\n\n> {}\n\n{}\n\n## What was measured\n\n{start}{measured}{end}\n\
         `cargo xtask reproduce {}` measures it again.\n\n## How the verdict is reached\n\n{}\n",
        finding.name(),
        finding.title(),
        finding.claim(),
        finding.source(),
        finding.name(),
        finding.rule(),
    )
}

/// What a page says was measured.
fn kept(path: &Path) -> Option<String> {
    let page = fs::read_to_string(path).ok()?;
    let (_, rest) = page.split_once(MEASURED[0])?;
    Some(rest.split_once(MEASURED[1])?.0.to_owned())
}

/// Verdict, key figures and notes of an `outcome.json`.
fn measured(outcome: &Value) -> String {
    let word = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut text = format!(
        "Profile {}: **{}**. {}\n",
        word(outcome, "profile"),
        word(outcome, "verdict"),
        word(outcome, "sentence")
    );
    let rows = outcome["key_figures"].as_array().into_iter().flatten();
    for (index, row) in rows.enumerate() {
        if index == 0 {
            text += "\n| quantity | value | 95 % interval | remark |\n|---|---|---|---|\n";
        }
        let cells = ["name", "value", "interval", "note"].map(|name| word(row, name));
        let _ = writeln!(text, "| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    }
    let notes = outcome["notes"].as_array().into_iter().flatten();
    for (index, note) in notes.filter_map(Value::as_str).enumerate() {
        let _ = writeln!(text, "{}- {note}", if index == 0 { "\n" } else { "" });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_say_what_the_code_says() {
        for finding in FINDINGS {
            let path = Path::new(FOLDER).join(format!("{}.md", finding.name()));
            let found = fs::read_to_string(&path).unwrap_or_default();
            let measured = kept(&path).unwrap_or_default();
            assert_eq!(
                found,
                page(*finding, &measured),
                "{}: write it anew with `cargo xtask docs`",
                path.display()
            );
        }
    }

    #[test]
    fn other_profiles_and_choices_are_refused() {
        let of = |profile: &str, chosen: &[&str]| {
            of_laptop(&serde_json::json!({"profile": profile, "chosen": chosen}))
        };
        assert!(of("laptop", &[]).is_ok());
        assert!(of("smoke", &[]).is_err());
        assert!(of("laptop", &["all pixels"]).is_err());
        // Of an earlier program, which did not say.
        assert!(of_laptop(&serde_json::json!({"profile": "laptop"})).is_err());
    }

    #[test]
    fn an_outcome_becomes_a_table() {
        let outcome = serde_json::json!({
            "profile": "laptop", "verdict": "reproduced", "sentence": "p = 1.",
            "key_figures": [{"name": "|p|", "value": "1", "interval": "[0, 2]", "note": ""}],
            "notes": ["3 runs."],
        });
        let text = measured(&outcome);
        assert!(text.starts_with("Profile laptop: **reproduced**. p = 1.\n"), "{text}");
        assert!(text.contains("| \\|p\\| | 1 | [0, 2] |  |\n") && text.ends_with("\n- 3 runs.\n"));
    }
}
