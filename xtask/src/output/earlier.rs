//! Files of earlier versions of this program, which wrote no manifests.

use std::{fs, path::Path};

use regime_findings::FINDINGS;
use serde_json::Value;

use crate::report::INDEX_HEADING;

/// The first columns of every table of runs.
const FIRST_COLUMNS: &str = "key,sqrt_h_alpha,";

/// Whether the file `name` in a folder without a manifest is one that an earlier version wrote.
///
/// The folder of a finding is recognised by its outcome, a table of runs by its first columns, the index by its
/// heading. This does not find out whether a file was changed since; from the next report on, the manifest does.
/// Files that no report writes now, such as old figures, are never asked about, so they stay.
pub(super) fn is_of_earlier_version(folder: &Path, name: &str) -> bool {
    let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    let is_finding = || {
        let outcome: Value = serde_json::from_str(&text("outcome.json")).unwrap_or_default();
        FINDINGS.iter().any(|finding| outcome["finding"] == finding.name())
    };
    match name {
        "index.html" => text(name).contains(INDEX_HEADING),
        "data.csv" | "data.parquet" => text("data.csv").starts_with(FIRST_COLUMNS) || is_finding(),
        _ => is_finding(),
    }
}

#[cfg(test)]
mod tests {
    use regime_study::run_columns;

    use super::*;
    use crate::report::index_html;

    #[test]
    fn files_of_this_program_are_recognised_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let is_ours = |name: &str| is_of_earlier_version(folder.path(), name);
        let all =
            ["outcome.json", "report.html", "a.svg", "data.csv", "data.parquet", "index.html"];
        assert!(!all.into_iter().any(is_ours));

        write("data.csv", "key,value\n");
        write("index.html", "<h1>My page</h1>");
        write("outcome.json", r#"{"finding": "of my own"}"#);
        assert!(!all.into_iter().any(is_ours));

        write("data.csv", &run_columns(&[]).to_csv().replace('\n', ",more\n"));
        assert_eq!(all.map(is_ours), [false, false, false, true, true, false]);
        write("index.html", &index_html(&[]));
        assert_eq!(all.map(is_ours), [false, false, false, true, true, true]);

        write("data.csv", "key,value\n");
        write("index.html", "<h1>My page</h1>");
        write("outcome.json", r#"{"finding": "finding-1"}"#);
        assert_eq!(all.map(is_ours), [true, true, true, true, true, false]);
    }
}
