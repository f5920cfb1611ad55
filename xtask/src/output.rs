//! The files of a finding: report, figures, data, numbers.

mod earlier;
mod folder;
mod manifest;
mod replace;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use regime_findings::{FINDINGS, Finding, SOURCE, Settings, training_sets};
use regime_models::Precision;
use regime_plot::{Cell, Figure, HeatMap, Interval, Theme, to_png, to_svg};
use regime_scaling::Outcome;
use regime_study::{BackendName, Cells, Columns, Run, run_columns};
use serde_json::json;

use crate::{
    provenance,
    report::{File, IndexEntry, Report, ReportFigure, Verdict, index_html, to_html, words},
    study::Study,
};
use folder::{NewFile, OutputFolder};

pub(crate) use replace::replace;

/// Everything that the files of a finding show.
pub(crate) struct Results<'a> {
    /// The claim.
    pub(crate) finding: &'a dyn Finding,
    /// The settings.
    pub(crate) settings: Settings,
    /// The largest number of times that the finding is judged as training sets are added.
    pub(crate) looks: usize,
    /// The runs.
    pub(crate) runs: &'a [Run],
    /// The analysis of the runs.
    pub(crate) study: &'a Study,
    /// Where the runs were computed.
    pub(crate) origins: Vec<String>,
}

/// Creates the folder of a finding, and checks that files can be written there.
///
/// # Errors
/// One line that names the folder.
pub(crate) fn prepare(folder: &Path) -> anyhow::Result<()> {
    let tried = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).with_context(|| format!("{} cannot be written to", folder.display()))
}

/// Prepares the folder of a finding, and checks that the files whose names are known may be replaced.
///
/// # Errors
/// One line that names the folder, or a file that is not ours.
pub(crate) fn prepare_report(folder: &Path) -> anyhow::Result<()> {
    prepare_files(folder, &["data.csv", "data.parquet", "outcome.json", "report.html"])
}

/// As [`prepare_report`], for the table of the runs of a file.
pub(crate) fn prepare_table(folder: &Path) -> anyhow::Result<()> {
    prepare_files(folder, &["data.csv", "data.parquet"])
}

/// As [`prepare_report`], for the index of all findings.
pub(crate) fn prepare_index(out: &Path) -> anyhow::Result<()> {
    prepare_files(out, &["index.html"])
}

fn prepare_files(folder: &Path, names: &[&str]) -> anyhow::Result<()> {
    prepare(folder)?;
    OutputFolder::open(folder)?.check(names)
}

