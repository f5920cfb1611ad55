//! `protocol`: measures the effect of the paper's choices that the runs leave out.

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
};

use regime_findings::{Profile, Settings, protocol};
use regime_lab::Store;
use regime_plot::number;
use regime_scaling::Outcome;

use super::{
    compute::{ExecutionContext, compute},
    data_memory,
    run_data::RunData,
};
use crate::{cli::Protocol, memory::Memory, status::INTERRUPTED};

pub(super) fn run(arguments: &Protocol, stop: &Arc<AtomicBool>) -> anyhow::Result<ExitCode> {
    let cache = RunData::new(stop);
    let mut specs = protocol::grid(&Settings::of(Profile::Laptop));
    data_memory::check(&specs, Memory::of_machine(arguments.resources.memory))?;
    for spec in &mut specs {
        spec.data_sha256.clone_from(&cache.get(&spec.data)?.provenance.sha256);
    }
    let store = Store::open(arguments.out.join("runs"))?;
    let resources = arguments.resources;
    let context = ExecutionContext::new(&store, resources, &cache, stop);
    let computed = compute(&specs, context, None)?;
    if computed.stopped {
        note!("stopped; run the same command again to continue");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    out!("| choice of the paper | √h·α | quantity | difference [90 %] | |\n|---|---|---|---|---|");
    for effect in protocol::effects(&computed.runs) {
        let difference = match &effect.statement.interval {
            Ok(i) => {
                let i = i.at_level(0.9);
                number::with_interval(i.estimate, i.low, i.high)
            }
            Err(why) => why.clone(),
        };
        let word = match effect.outcome() {
            Outcome::Pass => "equal",
            Outcome::Fail => "different",
            Outcome::Undecided => "open",
        };
        out!(
            "| {} | {} | {} | {difference} | {word} |",
            effect.choice.words(),
            number::significant(effect.product, 2),
            effect.statement.quantity,
        );
    }
    Ok(if computed.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
