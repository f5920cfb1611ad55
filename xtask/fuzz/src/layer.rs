//! What protects the content of a file: a checksum, a compression, a length. A mutation of the
//! whole file is mostly refused there, so some mutations are made inside.

use std::io::{Cursor, Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// The protection of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Nothing.
    None,
    /// The file is compressed, with a checksum.
    Gzip,
    /// An archive, with checksums.
    Zip,
    /// The header is preceded by its length in two bytes.
    Npy,
    /// The header is preceded by its length in eight bytes.
    Safetensors,
    /// The last entry is the SHA-256 of everything before.
    Seal,
}

/// The start of the last entry of a record.
const SEAL: &[u8] = b",\n  \"sha256\": \"";

/// Start of the header in a `.npy` file of version 1, and in a `.safetensors` file.
const NPY_START: usize = 10;
const SAFETENSORS_START: usize = 8;

impl Layer {
    /// The file with `change` applied inside the layer; `None` when the file does not have it.
    pub(crate) fn inside(
        self,
        file: &[u8],
        mut change: impl FnMut(&[u8]) -> Vec<u8>,
    ) -> Option<Vec<u8>> {
        match self {
            Self::None => None,
            Self::Gzip => {
                let mut content = Vec::new();
                MultiGzDecoder::new(file).read_to_end(&mut content).ok()?;
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(&change(&content)).ok()?;
                encoder.finish().ok()
            }
            Self::Zip => repacked(file, change),
            Self::Npy => {
                let end =
                    NPY_START + usize::from(u16::from_le_bytes(*file.get(8..)?.first_chunk()?));
                let header = change(file.get(NPY_START..end)?);
                let length = u16::try_from(header.len()).ok()?.to_le_bytes();
                Some([&file[..8], &length, &header, &file[end..]].concat())
            }
            Self::Safetensors => {
                let length = usize::try_from(u64::from_le_bytes(*file.first_chunk()?)).ok()?;
                let end = SAFETENSORS_START.checked_add(length)?;
                let header = change(file.get(SAFETENSORS_START..end)?);
                Some([&(header.len() as u64).to_le_bytes(), &header[..], &file[end..]].concat())
            }
            Self::Seal => {
                let end = file.windows(SEAL.len()).rposition(|start| start == SEAL)?;
                let body = change(&file[..end]);
                let digits: String =
                    Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
                Some([&body, SEAL, digits.as_bytes(), b"\"\n}\n"].concat())
            }
        }
    }
}

/// An archive with the same names, whose first entry is changed. Entries are deflated by turns.
fn repacked(file: &[u8], mut change: impl FnMut(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(file)).ok()?;
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).ok()?;
        let mut content = Vec::new();
        entry.by_ref().take(1 << 20).read_to_end(&mut content).ok()?;
        if index == 0 {
            content = change(&content);
        }
        let method = match content.len() % 2 {
            0 => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        packed.start_file(entry.name(), options).ok()?;
        packed.write_all(&content).ok()?;
    }
    Some(packed.finish().ok()?.into_inner())
}
