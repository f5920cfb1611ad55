//! `docs`: writes the page of every finding in `docs/findings`, from the code and from the
//! `outcome.json` of a reproduction, of which a copy is stored next to the page.

use std::{fmt::Write as _, fs, io, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use regime_findings::{FINDINGS, Finding, Profile, SOURCE};
use serde_json::Value;

use crate::{cli::Docs, output};

/// The folder of the pages.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/findings");

pub(super) fn run(arguments: &Docs) -> anyhow::Result<ExitCode> {
    let folder = PathBuf::from(FOLDER);
    output::prepare(&folder)?;
    let mut files = Vec::new();
    for finding in FINDINGS {
        let [page_file, numbers_file] = files_of(*finding);
        let results = arguments.out.join(finding.name()).join("outcome.json");
        let numbers = match fs::read_to_string(&results) {
            Ok(text) => {
                let outcome = parsed(&text).with_context(|| results.display().to_string())?;
                of_laptop(&outcome).with_context(|| results.display().to_string())?;
                of_this_rule(*finding, &outcome).with_context(|| results.display().to_string())?;
                files.push((numbers_file, text));
                Some(outcome)
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| results.display().to_string());
            }
            // The numbers that are stored next to the page.
            Err(_) => match fs::read_to_string(&numbers_file) {
                Ok(text) => {
                    Some(parsed(&text).with_context(|| numbers_file.display().to_string())?)
                }
                Err(_) => None,
            },
        };
        files.push((page_file, page(*finding, numbers.as_ref())));
    }
    for (path, text) in files {
        output::replace(&path, text.as_bytes()).with_context(|| path.display().to_string())?;
        out!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The files of a finding: its page, and its numbers.
fn files_of(finding: &dyn Finding) -> [PathBuf; 2] {
    ["md", "json"].map(|end| PathBuf::from(FOLDER).join(format!("{}.{end}", finding.name())))
}

fn parsed(text: &str) -> anyhow::Result<Value> {
    serde_json::from_str(text).context("it is not valid JSON")
}

/// Checks that an outcome is of the profile `laptop`, with nothing but the seeds changed.
fn of_laptop(outcome: &Value) -> anyhow::Result<()> {
    let chosen: Option<Vec<&str>> =
        outcome["chosen"].as_array().map(|all| all.iter().filter_map(Value::as_str).collect());
    let seeds_only = |of: &&str| of.starts_with("seeds from ") || of.starts_with("data seed ");
    let unchanged = chosen.is_some_and(|chosen| chosen.iter().all(seeds_only));
    if outcome["profile"] != Profile::Laptop.name() || !unchanged {
        bail!(
            "the pages report the profile {} with nothing but the seeds changed, but this is {} {}",
            Profile::Laptop.name(),
            outcome["profile"],
            outcome["chosen"]
        );
    }
    Ok(())
}

/// Checks that an outcome was judged once, by the rule in the code.
fn of_this_rule(finding: &dyn Finding, outcome: &Value) -> anyhow::Result<()> {
    if outcome["rule"] != finding.rule() {
        bail!("the rule has changed since: measure again, with new seeds");
    }
    if outcome["looks"] != 1 {
        bail!("the pages report verdicts that were judged once, without --until-decided");
    }
    Ok(())
}

/// The page of a finding.
fn page(finding: &dyn Finding, numbers: Option<&Value>) -> String {
    let measured = numbers.map_or("Not measured yet.\n".into(), measured);
    let name = finding.name();
    let again = numbers.map_or(String::new(), |of| {
        let seed = |field: &str| of[field].as_u64().unwrap_or(0);
        match (seed("seed_offset"), seed("data_seed")) {
            (0, 0) => String::new(),
            (offset, data) => format!(" --seed-offset {offset} --data-seed {data}"),
        }
    });
    format!(
        "# {name}: {}\n\n> {}\n\n{SOURCE}; {}.\n\n## What was measured\n\n{measured}\n\
         `cargo xtask reproduce {name}{again}` measures it again.\n\n## How the verdict is reached\n\n{}\n\n\
         A part of the claim holds if its 90 % interval lies within the accepted range (two one-sided \
         tests, each at 5 %). The claim is reproduced if all its parts hold. A part is refuted if its \
         interval at the level 1 − 0.05/(number of parts) lies outside the accepted range. The verdict is \
         inconclusive if a cell of the grid lacks more than one run in twenty, if leaving out the training \
         sets that lack runs changes the verdict, or if there are fewer than three training sets. The error \
         rates of the verdicts are in [error-rates.md](error-rates.md).\n",
        finding.title(),
        finding.claim(),
        finding.place_in_paper(),
        finding.rule(),
    )
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
    let origins = outcome["provenance"]["runs"].as_array().into_iter().flatten();
    for origin in origins.filter_map(Value::as_str) {
        let _ = writeln!(text, "- Runs computed by {origin}.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_agree_with_the_code_and_the_stored_numbers() {
        for finding in FINDINGS {
            let [page_file, numbers_file] = files_of(*finding);
            let found = fs::read_to_string(&page_file).unwrap_or_default();
            let numbers = fs::read_to_string(&numbers_file).ok().map(|text| parsed(&text).unwrap());
            if let Some(numbers) = &numbers {
                of_laptop(numbers).unwrap();
                of_this_rule(*finding, numbers).unwrap();
            }
            assert_eq!(
                found,
                page(*finding, numbers.as_ref()),
                "{}: update it with `cargo xtask docs`",
                page_file.display()
            );
        }
    }

    #[test]
    fn other_profiles_and_choices_are_refused() {
        let of = |profile: &str, chosen: &[&str]| {
            of_laptop(&serde_json::json!({"profile": profile, "chosen": chosen}))
        };
        assert!(of("laptop", &[]).is_ok());
        assert!(of("laptop", &["seeds from 100", "data seed 7"]).is_ok());
        assert!(of("smoke", &[]).is_err());
        assert!(of("laptop", &["all pixels"]).is_err());
        // An outcome of an earlier version, without the field `chosen`.
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
