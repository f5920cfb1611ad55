//! The page that says what the columns of the table of runs are, and the schemas of specs.

use std::{fs, path::PathBuf};

use regime_study::{CoordinateSpec, column_descriptions, file_schema};

fn docs(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).join(name)
}

/// Compares a generated file with the one in the repository; with `UPDATE_DOCS` set, writes it.
fn assert_committed(name: &str, text: &str) {
    let path = docs(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().expect("in a folder")).unwrap();
        fs::write(&path, text).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/{name} is out of date: `UPDATE_DOCS=1 cargo test -p regime-study --test suite columns` writes it"
    );
}

#[test]
fn every_column_has_its_sentence() {
    let mut page = String::from(
        "# The columns of data.csv and data.parquet\n\n\
         `cargo xtask run` and `cargo xtask reproduce` write one row per run. A field of the spec has its path \
         as its name, and every field is a column, whether the runs differ in it or not. Fields of variants \
         (such as `network.image.height`, of convolutional networks only) are columns where a run has them. An empty cell \
         (null in Parquet) means that there is no value. In Parquet files the entry `regime.columns` of the metadata \
         holds the units and sentences of this page as JSON:\n\n\
         ```python\n\
         import json, pyarrow.parquet as pq\n\
         table = pq.read_table(\"results/sweep/data.parquet\")\n\
         meaning = json.loads(table.schema.metadata[b\"regime.columns\"])\n\
         meaning[\"t1\"]  # {'description': 'Time at which …', 'unit': 'time of the flow, …'}\n\
         ```\n\n\
         This page is generated: `UPDATE_DOCS=1 cargo test -p regime-study --test suite columns`.\n\n\
         | column | unit | meaning |\n|---|---|---|\n",
    );
    for [name, unit, meaning] in column_descriptions() {
        assert!(meaning.ends_with('.'), "{name} needs a sentence: {meaning}");
        page += &format!("| `{name}` | {unit} | {} |\n", meaning.replace('|', "\\|"));
    }
    assert_committed("columns.md", &page);
}

#[test]
fn the_schemas_are_committed() {
    assert_committed("schema/run.json", &format!("{:#}\n", file_schema()));
    assert_committed("schema/coord-check.json", &format!("{:#}\n", CoordinateSpec::schema()));
}
