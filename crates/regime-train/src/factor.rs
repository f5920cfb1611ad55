//! Factorisations of `I + c M` for the symmetric matrix `M` of a step, in host memory or on the
//! device of its tensors.

use burn_tensor::{DType, Tensor, TensorData, backend::Backend};
use faer::{
    Mat, MatMut, MatRef, Par, Side,
    dyn_stack::{MemBuffer, MemStack},
    linalg::cholesky::llt,
};
use regime_models::{
    Factorised, Memory, Precision, cholesky_of_shifted, cholesky_solve, factorises,
};

use crate::workspace::{Lent, Workspace};

/// Rows of a block that is factorised on the host while the rest stays on the device. For 5000
/// rows the host took 4.5 ms in total on one core of an EPYC, and 60 ms with blocks of 256.
/// Smaller blocks need more transfers.
const BLOCK: usize = 64;

/// A symmetric matrix, in float64.
pub(crate) enum Symmetric<B: Backend> {
    /// In host memory, in column-major order, which equals row-major order here.
    Host { values: Lent, size: usize },
    /// A tensor `[m, m]`, on a device with its own memory or of a backend that has
    /// factorisations.
    Tensor(Tensor<B, 2>),
}

impl<B: Backend> Symmetric<B> {
    /// `S^½ Θ S^½` with `S^½ = diag(root)`. Host memory returns to the workspace when the matrix
    /// is dropped.
    ///
    /// # Shapes
    /// `theta`: `[m, m]`, `root`: `[m]` in float64
    pub(crate) fn weighted(
        theta: Tensor<B, 2>,
        root: &Tensor<B, 1>,
        workspace: &Workspace,
    ) -> Self {
        let [m] = root.dims();
        if Memory::of::<B>(&theta.device()) == Memory::Host && !factorises::<B>() {
            let root = Precision::to_host(root.clone());
            let mut values = workspace.lend(Precision::to_host(theta));
            for (column, &b) in values.chunks_exact_mut(m).zip(&root) {
                column.iter_mut().zip(&root).for_each(|(value, &a)| *value *= a * b);
            }
            return Self::Host { values, size: m };
        }
        let rows = root.clone().reshape([m, 1]);
        Self::Tensor(theta.cast(DType::F64) * rows * root.clone().reshape([1, m]))
    }

    /// A matrix in host memory, `[size, size]`; on a device with its own memory, it is copied there.
    pub(crate) fn of_host(
        values: Vec<f64>,
        size: usize,
        device: &B::Device,
        workspace: &Workspace,
    ) -> Self {
        if Memory::of::<B>(device) == Memory::Host && !factorises::<B>() {
            return Self::Host { values: workspace.lend(values), size };
        }
        Self::Tensor(Precision::F64.matrix(&values, [size, size], device))
    }

    /// Number of rows.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Host { size, .. } => *size,
            Self::Tensor(matrix) => matrix.dims()[0],
        }
    }

    /// The Cholesky factor of `I + c M`; `None` if the factorisation fails.
    pub(crate) fn cholesky_of_shifted(&self, c: f64) -> Option<Factor<B>> {
        match self {
            Self::Host { values, size } => {
                let workspace = values.home();
                let mut shifted = workspace.take();
                if shifted.capacity() < values.len() {
                    shifted = Vec::with_capacity(values.len());
                }
                shifted.clear();
                shifted.extend(values.iter().map(|value| c * value));
                shifted.iter_mut().step_by(size + 1).for_each(|diagonal| *diagonal += 1.0);
                let values = workspace.lend(shifted);
                HostFactor::of(values, *size).map(Factor::Host)
            }
            Self::Tensor(matrix) => Factor::of_tensor(matrix, c),
        }
    }
}

/// A Cholesky factor.
pub(crate) enum Factor<B: Backend> {
    Host(HostFactor),
    /// Computed by the factorisation of the backend, `[1, m, m]`.
    Own(Tensor<B, 3>),
    Blocked(Blocked<B>),
}

