//! Parsers of argument values, with their error messages.

use std::time::Duration;

use clap::{ValueEnum, builder::PossibleValue};
use regime_data::{Archive, Source};
use regime_findings::Profile;
use regime_lab::Share;
use regime_models::Precision;
use regime_study::{BackendName, Override};

/// Wraps a type, so that clap shows and reads its names.
macro_rules! named_values {
    ($wrapper:ident, $inner:ty, $all:expr, $name:expr) => {
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $wrapper(pub(crate) $inner);

        impl ValueEnum for $wrapper {
            fn value_variants<'a>() -> &'a [Self] {
                const ALL: &[$wrapper] = &$all;
                ALL
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                let name: fn($inner) -> &'static str = $name;
                Some(PossibleValue::new(name(self.0)))
            }
        }
    };
}

named_values!(
    ProfileArg,
    Profile,
    [ProfileArg(Profile::ALL[0]), ProfileArg(Profile::ALL[1]), ProfileArg(Profile::ALL[2])],
    Profile::name
);
named_values!(
    DtypeArg,
    Precision,
    [DtypeArg(Precision::F64), DtypeArg(Precision::F32)],
    |precision| match precision {
        Precision::F64 => "f64",
        Precision::F32 => "f32",
    }
);
named_values!(
    BackendArg,
    BackendName,
    [
        BackendArg(BackendName::ALL[0]),
        BackendArg(BackendName::ALL[1]),
        BackendArg(BackendName::ALL[2])
    ],
    BackendName::name
);
named_values!(
    ArchiveArg,
    Archive,
    [ArchiveArg(Archive::Mnist), ArchiveArg(Archive::FashionMnist)],
    Archive::name
);

/// Where the runs of a sweep are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Engine {
    /// In this process.
    Local,
    /// By a job array of Slurm.
    Slurm,
}

/// The largest number of seeds or jobs; more is a typing error.
const MAX_NUMBER: u16 = 1000;

pub(super) fn number(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(value) if (1..=MAX_NUMBER).contains(&value) => Ok(value),
        _ => Err(format!("choose a whole number from 1 to {MAX_NUMBER}")),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "write a duration such as 30m or 2h".into())
}

pub(super) fn share(text: &str) -> Result<Share, String> {
    text.parse().map_err(|_| "write 2/5 for the second of five".into())
}

/// The start of a run's key.
pub(super) fn key_start(text: &str) -> Result<String, String> {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match text.len() {
        4..=64 if text.chars().all(is_digit) => Ok(text.to_owned()),
        _ => {
            Err("write at least the first 4 digits of the key, as tables and messages show it"
                .into())
        }
    }
}

pub(super) fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("choose a number between 0 and 1, such as 0.01".into()),
    }
}

pub(super) fn source(text: &str) -> Result<Source, String> {
    match text {
        "mnist-t10k" => Ok(Source::MnistT10k),
        "mnist" => Ok(Source::Mnist),
        "fashion-mnist" => Ok(Source::FashionMnist),
        folder if std::path::Path::new(folder).is_dir() => {
            Ok(Source::IdxDirectory { path: folder.into() })
        }
        file if file.ends_with(".safetensors") => Ok(Source::safetensors(file)),
        _ => Err("choose mnist-t10k, mnist, fashion-mnist, a folder of IDX files or a \
                  .safetensors file"
            .into()),
    }
}

/// A size in bytes, such as `8G` or `500M`.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let wrong = || "write a size such as 8G, 8GiB or 500M".to_owned();
    let lower = text.trim().to_lowercase();
    let (text, base) = match lower.strip_suffix("ib") {
        Some(text) => (text, 1024.0_f64),
        None => (lower.strip_suffix('b').unwrap_or(&lower), 1000.0),
    };
    let units = [("k", 1), ("m", 2), ("g", 3), ("t", 4)];
    let unit = units.iter().find_map(|(unit, power)| Some((text.strip_suffix(unit)?, *power)));
    let (digits, power) = unit.unwrap_or((text, 0));
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    let bytes = number * base.powi(power);
    if bytes.is_finite() && bytes >= 1.0 { Ok(bytes as u64) } else { Err(wrong()) }
}

pub(super) fn override_of(text: &str) -> Result<Override, String> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let cases = [("8G", 8_000_000_000), ("8GiB", 8 << 30), ("500 mb", 500_000_000), ("7", 7)];
        for (text, expected) in cases {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "lots", "-1G", "8X", "inf", "nanG"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
