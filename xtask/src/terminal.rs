//! Tables on a terminal.

use std::io::IsTerminal;

use comfy_table::{Table, presets::NOTHING};

/// Lines of a table; the first row is its head. On a terminal that is too narrow for it, the names in the
/// head are divided at their dots and underscores.
pub(crate) fn table<R>(rows: impl IntoIterator<Item = R>) -> Vec<String>
where
    R: IntoIterator<Item: Into<String>>,
{
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect();
    let width = terminal_size::terminal_size().filter(|_| std::io::stdout().is_terminal());
    within(&rows, width.map(|(width, _)| usize::from(width.0)))
}

/// A version with the first seven digits of its commit.
pub(crate) fn short_version(version: &str) -> String {
    match version.split_once('+') {
        Some((version, commit)) => {
            let (digits, rest) = commit.split_at(commit.find('.').unwrap_or(commit.len()));
            format!("{version}+{}{rest}", &digits[..digits.len().min(7)])
        }
        None => version.to_owned(),
    }
}

fn within(rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let lines = laid_out(rows, 2);
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    match width {
        Some(width) if longest > width => {
            let mut rows = rows.to_vec();
            if let Some(head) = rows.first_mut() {
                head.iter_mut().for_each(|name| *name = divided(name));
            }
            laid_out(&rows, 1)
        }
        _ => lines,
    }
}

/// `network.hidden_layers` as three lines.
fn divided(name: &str) -> String {
    name.replace('.', ".\n").replace('_', "_\n").replace(' ', "\n")
}

fn laid_out(rows: &[Vec<String>], gap: u16) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, gap));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_head_is_divided_on_a_narrow_terminal() {
        let rows = [["key", "network.hidden_layers", "end"], ["ab", "3", "converged"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let wide = within(&rows, Some(80));
        assert_eq!(
            wide,
            ["key  network.hidden_layers  end", "ab   3                      converged"]
        );
        assert_eq!(within(&rows, None), wide);
        let narrow = within(&rows, Some(25));
        assert_eq!(narrow.len(), 4);
        assert!(narrow.iter().all(|line| line.chars().count() <= 25), "{narrow:?}");
        assert!(narrow[3].starts_with("ab  3"), "{narrow:?}");
    }
}