/// Writes all files into `folder`, the report last. Each file is replaced atomically, and no file that is not ours.
/// Returns the report's path.
///
/// # Errors
/// A figure that cannot be drawn, a file that is not ours, or a file that cannot be written.
pub(crate) fn write(results: &Results<'_>, folder: &Path) -> anyhow::Result<PathBuf> {
    let Results { finding, settings, looks, runs, study, origins } = results;
    let chosen = chosen(results);
    // All files are made before the first is written: one that is not ours must not leave half a report.
    let data = run_columns(runs);
    let mut files: Vec<NewFile> = table("data", &data).into();
    let units: BTreeMap<_, _> = data.columns().iter().map(|c| (&c.name, &c.unit)).collect();
    let origin = runs.first().map(|run| provenance::of_run(&run.spec)).unwrap_or_default();
    let outcome = json!({
        "finding": finding.name(),
        "claim": finding.claim(),
        "source": SOURCE,
        "place_in_paper": finding.place_in_paper(),
        "profile": settings.profile.name(),
        "seed_offset": settings.seed_offset,
        "data_seed": settings.data_seed,
        "levels": study.judgement.levels,
        "looks": looks,
        "rounds": settings.rounds,
        "training_sets": training_sets(settings),
        "incomplete": study.judgement.incomplete,
        "training_sets_needed": study.judgement.sets_needed,
        "chosen": chosen,
        "verdict": words(study.verdict.kind),
        "sentence": study.verdict.sentence,
        "rule": finding.rule(),
        "key_figures": study.key_figures,
        "analysis": study.outcome,
        "notes": study.notes,
        "columns_of_data": units,
        "provenance": { "report": origin, "runs": origins },
    });
    let outcome = serde_json::to_string_pretty(&outcome)? + "\n";
    files.push(("outcome.json".into(), outcome.into_bytes()));

    let mut figures = Vec::new();
    for figure in &study.figures {
        let svg = to_svg(figure, Theme::Adaptive);
        let mut own: Vec<NewFile> = vec![
            (format!("{}.svg", figure.id), svg.clone().into_bytes()),
            (format!("{}.png", figure.id), to_png(figure)?),
        ];
        if !figure.series.is_empty() || figure.map.is_none() {
            own.extend(table(&figure.id, &curves(figure)));
        }
        if let Some(map) = &figure.map {
            own.extend(table(&format!("{}-cells", figure.id), &cells(map)));
        }
        let links = own.iter().map(|(name, _)| file_of(&figure.id, name)).collect();
        figures.push(ReportFigure { svg, caption: figure.caption.clone(), files: links });
        files.extend(own);
    }

    let page = Report {
        kicker: format!(
            "Regime · {} · profile {}",
            finding.name(),
            setting(settings.profile.name(), &chosen)
        ),
        title: finding.title().into(),
        claim: finding.claim().into(),
        source: format!("{SOURCE}; {}", finding.place_in_paper()),
        verdict: study.verdict.clone(),
        key_figures: study.key_figures.clone(),
        figures,
        tables: study.tables.clone(),
        rule: finding.rule().into(),
        notes: study.notes.clone(),
        provenance: provenance::rows(&origin)
            .into_iter()
            .chain(origins.iter().map(|o| ("runs computed by".to_owned(), o.clone())))
            .chain(choices(runs))
            .collect(),
        files: vec![
            file("data.csv", "one row per run"),
            file("data.parquet", "the same"),
            file("outcome.json", "every number of the analysis"),
        ],
    };
    files.push(("report.html".into(), to_html(&page).into_bytes()));
    let mut output = OutputFolder::open(folder)?;
    output.write(&files)?;
    // Figures and data of an earlier report that this report does not have.
    output.remove_stale();
    output.finish()?;
    Ok(folder.join("report.html"))
}

/// Writes the table of the runs of a file, as CSV and as Parquet; returns the path of the first.
///
/// # Errors
/// A file that is not ours, or that cannot be written.
pub(crate) fn write_table(folder: &Path, columns: &Columns) -> anyhow::Result<PathBuf> {
    let mut output = OutputFolder::open(folder)?;
    output.write(&table("data", columns))?;
    output.finish()?;
    Ok(folder.join("data.csv"))
}

/// A table as CSV and as Parquet.
fn table(name: &str, columns: &Columns) -> [NewFile; 2] {
    [
        (format!("{name}.csv"), columns.to_csv().into_bytes()),
        (format!("{name}.parquet"), columns.to_parquet()),
    ]
}

