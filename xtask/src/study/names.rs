//! The findings by name.

use anyhow::bail;
use regime_findings::{FINDINGS, Finding};

/// The findings a name stands for: one, or all.
///
/// # Errors
/// One line that lists what exists.
pub(crate) fn find(name: &str) -> anyhow::Result<Vec<&'static dyn Finding>> {
    if name == "all" {
        return Ok(FINDINGS.to_vec());
    }
    match FINDINGS.iter().find(|finding| finding.name() == name) {
        Some(finding) => Ok(vec![*finding]),
        None => {
            let known: Vec<&str> = FINDINGS.iter().map(|finding| finding.name()).collect();
            bail!("there is no finding '{name}': choose {} or all", known.join(", "))
        }
    }
}
