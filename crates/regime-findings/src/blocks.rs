//! Test points in blocks, which are resampled as columns of a table.

use regime_scaling::{BootstrapConfig, BootstrapInterval, bootstrap_crossed};

/// Number of blocks of test points: enough that the quantile of Student's t is close to a
/// Gaussian's, few enough that a resample is cheap.
pub(crate) const BLOCKS: usize = 47;

/// The share of wrong points in each of [`BLOCKS`] stretches of the test points, of which there are
/// at least [`BLOCKS`].
///
/// The classes alternate, so every stretch is as balanced as the whole. Stretches differ by at most
/// one point, and are weighted so that the mean of their shares is the share of all points.
pub(crate) fn wrong_by_block(wrong: impl ExactSizeIterator<Item = bool>) -> Vec<f64> {
    let n = wrong.len();
    let mut counts = vec![0.0; BLOCKS];
    for (point, is_wrong) in wrong.enumerate() {
        counts[point * BLOCKS / n] += f64::from(u8::from(is_wrong));
    }
    counts.iter().map(|count| count * BLOCKS as f64 / n as f64).collect()
}

/// The mean of a table, rows for training sets and columns for blocks of test points, with its
/// interval over both.
///
/// # Errors
/// A message, if there is no interval.
pub(crate) fn mean_of_table(table: &[Vec<f64>]) -> Result<BootstrapInterval, String> {
    let columns = table.first().map_or(0, Vec::len);
    bootstrap_crossed(table.len(), columns, &BootstrapConfig::default(), |rows, columns| {
        let of_row = |&row: &usize| columns.iter().map(|&column| table[row][column]).sum::<f64>();
        Some(rows.iter().map(of_row).sum::<f64>() / (rows.len() * columns.len()) as f64)
    })
    .map_err(|error| error.to_string())
}

/// The weighted sum of tables of one shape.
pub(crate) fn combined(tables: &[(f64, &Vec<Vec<f64>>)]) -> Vec<Vec<f64>> {
    let Some((_, first)) = tables.first() else { return Vec::new() };
    let cell = |row: usize, column: usize| {
        tables.iter().map(|(weight, table)| weight * table[row][column]).sum::<f64>()
    };
    (0..first.len())
        .map(|row| (0..first[row].len()).map(|column| cell(row, column)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use regime_study::PointSet;

    use super::*;

    #[test]
    fn the_mean_of_the_blocks_is_the_test_error() {
        for n in [BLOCKS, 100, 4700, 4999] {
            let wrong: PointSet = (0..n).map(|i| i * i % 7 == 2).collect();
            let share = wrong.iter().filter(|&w| w).count() as f64 / n as f64;
            let blocks = wrong_by_block(wrong.iter());
            let mean = blocks.iter().sum::<f64>() / BLOCKS as f64;
            assert!((mean - share).abs() < 1e-12, "{n}");
        }
    }
}
