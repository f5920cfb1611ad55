//! What one finding shows.

use regime_plot::Figure;

use crate::report::{KeyFigure, Table};

/// What one finding shows beside its verdict.
pub(super) struct Shown {
    pub(super) outcome: serde_json::Value,
    pub(super) key_figures: Vec<KeyFigure>,
    pub(super) figures: Vec<Figure>,
    pub(super) tables: Vec<Table>,
    pub(super) notes: Vec<String>,
}
