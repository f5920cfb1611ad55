//! A strict reader of IDX files, the format of MNIST and its relatives.
//!
//! An IDX file is a big-endian header, a magic number `0x0000_08rr` (unsigned bytes, rank
//! `rr`) and `rr` dimensions of four bytes each, then the values. Two kinds are read:
//! images (rank 3) and labels (rank 1). Files may be compressed with gzip, which is
//! detected from the first two bytes, not from the name.
//!
//! *Strict* means that the file must be exactly what its header announces; otherwise an
//! [`IdxError`] says how it differs. The announced size is not believed before it is
//! compared with the bytes that exist:
//!
//! - A plain file is compared by its length, a compressed file by the number of its
//!   uncompressed bytes, which are counted in a first pass. Its values are then allocated
//!   once and exactly.
//! - Of a reader that cannot start again, such as a pipe, memory grows with the bytes
//!   that are read.
//!
//! ```
//! use regime_data::idx;
//!
//! let file = [0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1];
//! assert_eq!(idx::read_labels(&file[..], "three labels")?, [7, 2, 1]);
//!
//! let cut = idx::read_labels(&file[..10], "cut").unwrap_err();
//! assert_eq!(cut.to_string(), "`cut` is truncated: 3 bytes of values expected, 2 found");
//! # Ok::<(), idx::IdxError>(())
//! ```

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use ndarray::Array2;

/// Maximum number of values that a file may announce: 2³⁰, a gibibyte.
///
/// About twice the largest file of the MNIST family (EMNIST *by class*).
pub const MAX_VALUES: usize = 1 << 30;

const IMAGES_MAGIC: u32 = 0x0000_0803;
const LABELS_MAGIC: u32 = 0x0000_0801;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes that are read at once, at least.
const CHUNK: usize = 1 << 16;

/// An error from reading an IDX file. Each variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file cannot be opened or read.
    #[error("`{name}` cannot be read")]
    Io {
        /// The file.
        name: String,
        /// The cause.
        source: io::Error,
    },
    /// The file ends within its header.
    #[error("`{name}` is too short: a header of {expected} bytes expected, {found} found")]
    ShortHeader {
        /// The file.
        name: String,
        /// Length of the header, in bytes.
        expected: usize,
        /// Length of the file, in bytes.
        found: usize,
    },
    /// The file is not an IDX file of the expected kind.
    #[error("`{name}` has the wrong magic number: expected {expected:#010x}, found {found:#010x}")]
    WrongMagic {
        /// The file.
        name: String,
        /// `0x803` for images, `0x801` for labels.
        expected: u32,
        /// The first four bytes, big-endian.
        found: u32,
    },
    /// The header announces zero values.
    #[error("`{name}` is empty: its dimensions are {dims:?}")]
    Empty {
        /// The file.
        name: String,
        /// The announced dimensions.
        dims: Vec<u32>,
    },
    /// The header announces more than [`MAX_VALUES`].
    #[error("`{name}` announces dimensions {dims:?}, more than {max} values", max = MAX_VALUES)]
    AbsurdHeader {
        /// The file.
        name: String,
        /// The announced dimensions.
        dims: Vec<u32>,
    },
    /// Fewer values than announced.
    #[error("`{name}` is truncated: {expected} bytes of values expected, {found} found")]
    Truncated {
        /// The file.
        name: String,
        /// Announced number of values, in bytes.
        expected: usize,
        /// Number of values present, in bytes.
        found: usize,
    },
    /// More values than announced.
    #[error("`{name}` continues after the {expected} bytes of values that its header announces")]
    TrailingBytes {
        /// The file.
        name: String,
        /// Announced number of values, in bytes.
        expected: usize,
    },
    /// The compressed stream ends early.
    #[error("`{name}` is a truncated gzip file: it ends after {found} uncompressed bytes")]
    TruncatedGzip {
        /// The file.
        name: String,
        /// Uncompressed bytes that could be read.
        found: usize,
    },
    /// The compressed stream is damaged, or followed by something else.
    #[error("`{name}` is a corrupt gzip file, after {found} uncompressed bytes")]
    CorruptGzip {
        /// The file.
        name: String,
        /// Uncompressed bytes that could be read.
        found: usize,
        /// What the decoder says.
        source: io::Error,
    },
}

/// The content of an image file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdxImages {
    /// Height of an image, in pixels.
    pub rows: usize,
    /// Width of an image, in pixels.
    pub cols: usize,
    /// One image per row, each `rows · cols` pixels in reading order.
    pub pixels: Array2<u8>,
}

