//! A Parquet file with one row group, one page per column, no compression.
//!
//! # Reference
//! The Apache Parquet format, version 1: `PLAIN` values, definition levels in the RLE part
//! of the hybrid encoding, metadata in Thrift's compact protocol.

use super::{Cells, Column, Columns};

const MAGIC: &[u8; 4] = b"PAR1";

/// Numbers of the enumerations of the format.
mod code {
    pub(super) const INT64: i64 = 2;
    pub(super) const DOUBLE: i64 = 5;
    pub(super) const BYTE_ARRAY: i64 = 6;
    pub(super) const OPTIONAL: i64 = 1;
    pub(super) const UTF8: i64 = 0;
    pub(super) const UINT_64: i64 = 14;
    pub(super) const DATA_PAGE: i64 = 0;
    pub(super) const PLAIN: i64 = 0;
    pub(super) const RLE: i64 = 3;
    pub(super) const UNCOMPRESSED: i64 = 0;
}

impl Columns {
    /// The columns as a Parquet file, not compressed: UTF-8 texts, 64-bit integers, double
    /// precision; empty cells are null. The entry `regime.columns` of the file's metadata holds the unit
    /// and the description of every column, as JSON.
    pub fn to_parquet(&self) -> Vec<u8> {
        file(self.columns(), self.n_rows())
    }
}

/// Position of the page of a column in the file.
struct Chunk {
    offset: usize,
    length: usize,
}

/// The bytes of the file. Every column has at least `n_rows` cells.
fn file(columns: &[Column], n_rows: usize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    let chunks: Vec<Chunk> = columns
        .iter()
        .map(|column| {
            let offset = bytes.len();
            bytes.extend(page(&column.cells, n_rows));
            Chunk { offset, length: bytes.len() - offset }
        })
        .collect();
    let footer = metadata(columns, n_rows, &chunks);
    bytes.extend(&footer);
    bytes.extend((footer.len() as u32).to_le_bytes());
    bytes.extend(MAGIC);
    bytes
}

/// A data page with its header.
fn page(cells: &Cells, n_rows: usize) -> Vec<u8> {
    let mut levels = Vec::new();
    let mut values = Vec::new();
    match cells {
        Cells::Text(cells) => encode(&cells[..n_rows], &mut levels, &mut values, |text, out| {
            out.extend((text.len() as u32).to_le_bytes());
            out.extend(text.as_bytes());
        }),
        Cells::Integer(cells) => encode(&cells[..n_rows], &mut levels, &mut values, |n, out| {
            out.extend(n.to_le_bytes());
        }),
        Cells::Float(cells) => encode(&cells[..n_rows], &mut levels, &mut values, |v, out| {
            out.extend(v.to_le_bytes());
        }),
    }
    let size = (4 + levels.len() + values.len()) as i64;
    let mut header = Compact::default();
    header.integer(1, I32, code::DATA_PAGE);
    header.integer(2, I32, size);
    header.integer(3, I32, size);
    header.structure(5, |page| {
        page.integer(1, I32, n_rows as i64);
        page.integer(2, I32, code::PLAIN);
        page.integer(3, I32, code::RLE);
        page.integer(4, I32, code::RLE);
    });
    let mut bytes = header.end();
    bytes.extend((levels.len() as u32).to_le_bytes());
    bytes.extend(levels);
    bytes.extend(values);
    bytes
}

/// Writes the definition levels (1 for a value, 0 for an empty cell) as runs, and the values.
fn encode<T>(
    cells: &[Option<T>],
    levels: &mut Vec<u8>,
    values: &mut Vec<u8>,
    write: impl Fn(&T, &mut Vec<u8>),
) {
    for run in cells.chunk_by(|a, b| a.is_some() == b.is_some()) {
        // An even header begins a run of one repeated level.
        variable_length((run.len() as u64) << 1, levels);
        levels.push(u8::from(run[0].is_some()));
        run.iter().flatten().for_each(|value| write(value, values));
    }
}

