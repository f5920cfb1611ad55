//! The files of a finding: report, figures, data, numbers.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde_json::json;

use crate::{
    figure::{Figure, Theme, to_png, to_svg},
    finding::{FINDINGS, Finding, Run, Settings, Study},
    provenance,
    report::{File, IndexEntry, Report, ReportFigure, Verdict, VerdictKind, index_html, to_html},
};

/// All that is told of a finding.
pub(crate) struct Told<'a> {
    /// The claim.
    pub(crate) finding: &'a dyn Finding,
    /// What was chosen.
    pub(crate) settings: Settings,
    /// The runs.
    pub(crate) runs: &'a [Run],
    /// What they say.
    pub(crate) study: &'a Study,
    /// Where the runs were computed.
    pub(crate) origins: Vec<String>,
}

/// Makes the folder of a finding, and tries whether files can be written there.
///
/// # Errors
/// One line that names the folder.
pub(crate) fn prepare(folder: &Path) -> anyhow::Result<()> {
    let tried = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).with_context(|| format!("{} cannot be written to", folder.display()))
}

/// Writes everything into `folder`, each file whole or not at all, the report last.
/// Returns the report's path.
///
/// # Errors
/// A figure that cannot be drawn or a file that cannot be written.
pub(crate) fn write(told: &Told<'_>, folder: &Path) -> anyhow::Result<PathBuf> {
    let Told { finding, settings, runs, study, origins } = told;
    let save = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        replace(&path, bytes).with_context(|| path.display().to_string())
    };

    save("data.csv", csv(runs).as_bytes())?;
    let origin = runs.first().map(|run| provenance::of_run(&run.spec)).unwrap_or_default();
    let outcome = json!({
        "finding": finding.name(),
        "claim": finding.claim(),
        "source": finding.source(),
        "profile": settings.profile.name(),
        "verdict": study.verdict.kind.words(),
        "sentence": study.verdict.sentence,
        "rule": finding.rule(),
        "key_figures": study.key_figures,
        "analysis": study.outcome,
        "notes": study.notes,
        "provenance": { "report": origin, "runs": origins },
    });
    save("outcome.json", (serde_json::to_string_pretty(&outcome)? + "\n").as_bytes())?;

    let mut figures = Vec::new();
    for figure in &study.figures {
        let svg = to_svg(figure, Theme::Adaptive);
        let names = [format!("{}.svg", figure.id), format!("{}.png", figure.id)];
        save(&names[0], svg.as_bytes())?;
        save(&names[1], &to_png(figure)?)?;
        let curves = format!("{}.csv", figure.id);
        save(&curves, curves_csv(figure).as_bytes())?;
        let files = names.into_iter().chain([curves]).map(|name| file(&name, "")).collect();
        figures.push(ReportFigure { svg, caption: figure.caption.clone(), files });
    }

    let page = Report {
        kicker: format!("Regime · {} · profile {}", finding.name(), settings.profile.name()),
        title: finding.title().into(),
        claim: finding.claim().into(),
        source: finding.source().into(),
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
            file("outcome.json", "every number of the analysis"),
        ],
    };
    save("report.html", to_html(&page).as_bytes())?;
    Ok(folder.join("report.html"))
}

/// Writes the page that leads to all findings, from what their folders in `out` hold.
///
/// # Errors
/// A file that cannot be written.
pub(crate) fn write_index(out: &Path) -> anyhow::Result<PathBuf> {
    let entry = |finding: &&dyn Finding| IndexEntry {
        name: finding.name().into(),
        title: finding.title().into(),
        found: verdict_of(&out.join(finding.name())),
        href: format!("{}/report.html", finding.name()),
    };
    let entries: Vec<IndexEntry> = FINDINGS.iter().map(entry).collect();
    let path = out.join("index.html");
    replace(&path, index_html(&entries).as_bytes()).with_context(|| path.display().to_string())?;
    Ok(path)
}

/// The verdict that the folder of a finding holds, and its profile.
fn verdict_of(folder: &Path) -> Option<(Verdict, String)> {
    let text = fs::read_to_string(folder.join("outcome.json")).ok()?;
    let outcome: serde_json::Value = serde_json::from_str(&text).ok()?;
    let word = |name: &str| Some(outcome.get(name)?.as_str()?.to_owned());
    let verdict = word("verdict")?;
    let kind = VerdictKind::ALL.into_iter().find(|kind| kind.words() == verdict)?;
    Some((Verdict { kind, sentence: word("sentence")? }, word("profile")?))
}

/// The points of a figure's curves, one row each, with the ends of band or error bar.
fn curves_csv(figure: &Figure) -> String {
    let mut text = String::from("series,x,y,low,high\n");
    for series in &figure.series {
        let label = format!("\"{}\"", series.label.replace('"', "\"\""));
        for (x, y) in &series.points {
            let spread = series.band.iter().chain(&series.error_bars).find(|i| i.x == *x);
            let ends = spread.map_or(",".into(), |i| format!("{},{}", i.low, i.high));
            let _ = writeln!(text, "{label},{x},{y},{ends}");
        }
    }
    text
}

fn file(name: &str, note: &str) -> File {
    File { name: name.into(), href: name.into(), note: note.into() }
}

/// Writes beside the place and renames, so that a reader finds the old file or the
/// new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut temporary, bytes)?;
    // Temporary files are private; a report is not.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    temporary.persist(path)?;
    Ok(())
}

/// What the runs have in common, for the table of origins.
fn choices(runs: &[Run]) -> Vec<(String, String)> {
    let Some(Run { spec, .. }) = runs.first() else { return Vec::new() };
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.spec.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let written = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap_or_default();
    vec![
        ("seeds of the weights".into(), seeds.join(", ")),
        ("seed of the data".into(), spec.data.seed.to_string()),
        ("data".into(), written(&|| serde_json::to_string(&spec.data))),
        ("SHA-256 of the data".into(), spec.data_sha256.clone()),
        ("network".into(), written(&|| serde_json::to_string(&spec.network))),
        ("loss".into(), written(&|| serde_json::to_string(&spec.loss))),
        ("training".into(), written(&|| serde_json::to_string(&spec.dynamics))),
    ]
}

/// One row per run, in the order of the grid; empty where there is no value.
pub(crate) fn csv(runs: &[Run]) -> String {
    let mut text = String::from(
        "architecture,width,alpha,sqrt_h_alpha,training,seed,ending,steps,rejected,t1,t2,kernel_change,\
         kernel_change_at_t1,test_error,weight_change,mean_loss,n_violating\n",
    );
    for Run { spec, record } in runs {
        let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
        let head = format!(
            "{},{},{},{},{},{}",
            spec.network.architecture(),
            spec.network.width(),
            spec.alpha,
            spec.root_width_alpha(),
            spec.dynamics.name(),
            spec.seed
        );
        let _ = match record {
            Err(_) => writeln!(text, "{head},failed,,,,,,,,,,"),
            Ok(record) => {
                let last = record.last();
                writeln!(
                    text,
                    "{head},{},{},{},{},{},{},{},{},{},{},{}",
                    record.ending.name(),
                    record.steps,
                    record.rejected,
                    number(record.half_loss_time),
                    number(record.margins_time),
                    number(record.kernel_change()),
                    number(record.kernel_change_at_half_loss()),
                    number(record.test_error()),
                    number(last.map(|m| m.weight_change)),
                    number(last.map(|m| m.training.mean_loss)),
                    last.map(|m| m.training.n_violating.to_string()).unwrap_or_default(),
                )
            }
        };
    }
    text
}
