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
    let wrong = || "write a size such as 8G or 500M".to_owned();
    let text = text.trim().trim_end_matches(['B', 'b']).trim_end_matches('i');
    let (digits, factor) = match text.char_indices().next_back() {
        Some((end, 'k' | 'K')) => (&text[..end], 1e3),
        Some((end, 'm' | 'M')) => (&text[..end], 1e6),
        Some((end, 'g' | 'G')) => (&text[..end], 1e9),
        Some((end, 't' | 'T')) => (&text[..end], 1e12),
        _ => (text, 1.0),
    };
    let number: f64 = digits.trim().parse().map_err(|_| wrong())?;
    if number.is_finite() && number * factor >= 1.0 {
        Ok((number * factor) as u64)
    } else {
        Err(wrong())
    }
}

pub(super) fn override_of(text: &str) -> Result<Override, String> {
    text.parse()
}
