//! The description of a run, and the key of its record.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::json::{self, EncodeError, Json};

/// Everything that determines the outcome of a run, seeds included, as a plain value.
///
/// Equal specs describe the same run. A spec contains everything that can change the
/// result, and nothing that cannot (number of jobs, paths, user). Avoid
/// `Option<Option<_>>`, whose values JSON cannot distinguish, and sets without an
/// order (`HashSet`). A `HashMap` is fine, because its keys are sorted.
///
/// ```
/// use serde::Serialize;
///
/// #[derive(Clone, Serialize)]
/// struct Flow { alpha: f64, width: usize, seed: u64 }
///
/// impl regime_lab::Spec for Flow {
///     const KIND: &'static str = "flow";
///     const VERSION: u32 = 1;
///     // A step multiplies width × width matrices.
///     fn cost(&self) -> f64 { (self.width * self.width) as f64 }
/// }
/// ```
pub trait Spec: Serialize + Clone + Send + Sync {
    /// The kind of run, unique among the kinds that share a store.
    const KIND: &'static str;

    /// The version of the computation. Raise it when the same spec gives another
    /// record, or a record of another type. Records of older versions are then no
    /// longer found; they stay on the disk.
    const VERSION: u32;

    /// Estimated work of the run, in any unit that is the same for all specs of a grid
    /// (finite, ≥ 0, default 1). It determines the order of the runs, their distribution
    /// to [shares](crate::Share) and their weight in the progress. It is not part of the
    /// key.
    fn cost(&self) -> f64 {
        1.0
    }
}

/// The key of a run: SHA-256 of the [`canonical_form`] of its spec.
///
/// Written, parsed and serialised as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey([u8; 32]);

/// The error for a text that is not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run key (64 lower-case hexadecimal digits)")]
pub struct ParseRunKeyError(
    /// The text.
    pub String,
);

/// The text that a [`RunKey`] hashes: `{"kind":…,"spec":…,"version":…}` as
/// canonical JSON.
///
/// - No white space; the keys of every map sorted by code point, so the order of
///   fields in the source does not matter.
/// - Strings in UTF-8 with the shortest escapes (those of RFC 8785).
/// - Integers by their digits, at any width.
/// - Floats by the shortest digits that read back as the same `f64`, always in
///   scientific notation: `1e0`, `1.25e-3`. So the float 1.0 and the integer 1
///   differ, as their types do. An `f32` is converted to the `f64` of the same value.
/// - −0.0 is written as 0.0, because the two compare equal.
///
/// # Errors
/// [`EncodeError`] with the path of the first part that has no canonical form:
/// a float that is not finite, a map whose keys are not text.
pub fn canonical_form<S: Spec>(spec: &S) -> Result<String, EncodeError> {
    Ok(named_form(S::KIND, S::VERSION, &json::encode(spec)?.canonical()))
}

/// The canonical form, from the canonical JSON of the spec.
fn named_form(kind: &str, version: u32, spec: &str) -> String {
    let kind = Json::Text(kind.to_owned()).canonical();
    format!("{{\"kind\":{kind},\"spec\":{spec},\"version\":{version}}}")
}

impl RunKey {
    /// The key of `spec`.
    ///
    /// # Errors
    /// As [`canonical_form`].
    pub fn of<S: Spec>(spec: &S) -> Result<RunKey, EncodeError> {
        Ok(RunKey(Sha256::digest(canonical_form(spec)?).into()))
    }

    /// The key of a stored spec: `readable` is its JSON as a [`Store`](crate::Store) writes it. `None`
    /// when that text is not what a store writes.
    pub(crate) fn of_stored(kind: &str, version: u32, readable: &str) -> Option<RunKey> {
        let spec = json::canonical_of_readable(readable)?;
        Some(RunKey(Sha256::digest(named_form(kind, version, &spec)).into()))
    }

    /// The first eight digits, enough to distinguish runs on a screen.
    pub fn short(&self) -> String {
        hex(&self.0[..4])
    }
}

/// Lower-case hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex(&self.0))
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunKey({self})")
    }
}

impl FromStr for RunKey {
    type Err = ParseRunKeyError;

    fn from_str(text: &str) -> Result<RunKey, ParseRunKeyError> {
        let refused = || ParseRunKeyError(text.to_owned());
        let digit = |c: u8| match c {
            b'0'..=b'9' => Some(c - b'0'),
            b'a'..=b'f' => Some(c - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return Err(refused());
        }
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = digit(*high).zip(digit(*low)).map(|(h, l)| h << 4 | l).ok_or_else(refused)?;
        }
        Ok(RunKey(bytes))
    }
}

impl Serialize for RunKey {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RunKey, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
