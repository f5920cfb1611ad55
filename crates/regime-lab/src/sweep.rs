//! Families of specs in a file.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest number of specs in a sweep. A larger number is a mistake.
const MAX_SPECS: usize = 100_000;

/// A family of specs in a file: the fields that all specs share, and axes that vary.
///
/// There is one spec for every combination of the axes. The first axis varies
/// slowest, as in a [`Grid`](crate::Grid). The fields of one axis vary together. A
/// field is named by its path, such as `network.width`, and need not be in `base`. A
/// value can be anything that a file can hold, also an object.
///
/// ```
/// use regime_lab::Sweep;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, PartialEq, Debug)]
/// struct Flow { net: Net, alpha: f64, seed: u64 }
/// #[derive(Deserialize, PartialEq, Debug)]
/// struct Net { width: usize }
///
/// let sweep: Sweep = serde_json::from_str(r#"{
///     "base": { "net": { "width": 0 }, "seed": 7 },
///     "axes": [
///         { "net.width": [100, 400], "alpha": [0.1, 0.05] },
///         { "seed": [0, 1, 2] }
///     ]
/// }"#)?;
///
/// let flows: Vec<Flow> = sweep.specs()?;
/// assert_eq!(flows.len(), 6);
/// assert_eq!(flows[5], Flow { net: Net { width: 400 }, alpha: 0.05, seed: 2 });
/// assert_eq!(sweep.place(5), "alpha = 0.05, net.width = 400, seed = 2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    base: Map<String, Value>,
    axes: Vec<BTreeMap<String, Vec<Value>>>,
}

/// An error in a sweep. Axes are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// An axis without fields.
    #[error("axis {axis} names no field")]
    NoFields {
        /// Which axis.
        axis: usize,
    },
    /// A field without values, which would leave no specs.
    #[error("axis {axis}: {field} has no values")]
    NoValues {
        /// Which axis.
        axis: usize,
        /// The field.
        field: String,
    },
    /// Fields that vary together have different numbers of values.
    #[error(
        "axis {axis}: {first} has {n_first} values and {other} {n_other}, but they vary together"
    )]
    UnequalLengths {
        /// Which axis.
        axis: usize,
        /// A field.
        first: String,
        /// Its number of values.
        n_first: usize,
        /// Another field.
        other: String,
        /// Its number of values.
        n_other: usize,
    },
    /// A field is set twice, or a field and one inside it.
    #[error("{first} and {other} would overwrite each other: leave one of them out")]
    Overlap {
        /// A field.
        first: String,
        /// Another field.
        other: String,
    },
    /// A field lies within something that has no fields.
    #[error("there is no field {field}: {part} is not an object")]
    NoField {
        /// The field.
        field: String,
        /// The part of the path that is not an object.
        part: String,
    },
    /// The axes have too many combinations.
    #[error("the axes have more than {MAX_SPECS} combinations: shorten one, or use several files")]
    TooMany,
    /// One combination is not a valid spec.
    #[error("{place}{}{cause}", if place.is_empty() { "" } else { ": " })]
    Spec {
        /// The values of all axes; empty where there is no axis.
        place: String,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
}

impl Sweep {
    /// All specs, the first axis varying slowest.
    ///
    /// # Errors
    /// The first [`SweepError`] found.
    pub fn specs<S: DeserializeOwned>(&self) -> Result<Vec<S>, SweepError> {
        let spec = |index| {
            let value = self.value(index)?;
            serde_json::from_value(value)
                .map_err(|cause| SweepError::Spec { place: self.place(index), cause })
        };
        (0..self.n_specs()?).map(spec).collect()
    }

    /// The values of all axes at `index`, as text. Beyond the last spec, indices start
    /// again at the first one.
    pub fn place(&self, index: usize) -> String {
        let words = |(field, value)| format!("{field} = {value}");
        self.settings(index).map(words).collect::<Vec<_>>().join(", ")
    }

    /// A varied field that equals `field`, lies within it, or contains it.
    pub fn varied_field_overlapping(&self, field: &str) -> Option<&str> {
        let varied = self.axes.iter().flat_map(BTreeMap::keys);
        varied.map(String::as_str).find(|varied| overlap(varied, field))
    }

    /// The number of specs.
    fn n_specs(&self) -> Result<usize, SweepError> {
        let mut seen: Vec<&str> = Vec::new();
        let mut product = 1_usize;
        for (fields, axis) in self.axes.iter().zip(1..) {
            if fields.is_empty() {
                return Err(SweepError::NoFields { axis });
            }
            if let Some((field, _)) = fields.iter().find(|(_, values)| values.is_empty()) {
                return Err(SweepError::NoValues { axis, field: field.clone() });
            }
            for (field, values) in fields {
                if let Some((first, firsts)) = fields.iter().find(|(_, v)| v.len() != values.len())
                {
                    return Err(SweepError::UnequalLengths {
                        axis,
                        first: first.clone(),
                        n_first: firsts.len(),
                        other: field.clone(),
                        n_other: values.len(),
                    });
                }
                if let Some(&other) = seen.iter().find(|other| overlap(other, field)) {
                    let first = other.to_owned();
                    return Err(SweepError::Overlap { first, other: field.clone() });
                }
                seen.push(field);
            }
            product = product.saturating_mul(length(fields));
        }
        if product > MAX_SPECS { Err(SweepError::TooMany) } else { Ok(product) }
    }

    /// Every field that varies, with its value at `index`.
    fn settings(&self, index: usize) -> impl Iterator<Item = (&str, &Value)> {
        let mut rest = index;
        let mut rows = Vec::with_capacity(self.axes.len());
        for fields in self.axes.iter().rev() {
            let n = length(fields).max(1);
            rows.push(rest % n);
            rest /= n;
        }
        self.axes.iter().zip(rows.into_iter().rev()).flat_map(|(fields, row)| {
            fields
                .iter()
                .filter_map(move |(field, values)| Some((field.as_str(), values.get(row)?)))
        })
    }

    fn value(&self, index: usize) -> Result<Value, SweepError> {
        let mut spec = self.base.clone();
        for (field, value) in self.settings(index) {
            set(&mut spec, field, value.clone())
                .map_err(|part| SweepError::NoField { field: field.to_owned(), part })?;
        }
        Ok(Value::Object(spec))
    }
}

/// Number of values of an axis; 0 if a field has none.
fn length(fields: &BTreeMap<String, Vec<Value>>) -> usize {
    fields.values().map(Vec::len).min().unwrap_or(0)
}

/// Whether two paths are equal or one lies within the other.
fn overlap(a: &str, b: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(a, b) || within(b, a)
}

/// Sets the value at a path, and creates missing objects on the path.
///
/// # Errors
/// The part of the path that is not an object.
fn set(spec: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), String> {
    let Some((first, rest)) = path.split_once('.') else {
        spec.insert(path.to_owned(), value);
        return Ok(());
    };
    match spec.entry(first).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => set(inner, rest, value).map_err(|part| format!("{first}.{part}")),
        _ => Err(first.to_owned()),
    }
}