impl<B: Backend> Factor<B> {
    fn of_tensor(matrix: &Tensor<B, 2>, c: f64) -> Option<Self> {
        let [m, _] = matrix.dims();
        if !factorises::<B>() {
            return Blocked::of(matrix.clone().mul_scalar(c), BLOCK).map(Self::Blocked);
        }
        // Rows and columns are multiplied by √c, which is NaN for a negative c.
        let root = Tensor::full([1, m], c.sqrt(), (&matrix.device(), DType::F64));
        let Factorised { factors, failed_at } =
            cholesky_of_shifted(matrix.clone().unsqueeze::<3>(), root)?;
        (Precision::to_host(failed_at) == [0.0]).then_some(Self::Own(factors))
    }

    /// `(I + c M)⁻¹ v`.
    ///
    /// # Shapes
    /// `v` and the solution: `[m]` in float64.
    pub(crate) fn solve(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        let device = v.device();
        let solution = match self {
            Self::Own(factors) => {
                let [m] = v.dims();
                return cholesky_solve(factors, v.reshape([1, m])).reshape([m]);
            }
            Self::Host(factor) => factor.solve(&Precision::to_host(v)),
            Self::Blocked(factor) => factor.solve(&Precision::to_host(v)),
        };
        Precision::F64.vector(&solution, &device)
    }
}

/// A Cholesky factor in host memory.
pub(crate) struct HostFactor {
    /// `L` in the lower triangle, in column-major order; the values above are meaningless.
    values: Lent,
    size: usize,
}

impl HostFactor {
    /// The factor of a symmetric matrix, computed in place; `None` if the factorisation fails.
    fn of(mut values: Lent, size: usize) -> Option<Self> {
        let matrix = MatMut::from_column_major_slice_mut(&mut values, size, size);
        let params = Default::default();
        let needed = llt::factor::cholesky_in_place_scratch::<f64>(size, Par::Seq, params);
        let mut scratch = MemBuffer::new(needed);
        let (scratch, regularization) = (MemStack::new(&mut scratch), Default::default());
        llt::factor::cholesky_in_place(matrix, regularization, Par::Seq, scratch, params).ok()?;
        Some(Self { values, size })
    }

    fn solve(&self, v: &[f64]) -> Vec<f64> {
        let factor = MatRef::from_column_major_slice(&self.values, self.size, self.size);
        let mut solution = v.to_vec();
        let needed = llt::solve::solve_in_place_scratch::<f64>(self.size, 1, Par::Seq);
        let mut scratch = MemBuffer::new(needed);
        let scratch = MemStack::new(&mut scratch);
        let column = MatMut::from_column_major_slice_mut(&mut solution, self.size, 1);
        llt::solve::solve_in_place(factor, column, Par::Seq, scratch);
        solution
    }
}

/// The Cholesky factor of `I + A` as blocks of columns on a device.
///
/// Only the blocks on the diagonal, of at most [`BLOCK`] rows, are transferred to the host and
/// back. The work that grows with the cube of the size consists of products on the device.
pub(crate) struct Blocked<B: Backend> {
    columns: Vec<Column<B>>,
    size: usize,
}

struct Column<B: Backend> {
    /// `L_kk⁻¹`, `[b, b]`.
    inverse: Tensor<B, 2>,
    /// The rows of `L` below the block, `[rest, b]`; `None` in the last column.
    below: Option<Tensor<B, 2>>,
}

