//! The origin of a record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The origin of a record: program, machine, time and so on. It is stored next to the
/// record, and is never part of its key or of its bytes.
///
/// The caller fills in the fields, which are free text; empty fields are left out of
/// the file. The library itself queries neither the date nor the machine.
///
/// ```
/// use regime_lab::Provenance;
///
/// let provenance = Provenance {
///     host: "heron".into(),
///     time: "2024-05-04T12:00:00Z".into(),
///     dtype: "f64".into(),
///     ..Provenance::of_program("regime", env!("CARGO_PKG_VERSION"))
/// }
/// .with("commit", "abc123");
/// assert_eq!(provenance.extra["commit"], "abc123");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The program that ran it, with its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// The name of the machine.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The processor or accelerator, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cpu: String,
    /// Operating system and architecture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os: String,
    /// The time of the computation; RFC 3339 by convention.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time: String,
    /// The backend of the arithmetic.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub backend: String,
    /// The element type of the arithmetic.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub dtype: String,
    /// How long the run took, in seconds of wall time; filled in by
    /// [`execute`](crate::execute()). For a run in a batch it is the time of the
    /// batch divided by its number of runs, as
    /// [`execute_batches`](crate::execute_batches) describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// Further entries, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl Provenance {
    /// The provenance of a program with this name and version, on the system for which it
    /// was compiled.
    pub fn of_program(name: &str, version: &str) -> Provenance {
        Provenance {
            program: format!("{name} {version}"),
            os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            ..Provenance::default()
        }
    }

    /// Adds an entry to [`extra`](Provenance::extra).
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Provenance {
        self.extra.insert(name.into(), value.into());
        self
    }
}