/// Reads images from `reader`. Errors refer to it as `name`.
///
/// # Errors
///
/// Any [`IdxError`]: the bytes are not exactly one IDX file of rank 3.
pub fn read_images(reader: impl Read, name: &str) -> Result<IdxImages, IdxError> {
    images(read(reader, name, IMAGES_MAGIC)?, name)
}

/// Reads labels from `reader`. Errors refer to it as `name`.
///
/// # Errors
///
/// Any [`IdxError`]: the bytes are not exactly one IDX file of rank 1.
pub fn read_labels(reader: impl Read, name: &str) -> Result<Vec<u8>, IdxError> {
    let ([_count], labels) = read(reader, name, LABELS_MAGIC)?;
    Ok(labels)
}

/// Opens the file at `path` and reads it as [`read_images`] does, with the memory of its
/// values and no more. A compressed file is decompressed twice.
///
/// # Errors
///
/// [`IdxError::Io`] if the file cannot be opened; else as [`read_images`].
pub fn open_images(path: &Path) -> Result<IdxImages, IdxError> {
    let name = path.display().to_string();
    images(read_file(path, &name, IMAGES_MAGIC)?, &name)
}

/// Opens the file at `path` and reads it as [`read_labels`] does, with the memory of its
/// values and no more. A compressed file is decompressed twice.
///
/// # Errors
///
/// [`IdxError::Io`] if the file cannot be opened; else as [`read_labels`].
pub fn open_labels(path: &Path) -> Result<Vec<u8>, IdxError> {
    let name = path.display().to_string();
    let ([_count], labels) = read_file(path, &name, LABELS_MAGIC)?;
    Ok(labels)
}

/// Up to `limit` uncompressed bytes of the file at `path`.
pub(crate) fn read_uncompressed(path: &Path, limit: usize) -> Result<Vec<u8>, IdxError> {
    let name = path.display().to_string();
    read_bytes(open(path, &name)?, &name, limit)
}

/// Up to `limit` uncompressed bytes of `reader`.
pub(crate) fn read_bytes(reader: impl Read, name: &str, limit: usize) -> Result<Vec<u8>, IdxError> {
    Uncompressed::new(reader, name)?.take(limit)
}

fn open(path: &Path, name: &str) -> Result<File, IdxError> {
    File::open(path).map_err(|source| IdxError::Io { name: name.to_owned(), source })
}

fn images(
    ([count, rows, cols], values): ([usize; 3], Vec<u8>),
    name: &str,
) -> Result<IdxImages, IdxError> {
    let found = values.len();
    let pixels = Array2::from_shape_vec((count, rows * cols), values).map_err(|_| {
        let expected = count * rows * cols;
        IdxError::Truncated { name: name.to_owned(), expected, found }
    })?;
    Ok(IdxImages { rows, cols, pixels })
}

/// Header and values of an IDX file of rank `RANK`.
///
/// The number of values is the product of the dimensions, which is at most
/// [`MAX_VALUES`].
fn read<const RANK: usize>(
    reader: impl Read,
    name: &str,
    expected_magic: u32,
) -> Result<([usize; RANK], Vec<u8>), IdxError> {
    let mut source = Uncompressed::new(reader, name)?;
    let dims = header(&mut source, expected_magic)?;
    let expected = dims.iter().product();
    let values = source.take(expected)?;
    check_count(values.len(), expected, &mut source)?;
    Ok((dims, values))
}

/// As [`read`], from a file, whose values are counted before they are allocated.
fn read_file<const RANK: usize>(
    path: &Path,
    name: &str,
    expected_magic: u32,
) -> Result<([usize; RANK], Vec<u8>), IdxError> {
    let io_error = |source| IdxError::Io { name: name.to_owned(), source };
    let mut file = open(path, name)?;
    let metadata = file.metadata().map_err(io_error)?;
    if !metadata.is_file() {
        // A pipe, for example, has no length and cannot be read twice.
        return read(file, name, expected_magic);
    }

    let mut source = Uncompressed::new(&file, name)?;
    let dims: [usize; RANK] = header(&mut source, expected_magic)?;
    let expected: usize = dims.iter().product();
    if source.is_gzip {
        let found = source.skip(expected)?;
        check_count(found, expected, &mut source)?;
    } else {
        let length = metadata.len().saturating_sub(source.bytes_read as u64);
        let found = usize::try_from(length).unwrap_or(usize::MAX);
        check_length(found, expected, name)?;
    }

    drop(source);
    file.rewind().map_err(io_error)?;
    let mut source = Uncompressed::new(&file, name)?;
    source.skip(4 + 4 * RANK)?;
    let values = source.take_exactly(expected)?;
    // The file may have changed after it was counted.
    check_count(values.len(), expected, &mut source)?;
    Ok((dims, values))
}