impl<B: Backend> Blocked<B> {
    /// `a`: `[m, m]` in float64, symmetric.
    fn of(a: Tensor<B, 2>, block: usize) -> Option<Self> {
        let [size, _] = a.dims();
        let device = a.device();
        let mut columns = Vec::new();
        let mut rest = a;
        loop {
            let [m, _] = rest.dims();
            let b = block.min(m);
            let inverse = inverse_factor(&Precision::to_host(part(&rest, (0, b), (0, b))), b)?;
            let inverse = Precision::F64.matrix::<B>(&inverse, [b, b], &device);
            if b == m {
                columns.push(Column { inverse, below: None });
                return Some(Self { columns, size });
            }
            let below = part(&rest, (b, m - b), (0, b)).matmul(inverse.clone().transpose());
            let corner = part(&rest, (b, m - b), (b, m - b));
            rest = corner - below.clone().matmul(below.clone().transpose());
            columns.push(Column { inverse, below: Some(below) });
        }
    }

    fn solve(&self, v: &[f64]) -> Vec<f64> {
        let Some(first) = self.columns.first() else { return Vec::new() };
        let data = TensorData::new(v.to_vec(), [self.size, 1]);
        let mut rest: Tensor<B, 2> = Tensor::from_data(data, (&first.inverse.device(), DType::F64));
        let mut forward = Vec::new();
        for Column { inverse, below } in &self.columns {
            let ([b, _], [m, _]) = (inverse.dims(), rest.dims());
            let y = inverse.clone().matmul(part(&rest, (0, b), (0, 1)));
            if let Some(below) = below {
                rest = part(&rest, (b, m - b), (0, 1)) - below.clone().matmul(y.clone());
            }
            forward.push(y);
        }
        let mut solution: Option<Tensor<B, 2>> = None;
        for (Column { inverse, below }, y) in self.columns.iter().zip(forward).rev() {
            let right = match (below, &solution) {
                (Some(below), Some(x)) => y - below.clone().transpose().matmul(x.clone()),
                _ => y,
            };
            let x = inverse.clone().transpose().matmul(right);
            solution = Some(match solution {
                Some(later) => Tensor::cat(vec![x, later], 0),
                None => x,
            });
        }
        solution.map(Precision::to_host).unwrap_or_default()
    }
}

/// A block of a matrix; for rows and columns, the first index and the number.
fn part<B: Backend>(
    matrix: &Tensor<B, 2>,
    (row, rows): (usize, usize),
    (column, columns): (usize, usize),
) -> Tensor<B, 2> {
    matrix.clone().narrow(0, row, rows).narrow(1, column, columns)
}

/// `L⁻¹` of `I + A = L Lᵀ`, with `a` and the result in row-major order.
fn inverse_factor(a: &[f64], b: usize) -> Option<Vec<f64>> {
    let shifted = MatRef::from_row_major_slice(a, b, b).to_owned() + Mat::<f64>::identity(b, b);
    let factor = shifted.llt(Side::Lower).ok()?;
    let mut inverse = Mat::<f64>::identity(b, b);
    faer::linalg::triangular_solve::solve_lower_triangular_in_place(
        factor.L(),
        inverse.as_mut(),
        faer::Par::Seq,
    );
    Some((0..b * b).map(|k| inverse[(k / b, k % b)]).collect())
}

#[cfg(test)]
mod tests {
    use burn_flex::{Flex, FlexDevice};

    use super::*;

    regime_models::on_every_backend!(device_factors_solve_like_host_factors);

