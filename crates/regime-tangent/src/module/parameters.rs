use std::{collections::HashMap, ops::Range};

use burn::module::ParamId;

/// One parameter tensor of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The paths of the parameter, like `encoder.layer1.weight`. A shared parameter has
    /// several.
    pub names: Vec<String>,
    /// The shape of the tensor.
    pub shape: Vec<usize>,
    /// The columns in the Jacobian, in row-major order.
    pub range: Range<usize>,
    /// burn's identifier of the parameter.
    pub(super) id: ParamId,
}

impl Parameter {
    /// Its first path without the last part.
    fn layer(&self) -> &str {
        self.names[0].rsplit_once('.').map_or("", |(parent, _)| parent)
    }
}

/// The parameters of a module, in the order of the columns of its Jacobian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    entries: Vec<Parameter>,
    by_id: HashMap<ParamId, usize>,
}

impl Parameters {
    /// Creates the list from entries in the order of their columns.
    pub(super) fn new(entries: Vec<Parameter>) -> Self {
        let by_id = entries.iter().enumerate().map(|(i, entry)| (entry.id, i)).collect();
        Self { entries, by_id }
    }

    /// The parameters.
    pub fn entries(&self) -> &[Parameter] {
        &self.entries
    }

    /// The number `P` of numbers in all parameters.
    pub fn n_params(&self) -> usize {
        self.entries.last().map_or(0, |last| last.range.end)
    }

    /// The columns of the parameters below a path: `encoder` includes `encoder.bias` and
    /// `encoder.0.weight` but not `encoder2.bias`. A shared parameter lies below each of its
    /// names. Empty when there are no parameters below the path.
    pub fn group(&self, prefix: &str) -> Vec<Range<usize>> {
        let inside = |entry: &&Parameter| entry.names.iter().any(|name| is_below(name, prefix));
        self.entries.iter().filter(inside).map(|entry| entry.range.clone()).collect()
    }

    /// The columns of each layer. A layer is all parameters whose paths differ only in the
    /// last part. A shared parameter belongs to its first path, so every parameter is in
    /// exactly one layer.
    pub fn layers(&self) -> Vec<(String, Vec<Range<usize>>)> {
        let mut layers: Vec<(String, Vec<Range<usize>>)> = Vec::new();
        for entry in &self.entries {
            let parent = entry.layer();
            match layers.iter_mut().find(|(name, _)| name == parent) {
                Some((_, ranges)) => ranges.push(entry.range.clone()),
                None => layers.push((parent.to_owned(), vec![entry.range.clone()])),
            }
        }
        layers
    }

    /// The columns of consecutive parameters whose paths differ only in the last part. Together
    /// the ranges are all columns, in their order.
    pub(super) fn consecutive(&self) -> Vec<Range<usize>> {
        let same_layer = |a: &Parameter, b: &Parameter| a.layer() == b.layer();
        let layers = self.entries.chunk_by(same_layer);
        layers.map(|layer| layer[0].range.start..layer[layer.len() - 1].range.end).collect()
    }

    /// The names of all parameters.
    pub fn names(&self) -> Vec<String> {
        self.entries.iter().flat_map(|entry| entry.names.clone()).collect()
    }

    /// The index of a parameter among the entries.
    pub(super) fn index(&self, id: &ParamId) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The parameter to which a column belongs.
    pub(super) fn of_column(&self, column: usize) -> &Parameter {
        let entry = self.entries.iter().find(|entry| entry.range.contains(&column));
        entry.expect("columns belong to parameters")
    }

    /// The parameters at some of the ranges, with their columns renumbered from 0.
    pub(super) fn only(&self, ranges: &[Range<usize>]) -> Self {
        let mut end = 0;
        let inside = self.entries.iter().filter(|entry| ranges.contains(&entry.range));
        let moved = inside.map(|entry| {
            let range = end..end + entry.range.len();
            end = range.end;
            Parameter { range, ..entry.clone() }
        });
        Self::new(moved.collect())
    }
}

/// Whether a path equals another or lies below it.
pub(super) fn is_below(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        || prefix.is_empty()
}
