//! Numbers that may be missing.

use serde::Serialize;

/// A number, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer<T> {
    Found(T),
    Missing(String),
}

impl<T> Answer<T> {
    pub(super) fn of<E: std::fmt::Display>(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Self::Found(value),
            Err(error) => Self::Missing(error.to_string()),
        }
    }

    pub(super) fn found(&self) -> Option<&T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Missing(_) => None,
        }
    }
}
