//! Tables of data as files: CSV for people and Parquet for programs.

mod arrays;
mod parquet_file;
mod runs;
mod spec_fields;
mod table;

pub use arrays::{RunArray, run_arrays};
pub use runs::{column_descriptions, run_columns, varying_fields};
pub use table::{Cells, Column, Columns};

#[cfg(test)]
mod tests {
    use parquet::{
        file::reader::{FileReader, SerializedFileReader},
        record::Field,
    };

    use super::*;

    fn table() -> Columns {
        Columns::default()
            .with("name", Cells::Text(vec![Some("a, \"b\"".into()), None, Some("α".into())]))
            .with("count", Cells::Integer(vec![None, Some(7), Some(0)]))
            .with("value", Cells::Float(vec![Some(0.1), Some(-1e300), None]))
    }

    #[test]
    fn csv_quotes_where_needed_and_empty_cells_are_empty() {
        let lines = ["name,count,value", "\"a, \"\"b\"\"\",,0.1", ",7,-1", "α,0,"];
        for (line, begins) in table().to_csv().lines().zip(lines) {
            assert!(line.starts_with(begins), "{line}");
        }
    }

    #[test]
    fn a_parquet_reader_finds_the_same_cells() {
        let bytes = table().to_parquet();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        let rows: Vec<Vec<Field>> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
            .collect();
        assert_eq!(rows.len(), 3);
        let text = |t: &str| Field::Str(t.into());
        assert_eq!(rows[0], [text("a, \"b\""), Field::Null, Field::Double(0.1)]);
        assert_eq!(rows[1], [Field::Null, Field::ULong(7), Field::Double(-1e300)]);
        assert_eq!(rows[2], [text("α"), Field::ULong(0), Field::Null]);
    }

    #[test]
    fn a_table_without_rows_is_a_valid_file() {
        let empty = Columns::default().with("x", Cells::Float(Vec::new()));
        assert_eq!(empty.to_csv(), "x\n");
        let bytes = empty.to_parquet();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
    }
}
