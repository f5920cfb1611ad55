//! `reproduce`: the runs of a finding, its analysis, its report.

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use regime_data::default_cache_dir;
use regime_lab::Store;

use super::{
    compute::{Computed, INTERRUPTED, compute, stop_on_interrupt},
    plan,
    report::tell,
    share,
};
use crate::{
    cli::Reproduce,
    finding::{Finding, find},
    output,
    report::VerdictKind,
    study::DataCache,
};

pub(super) fn run(arguments: &Reproduce) -> anyhow::Result<ExitCode> {
    let findings = find(&arguments.grid.finding)?;
    let stop = stop_on_interrupt()?;
    let cache = DataCache::new(default_cache_dir());
    let grid = &arguments.grid;
    if let Some(share) = arguments.share {
        let specs = plan::union(&findings, grid, &cache)?;
        return share::make(share, &specs, &grid.out, grid.jobs(), &cache, &stop);
    }
    if findings.len() > 1 {
        let store = plan::finished(&grid.out)?;
        eprintln!("{}", plan::together(&findings, grid, store.as_ref(), &cache)?);
    }
    let mut worst = VerdictKind::Reproduced;
    let mut failed = 0;
    for finding in findings {
        match reproduce(finding, arguments, &cache, &stop)? {
            Some(ended) => {
                worst = worse(worst, ended.verdict);
                failed += ended.failed;
            }
            None => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    Ok(match (arguments.check, failed) {
        (true, _) => ExitCode::from(status(worst)),
        (false, 0) => ExitCode::SUCCESS,
        (false, _) => ExitCode::FAILURE,
    })
}

/// The exit status that `--check` gives a verdict.
fn status(verdict: VerdictKind) -> u8 {
    match verdict {
        VerdictKind::Reproduced => 0,
        VerdictKind::NotReproduced => 1,
        VerdictKind::Inconclusive => 3,
    }
}

/// What counts for several findings together: a claim that fails outweighs one
/// that is open.
fn worse(a: VerdictKind, b: VerdictKind) -> VerdictKind {
    match (a, b) {
        (VerdictKind::NotReproduced, _) | (_, VerdictKind::NotReproduced) => {
            VerdictKind::NotReproduced
        }
        (VerdictKind::Inconclusive, _) | (_, VerdictKind::Inconclusive) => {
            VerdictKind::Inconclusive
        }
        _ => VerdictKind::Reproduced,
    }
}

/// How a finding ended.
struct Ended {
    verdict: VerdictKind,
    /// Runs that left no record.
    failed: usize,
}

/// One finding; `None` when the user stopped it.
fn reproduce(
    finding: &dyn Finding,
    arguments: &Reproduce,
    cache: &DataCache,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Option<Ended>> {
    let grid = &arguments.grid;
    let name = finding.name();
    // Bad data and bad folders have to be found before anything is computed.
    let specs = plan::specs(finding, grid, cache)?;
    let folder = grid.out.join(name);
    output::prepare(&folder)?;
    let store = Store::open(grid.out.join("runs"))?;
    let jobs = grid.jobs();
    // The runs of a calibration are tried all at once; those of the grid fail one by one, and
    // others go on.
    match plan::estimate(&specs, Some(&store), cache, jobs) {
        Ok(estimate) => eprintln!("{name}: {}", plan::describe(&estimate, jobs)),
        Err(error) => eprintln!("{name}: how long it will take cannot be told: {error:#}"),
    }

    let Computed { runs, counts } = compute(&specs, &store, jobs, cache, stop)?;
    if counts.not_started > 0 || stop.load(Ordering::Relaxed) {
        let kept = counts.reused + counts.computed;
        eprintln!(
            "{name}: stopped; {kept} of {} runs are kept in {}, the same command goes on from there",
            counts.total(),
            store.dir().display(),
        );
        return Ok(None);
    }
    if counts.computed == 0 && counts.failed == 0 {
        eprintln!(
            "{name}: nothing to compute, all {} runs were in {}",
            counts.reused,
            store.dir().display()
        );
    }

    let failed = match counts.failed {
        0 => String::new(),
        n => format!(" ({n} runs failed)"),
    };
    let verdict = tell(finding, grid, &runs, &store, &failed)?;
    output::write_index(&grid.out)?;
    Ok(Some(Ended { verdict, failed: counts.failed }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use VerdictKind::{Inconclusive, NotReproduced, Reproduced};

    #[test]
    fn one_claim_that_fails_outweighs_all_others() {
        assert_eq!(worse(Reproduced, Reproduced), Reproduced);
        assert_eq!(worse(Reproduced, Inconclusive), Inconclusive);
        assert_eq!(worse(NotReproduced, Inconclusive), NotReproduced);
        assert_eq!([Reproduced, NotReproduced, Inconclusive].map(status), [0, 1, 3]);
    }
}
