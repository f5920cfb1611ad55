//! The parts of a report that differ between findings.

use regime_plot::Figure;

use crate::report::{KeyFigure, Table};

/// The parts of a report that are specific to one finding.
pub(super) struct Shown {
    pub(super) outcome: serde_json::Value,
    pub(super) key_figures: Vec<KeyFigure>,
    pub(super) figures: Vec<Figure>,
    pub(super) tables: Vec<Table>,
    pub(super) notes: Vec<String>,
}
