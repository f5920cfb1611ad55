//! Presents the results of a finding: sentences, tables and figures.
//!
//! Claims, grids, rules and numbers are in `regime-findings`. Each finding has one file here.

mod answer;
mod endings;
mod finding_1;
mod finding_2;
mod finding_3;
mod finding_4;
mod finding_5;
mod gram;
mod kernel_path;
mod names;
mod phase_diagram;
mod present;
mod series;
mod shown;
mod words;
mod work;

pub(crate) use names::find;
pub(crate) use present::{Study, study};
