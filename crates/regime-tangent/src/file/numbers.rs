//! Numbers as little-endian bytes.

use std::io::{self, Read, Write};

use regime_models::Precision;

use super::error::FileProblem;

/// Bytes that are converted at once; a multiple of every element's size.
const CHUNK: usize = 1 << 16;

/// Bytes of one number.
pub(super) fn size_of(element: Precision) -> usize {
    match element {
        Precision::F64 => 8,
        Precision::F32 => 4,
    }
}

/// Bytes of an array, `None` when they exceed `i64::MAX`.
pub(super) fn length_of(shape: &[usize], element: Precision) -> Option<u64> {
    shape
        .iter()
        .try_fold(size_of(element) as u64, |bytes, &axis| bytes.checked_mul(axis as u64))
        .filter(|&bytes| bytes <= i64::MAX as u64)
}

pub(super) fn encode(values: impl Iterator<Item = f64>, element: Precision, into: &mut Vec<u8>) {
    match element {
        Precision::F64 => values.for_each(|v| into.extend(v.to_le_bytes())),
        Precision::F32 => values.for_each(|v| into.extend((v as f32).to_le_bytes())),
    }
}

pub(super) fn decode(bytes: &[u8], element: Precision, into: &mut Vec<f64>) {
    match element {
        Precision::F64 => into.extend(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b))),
        Precision::F32 => {
            into.extend(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b) as f64))
        }
    }
}

pub(super) fn write(
    out: &mut impl Write,
    values: impl Iterator<Item = f64>,
    element: Precision,
) -> io::Result<()> {
    let mut values = values.peekable();
    let mut bytes = Vec::with_capacity(CHUNK);
    while values.peek().is_some() {
        bytes.clear();
        encode(values.by_ref().take(CHUNK / size_of(element)), element, &mut bytes);
        out.write_all(&bytes)?;
    }
    Ok(())
}

/// The numbers of an array of this shape. The allocation may fail with an error, so that a
/// wrong shape in a header does not abort the program.
pub(super) fn read(
    from: &mut impl Read,
    shape: &[usize],
    element: Precision,
) -> Result<Vec<f64>, FileProblem> {
    let too_large = || FileProblem::TooLarge { shape: shape.into() };
    let length = length_of(shape, element).ok_or_else(too_large)?;
    let mut left = usize::try_from(length).map_err(|_| too_large())?;
    let mut values = Vec::new();
    values.try_reserve_exact(left / size_of(element)).map_err(|_| too_large())?;
    let mut bytes = vec![0; CHUNK.min(left)];
    while left > 0 {
        let chunk = left.min(CHUNK);
        from.read_exact(&mut bytes[..chunk])?;
        decode(&bytes[..chunk], element, &mut values);
        left -= chunk;
    }
    Ok(values)
}
