//! `diagnose`: decides whether a setting is lazy or learns features, and how far the border is.
//!
//! The setting of a run spec is trained at its own α, and at α one and two decades below and
//! above it. The border α* is the α at which the final kernel change falls through 1, as in
//! finding-1. The test error and the weight change of every run are reported too. Frozen
//! kernels in the spec are left out.

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::bail;
use regime_lab::Store;
use regime_plot::number;
use regime_study::{Border, Diagnosis, PlacedSpec, Regime, Run, RunSpec};
use serde::Serialize;

use super::{
    compute::{Computed, ExecutionContext, compute},
    run_data::RunData,
    spec_files::{checked, print_specs, read},
};
use crate::{cli::Diagnose, memory::Memory, output, status::INTERRUPTED, terminal};

pub(super) fn run(arguments: &Diagnose, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let cache = RunData::new(stop);
    let place = || arguments.file.display().to_string();
    let memory = Memory::of_machine(arguments.resources.memory);
    let settings = read(&arguments.file, &arguments.overrides.set)?;
    if settings.len() != 1 {
        bail!("{}: diagnose takes one run, but the file has several", place());
    }
    let located = |spec: RunSpec| PlacedSpec { place: place(), spec };
    let settings = settings.into_iter().map(|run| located(run.spec)).collect();
    let mut settings = checked(settings, &cache, memory)?;
    if arguments.overrides.print_spec {
        print_specs(&settings);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(spec) = settings.pop() else { bail!("{}: the file has no run", place()) };
    let runs = Diagnosis::runs_of(&spec).into_iter().map(located).collect();
    let specs = checked(runs, &cache, memory)?;
    output::prepare(&arguments.out)?;
    let store = Store::open(arguments.out.join("runs"))?;
    let resources = arguments.resources;
    let context = ExecutionContext::new(&store, resources, &cache, stop);
    let Computed { runs, counts, stopped, .. } = compute(&specs, context, None)?;
    if stopped {
        note!("stopped; run the same command again to continue");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let diagnosis = Diagnosis::of_runs(spec.alpha, &runs);
    let runs: Vec<Row> = runs.iter().map(Row::of).collect();
    if arguments.json {
        let json = serde_json::json!({"diagnosis": diagnosis, "runs": runs});
        out!("{json:#}");
    } else {
        out!("{}\n\n{}", table(&runs), sentence(&diagnosis));
    }
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The diagnosis in words.
fn sentence(diagnosis: &Diagnosis) -> String {
    let regime = match diagnosis.regime {
        Regime::Lazy => "lazy",
        Regime::FeatureLearning => "feature learning",
        Regime::Undecided => "undecided",
    };
    let Some(change) = diagnosis.kernel_change else {
        return format!(
            "{regime}: the run at this α has no kernel change; the table gives the reason"
        );
    };
    let border = match &diagnosis.border {
        Border::At(border) => {
            let decades = (diagnosis.alpha / border).log10();
            format!(
                "the border, kernel change {}, lies at α* = {}; this α is {} decades {} it",
                diagnosis.level,
                number::significant(*border, 2),
                number::fixed(decades.abs(), 1),
                if decades < 0.0 { "below" } else { "above" },
            )
        }
        Border::NotFound(why) => format!("no border within two decades of this α: {why}"),
    };
    let near = if diagnosis.near_the_border { ", close to the border" } else { "" };
    let own = number::significant(change, 3);
    format!("{regime}{near}: the tangent kernel changed by {own} times its norm; {border}")
}

/// A run of the setting at one α: a row of the table, or an entry of the JSON.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    alpha: f64,
    sqrt_h_alpha: f64,
    kernel_change: Option<f64>,
    test_error: Option<f64>,
    weight_change: Option<f64>,
    ending: &'static str,
    reason: Option<String>,
    version: Option<String>,
}

impl Row {
    fn of(run: &Run) -> Self {
        let record = run.record.as_ref().ok();
        Self {
            key: run.key().map(|key| key.to_string()).unwrap_or_default(),
            alpha: run.spec.alpha,
            sqrt_h_alpha: run.spec.sqrt_h_alpha(),
            kernel_change: record.and_then(|r| r.kernel_change()),
            test_error: record.and_then(|r| r.test_error()),
            weight_change: record.and_then(|r| r.last()).map(|m| m.weight_change),
            ending: run.ending(),
            reason: run.reason(),
            version: run.version(),
        }
    }
}

fn table(runs: &[Row]) -> String {
    let head = [
        "key",
        "alpha",
        "sqrt_h_alpha",
        "kernel_change",
        "test_error",
        "weight_change",
        "ending",
        "version",
    ];
    let number = |value: Option<f64>| value.map(|v| format!("{v:.4e}")).unwrap_or_default();
    let row = |run: &Row| {
        [
            run.key[..8.min(run.key.len())].to_owned(),
            format!("{:.3e}", run.alpha),
            format!("{:.3e}", run.sqrt_h_alpha),
            number(run.kernel_change),
            run.test_error.map(|v| format!("{v:.4}")).unwrap_or_default(),
            number(run.weight_change),
            run.ending.to_owned(),
            run.version.as_deref().map(terminal::short_version).unwrap_or_default(),
        ]
    };
    let rows = std::iter::once(head.map(String::from)).chain(runs.iter().map(row));
    let reason =
        |run: &Row| Some(format!("{}: {}", &run.key[..8.min(run.key.len())], run.reason.as_ref()?));
    terminal::table(rows)
        .into_iter()
        .chain(runs.iter().filter_map(reason))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_regime_and_the_distance() {
        let curve = |shift: f64| [1e-2, 1e-1, 1.0, 1e1, 1e2].map(|a| (a, shift / a));
        let sentence = |alpha, curve: &[(f64, f64)]| sentence(&Diagnosis::of_curve(alpha, curve));
        let lazy = sentence(1.0, &curve(0.03));
        assert!(lazy.starts_with("lazy: "), "{lazy}");
        assert!(lazy.contains("1.5 decades above"), "{lazy}");
        let feature = sentence(1.0, &curve(30.0));
        assert!(feature.starts_with("feature learning: "), "{feature}");
        assert!(feature.contains("1.5 decades below"), "{feature}");
        assert!(sentence(1.0, &curve(1.2)).contains("close to the border"));
        assert!(sentence(1.0, &curve(1e4)).contains("no border within"));
        assert!(sentence(1.0, &[]).starts_with("undecided"));
    }
}
