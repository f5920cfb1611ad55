//! The layout of a record file, and its verification.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Damage;
use crate::json::Json;
use crate::provenance::Provenance;
use crate::spec::{RunKey, hex};

/// The version of the layout of the file.
const FORMAT: u32 = 1;

/// The last entry of the file is `TAIL_OPEN`, 64 hexadecimal digits, `TAIL_CLOSE`;
/// the digits are the SHA-256 of everything before.
const TAIL_OPEN: &[u8] = b",\n  \"sha256\": \"";
const TAIL_CLOSE: &[u8] = b"\"\n}\n";
const DIGITS: usize = 64;

/// The content of a file except its key.
pub(super) struct Parts {
    pub(super) kind: &'static str,
    pub(super) version: u32,
    pub(super) spec: Json,
    pub(super) record: Json,
    pub(super) provenance: Json,
}

#[derive(Deserialize)]
struct Header {
    format: u32,
    key: RunKey,
}

/// The kind and the version of the spec in a file.
#[derive(Deserialize)]
pub(super) struct Kind {
    pub(super) kind: String,
    pub(super) version: u32,
}

#[derive(Deserialize)]
pub(super) struct RecordOnly<R> {
    pub(super) record: R,
}

#[derive(Deserialize)]
pub(super) struct ProvenanceOnly {
    pub(super) provenance: Provenance,
}

#[derive(Deserialize)]
pub(super) struct Content<S, R> {
    pub(super) spec: S,
    pub(super) record: R,
    pub(super) provenance: Provenance,
}

/// The complete text of a file.
pub(super) fn render(key: &RunKey, parts: &Parts) -> String {
    let mut text = String::from("{");
    let entries = [
        ("format", FORMAT.to_string()),
        ("key", Json::Text(key.to_string()).readable(1)),
        ("kind", Json::Text(parts.kind.to_owned()).readable(1)),
        ("version", parts.version.to_string()),
        ("spec", parts.spec.readable(1)),
        ("record", parts.record.readable(1)),
        ("provenance", parts.provenance.readable(1)),
    ];
    for (i, (name, value)) in entries.iter().enumerate() {
        text.push_str(if i > 0 { ",\n  \"" } else { "\n  \"" });
        text.push_str(name);
        text.push_str("\": ");
        text.push_str(value);
    }
    let checksum = hex(&Sha256::digest(&text));
    for part in [",\n  \"sha256\": \"", &checksum, "\"\n}\n"] {
        text.push_str(part);
    }
    text
}

/// Checks that `bytes` are exactly what was written for `key`.
pub(super) fn verify(bytes: &[u8], key: &RunKey) -> Result<(), Damage> {
    let (body, stated) = split(bytes).ok_or(Damage::Incomplete)?;
    let found = hex(&Sha256::digest(body));
    if stated != found.as_bytes() {
        let stated = String::from_utf8_lossy(stated).into_owned();
        return Err(Damage::Checksum { stated, found });
    }
    let header: Header =
        serde_json::from_slice(bytes).map_err(|cause| Damage::Header(cause.to_string()))?;
    if header.format != FORMAT {
        return Err(Damage::Format { found: header.format, known: FORMAT });
    }
    if header.key != *key {
        return Err(Damage::Key { found: header.key });
    }
    Ok(())
}

/// Everything before the last entry, and the checksum that it states.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, stated) = bytes.strip_suffix(TAIL_CLOSE)?.split_last_chunk::<DIGITS>()?;
    Some((rest.strip_suffix(TAIL_OPEN)?, stated))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: &str) -> RunKey {
        digit.repeat(64).parse().unwrap()
    }

    fn sample() -> String {
        let parts = Parts {
            kind: "toy",
            version: 1,
            spec: Json::Null,
            record: Json::List(vec![Json::Float(0.5)]),
            provenance: Json::Map(Default::default()),
        };
        render(&key("a"), &parts)
    }

    /// Replaces a part of the text, and updates the checksum.
    fn resealed(from: &str, to: &str) -> Vec<u8> {
        let text = sample();
        let (body, _) = split(text.as_bytes()).unwrap();
        let body = std::str::from_utf8(body).unwrap().replacen(from, to, 1);
        let checksum = hex(&Sha256::digest(&body));
        format!("{body},\n  \"sha256\": \"{checksum}\"\n}}\n").into_bytes()
    }

    #[test]
    fn the_tail_is_as_long_as_the_docs_say() {
        assert_eq!(TAIL_OPEN.len() + DIGITS + TAIL_CLOSE.len(), 83);
    }

    #[test]
    fn an_unchanged_file_is_undamaged() {
        assert_eq!(verify(sample().as_bytes(), &key("a")), Ok(()));
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged() {
        let text = sample();
        for len in 0..text.len() {
            assert!(verify(&text.as_bytes()[..len], &key("a")).is_err(), "cut to {len} bytes");
        }
    }

    #[test]
    fn a_file_with_any_bit_flipped_is_damaged() {
        let mut bytes = sample().into_bytes();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                assert!(verify(&bytes, &key("a")).is_err(), "bit {bit} of byte {place}");
                bytes[place] ^= 1 << bit;
            }
        }
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        let format = resealed("\"format\": 1", "\"format\": 2");
        assert_eq!(verify(&format, &key("a")), Err(Damage::Format { found: 2, known: 1 }));

        assert_eq!(verify(sample().as_bytes(), &key("b")), Err(Damage::Key { found: key("a") }));

        let header = resealed("\"key\"", "\"lock\"");
        assert!(matches!(verify(&header, &key("a")), Err(Damage::Header(_))));
    }
}