/// Reads the header of an IDX file of rank `RANK`: its dimensions, of which none is zero and
/// whose product is at most [`MAX_VALUES`].
fn header<const RANK: usize>(
    source: &mut Uncompressed<'_>,
    expected_magic: u32,
) -> Result<[usize; RANK], IdxError> {
    let name = || source.name.to_owned();
    let header_bytes = 4 + 4 * RANK;
    let header = source.take(header_bytes)?;
    let words: Vec<u32> = header
        .chunks_exact(4)
        .map(|word| word.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
        .collect();
    if let Some(&found) = words.first()
        && found != expected_magic
    {
        return Err(IdxError::WrongMagic { name: name(), expected: expected_magic, found });
    }
    if header.len() < header_bytes {
        let (expected, found) = (header_bytes, header.len());
        return Err(IdxError::ShortHeader { name: name(), expected, found });
    }

    let dims = words[1..].to_vec();
    if dims.contains(&0) {
        return Err(IdxError::Empty { name: name(), dims });
    }
    let product = dims
        .iter()
        .try_fold(1_usize, |product, &dim| product.checked_mul(usize::try_from(dim).ok()?));
    if product.is_none_or(|product| product > MAX_VALUES) {
        return Err(IdxError::AbsurdHeader { name: name(), dims });
    }
    Ok(std::array::from_fn(|axis| dims[axis] as usize))
}

/// Checks that `found` values were read, and that `source` is at its end.
fn check_count(
    found: usize,
    expected: usize,
    source: &mut Uncompressed<'_>,
) -> Result<(), IdxError> {
    // One byte more than announced, to find trailing bytes and to reach the end of a gzip
    // stream, where the decoder checks the sums.
    let after = if found == expected { source.skip(1)? } else { 0 };
    check_length(found + after, expected, source.name)
}

fn check_length(found: usize, expected: usize, name: &str) -> Result<(), IdxError> {
    let name = || name.to_owned();
    match found {
        found if found < expected => Err(IdxError::Truncated { name: name(), expected, found }),
        found if found > expected => Err(IdxError::TrailingBytes { name: name(), expected }),
        _ => Ok(()),
    }
}

/// A reader that decompresses gzip and passes on everything else unchanged.
struct Uncompressed<'a> {
    reader: Box<dyn Read + 'a>,
    is_gzip: bool,
    bytes_read: usize,
    name: &'a str,
}

impl<'a> Uncompressed<'a> {
    fn new(reader: impl Read + 'a, name: &'a str) -> Result<Self, IdxError> {
        let io_error = |source| IdxError::Io { name: name.to_owned(), source };
        let mut reader = BufReader::new(reader);
        let mut start = Vec::with_capacity(GZIP_MAGIC.len());
        reader.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut start).map_err(io_error)?;
        let is_gzip = start == GZIP_MAGIC;
        let whole = io::Cursor::new(start).chain(reader);
        let reader: Box<dyn Read + 'a> = if is_gzip { gunzip(whole) } else { Box::new(whole) };
        Ok(Self { reader, is_gzip, bytes_read: 0, name })
    }

    /// Up to `limit` bytes; fewer only at the end of the file. Memory grows with the bytes
    /// that are read, and never beyond `limit`.
    fn take(&mut self, limit: usize) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            let missing = limit - bytes.len();
            let more = missing.min(bytes.len().max(CHUNK));
            if self.append(&mut bytes, more)? < more {
                break;
            }
        }
        Ok(bytes)
    }

    /// As [`take`](Self::take), for a number of bytes that is known to exist: their memory is
    /// allocated at once.
    fn take_exactly(&mut self, limit: usize) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, limit)?;
        Ok(bytes)
    }

    /// Reads up to `more` bytes, whose memory it allocates first, and returns their number.
    fn append(&mut self, bytes: &mut Vec<u8>, more: usize) -> Result<usize, IdxError> {
        let before = bytes.len();
        bytes
            .try_reserve_exact(more)
            .map_err(|_| self.error(io::Error::from(io::ErrorKind::OutOfMemory)))?;
        let outcome = self.reader.by_ref().take(more as u64).read_to_end(bytes);
        let found = bytes.len() - before;
        self.bytes_read += found;
        match outcome {
            Ok(_) => Ok(found),
            Err(source) => Err(self.error(source)),
        }
    }

    /// Reads up to `limit` bytes, keeps none of them, and returns their number.
    fn skip(&mut self, limit: usize) -> Result<usize, IdxError> {
        let mut chunk = vec![0; CHUNK.min(limit)];
        let mut found = 0;
        while found < limit {
            let wanted = CHUNK.min(limit - found);
            let read = match self.reader.read(&mut chunk[..wanted]) {
                Ok(0) => break,
                Ok(read) => read,
                Err(source) if source.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(self.error(source)),
            };
            found += read;
            self.bytes_read += read;
        }
        Ok(found)
    }

    fn error(&self, source: io::Error) -> IdxError {
        let (name, found) = (self.name.to_owned(), self.bytes_read);
        match source.kind() {
            io::ErrorKind::UnexpectedEof if self.is_gzip => IdxError::TruncatedGzip { name, found },
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput if self.is_gzip => {
                IdxError::CorruptGzip { name, found, source }
            }
            _ => IdxError::Io { name, source },
        }
    }
}

