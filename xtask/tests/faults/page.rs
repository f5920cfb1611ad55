//! The table of docs/reliability.md.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::tally::Tally;

pub(crate) const BEGIN: &str = "<!-- faults: written by `REGIME_FAULTS=whole cargo test --release -p xtask --test faults -- --nocapture` -->";
pub(crate) const END: &str = "<!-- faults: end -->";

/// Messages of a fault in the table.
const MESSAGES: usize = 2;

pub(crate) fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reliability.md")
}

/// The table: one row for every fault.
pub(crate) fn table(rows: &[(&str, Tally)]) -> String {
    let mut text = String::from(
        "| fault | times tried | lost | what the program printed |\n|---|---|---|---|\n",
    );
    for (name, tally) in rows {
        let lost =
            if tally.lost.is_empty() { "nothing".to_owned() } else { tally.lost.len().to_string() };
        let cell = |line: &str| format!("`{}`", line.replace('`', "'").replace('|', "\\|"));
        let said: Vec<String> = tally.messages(MESSAGES).into_iter().map(cell).collect();
        let said =
            if said.is_empty() { "no warning and no error".to_owned() } else { said.join("<br>") };
        text.push_str(&format!("| {name} | {} | {lost} | {said} |\n", tally.times));
    }
    text
}

/// The page with another table.
pub(crate) fn with_table(page: &str, table: &str) -> String {
    let (before, rest) = page.split_once(BEGIN).expect("the page has the line before the table");
    let (_, after) = rest.split_once(END).expect("the page has the line after the table");
    format!("{before}{BEGIN}\n{table}{END}{after}")
}

/// The first cells of the rows of the table.
pub(crate) fn faults_of(page: &str) -> Vec<&str> {
    let (_, rest) = page.split_once(BEGIN).expect("the page has the line before the table");
    let (table, _) = rest.split_once(END).expect("the page has the line after the table");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    rows.skip(1).collect()
}

/// Reads the page.
pub(crate) fn read() -> String {
    fs::read_to_string(path()).expect("docs/reliability.md")
}
