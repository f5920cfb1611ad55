//! `coord-check`: measures how activations, outputs and kernel grow with the width, and compares the
//! exponents with those that the parametrisation predicts.

use std::process::ExitCode;

use anyhow::{Context, bail};
use regime_data::{default_cache_dir, prepare};
use regime_scaling::{CheckedExponent, Outcome};
use regime_study::{CoordinateCheck, DeviceName, read_coordinate_spec};
use serde_json::json;

use super::spec_files;
use crate::{
    backend, cli::CoordCheck as Arguments, console, memory::Memory, progress::Counter,
    status::UNDECIDED, terminal,
};

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (name, text) = match &arguments.file {
        None => ("the default network".into(), "{}".into()),
        Some(file) => spec_files::text(file)?,
    };
    let spec = read_coordinate_spec(&name, &text, &arguments.overrides.set)?;
    let check = CoordinateCheck::new(spec).with_context(|| name.clone())?;
    if arguments.overrides.print_spec {
        out!("{:#}", check.spec().complete());
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(unstable) = &check.limit {
        console::warn(format_args!(
            "no stable limit is expected: {unstable}; the check is only that nothing grows"
        ));
    }
    let jobs = jobs_that_fit(&check, arguments).with_context(|| name.clone())?;
    let data = prepare(&check.spec().data, &default_cache_dir()).with_context(|| name.clone())?;
    let counter = Counter::new(check.runs().len());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
    let result = pool
        .install(|| backend::coordinates(&check, &data, &|| counter.step()))
        .with_context(|| name.clone())?;
    drop(counter);
    let (outcome, all) = (result.outcome(), result.rows.len());
    if arguments.json {
        let exponents: Vec<_> = result.rows.iter().map(exponent).collect();
        out!("{:#}", json!({"name": name, "outcome": outcome, "exponents": exponents}));
    } else {
        terminal::table(result.table()).iter().for_each(|line| out!("{line}"));
        let words = match outcome {
            Outcome::Pass => format!("{all} exponents are as expected"),
            Outcome::Fail => {
                format!("{} of {all} exponents are not as expected", result.count(outcome))
            }
            Outcome::Undecided => format!(
                "{} of {all} exponents are too uncertain: take more seeds or larger widths",
                result.count(outcome)
            ),
        };
        out!("coord-check: {} — {name}: {words}", outcome.word());
    }
    Ok(match outcome {
        Outcome::Pass => ExitCode::SUCCESS,
        Outcome::Fail => ExitCode::FAILURE,
        Outcome::Undecided => ExitCode::from(UNDECIDED),
    })
}

/// One exponent as JSON.
fn exponent(row: &CheckedExponent) -> serde_json::Value {
    let interval = row.interval.as_ref().ok().map(|interval| [interval.low, interval.high]);
    json!({
        "quantity": row.claim.quantity,
        "step": row.claim.step,
        "expected": row.claim.expected,
        "exponent": row.exponent,
        "interval": interval,
        "why_no_interval": row.interval.as_ref().err().map(ToString::to_string),
        "drift": row.drift,
        "outcome": row.outcome,
    })
}

/// The number of measurements side by side that fit into memory.
fn jobs_that_fit(check: &CoordinateCheck, arguments: &Arguments) -> anyhow::Result<usize> {
    let requested = arguments.resources.jobs();
    if check.spec().device != DeviceName::Cpu {
        return Ok(requested);
    }
    let data = check.spec().data.memory_bytes();
    let memory = Memory::of_machine(arguments.resources.memory).less(data);
    let bytes = check.memory_bytes();
    if let Some(why) = memory.refuses(bytes) {
        bail!("{why}: take smaller widths or fewer points");
    }
    let jobs = memory.copies(bytes, requested);
    if jobs < requested {
        note!(
            "{jobs} measurements side by side instead of {requested}: more do not fit into memory"
        );
    }
    Ok(jobs)
}
