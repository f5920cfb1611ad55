//! `diagnose`: is a setting lazy or does it learn features, and how far is the border.
//!
//! The setting of a run spec is trained at its own α and at α a decade and two to either
//! side. The border α* is where the kernel change at the end falls through 1, as in
//! finding-1; beside it stand the test error and the weight change of every run. Frozen
//! kernels that the spec asks for are left out.

use std::{process::ExitCode, sync::atomic::Ordering};

use anyhow::{Context, bail};
use regime_data::default_cache_dir;
use regime_lab::Store;
use regime_scaling::{CrossingPolicy, Scales, crossing};

use super::{
    compute::{Computed, INTERRUPTED, compute, stop_on_interrupt},
    runs_file::{Placed, read},
};
use crate::{
    backend,
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
    spec.check().with_context(place)?;
    backend::check(spec.backend, spec.device).with_context(place)?;
    spec.data_sha256.clone_from(&cache.get(&spec.data).with_context(place)?.provenance.sha256);
    let specs = FACTORS.map(|factor| RunSpec { alpha: spec.alpha * factor, ..spec.clone() });
    output::prepare(&arguments.out)?;
    let store = Store::open(arguments.out.join("runs"))?;
    let Computed { runs, counts } = compute(&specs, &store, arguments.jobs(), &cache, &stop)?;
    if counts.not_started > 0 || stop.load(Ordering::Relaxed) {
        eprintln!("stopped; the same command goes on from there");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    println!("{}\n\n{}", table(&runs), sentence(spec.alpha, &curve(&runs)));
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

/// What the curve says of the setting at `alpha`.
fn sentence(alpha: f64, curve: &[(f64, f64)]) -> String {
    let level = KERNEL_CHANGE_AT_BORDER;
    let Some(&(_, change)) = curve.iter().find(|(a, _)| *a == alpha) else {
        return "undecided: the run at its own α left no kernel change; the table says why".into();
    };
    let regime = if change > level { "feature learning" } else { "lazy" };
    let own = number::significant(change, 3);
    let border = match crossing(curve, level, Scales::LOG_LOG, CrossingPolicy::default()) {
        Ok(found) => {
            let decades = (alpha / found.x).log10();
            format!(
                "the border, kernel change {level}, lies at α* = {}; this α is {} decades {} it",
                number::significant(found.x, 2),
                number::fixed(decades.abs(), 1),
                if decades < 0.0 { "below" } else { "above" },
            )
        }
        Err(why) => format!("no border within two decades of this α: {why}"),
    };
    // Close to the border the kernel changes by about as much as it is large.
    let near = if (change / level).ln().abs() < 3f64.ln() { ", close to the border" } else { "" };
    format!("{regime}{near}: the tangent kernel changed by {own} times its norm; {border}")
}

fn table(runs: &[Run]) -> String {
    let mut lines =
        vec!["alpha       sqrt(h)*alpha  kernel change  test error  weight change  end".to_owned()];
    for Run { spec, record } in runs {
        let number = |value: Option<f64>| value.map(|v| format!("{v:.4e}")).unwrap_or_default();
        let end = match record {
            Ok(record) => record.ending.name().to_owned(),
            Err(why) => why.to_string(),
        };
        let record = record.as_ref().ok();
        lines.push(format!(
            "{:<10.3e}  {:<13.3e}  {:<13}  {:<10}  {:<13}  {end}",
            spec.alpha,
            spec.root_width_alpha(),
            number(record.and_then(|r| r.kernel_change())),
            record.and_then(|r| r.test_error()).map(|v| format!("{v:.4}")).unwrap_or_default(),
            number(record.and_then(|r| r.last()).map(|m| m.weight_change)),
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
