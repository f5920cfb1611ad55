//! The findings by name.

use anyhow::bail;

use super::{claim::Finding, finding_1, finding_2, finding_3, finding_4, finding_5};

/// All findings, in their order.
pub(crate) static FINDINGS: &[&dyn Finding] = &[
    &finding_1::Finding1,
    &finding_2::Finding2,
    &finding_3::Finding3,
    &finding_4::Finding4,
    &finding_5::Finding5,
];

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
