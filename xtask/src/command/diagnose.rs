//! `diagnose`: is a setting lazy or does it learn features, and how far is the border.
//!
//! The setting of a run spec is trained at its own α and at α a decade and two to either
//! side. The border α* is where the kernel change at the end falls through 1, as in
//! finding-1; beside it stand the test error and the weight change of every run. Frozen
//! kernels that the spec asks for are left out.

use std::process::ExitCode;

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_lab::Store;
use regime_scaling::{CrossingPolicy, Scales, crossing};
use serde::Serialize;

use super::{
    compute::{Computed, INTERRUPTED, compute, stop_on_interrupt},
    runs_file::{Placed, read, tied},
};
use crate::{
    cli::Diagnose,
    figure::number,
    finding::{KERNEL_CHANGE_AT_BORDER, Run},
    output,
    study::{DataCache, RunSpec},
};

/// Factors by which α is varied.
const FACTORS: [f64; 5] = [1e-2, 1e-1, 1.0, 1e1, 1e2];

/// Kernel points where the spec has none, without which nothing can be said.
const KERNEL_POINTS: usize = 100;

pub(super) fn run(arguments: &Diagnose) -> anyhow::Result<ExitCode> {
    let stop = stop_on_interrupt()?;
    let cache = DataCache::new(default_cache_dir());
    let place = || arguments.file.display().to_string();
    let mut settings = read(&arguments.file)?;
    let Some(Placed { mut spec, .. }) = settings.pop().filter(|_| settings.is_empty()) else {
        bail!("{}: diagnose takes one run, but the file has several", place());
    };
    if spec.data.n_kernel == 0 {
        spec.data.n_kernel = KERNEL_POINTS;
    }
    spec.frozen.clear();
    let spec = tied(spec, &cache).with_context(place)?;
    let specs = FACTORS.map(|factor| RunSpec { alpha: spec.alpha * factor, ..spec.clone() });
    output::prepare(&arguments.out)?;
    let store = Store::open(arguments.out.join("runs"))?;
    let Computed { runs, counts, stopped } =
        compute(&specs, &store, arguments.jobs(), &cache, &stop)?;
    if stopped {
        eprintln!("stopped; the same command goes on from there");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let diagnosis = Diagnosis::of(spec.alpha, &curve(&runs));
    let runs: Vec<Told> = runs.iter().map(Told::of).collect();
    if arguments.json {
        let told = serde_json::json!({"diagnosis": diagnosis, "runs": runs});
        println!("{told:#}");
    } else {
        println!("{}\n\n{}", table(&runs), diagnosis.sentence());
    }
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The kernel change at the end against α, of the runs that came to their end.
fn curve(runs: &[Run]) -> Vec<(f64, f64)> {
    let point = |run: &Run| {
        let record = run.record.as_ref().ok().filter(|record| record.converged())?;
        Some((run.spec.alpha, record.kernel_change()?))
    };
    runs.iter().filter_map(point).collect()
}

/// On which side of the border a setting lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Regime {
    Lazy,
    FeatureLearning,
    Undecided,
}

/// What is said of a setting, for programs.
#[derive(Debug, Serialize)]
struct Diagnosis {
    regime: Regime,
    /// The kernel change is within a factor of three of the border's: the kernel changes by
    /// about as much as it is large.
    near_the_border: bool,
    alpha: f64,
    /// `‖Θ − Θ₀‖/‖Θ₀‖` at the end, at this α.
    kernel_change: Option<f64>,
    /// The kernel change at which the border lies.
    level: f64,
    #[serde(flatten)]
    border: Border,
}

/// Where the border lies.
#[derive(Debug, Serialize)]
enum Border {
    /// At this α*, in the convention of the paper.
    #[serde(rename = "border")]
    At(f64),
    /// Why it was not found.
    #[serde(rename = "no_border")]
    NotFound(String),
}

impl Diagnosis {
    /// What the curve says of the setting at `alpha`.
    fn of(alpha: f64, curve: &[(f64, f64)]) -> Self {
        let level = KERNEL_CHANGE_AT_BORDER;
        let kernel_change = curve.iter().find(|(a, _)| *a == alpha).map(|&(_, change)| change);
        let border = match crossing(curve, level, Scales::LOG_LOG, CrossingPolicy::default()) {
            Ok(found) => Border::At(found.x),
            Err(why) => Border::NotFound(why.to_string()),
        };
        let regime = match kernel_change {
            Some(change) if change > level => Regime::FeatureLearning,
            Some(_) => Regime::Lazy,
            None => Regime::Undecided,
        };
        let near = |change: f64| (change / level).ln().abs() < 3f64.ln();
        let near_the_border = kernel_change.is_some_and(near);
        Self { regime, near_the_border, alpha, kernel_change, level, border }
    }

    /// In words.
    fn sentence(&self) -> String {
        let regime = match self.regime {
            Regime::Lazy => "lazy",
            Regime::FeatureLearning => "feature learning",
            Regime::Undecided => "undecided",
        };
        let Some(change) = self.kernel_change else {
            return format!(
                "{regime}: the run at its own α left no kernel change; the table says why"
            );
        };
        let border = match &self.border {
            Border::At(border) => {
                let decades = (self.alpha / border).log10();
                format!(
                    "the border, kernel change {}, lies at α* = {}; this α is {} decades {} it",
                    self.level,
                    number::significant(*border, 2),
                    number::fixed(decades.abs(), 1),
                    if decades < 0.0 { "below" } else { "above" },
                )
            }
            Border::NotFound(why) => format!("no border within two decades of this α: {why}"),
        };
        let near = if self.near_the_border { ", close to the border" } else { "" };
        let own = number::significant(change, 3);
        format!("{regime}{near}: the tangent kernel changed by {own} times its norm; {border}")
    }
}

/// A run of the setting at some α, for programs.
#[derive(Debug, Serialize)]
struct Told {
    alpha: f64,
    root_width_alpha: f64,
    kernel_change: Option<f64>,
    test_error: Option<f64>,
    weight_change: Option<f64>,
    end: String,
}

impl Told {
    fn of(Run { spec, record }: &Run) -> Self {
        let end = match record {
            Ok(record) => record.ending.name().to_owned(),
            Err(why) => why.to_string(),
        };
        let record = record.as_ref().ok();
        Self {
            alpha: spec.alpha,
            root_width_alpha: spec.root_width_alpha(),
            kernel_change: record.and_then(|r| r.kernel_change()),
            test_error: record.and_then(|r| r.test_error()),
            weight_change: record.and_then(|r| r.last()).map(|m| m.weight_change),
            end,
        }
    }
}

fn table(runs: &[Told]) -> String {
    let mut lines =
        vec!["alpha       sqrt(h)*alpha  kernel change  test error  weight change  end".to_owned()];
    let number = |value: Option<f64>| value.map(|v| format!("{v:.4e}")).unwrap_or_default();
    for run in runs {
        lines.push(format!(
            "{:<10.3e}  {:<13.3e}  {:<13}  {:<10}  {:<13}  {}",
            run.alpha,
            run.root_width_alpha,
            number(run.kernel_change),
            run.test_error.map(|v| format!("{v:.4}")).unwrap_or_default(),
            number(run.weight_change),
            run.end,
        ));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_the_regime_and_the_distance() {
        let curve = |shift: f64| FACTORS.map(|a| (a, shift / a));
        let sentence = |alpha, curve: &[(f64, f64)]| Diagnosis::of(alpha, curve).sentence();
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
