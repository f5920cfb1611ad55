//! A fixed kernel as a model that is trained like a network.

use burn_tensor::{DType, IndexingUpdateOp, Tensor, backend::Backend};
use ndarray::ArrayView2;
use regime_models::{Network, Precision, Tape, Trace, dot};
use regime_tangent::{cross_kernel, kernel};

use crate::{initial::Origin, selection::numbered};

/// The functions `f(c, x) = Σⱼ cⱼ Θ(x, xⱼ)` of a frozen kernel `Θ`, as a [`Network`] whose
/// parameters are the coefficients `c` of the `n` training points.
///
/// With a frozen kernel the flow of a network is `df/dt = −Θ ∂L/∂f`, which is
/// `ċ = −∂L/∂f`: the gradient flow of `c` in the metric `⟨c, c'⟩ = cᵀΘc'`. In this metric
/// the adjoint of the Jacobian `J = Θ` is the identity, and `J Jᵀ = Θ`. All integrators,
/// events, observers and checkpoints of networks therefore work for a kernel too, with the
/// start `c = 0` and `f₀ = 0`. The flow of `F` from there does not depend on α. It is the
/// limit `α → ∞` of the flow of a network if `Θ` is the tangent kernel at the initial
/// weights.
///
/// The points of this model are *indices*: those below `n` are training points, those from
/// `n` on are the other points added by [`with_points`](Self::with_points). A batch of
/// training points thus determines which coefficients it updates. [`numbers`](Self::numbers) makes
/// inputs of indices. [`System::of_kernel`](crate::System::of_kernel) needs no inputs and no initial weights, and
/// [`System::frozen`](crate::System::frozen) makes the model from a system of a network.
///
/// One evaluation costs `n²` multiply-adds and reads the kernel once. Norms of the
/// parameters, such as in [`WeightsByLayer`](crate::WeightsByLayer), are norms of the
/// coefficients, not of the function.
///
/// # Shapes
/// - parameters `c`: `[n]`
/// - points: `[m, 1]`, their indices
///
/// # Panics
/// Evaluation panics for an index without a point. Products with the transposed Jacobian,
/// and therefore gradients, panic for points outside the training set: these points have no
/// coefficients.
///
/// ```
/// use burn_flex::{Flex, FlexDevice};
/// use ndarray::array;
/// use regime_models::Precision;
/// use regime_train::{End, Flow, FlowSpec, KernelModel, Loss, System};
///
/// let theta = array![[2.0, 0.5], [0.5, 1.0]];
/// let model = KernelModel::<Flex>::from_host(theta.view(), Precision::F64, &FlexDevice)?;
/// let loss = Loss::SoftHinge { beta: 20.0 };
/// let system = System::of_kernel(model).signs([1.0, -1.0]).loss(loss).build()?;
/// assert_eq!(Flow::start(system, FlowSpec::default())?.run().end, End::Converged);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct KernelModel<B: Backend> {
    /// `Θ`, `[nK, nK]`, exactly symmetric.
    theta: Tensor<B, 2>,
    /// `Θ` between other points and the training points, `[mK, nK]`.
    others: Option<Tensor<B, 2>>,
    /// `K`
    n_outputs: usize,
}

impl<B: Backend> KernelModel<B> {
    /// Creates a model with one output from the kernel on the training points.
    ///
    /// Mirrored entries that differ by at most √ε of the largest (1.5·10⁻⁸ in float64,
    /// 3.5·10⁻⁴ in float32) are replaced by their mean. Negative eigenvalues are not checked
    /// for; along their eigenvectors the loss would grow.
    ///
    /// # Shapes
    /// `theta`: `[n, n]`
    ///
    /// # Errors
    /// [`KernelModelError`] for a matrix that is not a kernel.
    pub fn new(theta: Tensor<B, 2>) -> Result<Self, KernelModelError> {
        let [rows, columns] = theta.dims();
        if rows != columns || rows == 0 {
            return Err(KernelModelError::NotSquare { rows, columns });
        }
        let n = rows;
        let mut values = Precision::to_host(theta.clone());
        all_finite(&values, n)?;
        let largest = values.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let allowed = Precision::of(theta.dtype()).epsilon().sqrt() * largest;
        let mut repaired = false;
        for i in 0..n {
            let value = values[i * n + i];
            if value < 0.0 {
                return Err(KernelModelError::Negative { index: i, value });
            }
            for j in 0..i {
                let (value, mirrored) = (values[i * n + j], values[j * n + i]);
                if (value - mirrored).abs() > allowed {
                    return Err(KernelModelError::Asymmetric {
                        row: i,
                        column: j,
                        value,
                        mirrored,
                    });
                }
                if value != mirrored {
                    let mean = 0.5 * (value + mirrored);
                    (values[i * n + j], values[j * n + i]) = (mean, mean);
                    repaired = true;
                }
            }
        }
        if !repaired {
            return Ok(Self { theta, others: None, n_outputs: 1 });
        }
        let theta = Precision::of(theta.dtype()).matrix(&values, [n, n], &theta.device());
        Ok(Self { theta, others: None, n_outputs: 1 })
    }