fn gunzip<'a>(reader: impl BufRead + 'a) -> Box<dyn Read + 'a> {
    // All members, as gunzip does, so that bytes after the first one are either
    // part of the data or an error, but never ignored.
    Box::new(MultiGzDecoder::new(reader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn header(magic: u32, dims: &[u32]) -> Vec<u8> {
        let words = std::iter::once(&magic).chain(dims);
        words.flat_map(|word| word.to_be_bytes()).collect()
    }

    /// Two images of 2 × 3 pixels.
    fn images() -> Vec<u8> {
        let mut bytes = header(IMAGES_MAGIC, &[2, 2, 3]);
        bytes.extend(0..12);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn images_error(bytes: &[u8]) -> IdxError {
        read_images(bytes, "file").unwrap_err()
    }

    #[test]
    fn plain_and_gzip_read_the_same() {
        let plain = read_images(&images()[..], "plain").unwrap();
        assert_eq!((plain.rows, plain.cols), (2, 3));
        assert_eq!(plain.pixels.row(1).to_vec(), [6, 7, 8, 9, 10, 11]);
        assert_eq!(read_images(&gzip(&images())[..], "gzip").unwrap(), plain);
    }

    #[test]
    fn several_gzip_members_are_one_file() {
        let mut members = gzip(&images()[..17]);
        members.extend(gzip(&images()[17..]));
        assert_eq!(read_images(&members[..], "members").unwrap().pixels.nrows(), 2);
    }

    #[test]
    fn wrong_magic() {
        let labels = header(LABELS_MAGIC, &[1]);
        assert!(matches!(
            images_error(&labels),
            IdxError::WrongMagic { expected: IMAGES_MAGIC, found: LABELS_MAGIC, .. }
        ));
        assert!(matches!(
            read_labels(&images()[..], "file"),
            Err(IdxError::WrongMagic { expected: LABELS_MAGIC, found: IMAGES_MAGIC, .. })
        ));
    }

    #[test]
    fn short_header() {
        for found in [0, 1, 3, 4, 15] {
            let error = images_error(&images()[..found]);
            assert!(
                matches!(error, IdxError::ShortHeader { expected: 16, found: f, .. } if f == found),
                "{error}"
            );
        }
    }

    #[test]
    fn empty() {
        let error = images_error(&header(IMAGES_MAGIC, &[0, 28, 28]));
        assert!(matches!(error, IdxError::Empty { dims, .. } if dims == [0, 28, 28]));
    }

    #[test]
    fn absurd_headers() {
        for dims in [[u32::MAX; 3], [1 << 30, 2, 1], [1 << 22, 1 << 22, 1 << 22]] {
            let error = images_error(&header(IMAGES_MAGIC, &dims));
            assert!(matches!(error, IdxError::AbsurdHeader { dims: d, .. } if d == dims));
        }
    }

    #[test]
    fn truncated() {
        let bytes = images();
        for cut in 16..bytes.len() {
            let error = images_error(&bytes[..cut]);
            assert!(matches!(
                error,
                IdxError::Truncated { expected: 12, found, .. } if found == cut - 16
            ));
        }
        // The largest size that may be announced, without values: an error, and no
        // gibibyte is reserved.
        let error = images_error(&header(IMAGES_MAGIC, &[1 << 20, 32, 32]));
        assert!(matches!(error, IdxError::Truncated { expected: MAX_VALUES, found: 0, .. }));
    }

    #[test]
    fn trailing_bytes() {
        let mut bytes = images();
        bytes.push(0);
        assert!(matches!(images_error(&bytes), IdxError::TrailingBytes { expected: 12, .. }));
        let error = images_error(&gzip(&bytes));
        assert!(matches!(error, IdxError::TrailingBytes { expected: 12, .. }));
    }

    #[test]
    fn truncated_gzip() {
        let bytes = gzip(&images());
        for cut in 2..bytes.len() {
            let error = images_error(&bytes[..cut]);
            assert!(matches!(error, IdxError::TruncatedGzip { .. }), "cut at {cut}: {error}");
        }
    }

    #[test]
    fn corrupt_gzip() {
        let good = gzip(&images());

        let mut wrong_sum = good.clone();
        let crc_at = wrong_sum.len() - 8;
        wrong_sum[crc_at] ^= 1;
        let mut wrong_method = good.clone();
        wrong_method[2] = 0xff;
        let mut garbage_after = good.clone();
        garbage_after.extend(b"not a gzip member");

        for bytes in [wrong_sum, wrong_method, garbage_after] {
            let error = images_error(&bytes);
            assert!(matches!(error, IdxError::CorruptGzip { .. }), "{error:?}");
        }
    }

    /// A file gives the same result as its bytes in memory.
    fn assert_same_from_file(bytes: &[u8]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let name = path.display().to_string();
        let text = |result: Result<IdxImages, IdxError>| result.map_err(|e| format!("{e:?}"));
        assert_eq!(text(open_images(&path)), text(read_images(bytes, &name)));
    }

    #[test]
    fn a_file_is_read_as_its_bytes_are() {
        let plain = images();
        let longer = [&plain[..], &[0]].concat();
        let mut wrong_sum = gzip(&plain);
        let crc_at = wrong_sum.len() - 8;
        wrong_sum[crc_at] ^= 1;
        for bytes in [&plain[..], &longer, &plain[..20], &plain[..7], &[]] {
            assert_same_from_file(bytes);
            assert_same_from_file(&gzip(bytes));
        }
        assert_same_from_file(&wrong_sum);
        assert_same_from_file(&gzip(&plain)[..25]);
        assert_same_from_file(&header(IMAGES_MAGIC, &[1 << 20, 32, 32]));
    }

    #[test]
    fn the_memory_of_values_is_that_of_the_values() {
        let n = 3 * CHUNK + 1;
        let mut bytes = header(LABELS_MAGIC, &[n as u32]);
        bytes.resize(8 + n, 7);
        let folder = tempfile::tempdir().unwrap();
        for bytes in [&bytes, &gzip(&bytes)] {
            let path = folder.path().join("labels");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(open_labels(&path).unwrap().capacity(), n);
            assert_eq!(read_labels(&bytes[..], "labels").unwrap().capacity(), n);
        }
    }

    #[test]
    fn absent_file() {
        let error = open_images(Path::new("/no/such/file")).unwrap_err();
        assert!(matches!(error, IdxError::Io { name, .. } if name == "/no/such/file"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_images(&bytes[..], "arbitrary");
            let _ = read_labels(&bytes[..], "arbitrary");
        }

        /// Bytes with a valid magic number.
        #[test]
        fn arbitrary_content_never_panics(
            dims in proptest::collection::vec(prop_oneof![0_u32..5, any::<u32>()], 3),
            values in proptest::collection::vec(any::<u8>(), 0..100),
            flip in any::<prop::sample::Index>(),
        ) {
            let mut bytes = header(IMAGES_MAGIC, &dims);
            bytes.extend(values);
            let _ = read_images(&bytes[..], "plain");
            let mut compressed = gzip(&bytes);
            let at = flip.index(compressed.len());
            compressed[at] ^= 0x55;
            let _ = read_images(&compressed[..], "flipped");
        }

        #[test]
        fn written_images_are_read_back(count in 1_u32..6, rows in 1_u32..5, cols in 1_u32..5) {
            let values: Vec<u8> = (0..count * rows * cols).map(|i| i as u8).collect();
            let mut bytes = header(IMAGES_MAGIC, &[count, rows, cols]);
            bytes.extend(&values);
            let read = read_images(&gzip(&bytes)[..], "round trip").unwrap();
            prop_assert_eq!((read.rows, read.cols), (rows as usize, cols as usize));
            prop_assert_eq!(read.pixels.nrows(), count as usize);
            prop_assert_eq!(read.pixels.into_raw_vec_and_offset().0, values);
        }
    }
}
