//! Conversion of values to JSON text: they are encoded once, and printed in one of two forms.
//!
//! `serde_json` is only used for reading. Writing needs guarantees that `serde_json`
//! does not give: a float that is not finite is an error with its path (`serde_json`
//! writes `null`), keys are sorted whatever features other crates of the build enable,
//! and the digits of a float do not change with the version of a dependency.

mod canonicalise;
mod encode;
mod print;

use std::collections::BTreeMap;

pub(crate) use canonicalise::canonical_of_readable;
pub(crate) use encode::encode;
pub use encode::{EncodeError, Unencodable};

/// A JSON value: every float finite, every map sorted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// Any integer up to 128 bits, as its decimal digits.
    Integer(String),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Map(BTreeMap<String, Json>),
}