    /// As [`new`](Self::new), from a matrix in host memory.
    ///
    /// # Shapes
    /// `theta`: `[n, n]`
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_host(
        theta: ArrayView2<'_, f64>,
        precision: Precision,
        device: &B::Device,
    ) -> Result<Self, KernelModelError> {
        let (rows, columns) = theta.dim();
        if rows == 0 || columns == 0 {
            return Err(KernelModelError::NotSquare { rows, columns });
        }
        let values: Vec<f64> = theta.iter().copied().collect();
        Self::new(precision.matrix(&values, [rows, columns], device))
    }

    /// Creates a model with the tangent kernel of a network on `inputs` at the weights `w`.
    ///
    /// # Shapes
    /// `w`: `[P]`, `inputs`: `[n, d]`
    ///
    /// # Errors
    /// [`KernelModelError::NotFinite`] if the kernel is not finite at these weights.
    pub fn of<N: Network<B>>(
        net: &N,
        w: &Tensor<B, 1>,
        inputs: &Tensor<B, 2>,
    ) -> Result<Self, KernelModelError> {
        Self::new(kernel(&net.trace(w, inputs).linearise()))?.with_outputs(net.n_outputs())
    }

    /// The same kernel as that of a model with `n_outputs` outputs `K`, for fewer training points: the
    /// rows are those of [`Outputs::Full`](regime_tangent::Outputs::Full), output by output. The model
    /// must not have other points yet.
    ///
    /// # Errors
    /// [`KernelModelError::Outputs`] when the rows cannot be divided among the outputs.
    pub fn with_outputs(self, n_outputs: usize) -> Result<Self, KernelModelError> {
        let [rows, _] = self.theta.dims();
        if n_outputs == 0 || !rows.is_multiple_of(n_outputs) || self.others.is_some() {
            return Err(KernelModelError::Outputs { rows, n_outputs });
        }
        Ok(Self { n_outputs, ..self })
    }

    /// Adds other points at which the model can be evaluated. Their indices follow the
    /// existing ones. [`cross_rows`] computes the rows from a network.
    ///
    /// # Shapes
    /// `rows`: `[mK, nK]`, the kernel between the points and the training points, output by output
    ///
    /// # Errors
    /// [`KernelModelError`] for rows of another length, that cannot be divided among the outputs, or
    /// that are not finite.
    pub fn with_points(self, rows: Tensor<B, 2>) -> Result<Self, KernelModelError> {
        let Self { theta, others, n_outputs } = self;
        let [n, _] = theta.dims();
        let [count, columns] = rows.dims();
        if columns != n {
            return Err(KernelModelError::Columns { columns, n });
        }
        if !count.is_multiple_of(n_outputs) {
            return Err(KernelModelError::Outputs { rows: count, n_outputs });
        }
        all_finite(&Precision::to_host(rows.clone()), n)?;
        let others = match others {
            Some(others) => by_output(&[others, rows], n_outputs),
            None => rows,
        };
        Ok(Self { theta, others: Some(others), n_outputs })
    }

    /// Number of training points `n`.
    pub fn n_training_points(&self) -> usize {
        self.theta.dims()[0] / self.n_outputs
    }

