//! `reproduce`: the runs of a finding, its analysis, its report.

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use regime_findings::{Finding, Profile, Settings, training_sets};
use regime_lab::Store;
use regime_scaling::Outcome;
use regime_study::RunSpec;

use super::{
    compute::{Computed, ExecutionContext, compute},
    only,
    plan::{self, Plan},
    report::{self, Written},
    run_data::RunData,
    share,
    timer::calibration,
};
use crate::{
    cli::{Grid, Reproduce},
    console,
    memory::Memory,
    output, signals,
    status::INTERRUPTED,
    study::find,
};

/// How many times a finding is judged with `--until-decided`: with one, two, three and four times
/// the training sets of the profile.
pub(super) const LOOKS: usize = 4;

/// The largest multiple of the training sets for which the time is estimated.
const MAX_TIMES: usize = 20;

pub(super) fn run(arguments: &Reproduce, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let grid = &arguments.grid;
    let cache = RunData::new(stop);
    // Bad data and bad folders must be found before anything is computed.
    let grids = plan::grids(&find(&grid.finding)?, grid, &cache)?;
    if arguments.share.is_none() && arguments.only.is_none() {
        output::prepare_index(&grid.out)?;
        for (finding, _) in &grids {
            output::prepare_report(&grid.out.join(finding.name()))?;
        }
    }
    let store = Store::open(grid.out.join("runs"))?;
    let context = ExecutionContext::new(&store, grid.resources, &cache, stop);
    if let Some(share) = arguments.share {
        return share::make(share, &plan::union(&grids)?, context);
    }
    if let Some(key) = &arguments.only {
        return only::make(key, &plan::union(&grids)?, context);
    }
    let mut calibration = calibration(&cache, Memory::of_machine(grid.resources.memory));
    let mut print_estimate = |name: &str, specs: &[RunSpec]| -> Option<(f64, f64)> {
        // The short runs of the estimate are made all at once, so one that fails ends the estimate. A run
        // of the grid that fails does not stop the others.
        match Plan::of(specs, &store, &mut calibration, grid.resources) {
            Ok(plan) => {
                note!("{name}: {plan}");
                Some(plan.expected())
            }
            // The runs are not begun either, and that is reported.
            Err(error) if signals::is_stop(&error) => None,
            Err(error) => {
                console::warn(format_args!("{name}: the time cannot be estimated: {error:#}"));
                None
            }
        }
    };
    if grids.len() > 1 {
        print_estimate("all together", &plan::union(&grids)?);
    }
    let looks = if arguments.until_decided { LOOKS } else { 1 };
    let mut verdicts = Vec::new();
    let mut reports = Vec::new();
    let mut failed = 0;
    for (finding, mut specs) in grids {
        let mut settings = grid.settings();
        for look in 1..=looks {
            if look > 1 {
                settings.rounds = look as u64;
                specs = plan::specs(finding, grid, &settings, &cache)?;
            }
            let expected = print_estimate(finding.name(), &specs);
            let computed = compute(&specs, context, expected)?;
            let Some(ended) = end(finding, (grid, settings, looks), computed, &store)? else {
                if grid.json {
                    out!("{:#}", serde_json::Value::Array(reports));
                }
                return Ok(ExitCode::from(INTERRUPTED));
            };
            let decided = ended.written.verdict != Outcome::Undecided;
            let too_small = settings.profile == Profile::Smoke;
            let spent = arguments.budget.is_some_and(|budget| start.elapsed() >= budget);
            if decided || spent || too_small || look == looks {
                if !decided && spent && !too_small && look < looks {
                    note!(
                        "{}: the budget is spent after {look} of {looks} rounds; run the same command \
                         again to continue",
                        finding.name()
                    );
                }
                // Preparing the data of thousands of training sets takes too long.
                let max_sets = MAX_TIMES * training_sets(&settings) as usize;
                let affordable = ended
                    .written
                    .sets_needed
                    .filter(|&sets| !decided && !too_small && sets <= max_sets);
                if let Some(sets) = affordable {
                    let more = Settings { seeds: Some(sets as u64), ..settings };
                    let name =
                        format!("{}, {sets} training sets, which would decide it", finding.name());
                    match plan::specs(finding, grid, &more, &cache) {
                        Ok(specs) => {
                            print_estimate(&name, &specs);
                        }
                        // This finding is complete; the next one reports the stop.
                        Err(error) if signals::is_stop(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
                verdicts.push(ended.written.verdict);
                reports.push(ended.written.to_json(ended.failed));
                failed += ended.failed;
                break;
            }
        }
    }
    if grid.json {
        out!("{:#}", serde_json::Value::Array(reports));
    }
    let all = Outcome::of_all(verdicts);
    Ok(match (arguments.check, failed) {
        (true, 0) => ExitCode::from(status(all)),
        // A verdict on a grid with failed runs is not a success.
        (true, _) => ExitCode::from(status(all).max(status(Outcome::Fail))),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

/// The exit status that `--check` gives a verdict.
fn status(verdict: Outcome) -> u8 {
    match verdict {
        Outcome::Pass => 0,
        Outcome::Fail => 1,
        Outcome::Undecided => 3,
    }
}

/// The result of a finding.
struct Ended {
    written: Written,
    /// Runs without a record.
    failed: usize,
}

/// Analyses the runs of a finding and writes its report; `None` if the user stopped the runs.
fn end(
    finding: &dyn Finding,
    (grid, settings, looks): (&Grid, Settings, usize),
    Computed { runs, counts, stopped, .. }: Computed,
    store: &Store,
) -> anyhow::Result<Option<Ended>> {
    let name = finding.name();
    if stopped {
        let finished = counts.reused + counts.computed;
        note!(
            "{name}: stopped; {finished} of {} runs are stored in {}; run the same command again to continue",
            counts.total(),
            store.dir().display(),
        );
        return Ok(None);
    }
    if counts.computed == 0 && counts.failed == 0 {
        note!(
            "{name}: nothing to compute, all {} runs were in {}",
            counts.reused,
            store.dir().display()
        );
    }

    let failed = match counts.failed {
        0 => String::new(),
        n => format!(" ({n} runs failed)"),
    };
    let written = report::write(finding, (grid, settings, looks), &runs, store)?;
    if !grid.json {
        out!("{}", written.line(&failed));
    }
    output::write_index(&grid.out)?;
    Ok(Some(Ended { written, failed: counts.failed }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Fail, Pass, Undecided};

    #[test]
    fn one_claim_that_fails_outweighs_all_others() {
        assert_eq!(Outcome::of_all([Pass, Pass]), Pass);
        assert_eq!(Outcome::of_all([Pass, Undecided]), Undecided);
        assert_eq!(Outcome::of_all([Fail, Undecided]), Fail);
        assert_eq!([Pass, Fail, Undecided].map(status), [0, 1, 3]);
    }
}