/// The profile and the settings that differ from it, in words.
fn setting(profile: &str, chosen: &[String]) -> String {
    std::iter::once(profile)
        .chain(chosen.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The settings that differ from those of the profile.
fn chosen(results: &Results<'_>) -> Vec<String> {
    let Results { finding, settings, runs, .. } = results;
    let Settings { precision, backend, device, seeds, rounds, tolerance, .. } = *settings;
    let Settings { seed_offset, data_seed, .. } = *settings;
    let own = finding.grid(settings);
    let data = runs.first().zip(own.first()).map(|(run, own)| (&run.spec.data, &own.data));
    let source =
        data.filter(|(run, own)| run.source != own.source).map(|(run, _)| run.source.name());
    let pixels = data.filter(|(run, own)| run.inputs.pca.is_none() && own.inputs.pca.is_some());
    [
        source,
        pixels.map(|_| "all pixels".to_owned()),
        seeds.map(|n| format!("training sets: {n}")),
        (rounds > 1 && seeds.is_none())
            .then(|| format!("training sets: {}", training_sets(settings))),
        (seed_offset > 0).then(|| format!("seeds from {seed_offset}")),
        (data_seed > 0).then(|| format!("data seed {data_seed}")),
        tolerance.map(|tolerance| format!("tolerance {tolerance}")),
        (precision == Precision::F32).then(|| "float32".to_owned()),
        (backend != BackendName::Flex).then(|| format!("{} on {device}", backend.name())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Writes the index page of all findings, from their folders in `out`.
///
/// # Errors
/// A file that is not ours, or that cannot be written.
pub(crate) fn write_index(out: &Path) -> anyhow::Result<PathBuf> {
    // Before the verdicts are read: of two processes, the second to write also reads what the first had found.
    let mut output = OutputFolder::open(out)?;
    let entry = |finding: &&dyn Finding| IndexEntry {
        name: finding.name().into(),
        title: finding.title().into(),
        found: verdict_of(&out.join(finding.name())),
        href: format!("{}/report.html", finding.name()),
    };
    let entries: Vec<IndexEntry> = FINDINGS.iter().map(entry).collect();
    // Other files of this program in the folder belong to other commands, and are not stale.
    output.write(&[("index.html".into(), index_html(&entries).into_bytes())])?;
    output.finish()?;
    Ok(out.join("index.html"))
}

/// The verdict in the folder of a finding, and its profile with the settings that differ from it.
fn verdict_of(folder: &Path) -> Option<(Verdict, String)> {
    let text = fs::read_to_string(folder.join("outcome.json")).ok()?;
    let outcome: serde_json::Value = serde_json::from_str(&text).ok()?;
    let word = |name: &str| Some(outcome.get(name)?.as_str()?.to_owned());
    let verdict = word("verdict")?;
    let all = [Outcome::Pass, Outcome::Fail, Outcome::Undecided];
    let kind = all.into_iter().find(|&kind| words(kind) == verdict)?;
    let chosen = outcome["chosen"].as_array().into_iter().flatten();
    let chosen: Vec<String> = chosen.filter_map(|of| Some(of.as_str()?.to_owned())).collect();
    Some((Verdict { kind, sentence: word("sentence")? }, setting(&word("profile")?, &chosen)))
}

/// The points of a figure's curves, one row each, with the ends of band or error bar.
fn curves(figure: &Figure) -> Columns {
    let rows = figure.series.iter().flat_map(|s| s.points.iter().map(move |point| (s, point)));
    // A gap in a line is not a point.
    let rows: Vec<_> = rows.filter(|(_, (x, y))| !x.is_nan() && !y.is_nan()).collect();
    let spread = |end: fn(&Interval) -> f64| {
        let ends = rows.iter().map(|(series, (x, _))| {
            let found = series.band.iter().chain(&series.error_bars).find(|i| i.x == *x);
            found.map(end)
        });
        Cells::Float(ends.collect())
    };
    let labels = rows.iter().map(|(series, _)| Some(series.label.clone())).collect();
    Columns::default()
        .with("series", Cells::Text(labels))
        .with("x", Cells::Float(rows.iter().map(|(_, p)| Some(p.0)).collect()))
        .with("y", Cells::Float(rows.iter().map(|(_, p)| Some(p.1)).collect()))
        .with("low", spread(|i| i.low))
        .with("high", spread(|i| i.high))
}

/// The cells of a heat map, one row each.
fn cells(map: &HeatMap) -> Columns {
    let column =
        |of: fn(&Cell) -> f64| Cells::Float(map.cells.iter().map(|cell| Some(of(cell))).collect());
    Columns::default()
        .with("x_low", column(|c| c.x.0))
        .with("x_high", column(|c| c.x.1))
        .with("y_low", column(|c| c.y.0))
        .with("y_high", column(|c| c.y.1))
        .with("value", column(|c| c.value))
}

/// A file of a figure, named by the part that differs between them, such as `svg`.
fn file_of(figure: &str, name: &str) -> File {
    let own = name.strip_prefix(figure).unwrap_or(name).trim_start_matches(['-', '.']);
    File { name: own.replace('.', " "), href: name.into(), note: String::new() }
}

fn file(name: &str, note: &str) -> File {
    File { name: name.into(), href: name.into(), note: note.into() }
}

/// The settings of the runs, for the provenance table.
fn choices(runs: &[Run]) -> Vec<(String, String)> {
    let Some(Run { spec, .. }) = runs.first() else { return Vec::new() };
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.spec.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let written = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap_or_default();
    vec![
        ("seeds of the weights".into(), seeds.join(", ")),
        ("data".into(), written(&|| serde_json::to_string(&spec.data))),
        ("SHA-256 of the data".into(), spec.data_sha256.clone()),
        ("network".into(), written(&|| serde_json::to_string(&spec.network))),
        ("loss".into(), written(&|| serde_json::to_string(&spec.loss))),
        ("training".into(), written(&|| serde_json::to_string(&spec.dynamics))),
    ]
}
