//! Tables of data as files: CSV for people and Parquet for programs.

use std::{fmt::Write as _, sync::Arc};

use parquet::{
    basic::{ConvertedType, Repetition, Type as Physical},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::Type,
};

/// Columns of the same length. A cell may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sheet {
    columns: Vec<(&'static str, Column)>,
}

/// The cells of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Column {
    /// Words.
    Text(Vec<Option<String>>),
    /// Counts.
    Whole(Vec<Option<u64>>),
    /// Measurements.
    Real(Vec<Option<f64>>),
}

impl Sheet {
    /// With one more column.
    pub(crate) fn with(mut self, name: &'static str, column: Column) -> Self {
        self.columns.push((name, column));
        self
    }

    /// A header and one line per row; what holds a comma, a quote or a line break is quoted.
    pub(crate) fn to_csv(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let mut text = names.join(",") + "\n";
        for row in 0..self.n_rows() {
            for (index, (_, column)) in self.columns.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let _ = match column {
                    Column::Text(cells) => {
                        text += &quoted(cells[row].as_deref().unwrap_or_default());
                        Ok(())
                    }
                    Column::Whole(cells) => cells[row].map_or(Ok(()), |n| write!(text, "{n}")),
                    Column::Real(cells) => cells[row].map_or(Ok(()), |v| write!(text, "{v}")),
                };
            }
            text.push('\n');
        }
        text
    }

    /// The same columns as a Parquet file, not compressed: UTF-8 texts, 64-bit integers,
    /// double precision; empty cells are null.
    ///
    /// # Errors
    /// None that is known of: the file is made in memory.
    pub(crate) fn to_parquet(&self) -> Result<Vec<u8>, ParquetError> {
        let fields: Result<Vec<_>, _> =
            self.columns.iter().map(|(name, column)| column.field(name).map(Arc::new)).collect();
        let schema = Type::group_type_builder("sheet").with_fields(fields?).build()?;
        let properties = Arc::new(WriterProperties::builder().build());
        let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
        let mut rows = file.next_row_group()?;
        for (_, column) in &self.columns {
            column.write(&mut rows)?;
        }
        rows.close()?;
        file.into_inner()
    }

    fn n_rows(&self) -> usize {
        let lengths = self.columns.iter().map(|(_, column)| match column {
            Column::Text(cells) => cells.len(),
            Column::Whole(cells) => cells.len(),
            Column::Real(cells) => cells.len(),
        });
        lengths.min().unwrap_or(0)
    }
}

impl Column {
    fn field(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, converted) = match self {
            Self::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
            Self::Whole(_) => (Physical::INT64, ConvertedType::NONE),
            Self::Real(_) => (Physical::DOUBLE, ConvertedType::NONE),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(converted)
            .build()
    }

    fn write(&self, rows: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<(), ParquetError> {
        match self {
            Self::Text(cells) => {
                write::<ByteArrayType, _>(rows, cells, |text| ByteArray::from(text.as_str()))
            }
            Self::Whole(cells) => write::<Int64Type, _>(rows, cells, |n| n.cast_signed()),
            Self::Real(cells) => write::<DoubleType, _>(rows, cells, |value| *value),
        }
    }
}

/// Writes the next column of a group of rows.
fn write<T: DataType, V>(
    rows: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: &[Option<V>],
    to: impl Fn(&V) -> T::T,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = cells.iter().flatten().map(to).collect();
    let there: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let Some(mut column) = rows.next_column()? else { return Ok(()) };
    column.typed::<T>().write_batch(&values, Some(&there), None)?;
    column.close()
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };

    use super::*;

    fn sheet() -> Sheet {
        Sheet::default()
            .with("name", Column::Text(vec![Some("a, \"b\"".into()), None, Some("α".into())]))
            .with("count", Column::Whole(vec![None, Some(7), Some(0)]))
            .with("value", Column::Real(vec![Some(0.1), Some(-1e300), None]))
    }

    #[test]
    fn csv_quotes_what_needs_it_and_leaves_empty_what_is() {
        let lines = ["name,count,value", "\"a, \"\"b\"\"\",,0.1", ",7,-1", "α,0,"];
        for (line, begins) in sheet().to_csv().lines().zip(lines) {
            assert!(line.starts_with(begins), "{line}");
        }
    }

    #[test]
    fn a_reader_finds_the_same_cells() {
        let bytes = sheet().to_parquet().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let rows: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        assert_eq!(rows.len(), 3);
        let text = |t: &str| Field::Str(t.into());
        assert_eq!(rows[0], [text("a, \"b\""), Field::Null, Field::Double(0.1)]);
        assert_eq!(rows[1], [Field::Null, Field::Long(7), Field::Double(-1e300)]);
        assert_eq!(rows[2], [text("α"), Field::Long(0), Field::Null]);
    }

    #[test]
    fn no_rows_are_a_file() {
        let empty = Sheet::default().with("x", Column::Real(Vec::new()));
        assert_eq!(empty.to_csv(), "x\n");
        let bytes = empty.to_parquet().unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
