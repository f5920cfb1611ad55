//! Tables on a terminal.

use comfy_table::{Cell, Row, Table, presets::NOTHING};

/// Lines of a table whose columns are two spaces apart; the first row is its head.
pub(crate) fn table<R>(rows: impl IntoIterator<Item = R>) -> Vec<String>
where
    R: IntoIterator<Item: Into<Cell>>,
{
    let mut table = Table::new();
    table.load_style(NOTHING);
    for row in rows {
        table.add_row(Row::from(row));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}