/// `FileMetaData`.
fn metadata(columns: &[Column], n_rows: usize, chunks: &[Chunk]) -> Vec<u8> {
    let mut file = Compact::default();
    file.integer(1, I32, 1);
    file.list(2, STRUCT, columns.len() + 1, |list| {
        list.element(|root| {
            root.text(4, "columns");
            root.integer(5, I32, columns.len() as i64);
        });
        for column in columns {
            list.element(|element| {
                element.integer(1, I32, physical(&column.cells));
                element.integer(3, I32, code::OPTIONAL);
                element.text(4, &column.name);
                match column.cells {
                    Cells::Text(_) => element.integer(6, I32, code::UTF8),
                    Cells::Integer(_) => element.integer(6, I32, code::UINT_64),
                    Cells::Float(_) => {}
                }
            });
        }
    });
    file.integer(3, I64, n_rows as i64);
    file.list(4, STRUCT, 1, |list| {
        list.element(|group| {
            group.list(1, STRUCT, columns.len(), |list| {
                for (column, chunk) in columns.iter().zip(chunks) {
                    list.element(|element| column_chunk(element, column, chunk, n_rows));
                }
            });
            let total: usize = chunks.iter().map(|chunk| chunk.length).sum();
            group.integer(2, I64, total as i64);
            group.integer(3, I64, n_rows as i64);
        });
    });
    file.list(5, STRUCT, 1, |list| {
        list.element(|entry| {
            entry.text(1, "regime.columns");
            entry.text(2, &meanings(columns));
        });
    });
    file.text(6, concat!("regime ", env!("CARGO_PKG_VERSION")));
    file.end()
}

/// Unit and description of every column, as JSON by name.
fn meanings(columns: &[Column]) -> String {
    let meaning = |of: &Column| {
        let meaning = serde_json::json!({"unit": of.unit, "description": of.description});
        (of.name.clone(), meaning)
    };
    serde_json::Value::Object(columns.iter().map(meaning).collect()).to_string()
}

/// `ColumnChunk`.
fn column_chunk(element: &mut Compact, column: &Column, chunk: &Chunk, n_rows: usize) {
    element.integer(2, I64, chunk.offset as i64);
    element.structure(3, |of| {
        of.integer(1, I32, physical(&column.cells));
        of.list(2, I32, 2, |list| {
            list.number(code::PLAIN);
            list.number(code::RLE);
        });
        of.list(3, BINARY, 1, |list| list.string(&column.name));
        of.integer(4, I32, code::UNCOMPRESSED);
        of.integer(5, I64, n_rows as i64);
        of.integer(6, I64, chunk.length as i64);
        of.integer(7, I64, chunk.length as i64);
        of.integer(9, I64, chunk.offset as i64);
    });
}

fn physical(cells: &Cells) -> i64 {
    match cells {
        Cells::Text(_) => code::BYTE_ARRAY,
        Cells::Integer(_) => code::INT64,
        Cells::Float(_) => code::DOUBLE,
    }
}

// Types of Thrift's compact protocol.
const I32: u8 = 5;
const I64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A structure in Thrift's compact protocol.
#[derive(Default)]
struct Compact {
    bytes: Vec<u8>,
    /// The number of the last field.
    last: u8,
}

impl Compact {
    /// The number of a field, as its distance from the last one, and its type.
    fn field(&mut self, number: u8, kind: u8) {
        self.bytes.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn integer(&mut self, number: u8, kind: u8, value: i64) {
        self.field(number, kind);
        self.number(value);
    }

    fn text(&mut self, number: u8, text: &str) {
        self.field(number, BINARY);
        self.string(text);
    }

    fn structure(&mut self, number: u8, fill: impl FnOnce(&mut Self)) {
        self.field(number, STRUCT);
        self.element(fill);
    }

    fn list(&mut self, number: u8, kind: u8, length: usize, fill: impl FnOnce(&mut Self)) {
        self.field(number, LIST);
        match length {
            0..15 => self.bytes.push((length as u8) << 4 | kind),
            _ => {
                self.bytes.push(0xf0 | kind);
                variable_length(length as u64, &mut self.bytes);
            }
        }
        fill(self);
    }

    /// A structure as an element of a list.
    fn element(&mut self, fill: impl FnOnce(&mut Self)) {
        let mut element = Self::default();
        fill(&mut element);
        self.bytes.extend(element.end());
    }

    /// A signed number: 0, −1, 1, −2, … are written as 0, 1, 2, 3, …
    fn number(&mut self, value: i64) {
        variable_length((value << 1 ^ value >> 63).cast_unsigned(), &mut self.bytes);
    }

    fn string(&mut self, text: &str) {
        variable_length(text.len() as u64, &mut self.bytes);
        self.bytes.extend(text.as_bytes());
    }

    /// The bytes, with the byte that ends a structure.
    fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn variable_length(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
