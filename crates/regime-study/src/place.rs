//! The backend and the device that hold the tensors of a run.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A backend of Burn.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum BackendName {
    /// `burn-flex`: pure Rust, the default.
    #[default]
    Flex,
    /// `burn-ndarray`.
    Ndarray,
    /// `burn-tch`: LibTorch.
    Tch,
}

impl BackendName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flex, Self::Ndarray, Self::Tch];

    /// The name, as it is serialised.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Ndarray => "ndarray",
            Self::Tch => "tch",
        }
    }
}

/// A device, `cpu` or `cuda:0`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum DeviceName {
    /// The processor.
    #[default]
    Cpu,
    /// The GPU of this number, counted from 0.
    Cuda(u8),
}

impl DeviceName {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(crate) fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let index = || text.strip_prefix("cuda:")?.parse().ok();
        match (text, index()) {
            ("cpu", _) => Ok(Self::Cpu),
            (_, Some(index)) => Ok(Self::Cuda(index)),
            _ => Err(format!("there is no device '{text}': choose cpu, or cuda:0 and so on")),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(device: DeviceName) -> Self {
        device.to_string()
    }
}
