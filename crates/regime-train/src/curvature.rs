//! The second derivative of a loss, as a sum of squares of directions.

/// The Hessian of a loss in the outputs of the network.
///
/// Rows are outputs of points, in the order of the network's outputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Curvature {
    /// The diagonal, `[nK]`; all other entries are 0. So it is for a loss that is a sum over outputs.
    Diagonal(Vec<f64>),
    /// Directions `r` with `H = Σ r rᵀ`. Each one lists its entries that are not zero, as pairs of
    /// row and value; they belong to the outputs of one point.
    Directions(Vec<Vec<(usize, f64)>>),
}

impl Curvature {
    /// The curvature times a positive factor.
    pub(crate) fn times(self, factor: f64) -> Self {
        match self {
            Self::Diagonal(values) => {
                Self::Diagonal(values.into_iter().map(|value| value * factor).collect())
            }
            Self::Directions(mut directions) => {
                let root = factor.sqrt();
                directions.iter_mut().flatten().for_each(|(_, value)| *value *= root);
                Self::Directions(directions)
            }
        }
    }

    /// The diagonal of a loss that is a sum over outputs.
    pub(crate) fn into_diagonal(self) -> Option<Vec<f64>> {
        match self {
            Self::Diagonal(values) => Some(values),
            Self::Directions(_) => None,
        }
    }

    /// A root `R` of the curvature without the directions whose square is not above `least`.
    pub(crate) fn root(&self, least: f64) -> Root {
        match self {
            Self::Diagonal(values) => {
                let rows: Vec<usize> = (0..values.len()).filter(|&i| values[i] > least).collect();
                let columns = rows.iter().map(|&i| values[i].sqrt()).collect();
                Root { rows, columns: Columns::Diagonal(columns) }
            }
            Self::Directions(directions) => {
                let square = |entries: &[(usize, f64)]| -> f64 {
                    entries.iter().map(|(_, value)| value * value).sum()
                };
                let kept: Vec<&Vec<(usize, f64)>> =
                    directions.iter().filter(|entries| square(entries) > least).collect();
                let mut rows: Vec<usize> =
                    kept.iter().flat_map(|entries| entries.iter().map(|&(row, _)| row)).collect();
                rows.sort_unstable();
                rows.dedup();
                let place = |row: usize| rows.binary_search(&row).expect("the row is listed");
                let column = |entries: &&Vec<(usize, f64)>| {
                    entries.iter().map(|&(row, value)| (place(row), value)).collect()
                };
                let columns = kept.iter().map(column).collect();
                Root { rows, columns: Columns::Sparse(columns) }
            }
        }
    }
}

/// A matrix `R`, `[rows, m]`, with `H ≈ R Rᵀ`: one column for each direction in which the loss is
/// curved.
pub(crate) struct Root {
    /// The outputs in which `R` is not zero, in increasing order.
    pub(crate) rows: Vec<usize>,
    pub(crate) columns: Columns,
}

/// The columns of a [`Root`].
pub(crate) enum Columns {
    /// One entry in each column, on the diagonal.
    Diagonal(Vec<f64>),
    /// The entries of each column, as pairs of an index into `rows` and a value.
    Sparse(Vec<Vec<(usize, f64)>>),
}

impl Root {
    /// Number of columns `m`.
    pub(crate) fn n_columns(&self) -> usize {
        match &self.columns {
            Columns::Diagonal(values) => values.len(),
            Columns::Sparse(columns) => columns.len(),
        }
    }

    /// `Rᵀ v`, where `value(a)` is the entry of `v` in row `a` of `R`; `[m]`.
    pub(crate) fn pull(&self, value: impl Fn(usize) -> f64) -> Vec<f64> {
        match &self.columns {
            Columns::Diagonal(root) => root.iter().enumerate().map(|(a, s)| s * value(a)).collect(),
            Columns::Sparse(columns) => {
                let dot =
                    |entries: &Vec<(usize, f64)>| entries.iter().map(|&(a, s)| s * value(a)).sum();
                columns.iter().map(dot).collect()
            }
        }
    }

    /// `c R x`, `[rows]`.
    pub(crate) fn push(&self, c: f64, x: &[f64]) -> Vec<f64> {
        match &self.columns {
            Columns::Diagonal(root) => root.iter().zip(x).map(|(s, x)| c * s * x).collect(),
            Columns::Sparse(columns) => {
                let mut out = vec![0.0; self.rows.len()];
                for (entries, x) in columns.iter().zip(x) {
                    entries.iter().for_each(|&(a, s)| out[a] += c * s * x);
                }
                out
            }
        }
    }
}

/// `Rᵀ M R` for sparse columns, `[m, m]`, symmetric to the bit. Column `a` of the symmetric matrix
/// `M`, `[rows, rows]`, is `column(a)`.
pub(crate) fn sandwich<'k>(
    columns: &[Vec<(usize, f64)>],
    rows: usize,
    column: impl Fn(usize) -> &'k [f64],
) -> Vec<f64> {
    let m = columns.len();
    let mut out = vec![0.0; m * m];
    let mut product = vec![0.0; rows];
    for (b, entries) in columns.iter().enumerate() {
        product.fill(0.0);
        for &(row, value) in entries {
            product.iter_mut().zip(column(row)).for_each(|(p, k)| *p += value * k);
        }
        for (a, entries) in columns.iter().enumerate().skip(b) {
            let value = entries.iter().map(|&(row, value)| value * product[row]).sum();
            (out[b * m + a], out[a * m + b]) = (value, value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_reproduces_the_curvature_and_drops_small_directions() {
        let directions = vec![vec![(0, 1.0), (3, -2.0)], vec![(1, 1e-4)], vec![(3, 0.5), (4, 1.0)]];
        let root = Curvature::Directions(directions).root(1e-6);
        assert_eq!(root.rows, [0, 3, 4]);
        assert_eq!(root.n_columns(), 2);
        assert_eq!(root.push(2.0, &[1.0, 10.0]), [2.0, 6.0, 20.0]);
        assert_eq!(root.pull(|a| [1.0, 2.0, 3.0][a]), [-3.0, 4.0]);
        let Columns::Sparse(columns) = &root.columns else { panic!("directions are sparse") };
        let matrix = [2.0, 1.0, 0.0, 1.0, 3.0, -1.0, 0.0, -1.0, 5.0];
        let found = sandwich(columns, 3, |a| &matrix[3 * a..3 * a + 3]);
        assert_eq!(found, [10.0, -0.5, -0.5, 4.75]);
        let diagonal = Curvature::Diagonal(vec![4.0, 1e-9, 9.0]).root(1e-6);
        assert_eq!((diagonal.rows.as_slice(), diagonal.n_columns()), (&[0, 2][..], 2));
        assert_eq!(diagonal.push(1.0, &[1.0, 1.0]), [2.0, 3.0]);
    }
}