    /// Number of other points `m`.
    fn n_other_points(&self) -> usize {
        self.others.as_ref().map_or(0, |rows| rows.dims()[0] / self.n_outputs)
    }

    /// The kernel on the training points, `[nK, nK]`.
    pub fn theta(&self) -> Tensor<B, 2> {
        self.theta.clone()
    }

    /// The indices of the training points, `[n, 1]`: the inputs of the
    /// [`System`](crate::System).
    pub fn training_points(&self) -> Tensor<B, 2> {
        self.column(0..self.n_training_points())
    }

    /// The indices of the other points, `[m, 1]`; `None` when there are none.
    pub fn other_points(&self) -> Option<Tensor<B, 2>> {
        let (m, n) = (self.n_other_points(), self.n_training_points());
        (m > 0).then(|| self.column(n..n + m))
    }

    /// `c = 0`, `[nK]`, where a flow starts.
    pub fn origin(&self) -> Tensor<B, 1> {
        let [n, _] = self.theta.dims();
        Precision::of(self.theta.dtype()).vector(&vec![0.0; n], &self.theta.device())
    }

    /// The inputs of this model for the points with these indices, `[m, 1]`.
    ///
    /// # Errors
    /// [`KernelModelError::Point`] for an index without a point.
    pub fn numbers(&self, points: &[usize]) -> Result<Tensor<B, 2>, KernelModelError> {
        let n = self.n_training_points() + self.n_other_points();
        match points.iter().find(|&&point| point >= n) {
            Some(&point) => Err(KernelModelError::Point { point, n }),
            None => Ok(self.column(points.iter().copied())),
        }
    }

    fn column(&self, points: impl Iterator<Item = usize>) -> Tensor<B, 2> {
        let numbers: Vec<f64> = points.map(|i| i as f64).collect();
        let precision = Precision::of(self.theta.dtype());
        precision.matrix(&numbers, [numbers.len(), 1], &self.theta.device())
    }

    /// Whether all numbers are indices of points.
    fn check_points(&self, numbers: &[f64]) -> Result<(), String> {
        let (n, others) = (self.n_training_points(), self.n_other_points());
        // NaN is no index either.
        let is_point =
            |number: f64| number == (number as usize) as f64 && (number as usize) < n + others;
        match numbers.iter().find(|&&number| !is_point(number)) {
            None => Ok(()),
            Some(number) => Err(format!(
                "{number} is not a point of a frozen kernel with {n} training points and {others} \
                 other points: its inputs are indices of points, and not coordinates; make them with \
                 `KernelModel::numbers`"
            )),
        }
    }

    /// The points with the indices `x`.
    fn points(&self, x: &Tensor<B, 2>) -> Points {
        let numbers = Precision::to_host(x.clone());
        let n = self.n_training_points();
        let others = self.n_other_points();
        self.check_points(&numbers).unwrap_or_else(|error| panic!("{error}"));
        let points: Vec<usize> = numbers.iter().map(|&number| number as usize).collect();
        if points.len() == n && points.iter().enumerate().all(|(i, &point)| i == point) {
            return Points::Training;
        }
        let row = |k: usize, point: usize| match point.checked_sub(n) {
            None => k * n + point,
            Some(other) => self.n_outputs * n + k * others + other,
        };
        let row = &row;
        let rows = (0..self.n_outputs).flat_map(|k| points.iter().map(move |&point| row(k, point)));
        Points::Listed(rows.collect())
    }

    /// The kernel between points and the training points, `[mK, nK]`.
    fn rows(&self, points: &Points) -> Tensor<B, 2> {
        let Points::Listed(points) = points else { return self.theta.clone() };
        let [n, _] = self.theta.dims();
        let table = match &self.others {
            Some(others) if points.iter().all(|&point| point >= n) => {
                let from = points.iter().map(|&point| point - n).collect::<Vec<_>>();
                return select(others, &from, 0);
            }
            Some(others) if points.iter().any(|&point| point >= n) => {
                Tensor::cat(vec![self.theta.clone(), others.clone()], 0)
            }
            _ => self.theta.clone(),
        };
        select(&table, points, 0)
    }
}

impl<B: Backend> Origin<B> for KernelModel<B> {
    fn origin(&self) -> Tensor<B, 1> {
        self.origin()
    }
}

