//! The findings of the paper, one file each.
//!
//! A finding is always of the same shape: a claim (with its source), a grid of
//! runs per profile, an analysis of their records, a verdict by a written rule.
//! To add one, add its file and one line to [`FINDINGS`].

mod answer;
mod claim;
mod endings;
mod finding_1;
mod finding_2;
mod finding_3;
mod finding_4;
mod finding_5;
mod gram;
mod grids;
mod kernel_path;
mod phase_diagram;
mod registry;
mod series;
mod statement;
mod work;

pub(crate) use claim::{Finding, Profile, Settings, Study};
pub(crate) use registry::{FINDINGS, find};
