//! `coord-check`: how everything in a network grows with its width, compared with what its
//! parametrisation promises.

use std::{fs, process::ExitCode};

use anyhow::Context;
use regime_data::{default_cache_dir, prepare};
use regime_scaling::Outcome;
use regime_study::{CoordinateCheck, CoordinateSpec};

use crate::{backend, cli::CoordCheck as Arguments};

/// Exit status when the measurement does not decide, as for findings.
const UNDECIDED: u8 = 3;

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (spec, name) = match &arguments.file {
        None => (CoordinateSpec::default(), "the default network".into()),
        Some(file) => {
            let place = file.display().to_string();
            let text = fs::read_to_string(file).with_context(|| place.clone())?;
            (serde_json::from_str(&text).with_context(|| place.clone())?, place)
        }
    };
    let check = CoordinateCheck::new(spec).with_context(|| name.clone())?;
    if let Err(unstable) = &check.limit {
        println!("No stable limit is expected: {unstable}. Only that nothing grows is checked.");
    }
    let data = prepare(&check.spec().data, &default_cache_dir()).with_context(|| name.clone())?;
    let result = backend::coordinates(&check, &data).with_context(|| name.clone())?;
    println!("{result}");
    let (outcome, all) = (result.outcome(), result.rows.len());
    let words = match outcome {
        Outcome::Pass => format!("{all} exponents are as expected"),
        Outcome::Fail => {
            format!("{} of {all} exponents are not as expected", result.count(outcome))
        }
        Outcome::Undecided => format!(
            "{} of {all} exponents are not known well enough; more seeds or wider widths would tell",
            result.count(outcome)
        ),
    };
    println!("coord-check: {} — {name}: {words}", outcome.word());
    Ok(match outcome {
        Outcome::Pass => ExitCode::SUCCESS,
        Outcome::Fail => ExitCode::FAILURE,
        Outcome::Undecided => ExitCode::from(UNDECIDED),
    })
}
