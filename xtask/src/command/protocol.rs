//! `protocol`: measures the effect of the paper's choices that the runs leave out.

use std::process::ExitCode;

use regime_data::default_cache_dir;
use regime_findings::{Profile, Settings, protocol};
use regime_lab::Store;
use regime_plot::number;
use regime_scaling::Outcome;
use regime_study::DataCache;

use super::compute::{ExecutionContext, compute, stop_on_interrupt};
use super::data_memory;
use crate::{cli::Protocol, memory::Memory, status::INTERRUPTED};

pub(super) fn run(arguments: &Protocol) -> anyhow::Result<ExitCode> {
    let stop = stop_on_interrupt()?;
    let cache = DataCache::new(default_cache_dir());
    let mut specs = protocol::grid(&Settings::of(Profile::Laptop));
    data_memory::check(&specs, Memory::of_machine(arguments.resources.memory))?;
    for spec in &mut specs {
        spec.data_sha256.clone_from(&cache.get(&spec.data)?.provenance.sha256);
    }
    let store = Store::open(arguments.out.join("runs"))?;
    let resources = arguments.resources;
    let context = ExecutionContext::new(&store, resources, &cache, &stop);
    let computed = compute(&specs, context, None)?;
    if computed.stopped {
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
