//! The one way values become JSON text here: encode once, print in two ways.
//!
//! `serde_json` is only used for reading. Writing is done here because it must
//! hold what `serde_json` does not promise: a float that is not finite is an
//! error with its path (`serde_json` writes `null`), keys are sorted whatever
//! features other crates of the build switch on, and the digits of a float
//! never change with a dependency's version.

mod encode;
mod print;

use std::collections::BTreeMap;

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
