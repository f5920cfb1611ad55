//! SHA-256 sums, as lower-case hexadecimal text.

use sha2::{Digest, Sha256};

/// A file differs from the published one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{file}` is not the published file: expected SHA-256 {expected} ({expected_bytes} bytes), \
     found {found} ({found_bytes} bytes read)"
)]
pub struct ChecksumMismatch {
    /// The file, or where it came from.
    pub file: String,
    /// The published checksum of the uncompressed file.
    pub expected: String,
    /// The published length, in bytes.
    pub expected_bytes: usize,
    /// The checksum of what was read.
    pub found: String,
    /// The number of bytes read: at most one more than expected.
    pub found_bytes: usize,
}

/// SHA-256 over the concatenation of `pieces`.
pub(crate) fn sha256_hex<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> String {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of FIPS 180-2, appendix B.
    #[test]
    fn published_vectors() {
        let abc: [&[u8]; 2] = [b"a", b"bc"];
        assert_eq!(
            sha256_hex(abc),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            sha256_hex([] as [&[u8]; 0]),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
