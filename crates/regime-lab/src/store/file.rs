//! The layout of a record file, and its verification.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::Damage;
use crate::json::Json;
use crate::provenance::Provenance;
use crate::spec::{RunKey, hex};

/// The version of the layout of the file. In every later version, too, the format is the first entry and
/// the checksum the last, so that a program recognises an undamaged file of a later version.
const FORMAT: u32 = 1;

const SPEC_OPEN: &str = ",\n  \"spec\": ";
const PROVENANCE_OPEN: &str = ",\n  \"provenance\": ";
const RECORD_OPEN: &str = ",\n  \"record\": ";

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

/// The entries of a file before its spec.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) key: RunKey,
    pub(super) kind: String,
    pub(super) version: u32,
}

#[derive(Deserialize)]
pub(super) struct RecordOnly<R> {
    pub(super) record: R,
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

/// Checks that `bytes` are exactly what was written for `key`, and returns their header.
pub(super) fn verify(bytes: &[u8], key: &RunKey) -> Result<Header, Damage> {
    let (body, stated) = split(bytes).ok_or(Damage::Incomplete)?;
    let found = hex(&Sha256::digest(body));
    if stated != found.as_bytes() {
        let stated = String::from_utf8_lossy(stated).into_owned();
        return Err(Damage::Checksum { stated, found });
    }
    let text = std::str::from_utf8(body).map_err(|cause| Damage::Header(cause.to_string()))?;
    let format = format_of(text).ok_or_else(|| not_a_record("its first entry is not a format"))?;
    if format != FORMAT {
        return Err(Damage::Format { found: format, known: FORMAT });
    }
    // These line starts occur once: texts contain no line break, and what lies deeper is indented more.
    let (head, rest) = text
        .split_once(SPEC_OPEN)
        .ok_or_else(|| not_a_record("it has no entry `spec` after its header"))?;
    let (spec, _) = rest
        .split_once(RECORD_OPEN)
        .ok_or_else(|| not_a_record("it has no entry `record` after its spec"))?;
    let header: Header = serde_json::from_str(&format!("{head}}}"))
        .map_err(|cause| Damage::Header(cause.to_string()))?;
    if header.key != *key {
        return Err(Damage::Key { found: header.key });
    }
    match RunKey::of_stored(&header.kind, header.version, spec) {
        Some(of_spec) if of_spec == *key => Ok(header),
        of_spec => Err(Damage::Spec { of_spec }),
    }
}

/// The provenance in a verified file. The record before it is not parsed.
pub(super) fn provenance(bytes: &[u8]) -> Result<Provenance, serde_json::Error> {
    let body = split(bytes).map_or(bytes, |(body, _)| body);
    let text = std::str::from_utf8(body).unwrap_or_default();
    // The last entry: texts contain no line break, and what lies deeper is indented more.
    let (_, provenance) = text.rsplit_once(PROVENANCE_OPEN).unwrap_or_default();
    serde_json::from_str(provenance)
}

fn not_a_record(reason: &str) -> Damage {
    Damage::Header(reason.to_owned())
}

/// The format of a file, from its first entry: all formats begin with it.
fn format_of(text: &str) -> Option<u32> {
    let rest = text.strip_prefix("{\n  \"format\": ")?;
    rest.split_once(',')?.0.parse().ok()
}

/// Everything before the last entry, and the checksum that it states.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, stated) = bytes.strip_suffix(TAIL_CLOSE)?.split_last_chunk::<DIGITS>()?;
    Some((rest.strip_suffix(TAIL_OPEN)?, stated))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = "{\n    \"x\": 0.5\n  }";

    fn key() -> RunKey {
        RunKey::of_stored("toy", 1, SPEC).unwrap()
    }

    fn other() -> RunKey {
        "b".repeat(64).parse().unwrap()
    }

    /// What was found in `bytes`, read as the file of `key`.
    fn damage(bytes: &[u8], key: &RunKey) -> Option<Damage> {
        verify(bytes, key).err()
    }

    fn sample() -> String {
        let parts = Parts {
            kind: "toy",
            version: 1,
            spec: Json::Map([("x".to_owned(), Json::Float(0.5))].into()),
            record: Json::List(vec![Json::Float(0.5)]),
            provenance: Json::Map(Default::default()),
        };
        render(&key(), &parts)
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
        let header = verify(sample().as_bytes(), &key()).unwrap();
        assert_eq!((header.kind.as_str(), header.version), ("toy", 1));
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged() {
        let text = sample();
        for len in 0..text.len() {
            assert!(verify(&text.as_bytes()[..len], &key()).is_err(), "cut to {len} bytes");
        }
    }

    #[test]
    fn a_file_with_any_bit_flipped_is_damaged() {
        let mut bytes = sample().into_bytes();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                assert!(verify(&bytes, &key()).is_err(), "bit {bit} of byte {place}");
                bytes[place] ^= 1 << bit;
            }
        }
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        let format = resealed("\"format\": 1", "\"format\": 2");
        assert_eq!(damage(&format, &key()), Some(Damage::Format { found: 2, known: 1 }));

        assert_eq!(damage(sample().as_bytes(), &other()), Some(Damage::Key { found: key() }));

        let header = resealed("\"key\"", "\"lock\"");
        assert!(matches!(damage(&header, &key()), Some(Damage::Header(_))));
    }

    #[test]
    fn a_copy_under_another_key_is_damaged_also_with_its_checksum_updated() {
        let copied = resealed(&key().to_string(), &other().to_string());
        assert_eq!(damage(&copied, &other()), Some(Damage::Spec { of_spec: Some(key()) }));
        let changed = resealed("0.5", "0.25");
        assert!(matches!(damage(&changed, &key()), Some(Damage::Spec { of_spec: Some(_) })));
    }
}
