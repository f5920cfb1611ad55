//! The memory that the data of runs take, before they are prepared.

use anyhow::bail;
use regime_data::DataSpec;
use regime_study::RunSpec;

use crate::memory::Memory;

/// Estimated bytes of the data of all runs; runs with equal data share them.
pub(super) fn data_bytes<'a>(specs: impl IntoIterator<Item = &'a RunSpec>) -> f64 {
    let mut distinct: Vec<&DataSpec> = Vec::new();
    for spec in specs {
        if !distinct.contains(&&spec.data) {
            distinct.push(&spec.data);
        }
    }
    distinct.into_iter().map(DataSpec::memory_bytes).sum()
}

/// # Errors
/// One line with the bytes that are needed, when the data do not fit into the memory.
pub(super) fn check<'a>(
    specs: impl IntoIterator<Item = &'a RunSpec>,
    memory: Memory,
) -> anyhow::Result<()> {
    if let Some(why) = memory.refuses(data_bytes(specs)) {
        bail!("data of all runs: {why}; take fewer points or fewer data seeds");
    }
    Ok(())
}
