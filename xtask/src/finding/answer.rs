//! Numbers that may be missing.

use regime_plot::number;
use regime_scaling::BootstrapInterval;
use serde::Serialize;

use crate::report::KeyFigure;

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

    /// The number, or why there is none.
    pub(super) fn result(self) -> Result<T, String> {
        match self {
            Self::Found(value) => Ok(value),
            Self::Missing(why) => Err(why),
        }
    }

    pub(super) fn found(&self) -> Option<&T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Missing(_) => None,
        }
    }
}

impl Answer<BootstrapInterval> {
    /// As in a table.
    pub(super) fn written(&self) -> String {
        self.found().map_or("none".into(), |i| number::with_interval(i.estimate, i.low, i.high))
    }

    /// A row among the key figures; `note` says what the number is to be compared with,
    /// where there is one.
    pub(super) fn key_figure(
        &self,
        name: impl Into<String>,
        note: impl FnOnce(&BootstrapInterval) -> String,
    ) -> KeyFigure {
        match self {
            Self::Found(i) => KeyFigure::new(name, i.estimate, Some((i.low, i.high)), note(i)),
            Self::Missing(why) => KeyFigure {
                name: name.into(),
                value: "none".into(),
                interval: String::new(),
                note: why.clone(),
            },
        }
    }
}