/// The tangent kernel between other points and the training points of a network, as
/// [`KernelModel::with_points`] takes it; `batch_size` points are evaluated at a time.
///
/// # Shapes
/// `w`: `[P]`, `inputs`: `[n, d]`, `points`: `[m, d]` → `[mK, nK]`
///
/// # Panics
/// When `batch_size` is 0.
pub fn cross_rows<B: Backend, N: Network<B>>(
    net: &N,
    w: &Tensor<B, 1>,
    inputs: &Tensor<B, 2>,
    points: &Tensor<B, 2>,
    batch_size: usize,
) -> Tensor<B, 2> {
    let training = net.trace(w, inputs).linearise();
    let m = points.dims()[0];
    let rows = (0..m).step_by(batch_size).map(|start| {
        let points = points.clone().narrow(0, start, batch_size.min(m - start));
        cross_kernel(&net.trace(w, &points).linearise(), &training)
    });
    by_output(&rows.collect::<Vec<_>>(), net.n_outputs())
}

/// Which points a tape is on.
#[derive(Debug, Clone)]
enum Points {
    /// All training points, in their order.
    Training,
    /// The outputs of points with these rows: those of the training points come first.
    Listed(Vec<usize>),
}

/// Matrices whose rows are outputs of points, joined: the first output of the points of all of them,
/// then the second, and so on.
fn by_output<B: Backend>(parts: &[Tensor<B, 2>], n_outputs: usize) -> Tensor<B, 2> {
    let of = |k: usize| {
        parts.iter().map(move |part| {
            let m = part.dims()[0] / n_outputs;
            part.clone().narrow(0, k * m, m)
        })
    };
    Tensor::cat((0..n_outputs).flat_map(of).collect(), 0)
}

fn all_finite(values: &[f64], columns: usize) -> Result<(), KernelModelError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(KernelModelError::NotFinite {
            row: at / columns,
            column: at % columns,
            value: values[at],
        }),
    }
}

/// Some rows (`side` 0) or columns (`side` 1) of a matrix.
fn select<B: Backend>(matrix: &Tensor<B, 2>, points: &[usize], side: usize) -> Tensor<B, 2> {
    matrix.clone().select(side, numbered::<B>(points, &matrix.device()))
}

fn times<B: Backend>(matrix: &Tensor<B, 2>, v: Tensor<B, 1>) -> Tensor<B, 1> {
    let n = matrix.dims()[0];
    matrix.clone().matmul(v.unsqueeze_dim(1)).reshape([n])
}

impl<B: Backend> Network<B> for KernelModel<B> {
    type Trace = KernelTrace<B>;

    fn n_inputs(&self) -> usize {
        1
    }

    fn n_params(&self) -> usize {
        self.theta.dims()[0]
    }

    fn n_outputs(&self) -> usize {
        self.n_outputs
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn check_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        self.check_points(&Precision::to_host(x.clone()))
    }

    fn check_kernel_inputs(&self, x: &Tensor<B, 2>) -> Result<(), String> {
        let n = self.n_training_points();
        match Precision::to_host(x.clone()).into_iter().find(|&number| number >= n as f64) {
            None => Ok(()),
            Some(number) => Err(format!(
                "point {number} is not one of the {n} training points: a frozen kernel is known \
                 between its training points only, at other points it gives outputs"
            )),
        }
    }

    fn forward(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> Tensor<B, 1> {
        times(&self.rows(&self.points(x)), w.clone())
    }

    fn trace(&self, w: &Tensor<B, 1>, x: &Tensor<B, 2>) -> KernelTrace<B> {
        let points = self.points(x);
        let rows = self.rows(&points);
        let output = times(&rows, w.clone());
        KernelTrace { output, tape: KernelTape { theta: self.theta.clone(), rows, points } }
    }
}

/// A [`KernelModel`], evaluated.
#[derive(Debug, Clone)]
pub struct KernelTrace<B: Backend> {
    output: Tensor<B, 1>,
    tape: KernelTape<B>,
}

impl<B: Backend> Trace<B> for KernelTrace<B> {
    type Tape = KernelTape<B>;

    fn output(&self) -> Tensor<B, 1> {
        self.output.clone()
    }

