//! Tables as columns in memory, and as CSV.

/// Columns of the same length, with their names, units and descriptions. A cell may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name in the header.
    pub name: String,
    /// The unit or the convention of its values; empty for a plain number or a word.
    pub unit: String,
    /// One sentence that describes the values; may be empty.
    pub description: String,
    /// Its cells, from the first row to the last.
    pub cells: Cells,
}

/// The cells of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Words.
    Text(Vec<Option<String>>),
    /// Counts.
    Integer(Vec<Option<u64>>),
    /// Measurements.
    Float(Vec<Option<f64>>),
}

impl Cells {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Integer(cells) => cells.len(),
            Self::Float(cells) => cells.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell of a row as text; empty where there is no value.
    ///
    /// # Panics
    /// When the row does not exist.
    pub fn text(&self, row: usize) -> String {
        match self {
            Self::Text(cells) => cells[row].clone().unwrap_or_default(),
            Self::Integer(cells) => cells[row].map(|n| n.to_string()).unwrap_or_default(),
            Self::Float(cells) => cells[row].map(|v| v.to_string()).unwrap_or_default(),
        }
    }

    /// Whether two rows differ.
    pub(super) fn varies(&self) -> bool {
        (1..self.len()).any(|row| self.text(row) != self.text(0))
    }
}

impl Columns {
    /// Adds a column without unit and description.
    pub fn with(self, name: impl Into<String>, cells: Cells) -> Self {
        self.described(name, "", "", cells)
    }

    /// Adds a column.
    pub fn described(
        mut self,
        name: impl Into<String>,
        unit: impl Into<String>,
        description: impl Into<String>,
        cells: Cells,
    ) -> Self {
        let (name, unit, description) = (name.into(), unit.into(), description.into());
        self.columns.push(Column { name, unit, description, cells });
        self
    }

    /// The columns, from the first to the last.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A header and one line per row. Cells with a comma, a quote or a line break are quoted.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = self.columns.iter().map(|column| &column.name);
        // Writing to memory does not fail, and every row has as many cells as the header.
        writer.write_record(header).expect("the row is written to memory");
        for row in 0..self.n_rows() {
            let cells = self.columns.iter().map(|column| column.cells.text(row));
            writer.write_record(cells).expect("the row is written to memory");
        }
        let bytes = writer.into_inner().expect("the rows are written to memory");
        String::from_utf8(bytes).expect("cells are UTF-8")
    }

    /// The rows as JSON objects; an empty cell is null.
    pub fn to_json(&self) -> serde_json::Value {
        let row = |row: usize| {
            let cell = |column: &Column| {
                let value = match &column.cells {
                    Cells::Text(cells) => cells[row].clone().into(),
                    Cells::Integer(cells) => cells[row].into(),
                    Cells::Float(cells) => cells[row].into(),
                };
                (column.name.clone(), value)
            };
            serde_json::Value::Object(self.columns.iter().map(cell).collect())
        };
        (0..self.n_rows()).map(row).collect()
    }

    pub(super) fn n_rows(&self) -> usize {
        self.columns.iter().map(|column| column.cells.len()).min().unwrap_or(0)
    }
}