    fn device_factors_solve_like_host_factors<B: Backend>(device: &B::Device) {
        for m in [1, 2, 7, 16, 21] {
            // `M = GGᵀ` for an arbitrary G.
            let g = |i: usize, k: usize| ((i * 31 + k * 17 + 5) % 13) as f64 / 6.0 - 1.0;
            let entry = |i: usize, j: usize| (0..m).map(|k| g(i, k) * g(j, k)).sum::<f64>();
            let values: Vec<f64> = (0..m * m).map(|k| entry(k / m, k % m)).collect();
            let right: Vec<f64> = (0..m).map(|i| (i as f64).sin()).collect();
            let workspace = Workspace::default();
            let host = Precision::F64.matrix::<Flex>(&values, [m, m], &FlexDevice);
            let ones = Precision::F64.vector(&vec![1.0; m], &FlexDevice);
            let host = Symmetric::weighted(host, &ones, &workspace);
            assert!(matches!(host, Symmetric::Host { .. }));
            let matrix = Precision::F64.matrix::<B>(&values, [m, m], device);
            let on_host = Precision::F64.vector(&right, &FlexDevice);
            let expected = host.cholesky_of_shifted(0.7).unwrap().solve(on_host);
            let expected = Precision::to_host(expected);
            let blocked = |block| Blocked::of(matrix.clone().mul_scalar(0.7), block).unwrap();
            let mut factors: Vec<Factor<B>> =
                [1, 4, 7, 100].map(|block| Factor::Blocked(blocked(block))).into();
            // By the factorisation of the backend, if it has one.
            factors.push(Symmetric::Tensor(matrix.clone()).cholesky_of_shifted(0.7).unwrap());
            for factor in factors {
                let found = factor.solve(Precision::F64.vector(&right, device));
                let found = Precision::to_host(found);
                for (found, expected) in found.iter().zip(&expected) {
                    assert!((found - expected).abs() < 1e-12, "{m}: {found} {expected}");
                }
                assert_eq!(found.len(), m);
            }
            // I − 10 M is not positive definite.
            assert!(m < 2 || host.cholesky_of_shifted(-10.0).is_none());
            assert!(m < 2 || Blocked::of(matrix.clone().mul_scalar(-10.0), 4).is_none());
            let negative = Symmetric::Tensor(matrix.mul_scalar(-10.0));
            assert!(m < 2 || negative.cholesky_of_shifted(1.0).is_none());
        }
    }

    #[test]
    fn weights_multiply_rows_and_columns() {
        let theta = Precision::F64.matrix::<Flex>(&[1.0, 2.0, 2.0, 5.0], [2, 2], &FlexDevice);
        let root = Precision::F64.vector(&[2.0, 3.0], &FlexDevice);
        let weighted = Symmetric::weighted(theta, &root, &Workspace::default());
        let Symmetric::Host { values, size: 2 } = weighted else {
            panic!("tensors of Flex are in host memory")
        };
        assert_eq!(*values, [4.0, 12.0, 12.0, 45.0]);
    }

    #[test]
    fn a_step_reuses_the_memory_of_the_previous_step() {
        use regime_models::{Activation, DenseSpec, Network, Trace};
        let (inputs, width, hidden_layers, bias) = (2, 3, 2, true);
        let activation = Activation::Softplus { beta: 5.0 };
        let net = DenseSpec { inputs, width, hidden_layers, activation, bias }.build().unwrap();
        let w = Precision::F64.vector::<Flex>(&net.initial_weights(0), &FlexDevice);
        let x = Precision::F64.matrix::<Flex>(&[0.3, -1.0, 0.5, 2.0], [2, 2], &FlexDevice);
        let (tape, workspace) = (net.trace(&w, &x).linearise(), Workspace::default());
        let step = || {
            let kernel = regime_tangent::kernel_in(&tape, workspace.take());
            let root = Precision::F64.vector(&[1.0, 0.5], &FlexDevice);
            let weighted = Symmetric::weighted(kernel, &root, &workspace);
            let factor = weighted.cholesky_of_shifted(0.5).unwrap();
            let (Symmetric::Host { values, .. }, Factor::Host(factor)) = (&weighted, &factor)
            else {
                panic!("tensors of Flex are in host memory")
            };
            let mut places = [values.as_ptr(), factor.values.as_ptr()];
            places.sort_unstable();
            (places, values.to_vec(), factor.values.to_vec())
        };
        let first = step();
        // A second step gets the same addresses and the same values.
        assert_eq!(step(), first);
        assert_eq!(format!("{workspace:?}"), "[4, 4]");
    }
}