    fn linearise(self) -> KernelTape<B> {
        self.tape
    }
}

/// The Jacobian of a [`KernelModel`] on some of its points, in the metric of its kernel.
#[derive(Debug, Clone)]
pub struct KernelTape<B: Backend> {
    /// The kernel on the training points, `[n, n]`: the metric.
    theta: Tensor<B, 2>,
    /// The kernel between the points of the tape and the training points, `[m, n]`.
    rows: Tensor<B, 2>,
    points: Points,
}

impl<B: Backend> KernelTape<B> {
    /// The indices of training points; `None` for all of them in order.
    fn training_points(&self) -> Option<&[usize]> {
        let Points::Listed(points) = &self.points else { return None };
        let n = self.theta.dims()[0];
        if let Some(outside) = points.iter().find(|&&point| point >= n) {
            panic!("point {outside} is not one of the {n} training points");
        }
        Some(points)
    }
}

impl<B: Backend> Tape<B> for KernelTape<B> {
    fn n_points(&self) -> usize {
        self.rows.dims()[0]
    }

    fn placement(&self) -> (B::Device, DType) {
        (self.theta.device(), self.theta.dtype())
    }

    fn jvp(&self, v: Tensor<B, 1>) -> Tensor<B, 1> {
        times(&self.rows, v)
    }

    fn vjp(&self, g: Tensor<B, 1>) -> Tensor<B, 1> {
        let Some(points) = self.training_points() else { return g };
        let (device, dtype) = self.placement();
        let n = self.theta.dims()[0];
        let none = Tensor::zeros([n], (&device, dtype));
        // A GPU adds in no fixed order; the result depends on it only if a point occurs
        // twice.
        none.select_assign(0, numbered::<B>(points, &device), g, IndexingUpdateOp::Add)
    }

    fn select(&self, points: &[usize]) -> Self {
        let numbers = match &self.points {
            Points::Training => points.to_vec(),
            Points::Listed(numbers) => points.iter().map(|&i| numbers[i]).collect(),
        };
        Self {
            theta: self.theta.clone(),
            rows: select(&self.rows, points, 0),
            points: Points::Listed(numbers),
        }
    }

    fn inner(&self, a: Tensor<B, 1>, b: Tensor<B, 1>) -> f64 {
        dot(times(&self.theta, a), b)
    }

    fn is_euclidean(&self) -> bool {
        false
    }

    fn kernel_with(&self, other: &Self) -> Option<Tensor<B, 2>> {
        Some(match other.training_points() {
            None => self.rows.clone(),
            Some(points) => select(&self.rows, points, 1),
        })
    }
}

/// Why a matrix cannot be used as a kernel.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum KernelModelError {
    /// It is not square, or it is empty.
    #[error("the kernel is {rows} × {columns}, but must be square with at least one point")]
    NotSquare {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// The rows of other points do not have one value per training point.
    #[error("a row of the kernel has {columns} values for {n} training points")]
    Columns {
        /// Values in a row.
        columns: usize,
        /// Training points.
        n: usize,
    },
    /// The rows cannot be divided among the outputs.
    #[error("{rows} rows of a kernel cannot be divided among {n_outputs} outputs")]
    Outputs {
        /// Rows of the kernel.
        rows: usize,
        /// Number of outputs.
        n_outputs: usize,
    },
    /// An entry is not finite.
    #[error("entry ({row}, {column}) of the kernel is {value}")]
    NotFinite {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// Its value.
        value: f64,
    },
    /// An entry of the diagonal is negative, although it is the square of a gradient norm.
    #[error("entry ({index}, {index}) of the kernel is {value}, but must be at least 0")]
    Negative {
        /// Row and column.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// An index has no point.
    #[error("there is no point {point}: the model has {n} points, counted from 0")]
    Point {
        /// The index.
        point: usize,
        /// Number of points, training points and others.
        n: usize,
    },
    /// Two mirrored entries differ by more than rounding.
    #[error("the kernel is not symmetric: ({row}, {column}) is {value}, its mirror {mirrored}")]
    Asymmetric {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// The entry.
        value: f64,
        /// The entry with row and column exchanged.
        mirrored: f64,
    },
}
