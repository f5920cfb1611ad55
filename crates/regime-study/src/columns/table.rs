//! Columns in memory, and as CSV.

/// Columns of the same length, with their names and units. A cell may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the header.
    pub name: &'static str,
    /// The unit or the convention of its values; empty for a plain number or a word.
    pub unit: &'static str,
    /// Its cells, from the first row to the last.
    pub cells: Cells,
}

/// The cells of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Words.
    Text(Vec<Option<String>>),
    /// Counts.
    Whole(Vec<Option<u64>>),
    /// Measurements.
    Real(Vec<Option<f64>>),
}

impl Cells {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Whole(cells) => cells.len(),
            Self::Real(cells) => cells.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row as text; empty where there is no value.
    fn text(&self, row: usize) -> String {
        match self {
            Self::Text(cells) => cells[row].clone().unwrap_or_default(),
            Self::Whole(cells) => cells[row].map(|n| n.to_string()).unwrap_or_default(),
            Self::Real(cells) => cells[row].map(|v| v.to_string()).unwrap_or_default(),
        }
    }
}

impl Columns {
    /// With one more column without a unit.
    pub fn with(self, name: &'static str, cells: Cells) -> Self {
        self.with_unit(name, "", cells)
    }

    /// With one more column.
    pub fn with_unit(mut self, name: &'static str, unit: &'static str, cells: Cells) -> Self {
        self.columns.push(Column { name, unit, cells });
        self
    }

    /// The columns, from the first to the last.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A header and one line per row; what holds a comma, a quote or a line break is quoted.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = self.columns.iter().map(|column| column.name);
        // In memory nothing fails, and every row has as many cells as the header.
        writer.write_record(header).expect("a row in memory");
        for row in 0..self.n_rows() {
            let cells = self.columns.iter().map(|column| column.cells.text(row));
            writer.write_record(cells).expect("a row in memory");
        }
        let bytes = writer.into_inner().expect("rows in memory");
        String::from_utf8(bytes).expect("cells are UTF-8")
    }

    pub(super) fn n_rows(&self) -> usize {
        self.columns.iter().map(|column| column.cells.len()).min().unwrap_or(0)
    }
}
